"""Whether the user's things are untouched is said at the end of every run, in whatever state."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import msgspec
import pytest

from orchestrate.errors import RequestError
from orchestrate.hosts.local.audit import MAX_NAMED, Audit, differences
from orchestrate.ports.workspace import Fingerprint

BEFORE = Fingerprint({"a.py": "1"}, {"refs/heads/main": "c"}, {"config": "x"})


class _Things:
    """As much of Workspaces as the audit asks for."""

    def __init__(self, now: Fingerprint | Exception = BEFORE) -> None:
        self.now = now

    def fingerprint(self, exempt: Any = ()) -> Fingerprint:
        if isinstance(self.now, Exception):
            raise self.now
        return self.now


def _audit(folder: Path) -> tuple[Audit, Any]:
    things: Any = _Things()
    audit = Audit(things, folder)
    audit.begin("abc")
    return audit, things


def test_the_branches_of_runs_are_not_the_users_and_all_others_are(tmp_path: Path) -> None:
    audit, things = _audit(tmp_path)
    (tmp_path / "other").mkdir()
    refs = dict(BEFORE.refs)
    for name in ("orchestrate/abc", "orchestrate/other", "orchestrate/other-2", "orchestrate/x"):
        refs[f"refs/heads/{name}"] = "d"
    things.now = Fingerprint(BEFORE.files, refs, BEFORE.parts)
    found = audit.compare("abc", "orchestrate/abc")
    assert found.changes == ("ref refs/heads/orchestrate/x appeared",)


def test_a_branch_of_a_run_that_was_there_before_may_not_move(tmp_path: Path) -> None:
    things: Any = _Things(Fingerprint({}, {"refs/heads/orchestrate/abc": "1"}, {}))
    audit = Audit(things, tmp_path)
    audit.begin("abc")
    things.now = Fingerprint({}, {"refs/heads/orchestrate/abc": "2"}, {})
    assert audit.compare("abc").changes == ("ref refs/heads/orchestrate/abc changed",)


@pytest.mark.parametrize("error", [OSError(28, "No space left"), RequestError("not to be listed")])
def test_what_cannot_be_looked_at_is_unknown_and_ends_nothing(
    tmp_path: Path, error: Exception
) -> None:
    audit, things = _audit(tmp_path)
    things.now = error
    found = audit.compare("abc")
    assert (found.verdict, len(found.changes)) == ("unknown", 1)
    assert str(error) in found.changes[0]


def test_who_changes_what_was_kept_hides_nothing_from_who_kept_it(tmp_path: Path) -> None:
    audit, things = _audit(tmp_path)
    things.now = Fingerprint({"a.py": "2"}, BEFORE.refs, BEFORE.parts)
    (tmp_path / "abc" / "audit.json").write_bytes(msgspec.json.encode(things.now))
    assert audit.compare("abc").changes == ("file a.py changed",)
    # Another process has only the file to go by.
    assert Audit(things, tmp_path).compare("abc").verdict == "passed"


def test_what_git_obeys_is_named_however_many_files_changed(tmp_path: Path) -> None:
    audit, things = _audit(tmp_path)
    files = {f"{number}.txt": "n" for number in range(MAX_NAMED * 2)}
    things.now = Fingerprint(files, BEFORE.refs, {"config": "y"})
    found = audit.compare("abc")
    assert found.changes[0] == "git config changed"
    assert found.changes[-1] == f"and {MAX_NAMED + 2} more"
    assert differences(BEFORE, BEFORE) == ()
