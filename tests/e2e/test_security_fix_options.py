"""What the options of `security` make of a fix: proven, kept off, merged unproven, declined."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.e2e.command import Result, orchestrate
from tests.e2e.git_states import commit, git

pytestmark = pytest.mark.slow

FLAW = """\
import tempfile


def draft(text):
    name = tempfile.mktemp(suffix=".txt")
    with open(name, "w") as file:
        file.write(text)
    return name
"""
TEST = """\
import os
import unittest

import notes


class Notes(unittest.TestCase):
    def test_a_draft_holds_its_text(self):
        with open(notes.draft("hello")) as file:
            self.assertEqual(file.read(), "hello")
"""
#: Passes only as long as the file's mode is what `open` makes of it.
RELIES_ON_FLAW = """
    def test_others_may_read_it(self):
        os.umask(0o022)
        self.assertEqual(os.stat(notes.draft("x")).st_mode & 0o777, 0o644)
"""


#: The same flaw in another function.
ANOTHER = "\n\n" + FLAW.partition("\n\n\n")[2].replace("draft", "sketch")


@pytest.fixture
def repository(tmp_path: Path, home: Path) -> Path:
    """A project with one flaw and one test."""
    root = tmp_path / "notes"
    root.mkdir()
    git(root, "init", "-q")
    commit(root, "tests/test_notes.py", TEST, "test")
    commit(root, "notes.py", FLAW, "notes")
    return root


def fixes(done: Result) -> list[Any]:
    assert done.code == 0, done
    return list(done.data["remediation"]["fixes"])


def branches(root: Path) -> str:
    return git(root, "branch", "--list", "--format=%(refname:short)", "orchestrate/*").strip()


def test_without_trust_a_fix_is_made_kept_off_and_said_how_to_go_on(repository: Path) -> None:
    done = orchestrate("security", "--json", cwd=repository)

    (fix,) = fixes(done)
    assert fix["standing"] == "kept off"
    assert "--trust-repo" in fix["why"]
    assert "orchestrate security --trust-repo" in done.err
    assert "--include-unverified" in done.err
    assert branches(repository) == ""
    assert "pull_request" not in done.data["reports"]
    assert "mkstemp" in git(repository, "show", fix["commit"])


def test_with_trust_it_is_proven_and_the_branch_is_shown(repository: Path) -> None:
    done = orchestrate("security", "--trust-repo", cwd=repository)

    assert done.code == 0, done
    branch = branches(repository)
    assert branch.startswith("orchestrate/")
    assert "1 fix: 1 proven and merged." in done.out
    assert "before 1 passed, after 2 passed" in done.out
    assert f"git diff HEAD...{branch}" in done.out
    assert "pr text   " in done.out
    assert "audit     files, HEAD" in done.out
    assert "mkstemp" in git(repository, "show", f"{branch}:notes.py")
    assert (repository / "notes.py").read_text() == FLAW


def test_unverified_fixes_are_merged_and_marked_when_asked_for(repository: Path) -> None:
    done = orchestrate("security", "--include-unverified", "--json", cwd=repository)

    (fix,) = fixes(done)
    assert fix["standing"] == "unverified"
    assert done.data["branch"] == branches(repository) != ""
    text = Path(done.data["reports"]["pull_request"]).read_text("utf-8")
    assert "## Not verified" in text


def test_a_fix_that_breaks_a_test_is_taken_back_and_the_test_named(repository: Path) -> None:
    commit(repository, "tests/test_notes.py", TEST + RELIES_ON_FLAW, "rely on it")

    done = orchestrate("security", "--trust-repo", "--include-unverified", "--json", cwd=repository)

    (fix,) = fixes(done)
    assert fix["standing"] == "taken back"
    assert "test_others_may_read_it" in fix["why"]
    assert branches(repository) == ""


def test_equal_flaws_in_two_functions_are_both_fixed(repository: Path) -> None:
    commit(repository, "notes.py", FLAW + ANOTHER, "another")

    done = orchestrate("security", "--trust-repo", "--json", cwd=repository)

    assert {fix["symbol"]: fix["why"] for fix in fixes(done)} == {"draft": "", "sketch": ""}


def test_without_fixing_nothing_is_planned_and_git_is_left_alone(repository: Path) -> None:
    done = orchestrate("security", "--no-fix", "--json", cwd=repository)

    assert fixes(done) == []
    assert done.data["remediation"]["asked"] is False
    assert {task["task"] for task in done.data["tasks"]} == {
        "vulnerabilities", "review", "architecture", "aggregate", "report",
    }  # fmt: skip
    assert git(repository, "for-each-ref", "refs/orchestrate") == ""
    assert done.data["audit"] == ""


def test_local_changes_are_fixed_only_when_they_are_taken_in(repository: Path) -> None:
    (repository / "notes.py").write_text(FLAW + ANOTHER.replace(".txt", ".svg"))

    head = orchestrate("security", "--trust-repo", "--json", cwd=repository)
    standings = {fix["symbol"]: fix["standing"] for fix in fixes(head)}
    assert standings == {"draft": "merged", "sketch": "failed"}
    assert "--include-local-changes" in head.err

    both = orchestrate(
        "security", "--trust-repo", "--include-local-changes", "--json", cwd=repository
    )
    standings = {fix["symbol"]: fix["standing"] for fix in fixes(both)}
    assert standings == {"draft": "merged", "sketch": "merged"}


def test_where_nothing_can_be_based_on_the_scan_goes_on_without_fixes(
    tmp_path: Path, home: Path
) -> None:
    root = tmp_path / "unborn"
    root.mkdir()
    git(root, "init", "-q")
    (root / "notes.py").write_text(FLAW)

    done = orchestrate("security", "--json", cwd=root)
    refused = orchestrate("security", "--fix", "--json", cwd=root)

    assert fixes(done) == []
    assert done.data["findings"]["medium"] == 1
    assert "nothing will be changed" in done.err
    assert refused.code != 0
    assert "no commit yet" in refused.err
