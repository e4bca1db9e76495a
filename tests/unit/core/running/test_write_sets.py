"""Tasks that are expected to write the same files are kept apart until the first is merged."""

from __future__ import annotations

import pytest

from orchestrate.core.planning.write_set import covers, overlap
from orchestrate.core.running.capacity import HostView, admit
from orchestrate.core.running.effects import MergeWorks
from orchestrate.errors import IllegalCommandError
from tests.unit.core.running.drive import Run, workflow, writer


@pytest.mark.parametrize(
    ("first", "second", "met"),
    [
        ("src/a.py", "src/a.py", True),
        ("src/a.py", "src/b.py", False),
        ("src/", "src/deep/a.py", True),
        ("src/*.py", "src/a.py", True),
        ("src/*.py", "src/deep/a.py", False),
        ("src/*.py", "src/a.md", False),
        ("src/a*", "src/*z", True),
        ("src/a*", "src/b*", False),
        ("**/test_*.py", "tests/unit/test_x.py", True),
        ("docs/**", "src/**", False),
        ("**", "anything/at/all", True),
        ("./src/a.py", "src/a.py", True),
        ("src/[ab].py", "src/c.py", False),
        ("src/[id].tsx", "src/[id].tsx", True),
    ],
)
def test_patterns_meet_when_they_may_name_one_file(first: str, second: str, met: bool) -> None:
    assert bool(overlap((first,), (second,))) is met
    assert bool(overlap((second,), (first,))) is met


def test_overlap_names_the_pattern_of_the_second_that_meets() -> None:
    assert overlap(("a", "b/"), ("c", "b/x.py", "a")) == "a"
    assert overlap((), ("a",)) == ""
    assert covers(("src/",), "src/a/b.py")
    assert not covers(("src/*.py",), "src/a/b.py")


def rivals(**more: object) -> Run:
    return Run(
        workflow(
            writer("a", writes=("src/a.py",)),
            writer("b", writes=("src/",)),
            writer("c", writes=("docs/",)),
            writer("anything"),
            **more,  # type: ignore[arg-type]
        )
    ).start()


def test_overlapping_tasks_do_not_start_together() -> None:
    run = rivals()
    assert run.grant() == ("a", "c", "anything")
    held = admit(run.state, HostView(at=run.now), exhaustive=True).held
    assert [(each.task, each.kind, each.rival) for each in held] == [("b", "write-set", "a")]
    assert "its work is not merged yet" in held[0].reason
    with pytest.raises(IllegalCommandError, match="b may not start: work on the files"):
        run.begin("b")


def test_overlapping_tasks_cannot_be_granted_at_once() -> None:
    run = rivals()
    with pytest.raises(IllegalCommandError, match="work on the files it writes"):
        run.begin("a", "b")
    assert run.state.live == 0


def test_rival_waits_until_the_work_is_merged_or_sent_back() -> None:
    run = rivals()
    run.deliver("a")
    assert "b" not in admit(run.state, HostView(at=run.now)).grants
    run.merge("a")
    assert "b" in admit(run.state, HostView(at=run.now)).grants
    run.begin("b")
    run.deliver("b")
    run.hold()
    assert any(isinstance(effect, MergeWorks) for effect in run.pending)
    run.send_back("b")
    assert run.statuses["b"] == "ready"
    assert "b" in admit(run.state, HostView(at=run.now)).grants


def test_work_in_conflict_keeps_nobody_away() -> None:
    # It may wait for a person for days; what is merged meanwhile is part of what they resolve.
    run = rivals()
    run.deliver("a")
    run.hold()
    run.clash("a")
    assert "b" in admit(run.state, HostView(at=run.now)).grants


def test_task_of_which_nothing_is_known_keeps_nobody_away() -> None:
    run = Run(workflow(writer("x"), writer("y"), writer("z", writes=("src/", "**")))).start()
    assert run.grant() == ("x", "y", "z")


def test_held_rival_takes_no_slot_from_the_next() -> None:
    run = rivals(max_parallel=2)
    assert run.grant() == ("a", "c")
