"""Random walks: a workflow and a list of numbers become a history, through `advance` alone.

The walk is the adversary the hosts are protected from: it reports outcomes in any order, repeats
them, gives every command at any time and lets time pass as it likes. Numbers shrink well.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any

from hypothesis import strategies as st

from orchestrate.core.planning.definition import Workflow
from orchestrate.core.running import commands as cmd
from orchestrate.core.running.capacity import HostView, admit
from orchestrate.core.running.decide import advance
from orchestrate.core.running.events import AnyEvent
from orchestrate.core.running.plan import bits
from orchestrate.core.running.state import INITIAL, RunState
from orchestrate.core.running.status import RUN, GateStatus
from orchestrate.errors import OrchestrateError
from tests.property.workflows import CAUSES, INPUTS, workflows

START_AT = 1_000_000.0


class Step:
    """One accepted command: its events and the states around them."""

    def __init__(
        self, before: RunState, command: cmd.AnyCommand, events: Sequence[AnyEvent], after: RunState
    ) -> None:
        self.before = before
        self.command = command
        self.events = tuple(events)
        self.after = after

    def __repr__(self) -> str:
        return f"<{self.command} -> {[type(event).__name__ for event in self.events]}>"


def begin(workflow: Workflow) -> tuple[cmd.AnyCommand, ...]:
    """The commands that bring a run of `workflow` to execution."""
    return (
        cmd.CreateRun(run="r", request="walk", repository="/nowhere"),
        cmd.PlanRun(workflow=workflow, inputs=dict(INPUTS)),
        cmd.StartRun(),
    )


def walk(workflow: Workflow, choices: Sequence[int]) -> list[Step]:
    """The history that `choices` lead to; stops early when nothing is possible any more."""
    state, now = INITIAL, START_AT
    steps: list[Step] = []
    # Sometimes the beginning itself is disturbed: the first choice says so.
    beginning = list(begin(workflow))
    if choices and choices[0] % 16 == 15:
        beginning[1 + choices[0] % 2 :] = [cmd.CancelRun()]
    for command in beginning:
        events, after = advance(state, command, now)
        steps.append(Step(state, command, events, after))
        state = after
    for number in choices:
        usual, rare = [*_usual(state, now)], [*_rare(state)]
        possible = (rare if number % 8 == 7 and rare else usual) or rare
        if not possible:
            break
        number //= 8
        make = possible[number % len(possible)]
        command, now = make(number // len(possible), now)
        try:
            events, after = advance(state, command, now)
        except OrchestrateError:
            continue
        steps.append(Step(state, command, events, after))
        state = after
    return steps


@st.composite
def walks(draw: st.DrawFn, max_steps: int = 40) -> list[Step]:
    """A random walk over a random workflow."""
    workflow = draw(workflows())
    # The length is drawn first: left to itself, a list of numbers is mostly short.
    steps = draw(st.integers(0, max_steps))
    data = draw(st.binary(min_size=2 * steps, max_size=2 * steps))
    return walk(workflow, [data[at] * 256 + data[at + 1] for at in range(0, len(data), 2)])


_Make = Callable[[int, float], tuple[cmd.AnyCommand, float]]


def _usual(state: RunState, now: float) -> Iterator[_Make]:
    """What a host would do next, in any order."""
    grants = admit(state, HostView(at=now)).grants
    if grants:
        for _ in range(2):
            yield lambda number, at: (cmd.GrantSlots(tasks=grants[: 1 + number % len(grants)]), at)
    for position in bits(state.live):
        task, attempt = state.index.order[position].id, state.tasks[position].attempts
        yield _ended(cmd.SucceedAttempt, task, attempt)
        yield _ended(cmd.SucceedAttempt, task, attempt)
        yield _failed(task, attempt)
    for name, gate in state.gates.items():
        if gate.status is GateStatus.OPEN:
            yield _verdict(state, name)
    if "run_resumed" in RUN[state.status]:
        yield lambda _, at: (cmd.ResumeRun(), at)
    if state.retrying:
        yield lambda number, at: (cmd.PassTime(), at + number % 97)


def _rare(state: RunState) -> Iterator[_Make]:
    """What comes from outside, or goes wrong around the run."""
    for position in bits(state.live):
        task, attempt = state.index.order[position].id, state.tasks[position].attempts
        yield _ended(cmd.LoseAttempt, task, attempt)
        yield _ended(cmd.InterruptAttempt, task, attempt)
    legal = RUN[state.status]
    if "run_paused" in legal:
        yield lambda _, at: (cmd.PauseRun(), at)
    if "run_adopted" in legal:
        yield lambda _, at: (cmd.AdoptRun(owner="walk"), at)
    if "run_cancelled" in legal:
        yield lambda number, at: (
            cmd.CancelRun() if number % 8 == 7 else cmd.SetLimit(max_parallel=1 + number % 8),
            at,
        )
    yield lambda number, at: (cmd.PassTime(), at + number % 97)


def _failed(task: str, attempt: int) -> _Make:
    return lambda number, at: (
        cmd.FailAttempt(task=task, number=attempt, cause=CAUSES[number % len(CAUSES)]),
        at + number % 5,
    )


def _ended(make: Any, task: str, attempt: int) -> _Make:
    return lambda number, at: (make(task=task, number=attempt), at + number % 5)


def _verdict(state: RunState, name: str) -> _Make:
    spec = state.index.gates[name][1]
    verdicts = ("passed", "passed", "passed", "failed", "unknown")

    def make(number: int, at: float) -> tuple[cmd.AnyCommand, float]:
        return cmd.DecideGate(
            gate=name,
            verdict=verdicts[number % 5],  # type: ignore[arg-type]
            by=spec.approvers[0] if spec.approvers else "ada",
            human=spec.kind == "human",
        ), at + number % 3

    return make
