"""Runs that write, through the command line: what is isolated, published, refused and told (N5)."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from tests.e2e.command import kinds, log, orchestrate
from tests.e2e.git_states import commit, git
from tests.e2e.writing import files_at, project, run_flow
from tests.planted_fixes import write_advisories

HEAD = "version: 1\nname: w\nphases:\n  - name: p\n    tasks:\n"


def flow(*tasks: str, gates: str = "") -> str:
    """A workflow of one phase."""
    text = HEAD + "".join(f"      - {task}\n" for task in tasks)
    return text + (f"    gates:\n      - {gates}\n" if gates else "")


def test_result_is_a_branch_and_the_users_tree_is_as_it_was(tmp_path: Path) -> None:
    root = project(tmp_path / "repo")
    (root / "b.txt").write_text("mine, not committed\n")
    done = run_flow(root, "--base", "head")
    assert done.code == 0, done
    branch = git(root, "for-each-ref", "--format=%(refname:short)", "refs/heads/orchestrate")
    assert f"branch    {branch}" in done.out
    assert "as they were" in done.out
    assert files_at(root, branch.strip())["b.txt"] == "b\nfirst\n"
    assert (root / "b.txt").read_text() == "mine, not committed\n"
    assert "without 1 local change" in done.err


def test_local_changes_are_taken_in_when_asked(tmp_path: Path) -> None:
    root = project(tmp_path / "repo")
    (root / "b.txt").write_text("mine\n")
    (root / "new.txt").write_text("untracked\n")
    done = run_flow(root, "--include-local-changes", "--json")
    assert done.code == 0, done
    files = files_at(root, done.data["branch"])
    assert (files["b.txt"], files["new.txt"]) == ("mine\nfirst\n", "untracked\n")
    assert git(root, "status", "--porcelain").split() == ["M", "b.txt", "??", "new.txt"]


def test_without_git_the_result_is_a_patch(tmp_path: Path) -> None:
    root = tmp_path / "plain"
    root.mkdir()
    (root / "a.txt").write_text("one\n")
    (tmp_path / "flow.yaml").write_text(flow("{id: a, run: echo two >> a.txt, writes: [a.txt]}"))
    done = orchestrate("run", "../flow.yaml", "--json", cwd=root)
    assert done.code == 0, done
    patch = Path(done.data["branch"])
    assert patch.suffix == ".patch"
    assert "+two" in patch.read_text()
    assert (root / "a.txt").read_text() == "one\n"
    assert [path.name for path in root.iterdir()] == ["a.txt"]


def test_writing_past_the_workspace_is_seen_by_the_audit(tmp_path: Path) -> None:
    root = project(tmp_path / "repo")
    task = f"{{id: a, run: 'echo x > a2; echo astray >> {root}/a.txt', writes: [a2]}}"
    (tmp_path / "flow.yaml").write_text(flow(task))
    done = run_flow(root, "--json")
    assert done.data["status"] == "completed"
    assert done.code == 10, done
    assert done.data["audit"] == "failed"
    assert done.data["audit_changes"] == ["file a.txt changed"]
    assert "what is yours is not as it was at the beginning of the run: file a.txt changed" in (
        done.err
    )


def test_a_run_beside_it_that_ends_earlier_is_none_of_the_audits_business(tmp_path: Path) -> None:
    root = project(tmp_path / "repo")
    (tmp_path / "flow.yaml").write_text(flow("{id: a, run: echo x > x, writes: [x]}"))
    nested = f"{sys.executable} -P -m orchestrate run {tmp_path}/flow.yaml --repo {root}"
    outer = f"{{id: a, run: 'env -u ORCHESTRATE_ATTEMPT {nested} >&2; echo y > y', writes: [y]}}"
    (tmp_path / "outer.yaml").write_text(flow(outer))
    done = orchestrate("run", "../outer.yaml", "--json", cwd=root)
    branches = git(root, "for-each-ref", "--format=%(refname)", "refs/heads/orchestrate").split()
    assert len(branches) == 2, done
    assert (done.code, done.data["audit"]) == (0, "passed"), done


def test_our_own_folders_inside_the_repository_are_not_the_users(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    root = project(tmp_path / "home")
    monkeypatch.setenv("XDG_STATE_HOME", str(root / ".local" / "state"))
    commit(root, ".gitignore", ".local/\n", "ignore")
    done = run_flow(root, "--json")
    assert done.code == 0, done
    assert done.data["audit"] == "passed", done.data["audit_changes"]


def test_tests_of_a_repository_nobody_trusts_are_not_run_and_unknown(tmp_path: Path) -> None:
    root = project(tmp_path / "repo")
    commit(root, "test_it.py", "open('/dev/null/ran', 'w')\n", "a test")
    (tmp_path / "flow.yaml").write_text(flow("{id: a, run: echo x > x, writes: [x]}"))
    done = run_flow(root, "--if-tests-pass")
    assert done.code == 10, done
    assert "needs your trust" in done.err + done.out
    trusted = orchestrate("trust", "show", cwd=root)
    assert "not" in trusted.out


def test_gate_on_the_size_of_a_change_sends_work_back_and_then_fails(tmp_path: Path) -> None:
    root = project(tmp_path / "repo")
    task = "{id: a, run: seq 50 > long.txt, writes: [long.txt], max_returns: 1}"
    gate = "{name: small, kind: diff, max_lines: 10, each_merge: true}"
    (tmp_path / "flow.yaml").write_text(flow(task, gates=gate))
    done = run_flow(root)
    assert done.code == 1, done
    events = log(root / ".git" / "orchestrate")
    assert kinds(events).count("WorkReturned a") == 2
    returned = next(event for event in events if event["event"] == "WorkReturned")
    assert "50 lines changed, more than 10" in returned["message"]
    assert git(root, "for-each-ref", "refs/heads/orchestrate") == ""


def test_command_is_asked_of_each_piece_of_work_before_it_is_merged(tmp_path: Path) -> None:
    root = project(tmp_path / "repo")
    good = "{id: good, run: echo 1 > good, writes: [good]}"
    bad = "{id: bad, run: echo 1 > bad, writes: [bad], max_returns: 0}"
    last = "{id: last, run: echo 1 > last, writes: [last]}"
    gate = "{name: none-bad, kind: command, command: test ! -e bad, each_merge: true}"
    (tmp_path / "flow.yaml").write_text(
        flow(good, bad, last, gates=gate) + "on_failure: continue\n"
    )
    assert run_flow(root).code == 1
    events = log(root / ".git" / "orchestrate")
    merged = [event["task"] for event in events if event["event"] == "WorkMerged"]
    returned = [event["task"] for event in events if event["event"] == "WorkReturned"]
    assert (sorted(merged), returned) == (["good", "last"], ["bad"])


@pytest.mark.parametrize(
    ("line", "code"), [("y = 2", 0), ("import requests; requests.get(y, verify=False)", 1)]
)
def test_gate_on_new_findings_tells_a_harmless_change_from_a_flaw(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, line: str, code: int
) -> None:
    root = project(tmp_path / "repo")
    commit(root, "pyproject.toml", '[project]\nname = "p"\nversion = "1"\n', "project")
    commit(root, "m.py", "y = 1\n", "module")
    monkeypatch.setenv("ORCHESTRATE_ADVISORIES", str(write_advisories(tmp_path / "advisories")))
    task = f"{{id: a, run: 'echo \"{line}\" >> m.py', writes: [m.py]}}"
    gate = "{name: clean, kind: findings, severity: high}"
    (tmp_path / "flow.yaml").write_text(flow(task, gates=gate))
    done = run_flow(root)
    assert done.code == code, done


def test_gate_that_refuses_takes_the_run_back_and_the_work_is_done_anew(tmp_path: Path) -> None:
    root = project(tmp_path / "repo")
    # The first time too much is written; told why, it writes less.
    command = 'if [ -n "$ORCHESTRATE_FEEDBACK" ]; then echo 1 > n; else seq 50 > n; fi'
    task = f"{{id: a, run: '{command}', writes: [n]}}"
    gate = "{name: small, kind: diff, max_lines: 10}"
    (tmp_path / "flow.yaml").write_text(flow(task, gates=gate))
    first = run_flow(root)
    assert first.code == 1, first
    events = log(root / ".git" / "orchestrate")
    back = next(event for event in events if event["event"] == "RunRolledBack")
    assert (back["checkpoint"], back["automatic"]) == ("c1", True)
    again = orchestrate("resume", "last", "--yes", "--json", cwd=root)
    assert again.code == 0, again
    assert files_at(root, again.data["branch"])["n"] == "1\n"


def test_approval_is_asked_for_before_anything_is_published(tmp_path: Path) -> None:
    root = project(tmp_path / "repo")
    waiting = run_flow(root, "--require-security-approval")
    assert waiting.code == 7, waiting
    assert git(root, "for-each-ref", "refs/heads/orchestrate") == ""
    assert orchestrate("approve", "last", cwd=root).code == 0
    assert orchestrate("resume", "last", "--yes", cwd=root).code == 0
    assert git(root, "for-each-ref", "refs/heads/orchestrate") != ""


def test_sparse_workspace_has_only_the_folders_named(tmp_path: Path) -> None:
    root = project(tmp_path / "repo")
    commit(root, "near/f", "near\n", "near")
    commit(root, "far/f", "far\n", "far")
    task = "{id: a, run: ls -d */ > near/seen, writes: [near/], sparse: [near]}"
    (tmp_path / "flow.yaml").write_text(flow(task))
    done = run_flow(root, "--json")
    assert done.code == 0, done
    files = files_at(root, done.data["branch"])
    assert files["near/seen"] == "near/\n"
    assert files["far/f"] == "far\n"


@pytest.mark.slow
def test_members_of_a_list_are_tasks_of_their_own(tmp_path: Path) -> None:
    root = project(tmp_path / "repo")
    listing = '[{"key":"x","writes":"x.txt"},{"key":"y","writes":"y.txt"}]'
    (tmp_path / "flow.yaml").write_text(
        flow(
            f"{{id: list, run: 'printf %s ''{listing}'' > $ORCHESTRATE_OUTPUTS/l', "
            "outputs: [{name: l, path: l}]}",
            "{id: each, needs: [list], each: tasks.list.outputs.l, writes: true,"
            " run: 'echo $ORCHESTRATE_ITEM_KEY > $ORCHESTRATE_ITEM_KEY.txt'}",
        )
    )
    done = run_flow(root, "--json")
    assert done.code == 0, done
    files = files_at(root, done.data["branch"])
    assert (files["x.txt"], files["y.txt"]) == ("x\n", "y\n")
