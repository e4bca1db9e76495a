"""A task with `each`: expanded into members when its list is there, and ended with them."""

from __future__ import annotations

import msgspec
import pytest

from orchestrate.core.planning.definition import PhaseSpec, RetryPolicy
from orchestrate.core.running import commands as cmd
from orchestrate.core.running.decide import StaleAttemptError
from orchestrate.core.running.effects import ReadList
from orchestrate.core.running.events import (
    ConditionHeld,
    GroupEnded,
    GroupItem,
    TaskFailed,
)
from orchestrate.errors import RequestError
from tests.unit.core.running.drive import BASE, Run, group, task, workflow, writer


def listed(*more: object, **options: object) -> Run:
    """A run whose group `fix` waits for its list, and `after` for the group."""
    tasks = (task("list"), group("fix", **options), task("after", "fix"))  # type: ignore[arg-type]
    run = Run(workflow(*tasks, *more)).start()  # type: ignore[arg-type]
    run.succeed("list")
    return run


def test_group_is_read_when_its_needs_have_ended() -> None:
    run = Run(workflow(task("list"), group("fix"))).start()
    assert run.pending == []
    run.succeed("list")
    assert run.pending == [ReadList("fix")]
    assert run.eligible == []


def test_group_becomes_one_task_for_each_item_and_ends_with_them() -> None:
    run = listed()
    run.give(
        cmd.ExpandGroup(
            task="fix",
            items=(
                GroupItem("one", {"path": "a.py"}, ("a.py",)),
                GroupItem("two", {"path": "b.py"}),
            ),
        )
    )
    assert run.statuses == {
        "list": "succeeded",
        "fix.one": "ready",
        "fix.two": "ready",
        "fix": "blocked",
        "after": "blocked",
    }
    spec = run.state.index.order[run.state.index.position["fix.one"]]
    assert spec.item == {"key": "one", "path": "a.py"}
    assert (spec.writes, spec.group, spec.needs) == (("a.py",), "fix", ("list",))
    assert run.eligible == ["fix.one", "fix.two"]
    run.succeed("fix.one")
    assert run.statuses["fix"] == "blocked"
    run.succeed("fix.two")
    ended = run.last(GroupEnded)
    assert (ended.succeeded, ended.failed) == (2, 0)
    assert run.statuses["fix"] == "succeeded"
    assert run.state.task("fix").metrics == {"succeeded": 2.0, "failed": 0.0}
    run.succeed("after")
    assert run.status == "completed"


def test_group_over_nothing_ends_at_once() -> None:
    run = listed()
    run.expand("fix")
    assert run.statuses == {"list": "succeeded", "fix": "succeeded", "after": "ready"}
    assert run.last(GroupEnded).succeeded == 0


def test_group_over_nothing_still_accepts_what_failed_before_it() -> None:
    tolerant = msgspec.structs.replace(group("fix"), trigger="all_done")
    run = Run(workflow(task("list"), tolerant)).start()
    run.fail("list")
    assert run.pending == [ReadList("fix")]
    run.expand("fix")
    assert run.status == "completed"
    assert run.statuses == {"list": "failed", "fix": "succeeded"}


@pytest.mark.parametrize(
    ("keys", "problem"),
    [
        (("a b",), "the key 'a b' cannot be part of a task's name"),
        (("../x",), "the key '../x' cannot be part"),
        (("x", "x"), "two tasks would be called fix.x"),
        (("taken",), "two tasks would be called fix.taken"),
        (("1", "2", "3", "4", "5", "6"), "its list has 6 items, and at most 5 are allowed"),
    ],
)
def test_list_that_cannot_be_used_fails_the_group_and_says_why(
    keys: tuple[str, ...], problem: str
) -> None:
    run = listed(task("fix.taken"))
    run.begin("fix.taken")
    run.expand("fix", *keys)
    assert problem in run.last(TaskFailed).message
    assert run.statuses["fix"] == "failed"
    assert run.state.groups == 0
    run.succeed("fix.taken")
    assert run.status == "failed"


def test_list_that_cannot_be_read_fails_the_group_and_can_be_read_again() -> None:
    run = listed()
    run.expand("fix", problem="fixes.json is not JSON")
    assert run.status == "failed"
    assert run.state.task("fix").message == "fixes.json is not JSON"
    run.give(cmd.ResumeRun())
    assert run.pending == [ReadList("fix")]
    run.expand("fix", "one")
    assert run.statuses["fix.one"] == "ready"


def test_one_failing_member_fails_the_group_when_all_have_ended() -> None:
    run = listed()
    run.expand("fix", "one", "two")
    run.fail("fix.one")
    assert run.statuses["fix.two"] == "ready"
    assert run.state.stopping == ""
    run.succeed("fix.two")
    assert run.statuses["fix"] == "failed"
    assert run.state.task("fix").message == "1 of 2 did not succeed: fix.one"
    assert run.status == "failed"
    assert run.state.failed_task == "fix"


