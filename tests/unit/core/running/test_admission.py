"""Who gets a slot, in which order, and why the others do not."""

from __future__ import annotations

import msgspec
import pytest

from orchestrate.core.planning.definition import PhaseSpec, RetryPolicy, TaskSpec
from orchestrate.core.planning.staffing import Assignee
from orchestrate.core.running.capacity import HostView, admit
from orchestrate.core.running.effects import eligible
from orchestrate.core.running.state import INITIAL
from orchestrate.errors import IllegalCommandError
from tests.unit.core.running.drive import Run, agent_task, task, workflow


def _kinds(run: Run, view: HostView) -> dict[str, str]:
    return {held.task: held.kind for held in admit(run.state, view, exhaustive=True).held}


def test_nothing_is_admitted_without_a_plan() -> None:
    assert admit(INITIAL, HostView(at=0.0)).grants == ()


def test_priority_comes_first_then_the_longest_path_then_the_file() -> None:
    run = Run(
        workflow(
            TaskSpec("short", "main", run="true", expected_s=1.0),
            TaskSpec("long", "main", run="true", expected_s=9.0),
            TaskSpec("head", "main", run="true", expected_s=2.0),
            TaskSpec("tail", "main", run="true", expected_s=8.0, needs=("head",)),
            TaskSpec("urgent", "main", run="true", expected_s=1.0, priority=5),
            TaskSpec("last", "main", run="true", expected_s=1.0),
        )
    ).start()
    assert admit(run.state, HostView(at=run.now)).grants == (
        "urgent",
        "head",
        "long",
        "short",
        "last",
    )


def test_machine_and_run_limit_apply_both() -> None:
    run = Run(workflow(*(task(f"t{n}") for n in range(9)), max_parallel=4)).start()
    assert len(admit(run.state, HostView(at=run.now)).grants) == 4
    assert len(admit(run.state, HostView(at=run.now, slots=2)).grants) == 2
    assert admit(run.state, HostView(at=run.now, slots=0)).grants == ()
    run.begin("t0", "t1", "t2")
    assert len(admit(run.state, HostView(at=run.now)).grants) == 1
    assert set(_kinds(run, HostView(at=run.now)).values()) == {"slots"}


def test_full_phase_does_not_hold_another_back() -> None:
    phases = (PhaseSpec("one", max_concurrent=1), PhaseSpec("two"))
    tasks = [task(f"a{n}", phase="one") for n in range(3)] + [task("b", phase="two")]
    run = Run(workflow(*tasks, phases=phases)).start()
    found = admit(run.state, HostView(at=run.now))
    assert found.grants == ("a0", "b")
    assert [(held.task, held.kind) for held in found.held] == [("a1", "phase-limit")]
    assert _kinds(run, HostView(at=run.now)) == {"a1": "phase-limit", "a2": "phase-limit"}


def test_agent_that_does_one_task_at_once_is_given_one() -> None:
    lone = Assignee("lone", "claude", max_parallel=1)
    both = Assignee("pair", "claude", max_parallel=2)
    staff = {"a": (lone,), "b": (lone,), "c": (both,), "d": (both,), "e": (both,), "f": ()}
    tasks = [agent_task(name, staff=who) for name, who in staff.items()]
    run = Run(workflow(*tasks)).start()
    assert admit(run.state, HostView(at=run.now)).grants == ("a", "c", "d", "f")
    assert _kinds(run, HostView(at=run.now)) == {"b": "agent-limit", "e": "agent-limit"}
    with pytest.raises(
        IllegalCommandError, match="b may not start: agent lone does at most 1 at once"
    ):
        run.begin("a", "b")
    run.begin("a")
    assert admit(run.state, HostView(at=run.now)).grants == ("c", "d", "f")
    run.succeed("a")
    assert "b" in admit(run.state, HostView(at=run.now)).grants


def test_full_phase_of_ten_thousand_ready_tasks_is_passed_in_one_step() -> None:
    phases = (PhaseSpec("big", max_concurrent=1), PhaseSpec("small"))
    tasks = [task(f"a{n}", phase="big") for n in range(10_000)] + [task("b", phase="small")]
    run = Run(workflow(*tasks, phases=phases)).start()
    found = admit(run.state, HostView(at=run.now))
    # Everything that was looked at is granted or held: three tasks of ten thousand.
    assert found.grants == ("a0", "b")
    assert len(found.held) == 1
    run.begin("a0", "b")
    again = admit(run.state, HostView(at=run.now))
    assert (len(again.grants), len(again.held)) == (0, 1)


def test_slots_gone_ends_the_look() -> None:
    run = Run(workflow(*(task(f"t{n}") for n in range(10_000)), max_parallel=2)).start()
    found = admit(run.state, HostView(at=run.now))
    assert (len(found.grants), len(found.held)) == (2, 0)


def test_eligible_is_lazy() -> None:
    run = Run(workflow(*(task(f"t{n}") for n in range(10_000)))).start()
    first = next(eligible(run.state))
    assert (first.task, first.position) == ("t0", 0)


def test_little_memory_lets_one_attempt_run_and_holds_the_others() -> None:
    run = Run(workflow(task("a"), task("b"))).start()
    short = HostView(at=run.now, memory_available_bytes=10, memory_floor_bytes=100)
    found = admit(run.state, short)
    assert found.grants == ("a",)
    assert [held.kind for held in found.held] == ["memory"]
    run.begin("a")
    assert admit(run.state, short).grants == ()
    plenty = msgspec.structs.replace(short, memory_available_bytes=1_000)
    assert admit(run.state, plenty).grants == ("b",)
    unknown = HostView(at=run.now, memory_floor_bytes=100)
    assert admit(run.state, unknown).grants == ("b",)


def test_retry_before_its_time_is_held_and_takes_no_slot() -> None:
    policy = RetryPolicy(max_attempts=2, backoff_s=30.0)
    run = Run(
        workflow(TaskSpec("a", "main", run="true", retry=policy), task("b"), max_parallel=1)
    ).start()
    run.fail("a")
    found = admit(run.state, HostView(at=run.now))
    assert found.grants == ("b",)
    assert [(held.kind, held.until) for held in found.held] == [("backoff", run.now + 30.0)]
    assert admit(run.state, HostView(at=run.now + 30.0)).grants == ("a",)
