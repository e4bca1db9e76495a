"""From a run's branch to a pull request: a real remote, and stand-ins for gh and glab."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import msgspec
import pytest

from orchestrate.app import runs
from orchestrate.errors import ConflictError, ExitCode
from orchestrate.ui.cli.opened import opened
from orchestrate.ui.cli.output import Output
from orchestrate.ui.cli.pull_request import create_pull_request, pull_request
from orchestrate.ui.cli.pull_request_data import PullRequestData
from tests.e2e.command import orchestrate
from tests.e2e.git_states import commit, git
from tests.e2e.invoked import Invoked
from tests.integration.code_host import stubs
from tests.integration.code_host.stubs import Stub

FLOW = """
version: 1
name: write
phases:
  - name: only
    tasks: [{id: first, run: echo new > new.txt, writes: [new.txt]}]
"""
#: A workflow that writes its own text, as `security` does.
OWN = """
version: 1
name: own
phases:
  - name: only
    tasks:
      - id: first
        run: echo own > own.txt; printf 'Mine\\n\\nas I say\\n' > "$ORCHESTRATE_OUTPUTS/pr.md"
        writes: [own.txt]
        outputs: [{name: pull_request, path: pr.md}]
"""
#: ssh to a code host that is a folder.
_SSH = """\
#!/bin/sh
for last; do :; done
eval "$(printf '%s' "$last" | sed "s#'/#'{hub}/#")"
"""


class Shop(NamedTuple):
    """A repository with a finished run, its remote, and the program of its code host."""

    root: Path
    hub: Path
    gh: Stub
    run: str

    def call(self, *arguments: str) -> Invoked:
        return Invoked(pull_request, *arguments, "--repo", str(self.root))

    def data(self, *arguments: str) -> PullRequestData:
        return msgspec.convert(self.call(*arguments, "--json").data, PullRequestData)

    @property
    def branch(self) -> str:
        return f"orchestrate/{self.run}"

    @property
    def at_hub(self) -> set[str]:
        return set(git(self.hub, "for-each-ref", "--format=%(refname)").split())


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, str]:
    """A run that wrote, in a repository whose remote is at a code host."""
    folder = tmp_path_factory.mktemp("shop")
    hub = folder / "ada" / "shop.git"
    hub.parent.mkdir()
    git(folder, "init", "-q", "--bare", str(hub))
    root = folder / "shop"
    git(folder, "init", "-q", "shop")
    commit(root, "a.txt", "a\n", "first")
    git(root, "push", "-q", str(hub), "main")
    (folder / "flow.yaml").write_text(FLOW)
    done = orchestrate("run", str(folder / "flow.yaml"), "--json", cwd=root)
    assert done.code == 0, done
    return folder, done.data["run"]


@pytest.fixture
def shop(
    finished: tuple[Path, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Shop]:
    folder, run = finished
    root, hub = folder / "shop", folder / "ada" / "shop.git"
    git(root, "remote", "add", "origin", "git@github.com:ada/shop.git")
    gh = Stub(tmp_path, "gh")
    gh.answer("auth", "status", err=stubs.GH_LOGGED_IN)
    gh.answer("pr", "create", out=stubs.GH_OPENED)
    ssh = tmp_path / "ssh"
    ssh.write_text(_SSH.format(hub=folder))
    ssh.chmod(ssh.stat().st_mode | stat.S_IXUSR)
    # `git@host:ada/shop.git` is relative to a home; the stand-in has none.
    monkeypatch.setenv("GIT_SSH_COMMAND", str(ssh))
    monkeypatch.setenv("GIT_SSH_VARIANT", "simple")
    monkeypatch.setenv("PATH", os.pathsep.join([str(gh.path), "/usr/bin", "/bin"]))
    git(root, "remote", "set-url", "origin", "ssh://git@github.com/ada/shop.git")
    yield Shop(root, hub, gh, run)
    git(root, "remote", "remove", "origin")
    for ref in git(hub, "for-each-ref", "--format=%(refname)", "refs/heads/orchestrate").split():
        git(hub, "update-ref", "-d", ref)


def test_the_branch_is_pushed_and_a_pull_request_opened_with_the_text(shop: Shop) -> None:
    done = shop.call()
    assert done.code == ExitCode.OK, done.err
    assert done.out == stubs.GH_OPENED
    assert f"pushed {shop.branch} to origin" in done.err
    assert shop.at_hub == {"refs/heads/main", f"refs/heads/{shop.branch}"}
    create = shop.gh.calls[-1]
    assert create["argv"][:8] == [
        *("pr", "create", "--repo", "github.com/ada/shop"),
        *("--head", shop.branch, "--base", "main"),
    ]
    assert "(`first`): 1 file, +1 -0 lines: `new.txt`" in create["stdin"]


def test_a_second_time_nothing_is_pushed_and_the_first_is_found(shop: Shop) -> None:
    shop.call()
    shop.gh.answer("pr", "create", code=1, err=stubs.GH_EXISTS)
    data = shop.data()
    assert (data.url, data.new, data.pushed) == (stubs.GH_OPENED.strip(), False, False)


def test_the_text_alone_pushes_and_asks_nothing(shop: Shop) -> None:
    done = shop.call("--print")
    assert done.code == ExitCode.OK
    title, _, body = done.out.partition("\n\n")
    assert title == "write"
    assert "## What changes" in body
    kept = Path(shop.data("--print").body_file)
    assert kept.read_text() == body
    assert stat.S_IMODE(kept.stat().st_mode) == 0o600
    assert shop.gh.calls == []
    assert shop.at_hub == {"refs/heads/main"}


def test_without_a_login_nothing_is_pushed_and_the_way_on_is_said(shop: Shop) -> None:
    shop.gh.answer("auth", "status", code=1, err=stubs.GH_LOGGED_OUT)
    done = shop.call()
    assert done.code == ExitCode.UNCONFIRMED
    assert done.out == ""
    assert "gh is not logged in at github.com" in done.err
    assert f"git push origin refs/heads/{shop.branch}:refs/heads/{shop.branch}" in done.err
    assert f"gh pr create --repo github.com/ada/shop --head {shop.branch}" in done.err
    assert shop.at_hub == {"refs/heads/main"}


def test_without_gh_it_is_the_same(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    (shop.gh.path / "gh").unlink()
    data = shop.data()
    assert "gh is not installed" in data.problem
    assert len(data.commands) == 2
    assert shop.at_hub == {"refs/heads/main"}


def test_an_opening_that_fails_after_the_push_leaves_only_that_to_do(shop: Shop) -> None:
    shop.gh.answer("pr", "create", code=1, err="GraphQL: Draft is not allowed\n")
    data = shop.data()
    assert (data.pushed, data.url) == (True, None)
    assert "Draft is not allowed" in data.problem
    [command] = data.commands
    assert command.startswith("gh pr create ")
    assert data.body_file in command


def test_what_the_user_has_not_published_is_not_published_with_it(shop: Shop) -> None:
    """The branch begins at a commit the remote does not have: of the user, not of the run."""
    orphan = git(shop.hub, "commit-tree", "-m", "other", "main^{tree}").strip()
    first = git(shop.hub, "rev-parse", "main").strip()
    git(shop.hub, "update-ref", "refs/heads/main", orphan)
    try:
        data = shop.data()
    finally:
        git(shop.hub, "update-ref", "refs/heads/main", first)
    assert "which origin does not have" in data.problem
    assert data.url is None
    assert not [call for call in shop.gh.calls if call["argv"][0] == "pr"]
    assert shop.at_hub == {"refs/heads/main"}


def test_a_branch_that_was_changed_since_is_left_to_the_user(shop: Shop) -> None:
    at = git(shop.root, "rev-parse", shop.branch).strip()
    git(shop.root, "update-ref", f"refs/heads/{shop.branch}", "main")
    try:
        data = shop.data()
    finally:
        git(shop.root, "update-ref", f"refs/heads/{shop.branch}", at)
    assert "it is at" in data.problem
    assert shop.at_hub == {"refs/heads/main"}


def test_a_remote_at_no_code_host_is_said(shop: Shop) -> None:
    git(shop.root, "remote", "set-url", "origin", str(shop.hub))
    data = shop.data()
    assert "at no code host" in data.problem
    assert data.commands == (f"git push origin refs/heads/{shop.branch}:refs/heads/{shop.branch}",)


def test_a_base_that_the_remote_has_not_is_refused(shop: Shop) -> None:
    assert "no branch 'develop'" in shop.data("--base", "develop").problem


def test_a_run_without_a_branch_has_nothing_to_hand_on(shop: Shop) -> None:
    flow = shop.root.parent / "look.yaml"
    flow.write_text("version: 1\nname: look\nphases: [{name: a, tasks: [{id: a, run: 'true'}]}]\n")
    looked = orchestrate("run", str(flow), "--json", cwd=shop.root)
    assert looked.code == 0, looked
    done = shop.call(looked.data["run"])
    assert isinstance(done.refusal, ConflictError)
    assert "there is no branch" in done.refusal.message


class _Said(Output):
    """What was told, for looking at it."""

    def __init__(self) -> None:
        super().__init__("run", as_json=True, quiet=False)
        self.said: list[str] = []

    def message(self, text: str) -> None:
        self.said.append(text)


def after_run(shop: Shop, code: int) -> tuple[int, str]:
    """What --create-pr makes of a run that ended with `code`."""
    output = _Said()
    with opened(str(shop.root)) as (site, store):
        state = runs.load(store, shop.run)
        code = create_pull_request(output, site, store, state, code)
    return code, "\n".join(output.said)


def test_after_a_run_that_ended_well_it_is_opened_and_named(shop: Shop) -> None:
    code, said = after_run(shop, ExitCode.OK)
    assert code == ExitCode.OK
    assert f"pull request: {stubs.GH_OPENED.strip()}" in said


def test_after_a_run_that_ended_well_a_failure_shows_in_the_exit_code(shop: Shop) -> None:
    shop.gh.answer("auth", "status", code=1, err=stubs.GH_LOGGED_OUT)
    code, said = after_run(shop, ExitCode.OK)
    assert code == ExitCode.UNCONFIRMED
    assert "go on by hand:" in said


def test_after_a_run_that_did_not_end_well_nothing_is_handed_on(shop: Shop) -> None:
    code, said = after_run(shop, ExitCode.FINDINGS)
    assert code == ExitCode.FINDINGS
    assert "did not end well" in said
    code, said = after_run(shop, ExitCode.UNCONFIRMED)
    assert code == ExitCode.UNCONFIRMED
    assert "not all of it could be confirmed" in said
    assert shop.gh.calls == []


def test_a_text_of_the_workflows_own_is_used_as_it_is(shop: Shop) -> None:
    flow = shop.root.parent / "own.yaml"
    flow.write_text(OWN)
    done = orchestrate("run", str(flow), "--json", cwd=shop.root)
    assert done.code == 0, done
    data = msgspec.convert(shop.call(done.data["run"], "--print", "--json").data, PullRequestData)
    assert (data.title, data.body) == ("Mine", "as I say\n")


def test_without_git_the_result_is_a_patch_and_stays_one(tmp_path: Path) -> None:
    (tmp_path / "plain").mkdir()
    (tmp_path / "plain" / "a.txt").write_text("a\n")
    (tmp_path / "flow.yaml").write_text(FLOW)
    done = orchestrate("run", str(tmp_path / "flow.yaml"), "--json", cwd=tmp_path / "plain")
    assert done.code == 0, done
    refused = Invoked(pull_request, "--repo", str(tmp_path / "plain")).refusal
    assert refused.remedy == f"git apply {done.data['branch']}"
