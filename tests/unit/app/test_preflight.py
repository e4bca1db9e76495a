from __future__ import annotations

import msgspec
import pytest

from orchestrate.app.preflight import check, refusals
from orchestrate.core.planning.definition import PhaseSpec, TaskSpec, Workflow
from orchestrate.errors import ConfigurationError
from orchestrate.wiring import backends


def workflow(*tasks: TaskSpec) -> Workflow:
    return Workflow(name="w", phases=(PhaseSpec(name="p"),), tasks=tasks)


GOOD = (
    TaskSpec(id="shell", phase="p", run="true"),
    TaskSpec(id="scan", phase="p", agent="security-scout", backend="local", action="security-scan"),
)


def test_tasks_that_can_be_performed_pass() -> None:
    assert refusals(workflow(*GOOD), backends()) == ()
    check(workflow(*GOOD), backends())


@pytest.mark.parametrize(
    ("task", "reason"),
    [
        (TaskSpec(id="t", phase="p", agent="architect"), "no backend to perform it"),
        (TaskSpec(id="t", phase="p", agent="architect", backend="nowhere"), "no backend 'nowhere'"),
        (TaskSpec(id="t", phase="p", agent="a", backend="local", action="x"), "no action 'x'"),
        (TaskSpec(id="t", phase="p", agent="a", backend="local"), "without an `action`"),
        (TaskSpec(id="t", phase="p", agent="a", backend="shell"), "needs a command"),
    ],
)
def test_a_task_nobody_could_perform_is_refused_before_the_run(task: TaskSpec, reason: str) -> None:
    """B7: what is missing is said first."""
    with pytest.raises(ConfigurationError) as error:
        check(workflow(*GOOD, task), backends())
    assert "; task t: " in f"; {error.value.message.partition('here: ')[2]}"
    assert reason in error.value.message
    assert "local, scripted, shell" in error.value.remedy


def test_a_resolver_nobody_could_perform_is_refused_before_the_run() -> None:
    resolver = TaskSpec(id="resolver", phase="", agent="architect")
    joined = msgspec.structs.replace(workflow(*GOOD), resolver=resolver)
    reason = "it names agent architect and no backend to perform it"
    assert refusals(joined, backends()) == (f"the resolver: {reason}",)
    shell = TaskSpec(id="resolver", phase="", run="./join")
    assert refusals(msgspec.structs.replace(joined, resolver=shell), backends()) == ()


def test_a_specialist_that_only_looks_is_refused_what_writes() -> None:
    reason = "it is to write, and security-scan changes no file"
    scan = msgspec.structs.replace(GOOD[1], writes=("src/**",))
    assert refusals(workflow(GOOD[0], scan), backends()) == (f"task scan: {reason}",)
    joined = msgspec.structs.replace(workflow(*GOOD), resolver=GOOD[1])
    assert refusals(joined, backends()) == (f"the resolver: {reason}",)
    shell = msgspec.structs.replace(GOOD[0], writes=("**",))
    assert refusals(workflow(shell), backends()) == ()