def test_resuming_tries_the_failed_members_again_and_keeps_the_others() -> None:
    run = listed()
    run.expand("fix", "one", "two")
    run.fail("fix.one")
    run.succeed("fix.two")
    run.give(cmd.ResumeRun())
    assert run.statuses == {
        "list": "succeeded",
        "fix.one": "ready",
        "fix.two": "succeeded",
        "fix": "blocked",
        "after": "blocked",
    }
    run.succeed("fix.one")
    assert run.statuses["after"] == "ready"


def test_group_that_tolerates_failures_records_them_and_goes_on() -> None:
    run = listed(tolerate=True)
    run.expand("fix", "one", "two")
    run.fail("fix.one")
    run.succeed("fix.two")
    ended = run.last(GroupEnded)
    assert (ended.succeeded, ended.failed) == (1, 1)
    run.fail("after")
    assert run.status == "failed"
    run.give(cmd.ResumeRun())
    # What the group accepted stays accepted.
    assert run.statuses["fix.one"] == "failed"
    assert run.statuses["after"] == "ready"
    run.succeed("after")
    assert run.status == "completed"


def test_members_are_retried_as_the_group_says() -> None:
    run = listed(retry=RetryPolicy(max_attempts=2, backoff_s=0.0))
    run.expand("fix", "one")
    run.fail("fix.one")
    assert run.statuses["fix.one"] == "retrying"
    run.succeed("fix.one")
    assert run.statuses["fix"] == "succeeded"


def test_condition_is_judged_once_for_the_group() -> None:
    run = listed(when="tasks.list.ok")
    assert run.last(ConditionHeld).task == "fix"
    run.expand("fix", "one", "two")
    run.succeed("fix.one")
    run.succeed("fix.two")
    judged = [event.task for event in run.events if isinstance(event, ConditionHeld)]
    assert judged == ["fix"]


def test_condition_of_the_phase_is_judged_before_there_are_members() -> None:
    phases = (PhaseSpec("main", when="inputs.go"),)
    run = Run(workflow(task("list"), group("fix"), phases=phases), {"go": True}).start()
    run.succeed("list")
    run.expand("fix", "one")
    run.succeed("fix.one")
    judged = [event.task for event in run.events if isinstance(event, ConditionHeld)]
    assert judged == ["list", "fix"]
    assert run.status == "completed"


def test_group_whose_condition_does_not_hold_is_skipped_and_never_read() -> None:
    run = listed(when="not tasks.list.ok")
    assert run.statuses == {"list": "succeeded", "fix": "skipped", "after": "skipped"}
    assert run.pending == []


def test_expansion_in_the_middle_of_a_run_keeps_every_other_record() -> None:
    retrying = task("flaky")
    retrying = msgspec.structs.replace(retrying, retry=RetryPolicy(max_attempts=2, backoff_s=9.0))
    run = listed(task("busy"), retrying, writer("written"))
    run.begin("busy", "flaky", "written")
    run.fail("flaky")
    run.deliver("written")
    before = {name: run.state.task(name) for name in run.statuses if name != "fix"}
    run.expand("fix", "one", "two")
    assert {name: run.state.task(name) for name in before} == before
    assert run.statuses["busy"] == "running"
    run.succeed("busy")
    assert run.statuses["busy"] == "succeeded"


def test_group_is_expanded_once() -> None:
    run = listed()
    run.expand("fix", "one")
    with pytest.raises(StaleAttemptError, match="is not waiting for its list"):
        run.expand("fix", "one", "two")
    with pytest.raises(StaleAttemptError, match="list is not waiting"):
        run.expand("list", "one")
    with pytest.raises(RequestError, match="has no task other"):
        run.expand("other")


def test_list_is_not_read_while_the_run_is_paused_or_stopping() -> None:
    run = listed(task("bad"))
    run.give(cmd.PauseRun())
    assert run.pending == []
    run.give(cmd.ResumeRun())
    run.begin("bad")
    run.fail("bad")
    assert run.status == "failed"
    assert run.pending == []


@pytest.mark.parametrize("expanded", [False, True])
def test_cancelling_ends_the_group_and_its_members(expanded: bool) -> None:
    run = listed()
    if expanded:
        run.expand("fix", "one")
    run.give(cmd.CancelRun())
    assert {status for name, status in run.statuses.items() if name != "list"} == {"cancelled"}
    assert run.state.groups == 0


def test_members_that_write_are_merged_one_by_one() -> None:
    run = Run(workflow(task("list"), group("fix", writes=("**",)))).start()
    run.succeed("list")
    run.expand("fix", "one", "two")
    run.deliver("fix.one", "fix.two")
    run.merge("fix.one", "fix.two")
    assert run.statuses["fix"] == "succeeded"
    assert run.state.line != BASE
