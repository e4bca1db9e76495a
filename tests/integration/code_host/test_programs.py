"""gh and glab: how they are called, what they may see, and which of their answers are believed."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from orchestrate.adapters.code_host.choice import code_host_for
from orchestrate.adapters.code_host.gh import GitHub
from orchestrate.adapters.code_host.glab import GitLab
from orchestrate.ports.code_host import HostedRepository, NotDoneError, Opened, PullRequest
from tests.integration.code_host import stubs
from tests.integration.code_host.stubs import Stub, environment

GITHUB = HostedRepository("github.com", "ada/shop")
GITLAB = HostedRepository("gitlab.com", "team/apps/shop")
BODY = "## What\n\nümläut and `code`\n"


def asked(repository: HostedRepository) -> PullRequest:
    return PullRequest(repository, "orchestrate/r", "main", "bugfix: it -- is", BODY)


@pytest.fixture
def gh(tmp_path: Path) -> Stub:
    stub = Stub(tmp_path, "gh")
    stub.answer("auth", "status", err=stubs.GH_LOGGED_IN)
    stub.answer("pr", "create", out=stubs.GH_OPENED, err="Warning: 1 uncommitted change\n")
    return stub


@pytest.fixture
def glab(tmp_path: Path) -> Stub:
    stub = Stub(tmp_path, "glab")
    stub.answer("auth", "status", err=stubs.GLAB_LOGGED_IN)
    stub.answer("api", out=stubs.GLAB_OPENED)
    return stub


def test_gh_is_told_everything_and_asked_nothing(gh: Stub, tmp_path: Path) -> None:
    opened = GitHub(tmp_path, environment(gh, GH_TOKEN="k1")).open(asked(GITHUB))
    assert opened == Opened("https://github.com/ada/shop/pull/7")
    [call] = gh.calls
    assert call["argv"] == [
        *("pr", "create", "--repo", "github.com/ada/shop", "--head", "orchestrate/r"),
        *("--base", "main", "--title", "bugfix: it -- is", "--body-file", "-"),
    ]
    assert call["stdin"] == BODY
    assert call["cwd"] == str(tmp_path)
    assert (call["env"]["GH_PROMPT_DISABLED"], call["env"]["GH_HOST"]) == ("1", "github.com")
    assert call["env"]["GH_TOKEN"] == "k1"


def test_glab_gets_the_same_as_json_and_touches_no_repository(glab: Stub, tmp_path: Path) -> None:
    opened = GitLab(tmp_path, environment(glab)).open(asked(GITLAB))
    assert opened == Opened("https://gitlab.com/team/apps/shop/-/merge_requests/7")
    [call] = glab.calls
    assert call["argv"] == [
        *("api", "--hostname", "gitlab.com", "--method", "POST"),
        *("--header", "Content-Type: application/json", "--input", "-"),
        "projects/team%2Fapps%2Fshop/merge_requests",
    ]
    assert json.loads(call["stdin"]) == {
        "source_branch": "orchestrate/r",
        "target_branch": "main",
        "title": "bugfix: it -- is",
        "description": BODY,
    }
    assert call["env"]["NO_PROMPT"] == "true"


def test_only_the_keys_of_the_program_are_passed_and_nothing_else(
    gh: Stub, glab: Stub, tmp_path: Path
) -> None:
    env = environment(
        gh, glab, GH_TOKEN="k1", GITLAB_TOKEN="k2", AWS_SECRET_ACCESS_KEY="k3", GH_DEBUG="api"
    )
    GitHub(tmp_path, env).open(asked(GITHUB))
    GitLab(tmp_path, env).open(asked(GITLAB))
    [to_gh], [to_glab] = gh.calls, glab.calls
    assert {"GH_TOKEN"} == {name for name in to_gh["env"] if "TOKEN" in name}
    assert {"GITLAB_TOKEN"} == {name for name in to_glab["env"] if "TOKEN" in name}
    for call in (to_gh, to_glab):
        assert not {"AWS_SECRET_ACCESS_KEY", "GH_DEBUG"} & call["env"].keys()
        assert call["env"]["HOME"] == env["HOME"]


def test_a_key_for_one_host_is_not_shown_to_another(gh: Stub, glab: Stub, tmp_path: Path) -> None:
    """A repository somebody sent may have a remote at a host of theirs."""
    env = environment(gh, glab, GH_TOKEN="k1", GH_ENTERPRISE_TOKEN="k2", GITLAB_TOKEN="k3")
    GitHub(tmp_path, env).status("github.evil.example")
    GitLab(tmp_path, env).status("gitlab.evil.example")
    for call in (*gh.calls, *glab.calls):
        assert not [name for name in call["env"] if "TOKEN" in name]
    GitHub(tmp_path, {**env, "GH_HOST": "git.corp.example"}).status("git.corp.example")
    GitLab(tmp_path, {**env, "GITLAB_HOST": "https://git.corp.example"}).status("git.corp.example")
    assert gh.calls[-1]["env"]["GH_ENTERPRISE_TOKEN"] == "k2"
    assert glab.calls[-1]["env"]["GITLAB_TOKEN"] == "k3"
    GitLab(tmp_path, {**env, "GITLAB_HOST": "https://git.corp.example"}).status("gitlab.com")
    assert "GITLAB_TOKEN" not in glab.calls[-1]["env"]


def test_a_pull_request_that_is_there_already_is_found(
    gh: Stub, glab: Stub, tmp_path: Path
) -> None:
    gh.answer("pr", "create", code=1, err=stubs.GH_EXISTS)
    glab.answer("api", code=1, out=stubs.GLAB_EXISTS, err="glab: HTTP 409\n")
    env = environment(gh, glab)
    first = GitHub(tmp_path, env).open(asked(GITHUB))
    assert first == Opened("https://github.com/ada/shop/pull/7", new=False)
    second = GitLab(tmp_path, env).open(asked(GITLAB))
    assert second == Opened("https://gitlab.com/team/apps/shop/-/merge_requests/7", new=False)


@pytest.mark.parametrize(
    ("code", "out", "err", "told"),
    [
        (0, "", "", "named no pull request"),
        (0, "https://evil.example/ada/shop/pull/7\n", "", "named no pull request"),
        (4, "", "To get started with GitHub CLI, please run:  gh auth login\n", "not logged in"),
        (1, "", "GraphQL: No commits between main and x (createPullRequest)\n", "No commits"),
        (1, "https://github.com/ada/shop/pull/7\n", "", "opened no pull request"),
    ],
)
def test_gh_is_believed_only_with_code_and_address(
    gh: Stub, tmp_path: Path, code: int, out: str, err: str, told: str
) -> None:
    gh.answer("pr", "create", code=code, out=out, err=err)
    with pytest.raises(NotDoneError, match=told):
        GitHub(tmp_path, environment(gh)).open(asked(GITHUB))


@pytest.mark.parametrize(
    ("code", "out"),
    [
        (0, ""),  # as `glab mr create` in a folder without the remote
        (0, "Bad Request"),
        (0, '{"message": "401 Unauthorized"}'),
        (1, stubs.GLAB_OPENED),
        (0, '{"web_url": "javascript:alert(1)"}'),
    ],
)
def test_glab_is_believed_only_with_code_and_answer(
    glab: Stub, tmp_path: Path, code: int, out: str
) -> None:
    glab.answer("api", code=code, out=out)
    with pytest.raises(NotDoneError, match="opened no merge request"):
        GitLab(tmp_path, environment(glab)).open(asked(GITLAB))


def test_a_key_that_a_program_prints_is_not_shown(gh: Stub, tmp_path: Path) -> None:
    gh.answer("pr", "create", code=1, err="bad key k-secret for https://ada:pw@github.com/x\n")
    with pytest.raises(NotDoneError) as caught:
        GitHub(tmp_path, environment(gh, GH_TOKEN="k-secret")).open(asked(GITHUB))
    assert "bad key *** for https://***@github.com/x" in caught.value.message


@pytest.mark.parametrize(
    ("code", "text", "usable"),
    [(0, stubs.GH_LOGGED_IN, True), (1, stubs.GH_LOGGED_OUT, False), (0, "github.com\n  X", False)],
)
def test_gh_is_usable_when_it_says_so(
    gh: Stub, tmp_path: Path, code: int, text: str, usable: bool
) -> None:
    gh.answer("auth", "status", code=code, out=text)
    status = GitHub(tmp_path, environment(gh)).status("github.com")
    assert status.usable is usable
    assert status.remedy == ("" if usable else "gh auth login --hostname github.com")


def test_glab_that_ends_well_without_a_login_is_not_usable(glab: Stub, tmp_path: Path) -> None:
    glab.answer("auth", "status", code=0, err=stubs.GLAB_LOGGED_OUT)
    status = GitLab(tmp_path, environment(glab)).status("gitlab.com")
    assert (status.usable, status.remedy) == (False, "glab auth login --hostname gitlab.com")


def test_a_program_that_is_not_there_is_named_with_what_to_install(tmp_path: Path) -> None:
    for host in (GitHub(tmp_path, environment()), GitLab(tmp_path, environment())):
        status = host.status("example.org")
        assert (status.usable, status.program) == (False, "")
        assert f"install {host.name}" in status.remedy


def test_a_program_of_the_repositorys_own_is_never_shown_a_key(gh: Stub, tmp_path: Path) -> None:
    for name in ("", ".", gh.path.name):
        theirs = {**environment(), "PATH": os.pathsep.join([name, "/nowhere"]), "GH_TOKEN": "k"}
        folder = tmp_path if name == gh.path.name else gh.path
        assert not GitHub(folder, theirs).status("github.com").usable
        with pytest.raises(NotDoneError, match="gh cannot be run: it is not on PATH"):
            GitHub(folder, theirs).open(asked(GITHUB))
    assert gh.calls == []


def test_a_program_that_does_not_end_is_stopped(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    stub = Stub(tmp_path, "gh")
    (stub.path / "gh").write_text("#!/bin/sh\nsleep 600 &\nwait\n")
    monkeypatch.setattr("orchestrate.adapters.code_host.program.TIMEOUT_S", 0.3)
    with pytest.raises(NotDoneError, match="did not end"):
        GitHub(tmp_path, environment(stub)).open(asked(GITHUB))


@pytest.mark.parametrize(
    ("host", "name"),
    [
        ("github.com", "gh"),
        ("corp.ghe.com", "gh"),
        ("github.corp.example", "gh"),
        ("gitlab.com", "glab"),
        ("gitlab.corp.example:8443", "glab"),
    ],
)
def test_the_name_of_a_host_says_which_program(tmp_path: Path, host: str, name: str) -> None:
    found = code_host_for(HostedRepository(host, "a/b"), tmp_path, environment())
    assert found is not None
    assert found.name == name


def test_a_host_of_ones_own_is_that_of_the_program_logged_in_there(
    gh: Stub, glab: Stub, tmp_path: Path
) -> None:
    repository = HostedRepository("git.corp.example", "a/b")
    env = environment(gh, glab)
    assert code_host_for(repository, tmp_path, env) is None
    glab.answer("auth", "status", err="  ✓ Logged in to git.corp.example as ada (keyring)\n")
    found = code_host_for(repository, tmp_path, env)
    assert found is not None
    assert found.name == "glab"
