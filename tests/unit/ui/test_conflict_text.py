"""How the versions of a file in conflict are put side by side; what can be typed about a run."""

from __future__ import annotations

import pytest

from orchestrate.core.planning.definition import PhaseSpec
from orchestrate.core.running import commands as cmd
from orchestrate.core.sharing.work import Conflict
from orchestrate.errors import ConflictError, RequestError
from orchestrate.ui.cli.conflict_work import (
    changes_of,
    conflicted,
    conflicts_of,
    file_in_conflict,
    versions_of,
)
from orchestrate.ui.cli.legal import typed_commands
from orchestrate.ui.cli.line_data import ConflictedFile
from tests.unit.core.running.drive import Run, gate, task, workflow, writer


def file(base: str | None, ours: str | None, theirs: str | None) -> ConflictedFile:
    return ConflictedFile(
        path="a", kind="content", base=base, ours=ours, theirs=theirs, binary=False
    )


def test_both_sides_are_compared_with_the_base() -> None:
    assert list(changes_of(file("x\ny\n", "x\nleft\n", "x\nright\n"))) == [
        *("--- the base", "+++ the line", "@@ -1,2 +1,2 @@", " x", "-y", "+left"),
        *("--- the base", "+++ the work", "@@ -1,2 +1,2 @@", " x", "-y", "+right"),
    ]


def test_a_side_without_the_file_is_said() -> None:
    lines = list(changes_of(file("x\n", None, "y\n")))
    assert lines[0] == "  the line has no such file"
    assert lines[-2:] == ["-x", "+y"]
    assert "  (no such file, or not text)" in versions_of(file("x\n", None, "y\n"))


def test_all_three_versions_are_told_whole() -> None:
    assert list(versions_of(file("b\n", "o\n", "t\n"))) == [
        *("--- the base", "b"),
        *("--- the line", "o"),
        *("--- the work", "t"),
    ]


class Blobs:
    """Stands in for the workspaces: only their blobs are asked for."""

    def __init__(self, blobs: dict[str, bytes]) -> None:
        self.blobs = blobs

    def blob(self, blob: str) -> bytes:
        return self.blobs[blob]


@pytest.mark.parametrize("data", [b"\0", b"\xff\xfe\xfa"])
def test_what_is_no_text_is_not_printed(data: bytes) -> None:
    found = file_in_conflict(
        Blobs({"1": b"x\n", "2": data}),  # type: ignore[arg-type]
        Conflict("a.bin", base="1", ours="2"),
    )
    assert (found.binary, found.base, found.ours, found.theirs) == (True, "x\n", None, None)
    assert list(changes_of(found)) == ["  (not text: look at the versions in the workspace)"]


# -- which there are ---------------------------------------------------------------------------


def clashing() -> Run:
    run = Run(workflow(writer("a"), writer("b"))).start()
    run.hold()
    run.deliver("a", "b")
    run.merge("a")
    run.hold()
    run.clash("b")
    return run


def test_work_in_conflict_is_listed_until_it_is_resolved() -> None:
    run = clashing()
    [row] = conflicts_of(run.state)
    assert (row.task, row.number, row.files, row.resolving) == ("b", 1, ("src/a.py",), False)
    assert conflicted(run.state, "b")[1].commit == "b.1"
    assert "orchestrate conflict show r b" in typed_commands(run.state)
    run.resolve("b")
    assert conflicts_of(run.state) == ()
    with pytest.raises(ConflictError, match="merging"):
        conflicted(run.state, "b")


def test_work_that_an_attempt_is_to_join_waits_for_nobody() -> None:
    run = Run(workflow(writer("a"), writer("b"), resolver=task("resolver"))).start()
    run.hold()
    run.deliver("a", "b")
    run.merge("a")
    run.hold()
    run.clash("b")
    [row] = conflicts_of(run.state)
    assert row.resolving
    with pytest.raises(ConflictError, match="waits for no resolution"):
        conflicted(run.state, "b")


def test_task_that_is_not_there_is_named() -> None:
    with pytest.raises(RequestError, match="'nobody'"):
        conflicted(clashing().state, "nobody")


def test_what_can_be_typed_follows_the_status() -> None:
    run = Run(workflow(task("a"), phases=(PhaseSpec("main", gates=(gate("look"),)),))).start()
    run.succeed("a")
    lines = typed_commands(run.state)
    assert "orchestrate approve r main/look" in lines
    assert "orchestrate pause r" in lines
    run.give(cmd.CancelRun())
    assert typed_commands(run.state) == ()
