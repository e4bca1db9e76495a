"""Random valid workflows: small, but with every feature of the kernel in them."""

from __future__ import annotations

import msgspec
from hypothesis import strategies as st

from orchestrate.core.planning.budget import UNLIMITED
from orchestrate.core.planning.definition import (
    EachSpec,
    FailureCause,
    GateKind,
    GateSpec,
    Limits,
    OutputSpec,
    PhaseSpec,
    RetryPolicy,
    TaskSpec,
    TriggerRule,
    Workflow,
)
from tests.property.staff import (
    BUDGETS,
    CLAUDE,
    FREE,
    OPEN_ENDED,
    budgets,
    performed,
)

INPUTS: dict[str, str | int | float | bool] = {"flag": True, "level": 2}
CAUSES: tuple[FailureCause, ...] = (
    "crash",
    "exit",
    "timeout",
    "output_limit",
    "missing_output",
    "bad_output",
    "unavailable",
)

#: Forecasts that meet, that keep apart, and one that says nothing.
WRITES: tuple[tuple[str, ...], ...] = (
    ("src/a.py",),
    ("src/*.py", "docs/"),
    ("tests/",),
    ("**",),
)
EVIDENCE: tuple[GateKind, ...] = ("command", "tests", "coverage", "diff", "findings")
_OF_INPUTS = ("inputs.flag", "not inputs.flag", "inputs.level >= 2", "inputs.level > 7")
_UNDECIDABLE = ("inputs.absent == 1", "inputs.level", "inputs.level == 'two'")


class Shape:
    """What a workflow may contain.

    Args:
        steady: only what gives the same final statuses whatever the order of events: no run
            time-outs, no deadlines, conditions over things that have ended.
        failing: tasks and gates that cannot be decided are allowed.
        writing: whether tasks write: always, never, or (None) in some workflows.
        staffed: whether agents and people do tasks: always, never, or (None) in some workflows.
    """

    def __init__(
        self,
        *,
        steady: bool = False,
        failing: bool = True,
        writing: bool | None = None,
        staffed: bool | None = None,
    ) -> None:
        self.steady = steady
        self.failing = failing
        self.writing = writing
        self.staffed = staffed


ANYTHING = Shape()
STEADY = Shape(steady=True, failing=False)
WRITING = Shape(writing=True)
STAFFED = Shape(staffed=True)


@st.composite
def workflows(draw: st.DrawFn, shape: Shape = ANYTHING, max_tasks: int = 9) -> Workflow:
    """A valid workflow of at most four phases and `max_tasks` tasks, not counting members."""
    writing = shape.writing if shape.writing is not None else draw(st.booleans())
    staffed = shape.staffed if shape.staffed is not None else draw(st.booleans())
    limited = staffed and not shape.steady
    names = [f"p{number}" for number in range(draw(st.integers(1, 4)))]
    tasks: list[TaskSpec] = []
    phases: list[PhaseSpec] = []
    for number, name in enumerate(names):
        earlier = names[:number]
        depends_on = tuple(
            each for each in earlier[-2:] if draw(st.integers(0, 3)) > (each != earlier[-1])
        )
        room = max_tasks - len(tasks)
        count = draw(st.integers(0 if number else 1, min(4, room))) if room else 0
        sequential = draw(st.integers(0, 3)) == 3
        members: list[TaskSpec] = []
        for _ in range(count):
            task = draw(_task(shape, name, [*tasks, *members], sequential))
            if staffed:
                task = draw(performed(task, [*tasks, *members], steady=shape.steady))
            members.append(draw(_writer(task, [*tasks, *members])) if writing else task)
        tasks += members
        phase = draw(_phase(shape, name, depends_on, not sequential, members))
        phases.append(msgspec.structs.replace(phase, budget=draw(budgets(limited=limited))))
    timeout_s = None if shape.steady else draw(st.sampled_from((None, None, None, 40.0)))
    return Workflow(
        name="random",
        phases=tuple(phases),
        tasks=tuple(tasks),
        limits=Limits(
            max_parallel=draw(st.integers(1, 4)),
            timeout_s=timeout_s,
            budget=draw(st.sampled_from((UNLIMITED, *BUDGETS))) if limited else UNLIMITED,
            backends={"codex": draw(budgets(limited=True))} if limited else {},
        ),
        on_failure=draw(st.sampled_from(("stop", "continue"))),
        resolver=draw(_resolver(staffed)) if writing and draw(st.booleans()) else None,
        checkpoint_every_s=draw(st.sampled_from((60.0, 300.0))) if writing else 300.0,
        rollback=draw(st.sampled_from(("failure", "never"))) if writing else "failure",
    )


RESOLVER = TaskSpec(id="resolver", phase="p0", agent="conflict-resolver")


@st.composite
def _resolver(draw: st.DrawFn, staffed: bool) -> TaskSpec:
    who = draw(st.sampled_from((None, CLAUDE, OPEN_ENDED, FREE))) if staffed else None
    return msgspec.structs.replace(RESOLVER, staff=() if who is None else (who,))


