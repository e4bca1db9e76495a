"""`decide(state, command, now) -> events`: what a command leads to, or why it is refused.

Theory of operation
-------------------
Each command has one function, in the module of what it is about. It checks legality against the
transition tables, produces the events the command itself stands for, and `advance` then lets the
run *settle*: as long as the folded state owes a decision that needs nobody outside (a condition to
evaluate, a task to skip, a gate to open, the end of the run), the event for it is appended. So
after every `advance`, whatever the run still waits for is outside the kernel, and `pending` names
it.

A refused command raises IllegalCommandError, which names the commands that are legal now, and adds
no event. Commands that report the outside world (an attempt ended, work was merged) are refused
only when nobody waits for them any more: a repeated acknowledgement, or one about a past the run
was taken back from.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from orchestrate.core.running import commands as cmd
from orchestrate.core.running import events as ev
from orchestrate.core.running.decide_attempt import fail, grant, interrupt, lose, succeed
from orchestrate.core.running.decide_checkpoint import (
    ask_checkpoint,
    record_audit,
    record_checkpoint,
    record_publication,
    roll_back,
)
from orchestrate.core.running.decide_gate import decide_gate, pass_time
from orchestrate.core.running.decide_person import decline, hand_in
from orchestrate.core.running.decide_run import (
    adopt,
    cancel,
    create,
    pause,
    plan,
    resume,
    set_budget,
    set_limit,
    start,
)
from orchestrate.core.running.decide_work import (
    accept_work,
    expand_group,
    report_conflict,
    resolve_conflict,
    return_work,
)
from orchestrate.core.running.evolve import fold
from orchestrate.core.running.legality import Events, StaleAttemptError, legal_commands
from orchestrate.core.running.settling import owed_decision
from orchestrate.core.running.state import RunState

__all__ = ["StaleAttemptError", "advance", "decide", "legal_commands"]


def decide(state: RunState, command: cmd.AnyCommand, now: float) -> Events:
    """The events `command` leads to at Unix time `now`.

    Raises:
        IllegalCommandError: the status does not allow it; names what is allowed.
        StaleAttemptError: the attempt reported on is not live.
        RequestError: the command names something that does not exist.
    """
    return advance(state, command, now)[0]


def advance(state: RunState, command: cmd.AnyCommand, now: float) -> tuple[Events, RunState]:
    """Like `decide`, with the state after the events, so that nobody has to fold them again."""
    events = DECIDE[type(command)](state, command, now)
    state = fold(state, events)
    consequences: list[ev.AnyEvent] = []
    while owed := owed_decision(state, now):
        consequences += owed
        state = fold(state, owed)
    return (*events, *consequences), state


#: What decides about each kind of command.
DECIDE: dict[type, Callable[[RunState, Any, float], Events]] = {
    cmd.CreateRun: create,
    cmd.PlanRun: plan,
    cmd.StartRun: start,
    cmd.AdoptRun: adopt,
    cmd.PauseRun: pause,
    cmd.ResumeRun: resume,
    cmd.CancelRun: cancel,
    cmd.SetLimit: set_limit,
    cmd.SetBudget: set_budget,
    cmd.GrantSlots: grant,
    cmd.SucceedAttempt: succeed,
    cmd.FailAttempt: fail,
    cmd.LoseAttempt: lose,
    cmd.InterruptAttempt: interrupt,
    cmd.HandIn: hand_in,
    cmd.DeclineTask: decline,
    cmd.DecideGate: decide_gate,
    cmd.AcceptWork: accept_work,
    cmd.ReturnWork: return_work,
    cmd.ReportConflict: report_conflict,
    cmd.ResolveConflict: resolve_conflict,
    cmd.ExpandGroup: expand_group,
    cmd.AskCheckpoint: ask_checkpoint,
    cmd.RecordCheckpoint: record_checkpoint,
    cmd.RollBack: roll_back,
    cmd.RecordPublication: record_publication,
    cmd.RecordAudit: record_audit,
    cmd.PassTime: pass_time,
}
