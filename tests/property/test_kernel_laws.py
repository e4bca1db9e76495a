"""The kernel's laws hold in every history a random adversary can make it write."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from orchestrate.core.codec import decode_state, encode_state
from orchestrate.core.planning.budget import UNLIMITED, Budget
from orchestrate.core.running import commands as cmd
from orchestrate.core.running import effects as fx
from orchestrate.core.running import events as ev
from orchestrate.core.running.capacity import HostView, ProviderView, admit
from orchestrate.core.running.decide import StaleAttemptError, advance, decide, legal_commands
from orchestrate.core.running.evolve import evolve, fold
from orchestrate.core.running.plan import bits
from orchestrate.core.running.rollback import facts
from orchestrate.core.running.state import INITIAL, RunState
from orchestrate.core.running.status import RUN_ENDED, GateStatus, RunStatus
from orchestrate.core.sharing.work import Work
from orchestrate.core.views.agent_cause import shortage
from orchestrate.errors import IllegalCommandError, OrchestrateError
from tests.property.laws import check_history, check_waits_for_something
from tests.property.walks import Step, walks
from tests.property.workflows import INPUTS

MORE = settings(max_examples=5 * settings.default.max_examples)  # type: ignore[union-attr]


@MORE
@given(walks())
def test_every_law_holds_at_every_event(steps: list[Step]) -> None:
    final = check_history([event for step in steps for event in step.events])
    assert final == steps[-1].after


@given(walks(), st.integers(0, 200))
def test_folding_in_parts_equals_folding_at_once(steps: list[Step], cut: int) -> None:
    events = [event for step in steps for event in step.events]
    assert fold(fold(INITIAL, events[:cut]), events[cut:]) == fold(INITIAL, events)


@given(walks(max_steps=25))
def test_refolding_from_a_snapshot_of_any_version_agrees(steps: list[Step]) -> None:
    events = [event for step in steps for event in step.events]
    states = [INITIAL]
    for event in events:
        states.append(evolve(states[-1], event))
    for version, state in enumerate(states):
        again = decode_state(encode_state(state))
        assert again is not None
        assert again == state
        assert fold(again, events[version:]) == states[-1]


@given(walks(max_steps=25), st.data())
def test_damaged_snapshot_is_never_believed(steps: list[Step], data: st.DataObject) -> None:
    encoded = encode_state(steps[-1].after)
    at = data.draw(st.integers(0, len(encoded) - 1))
    flip = data.draw(st.integers(1, 255))
    assert decode_state(encoded[:at] + bytes([encoded[at] ^ flip]) + encoded[at + 1 :]) is None
    assert decode_state(encoded[:at]) is None


@given(walks())
def test_run_that_executes_says_what_it_waits_for(steps: list[Step]) -> None:
    for step in steps:
        check_waits_for_something(step.after)


@given(walks())
def test_run_ends_from_wherever_it_is_when_nothing_more_goes_wrong(steps: list[Step]) -> None:
    state = steps[-1].after
    now = state.updated_at
    for _ in range(20 * (len(state.tasks) + len(state.gates) + 1)):
        if state.status in RUN_ENDED and not state.live:
            return
        command, now = _helpful(state, now)
        _, state = advance(state, command, now)
    pytest.fail(f"the run goes on and on: {state}")


def _helpful(state: RunState, now: float) -> tuple[cmd.AnyCommand, float]:
    """What everybody wishing the run well does next."""
    if (short := shortage(state)) is not None:
        return cmd.SetBudget(budget=UNLIMITED, scope=short.scope), now
    if state.status is RunStatus.PAUSED:
        return cmd.ResumeRun(), now
    for number in bits(state.live):
        task, attempts = state.index.order[number].id, state.tasks[number].attempts
        work = Work(commit=f"{task}.{attempts}", base=state.line, tree="")
        return cmd.SucceedAttempt(
            task=task,
            number=attempts,
            summary="done",
            work=work if state.tasks[number].resolving else None,
        ), now
    for effect in fx.pending(state):
        command = _help(state, effect)
        if command is not None:
            return command, now
    grants = admit(state, HostView(at=now)).grants
    if grants:
        return cmd.GrantSlots(tasks=grants), now
    for name, gate in state.gates.items():
        if gate.status is GateStatus.OPEN:
            spec = state.index.gates[name][1]
            by = spec.approvers[0] if spec.approvers else "ada"
            human = spec.kind == "human"
            return cmd.DecideGate(gate=name, verdict="passed", by=by, human=human), now
    due = [effect.at for effect in fx.pending(state) if isinstance(effect, fx.WakeAt)]
    return cmd.PassTime(), max(now, min(due, default=now))


def _help(state: RunState, effect: fx.Effect) -> cmd.AnyCommand | None:
    match effect:
        case fx.MergeWorks(line, (key, *_)):
            commit = f"m{state.version}"
            return cmd.AcceptWork(task=key.task, number=key.number, line=line, commit=commit)
        case fx.AwaitHandIn(key):
            work = Work(commit=f"{key.folder}", base=state.line, tree="")
            writes = state.base and state.index.order[state.index.position[key.task]].writes
            return cmd.HandIn(
                task=key.task, number=key.number, by="ada", work=work if writes else None
            )
        case fx.AwaitResolution(key):
            work = Work(commit=f"r{state.version}", base=state.line, tree="")
            return cmd.ResolveConflict(task=key.task, number=key.number, work=work, by="ada")
        case fx.ReadList(task):
            return cmd.ExpandGroup(task=task, items=(ev.GroupItem("one"),))
        case fx.TakeCheckpoint():
            return cmd.RecordCheckpoint(
                kind=effect.kind, line=effect.line, mark=f"k{state.version}" if effect.mark else ""
            )
        case fx.PublishLine(line):
            return cmd.RecordPublication(branch="b", commit=line)
    return None


def _every_command(state: RunState) -> list[cmd.AnyCommand]:
    """Each kind of command, about things that exist and things that do not."""
    workflow = state.plan.workflow if state.plan is not None else None
    commands: list[cmd.AnyCommand] = [
        cmd.CreateRun(run="other", request="", repository=""),
        cmd.StartRun(),
        cmd.AdoptRun(owner="somebody"),
        cmd.PauseRun(),
        cmd.ResumeRun(),
        cmd.CancelRun(),
        cmd.SetLimit(max_parallel=3),
        cmd.SetLimit(max_parallel=0),
        cmd.SetBudget(budget=Budget(cost_usd=1.0)),
        cmd.SetBudget(budget=Budget(tokens=0)),
        cmd.PassTime(),
        cmd.AskCheckpoint(note="now"),
        cmd.RecordCheckpoint(kind="manual"),
        cmd.RecordPublication(branch="b", commit=state.line),
        cmd.RecordAudit(verdict="unknown"),
    ]
    if workflow is not None:
        commands.append(cmd.PlanRun(workflow=workflow, inputs=dict(INPUTS)))
        target = facts(state, "c1")
        commands.append(cmd.RollBack(checkpoint="c1", target=target))
    names = ["nothing", *(state.plan.position if state.plan is not None else ())]
    for name in names:
        commands.append(cmd.GrantSlots(tasks=(name,)))
        commands.append(cmd.GrantSlots(tasks=(name, name)))
        for number in (0, 1, 2):
            commands.append(cmd.SucceedAttempt(task=name, number=number))
            commands.append(cmd.FailAttempt(task=name, number=number, cause="exit"))
            commands.append(cmd.LoseAttempt(task=name, number=number))
            commands.append(cmd.InterruptAttempt(task=name, number=number))
            commands += _about_work(state, name, number)
        commands.append(cmd.ExpandGroup(task=name))
    for gate in ("nothing", *state.gates):
        for human in (True, False):
            commands.append(cmd.DecideGate(gate=gate, verdict="passed", by="ada", human=human))
    return commands


def _about_work(state: RunState, name: str, number: int) -> list[cmd.AnyCommand]:
    key: dict[str, Any] = {"task": name, "number": number}
    work = Work(commit="w", base="", tree="")
    return [
        cmd.AcceptWork(**key, line=state.line, commit="m"),
        cmd.AcceptWork(**key, line="elsewhere", commit="m"),
        cmd.ReturnWork(**key, cause="checks_failed"),
        cmd.ReturnWork(**key, cause="checks_failed", human=True),
        cmd.ReportConflict(**key, line=state.line),
        cmd.ResolveConflict(**key, work=work, by="ada"),
        cmd.HandIn(**key, by="ada", work=work),
        cmd.DeclineTask(**key, by="ada"),
    ]


@given(walks(max_steps=25))
def test_refused_commands_add_nothing_and_name_legal_ones(steps: list[Step]) -> None:
    for state in (INITIAL, *(step.after for step in steps[-3:])):
        before = encode_state(state)
        now = state.updated_at + 1.0
        accepted = set()
        for command in _every_command(state):
            try:
                events, after = advance(state, command, now)
            except IllegalCommandError as error:
                assert error.legal == legal_commands(state)
                for name in error.legal:
                    assert name in error.remedy
            except OrchestrateError as error:
                assert isinstance(error, StaleAttemptError) or error.message
            else:
                accepted.add(type(command).__name__)
                assert fold(state, events) == after
        assert encode_state(state) == before
        # What is called legal is accepted, and of the whole-run commands nothing else is.
        legal = set(legal_commands(state))
        if state.plan is None:
            legal.discard("PlanRun")
        if all(state.tasks[n].attempts > 2 for n in bits(state.conflicted)):
            legal.discard("ResolveConflict")
        if all(state.tasks[n].attempts > 2 for n in bits(state.handed)):
            legal -= {"HandIn", "DeclineTask"}
        assert legal <= accepted
        about_the_run = {"CreateRun", "PlanRun", "StartRun", "AdoptRun", "PauseRun"}
        about_the_run |= {
            "ResumeRun",
            "CancelRun",
            "SetLimit",
            "SetBudget",
            "RollBack",
            "AskCheckpoint",
        }
        assert accepted & about_the_run <= legal


@given(walks(max_steps=25))
def test_repeated_outcome_is_stale_and_changes_nothing(steps: list[Step]) -> None:
    ends = (
        cmd.SucceedAttempt,
        cmd.FailAttempt,
        cmd.LoseAttempt,
        cmd.InterruptAttempt,
        cmd.HandIn,
        cmd.DeclineTask,
    )
    works = (cmd.AcceptWork, cmd.ReturnWork, cmd.ReportConflict, cmd.ResolveConflict)
    others = (cmd.ExpandGroup, cmd.RecordPublication)
    final = steps[-1].after
    for step, _ in pairwise(steps):
        # A gate that fails may take the run back to where that very work waits to be merged.
        back = any(isinstance(event, ev.RunRolledBack) for event in step.events)
        if isinstance(step.command, (*ends, *works, *others)) and not back:
            with pytest.raises(StaleAttemptError):
                decide(step.after, step.command, final.updated_at)
        if isinstance(step.command, ends):
            # Numbers are not given twice, so it is stale for ever, wherever the run went since.
            with pytest.raises(StaleAttemptError):
                decide(final, step.command, final.updated_at)


@given(walks(max_steps=25))
def test_deciding_twice_gives_the_same_events(steps: list[Step]) -> None:
    for step in steps:
        now = step.events[-1].at if step.events else step.after.updated_at
        if step.events:
            assert decide(step.before, step.command, now) == step.events
            assert msgspec.structs.asdict(step.events[0])["at"] == now


@given(walks(max_steps=25), st.integers(0, 5), st.booleans(), st.integers(0, 2))
def test_admission_respects_every_limit_and_grants_what_decide_accepts(
    steps: list[Step], slots: int, short: bool, free: int
) -> None:
    for step in steps[-5:]:
        state = step.after
        view = HostView(
            at=state.updated_at,
            slots=slots,
            memory_available_bytes=1 if short else 100,
            memory_floor_bytes=50,
            providers={"anthropic": ProviderView(free, reason="so many at once")},
        )
        admission = admit(state, view)
        running = state.live.bit_count()
        assert not admission.grants or running + len(admission.grants) <= slots
        if short:
            assert running + len(admission.grants) <= max(1, running)
        if admission.grants:
            events, after = advance(state, cmd.GrantSlots(tasks=admission.grants), view.at)
            assert after.live.bit_count() == running + len(admission.grants)
            started = [event for event in events if isinstance(event, ev.AttemptStarted)]
            assert sum(event.backend == "claude" for event in started) <= free
        everything = admit(state, view, exhaustive=True)
        assert everything.grants == admission.grants
        named = {*everything.grants, *(held.task for held in everything.held)}
        assert named == {item.task for item in fx.eligible(state)}