@st.composite
def _writer(draw: st.DrawFn, task: TaskSpec, earlier: list[TaskSpec]) -> TaskSpec:
    """`task`, perhaps writing, perhaps a group over the output of an earlier one."""
    writes = draw(st.sampled_from(((), *WRITES, *WRITES)))
    lists = [each.id for each in earlier if each.each is None and each.outputs]
    each = None
    if lists and draw(st.integers(0, 2)) == 2:
        each = EachSpec(lists[-1], "report", limit=3, tolerate=draw(st.booleans()))
    needs = task.needs if each is None else tuple(sorted({*task.needs, each.task}))
    return msgspec.structs.replace(
        task,
        writes=writes,
        each=each,
        split=None if each is not None else task.split,
        needs=needs,
        max_returns=draw(st.integers(0, 2)),
        must_change=bool(writes) and task.run is None and draw(st.booleans()),
    )


@st.composite
def _task(
    draw: st.DrawFn, shape: Shape, phase: str, earlier: list[TaskSpec], sequential: bool
) -> TaskSpec:
    needs = {task.id for task in earlier[-4:] if draw(st.integers(0, 3)) == 3}
    if sequential and earlier and earlier[-1].phase == phase:
        needs.add(earlier[-1].id)
    trigger: TriggerRule = draw(
        st.sampled_from(("all_success", "all_success", "one_success", "all_done"))
    )
    # What one_success needs may still be at work when its condition is looked at.
    ended = () if shape.steady and trigger == "one_success" else tuple(sorted(needs))
    return TaskSpec(
        id=f"t{len(earlier)}",
        phase=phase,
        run="true",
        needs=tuple(sorted(needs)),
        trigger=trigger,
        when=draw(_condition(shape, ended)) if draw(st.integers(0, 4)) == 4 else None,
        outputs=(OutputSpec("report", "report.txt"),) if draw(st.booleans()) else (),
        retry=draw(_retries(shape)),
        timeout_s=draw(st.sampled_from((1800.0, 9.0))) if shape.failing else 1800.0,
        priority=draw(st.integers(0, 2)),
        expected_s=draw(st.sampled_from((None, 0.0, 1.0, 10.0))) if shape.failing else 3.0,
    )


@st.composite
def _condition(draw: st.DrawFn, shape: Shape, ended: tuple[str, ...]) -> str:
    choices = list(_OF_INPUTS)
    choices += [f"tasks.{name}.ok" for name in ended]
    choices += [f"tasks.{name}.status == 'skipped'" for name in ended]
    if shape.failing:
        choices += _UNDECIDABLE
        choices += [f"tasks.{name}.metrics.found > 0" for name in ended]
    return draw(st.sampled_from(choices))


@st.composite
def _retries(draw: st.DrawFn, shape: Shape) -> RetryPolicy:
    attempts = draw(st.integers(1, 3))
    if attempts == 1 or not shape.failing:
        return RetryPolicy()
    return RetryPolicy(
        max_attempts=attempts,
        backoff_s=draw(st.sampled_from((0.0, 1.0, 30.0))),
        on=("exit", "crash"),
    )


@st.composite
def _phase(
    draw: st.DrawFn,
    shape: Shape,
    name: str,
    depends_on: tuple[str, ...],
    parallel: bool,
    members: list[TaskSpec],
) -> PhaseSpec:
    kinds = draw(st.lists(st.sampled_from(("human", "evidence", "condition")), max_size=2))
    if draw(st.booleans()):
        kinds = []
    has_condition = bool(members) and draw(st.integers(0, 7)) == 7
    return PhaseSpec(
        name=name,
        depends_on=depends_on,
        parallel=parallel,
        max_concurrent=draw(st.sampled_from((None, None, 1, 2))),
        gates=tuple(
            draw(_gate(shape, f"g{number}", kind, members)) for number, kind in enumerate(kinds)
        ),
        when=draw(st.sampled_from(_OF_INPUTS)) if has_condition else None,
    )


@st.composite
def _gate(draw: st.DrawFn, shape: Shape, name: str, kind: str, members: list[TaskSpec]) -> GateSpec:
    if kind == "evidence":
        return GateSpec(name=name, kind=draw(st.sampled_from(EVIDENCE)), command="true")
    if kind == "condition":
        choices = ["inputs.flag"]
        if shape.failing:
            choices += [*_UNDECIDABLE, "not inputs.flag"]
            choices += [f"tasks.{task.id}.ok" for task in members[:1]]
        return GateSpec(name=name, kind="condition", condition=draw(st.sampled_from(choices)))
    deadline_s = None if shape.steady else draw(st.sampled_from((None, 20.0)))
    approvers = draw(st.sampled_from(((), ("ada", "grace"))))
    remind_s = draw(st.sampled_from((None, 7.0)))
    return GateSpec(
        name=name, kind="human", deadline_s=deadline_s, approvers=approvers, remind_s=remind_s
    )
