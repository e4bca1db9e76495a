"""Random walks: a workflow and a list of numbers become a history, through `advance` alone.

The walk is the adversary the hosts are protected from: it reports outcomes in any order, repeats
them, gives every command at any time and lets time pass as it likes. Numbers shrink well.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from hypothesis import strategies as st

from orchestrate.core.ids import AttemptKey
from orchestrate.core.planning.definition import FailureCause, Workflow
from orchestrate.core.running import commands as cmd
from orchestrate.core.running import effects as fx
from orchestrate.core.running import events as ev
from orchestrate.core.running.capacity import admit
from orchestrate.core.running.decide import advance, legal_commands
from orchestrate.core.running.events import AnyEvent
from orchestrate.core.running.evolve import evolve
from orchestrate.core.running.plan import bits
from orchestrate.core.running.recovery import is_advising
from orchestrate.core.running.rollback import Facts, facts
from orchestrate.core.running.state import INITIAL, RunState
from orchestrate.core.running.status import RUN, RUN_ENDED, GateStatus
from orchestrate.core.sharing.work import Conflict, Work
from orchestrate.errors import OrchestrateError
from tests.property.agent_steps import (
    Make,
    denials_of,
    duration_s,
    money,
    people,
    session_of,
    usage_of,
    view_at,
)
from tests.property.staff import AGENT_CAUSES
from tests.property.workflows import ANYTHING, CAUSES, INPUTS, WRITES, Shape, workflows

START_AT = 1_000_000.0


class Step:
    """One accepted command: its events, the states around them, and what checkpoints hold."""

    def __init__(
        self, before: RunState, command: cmd.AnyCommand, events: Sequence[AnyEvent], after: RunState
    ) -> None:
        self.before = before
        self.command = command
        self.events = tuple(events)
        self.after = after
        self.held = tuple(_held(before, events))

    def __repr__(self) -> str:
        return f"<{self.command} -> {[type(event).__name__ for event in self.events]}>"


def _held(state: RunState, events: Sequence[AnyEvent]) -> Iterator[Facts]:
    for event in events:
        state = evolve(state, event)
        if isinstance(event, ev.CheckpointTaken):
            yield facts(state, event.checkpoint, event.snapshots)


def begin(workflow: Workflow) -> tuple[cmd.AnyCommand, ...]:
    """The commands that bring a run of `workflow` to execution."""
    base = "base" if workflow.needs_line else ""
    return (
        cmd.CreateRun(run="r", request="walk", repository="/nowhere", base=base),
        cmd.PlanRun(workflow=workflow, inputs=dict(INPUTS)),
        cmd.StartRun(),
    )


def walk(workflow: Workflow, choices: Sequence[int], *, failing: int = 1) -> list[Step]:
    """The history that `choices` lead to; stops early when nothing is possible any more.

    An attempt is to fail `failing` times for every two it is to succeed.
    """
    state, now = INITIAL, START_AT
    steps: list[Step] = []
    held: list[Facts] = []
    # Sometimes the beginning itself is disturbed: the first choice says so.
    beginning = list(begin(workflow))
    if choices and choices[0] % 16 == 15:
        beginning[1 + choices[0] % 2 :] = [cmd.CancelRun()]
    for command in beginning:
        events, after = advance(state, command, now)
        steps.append(Step(state, command, events, after))
        held += steps[-1].held
        state = after
    for number in choices:
        usual, rare = [*_usual(state, now, failing)], [*_rare(state, held)]
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
        held += steps[-1].held
        state = after
    return steps


@st.composite
def walks(draw: st.DrawFn, max_steps: int = 40, shape: Shape = ANYTHING) -> list[Step]:
    """A random walk over a random workflow."""
    return walk(draw(workflows(shape)), draw(choices(max_steps)))


@st.composite
def choices(draw: st.DrawFn, max_steps: int) -> list[int]:
    """What a walk is made of."""
    # The length is drawn first: left to itself, a list of numbers is mostly short.
    steps = draw(st.integers(0, max_steps))
    data = draw(st.binary(min_size=2 * steps, max_size=2 * steps))
    return [data[at] * 256 + data[at + 1] for at in range(0, len(data), 2)]


def _usual(state: RunState, now: float, failing: int) -> Iterator[Make]:
    """What a host would do next, in any order."""
    grants = admit(state, view_at(now)).grants
    if grants:
        for _ in range(2):
            yield lambda number, at: (cmd.GrantSlots(tasks=grants[: 1 + number % len(grants)]), at)
    for position in bits(state.live):
        yield from 2 * [_succeeded(state, position)]
        advising = is_advising(state.index.order[position], state.tasks[position])
        yield from (1 if advising else failing) * [_failed(state, position)]
    yield from _on_the_line(state)
    yield from people(state)
    if state.exhausted:
        yield from money(state)
    for name, gate in state.gates.items():
        if gate.status is GateStatus.OPEN:
            yield _verdict(state, name)
    if "run_resumed" in RUN[state.status]:
        yield lambda _, at: (cmd.ResumeRun(), at)
    if state.retrying:
        yield lambda number, at: (cmd.PassTime(), at + number % 97)


def _on_the_line(state: RunState) -> Iterator[Make]:
    """What a host reports of work, lists and checkpoints, and a person of conflicts."""
    for effect in fx.pending(state):
        match effect:
            case fx.MergeWorks(line, (first, *_)):
                yield from 2 * [_accepted(state, first, line)]
                yield _returned(first, line)
                yield _clashed(first, line)
            case fx.AwaitResolution(key):
                yield _resolved(state, key)
                yield _returned(key, "", human=True)
            case fx.ReadList(task):
                yield from 2 * [_expanded(state, task)]
            case fx.TakeCheckpoint():
                yield from 2 * [_recorded(state, effect)]
            case fx.PublishLine(line):
                yield _always(cmd.RecordPublication(branch="orchestrate/r", commit=line))


def _always(command: cmd.AnyCommand) -> Make:
    return lambda _, at: (command, at)


def _succeeded(state: RunState, position: int) -> Make:
    spec, attempt = state.index.order[position], state.tasks[position].attempts
    writes = bool(state.base) and spec.writes

    def make(number: int, at: float) -> tuple[cmd.AnyCommand, float]:
        commit = f"{spec.id}.{attempt}"
        work = Work(commit=commit, base=state.line, tree=commit)
        delivers = writes and number % 5 != 4
        return cmd.SucceedAttempt(
            task=spec.id,
            number=attempt,
            summary="" if number % 8 == 7 else "done",
            work=work if delivers else None,
            duration_s=duration_s(state, position, number),
            usage=usage_of(state, position, number),
            session=session_of(state, position, number),
            denials=denials_of(number),
        ), at + number % 5

    return make


def _accepted(state: RunState, key: AttemptKey, line: str) -> Make:
    return lambda number, at: (
        cmd.AcceptWork(
            task=key.task,
            number=key.number,
            line=line,
            commit=f"m{state.version}",
            verified=number % 4 != 3,
        ),
        at + number % 5,
    )


def _returned(key: AttemptKey, line: str, *, human: bool = False) -> Make:
    causes: tuple[FailureCause, ...] = ("checks_failed", "checks_failed", "checks_unknown")
    return lambda number, at: (
        cmd.ReturnWork(
            task=key.task, number=key.number, line=line, cause=causes[number % 3], human=human
        ),
        at + number % 5,
    )


def _clashed(key: AttemptKey, line: str) -> Make:
    conflicts = (Conflict("src/a.py"),)
    return lambda number, at: (
        cmd.ReportConflict(task=key.task, number=key.number, line=line, conflicts=conflicts),
        at + number % 5,
    )


def _resolved(state: RunState, key: AttemptKey) -> Make:
    commit = f"r{state.version}"
    joined = Work(commit=commit, base=state.line, tree=commit)
    return _always(cmd.ResolveConflict(task=key.task, number=key.number, work=joined, by="ada"))


def _expanded(state: RunState, task: str) -> Make:
    """A list of nothing up to one item too many; bad keys and an unreadable list as well."""

    def make(number: int, at: float) -> tuple[cmd.AnyCommand, float]:
        keys = [f"k{n}" for n in range(number % 5)]
        if number % 11 == 10:
            return cmd.ExpandGroup(task=task, problem="no list there"), at
        if number % 13 == 12:
            keys = ["../k", *keys]
        items = tuple(
            ev.GroupItem(key, {"level": n}, WRITES[(number + n) % len(WRITES)])
            for n, key in enumerate(keys)
        )
        return cmd.ExpandGroup(task=task, items=items), at

    return make


def _recorded(state: RunState, effect: fx.TakeCheckpoint) -> Make:
    def make(number: int, at: float) -> tuple[cmd.AnyCommand, float]:
        names = [key.folder for key in effect.attempts]
        late = number % 7 == 6
        return cmd.RecordCheckpoint(
            kind=effect.kind,
            checkpoint=effect.checkpoint if number % 2 else "",
            line=effect.line,
            mark=f"k{state.version}" if effect.mark and not late else "",
            snapshots=dict.fromkeys(names[number % 3 :], f"s{state.version}"),
            missing=dict.fromkeys(names[: number % 3], "too large"),
        ), at + number % 5

    return make


def _rare(state: RunState, held: Sequence[Facts]) -> Iterator[Make]:
    """What comes from outside, or goes wrong around the run."""
    if "AskCheckpoint" in legal_commands(state):
        yield _always(cmd.AskCheckpoint(note="by hand", by="ada"))
    if held and "RollBack" in legal_commands(state):
        yield from 2 * [_rolled_back(held)]
    if state.status in RUN_ENDED:
        yield _always(cmd.RecordAudit(verdict="passed"))
    yield from money(state)
    for position in bits(state.live):
        yield _ended(cmd.LoseAttempt, state, position)
        yield _ended(cmd.InterruptAttempt, state, position)
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


def _rolled_back(held: Sequence[Facts]) -> Make:
    def make(number: int, at: float) -> tuple[cmd.AnyCommand, float]:
        target = held[number % len(held)]
        return cmd.RollBack(checkpoint=target.checkpoint, target=target, by="ada"), at

    return make


def _failed(state: RunState, position: int) -> Make:
    spec, attempt = state.index.order[position], state.tasks[position].attempts
    causes = (*CAUSES, *(AGENT_CAUSES if spec.staff else ()))
    return lambda number, at: (
        cmd.FailAttempt(
            task=spec.id,
            number=attempt,
            cause=causes[number % len(causes)],
            duration_s=duration_s(state, position, number),
            usage=usage_of(state, position, number),
            session=session_of(state, position, number),
            denials=denials_of(number),
            retry_after_s=float(number % 20) if number % 2 else None,
        ),
        at + number % 5,
    )


def _ended(make: Any, state: RunState, position: int) -> Make:
    task, attempt = state.index.order[position].id, state.tasks[position].attempts
    return lambda number, at: (
        make(
            task=task,
            number=attempt,
            duration_s=duration_s(state, position, number),
            usage=usage_of(state, position, number) if number % 3 else None,
            session=session_of(state, position, number),
        ),
        at + number % 5,
    )


def _verdict(state: RunState, name: str) -> Make:
    spec = state.index.gates[name][1]
    verdicts = ("passed", "passed", "passed", "failed", "unknown")

    def make(number: int, at: float) -> tuple[cmd.AnyCommand, float]:
        return cmd.DecideGate(
            gate=name,
            verdict=verdicts[number % 5],  # type: ignore[arg-type]
            by=spec.approvers[0] if spec.approvers else "ada",
            human=spec.kind == "human",
            reason="looked at",
        ), at + number % 3

    return make
