"""One plain line per event, for logs and for terminals that cannot redraw."""

from __future__ import annotations

import time

from orchestrate.core.running import events as ev
from orchestrate.core.running.state import RunState
from orchestrate.core.wording import count
from orchestrate.ui.cli.agent_lines import (
    consumption,
    denied,
    next_rung,
    performer,
    running_out,
    text_on_agent_line,
)
from orchestrate.ui.cli.line_text import changes, text_on_line
from orchestrate.ui.cli.output import duration, printable


def line_of(event: ev.AnyEvent, state: RunState) -> str:
    """What `event` means to a reader, with the local time; empty for events that say nothing new.

    `state` is the state after the event's batch; only names are taken from it.
    """
    text = _text(event, state)
    return f"{time.strftime('%H:%M:%S', time.localtime(event.at))} {text}" if text else ""


def _text(event: ev.AnyEvent, state: RunState) -> str:
    match event:
        case ev.RunCreated():
            return f"run {event.run} in {printable(event.repository)}"
        case ev.RunStarted():
            tasks = count(len(state.index.order), "task")
            return f"{state.index.workflow.name}: {tasks}, at most {state.max_parallel} at once"
        case ev.RunAdopted():
            return f"driven by {event.owner}"
        case ev.RunPaused() | ev.RunResumed() | ev.RunCancelled():
            verb = type(event).__name__.removeprefix("Run").lower()
            by = f" by {event.by}" if event.by else ""
            because = f": {printable(event.reason)}" if event.reason else ""
            return f"run {verb}{by}{because}{running_out(event, state)}"
        case ev.RunCompleted():
            return f"run completed in {duration(event.at - state.created_at)}"
        case ev.RunFailed():
            return f"run failed: {printable(event.reason)}"
        case ev.LimitChanged():
            return f"at most {event.max_parallel} attempts at once from now on"
        case ev.TaskSkipped():
            return f"{event.task} skipped ({event.cause}): {printable(event.detail)}"
        case ev.TaskFailed():
            return f"{event.task} failed: {printable(event.message)}"
        case ev.AttemptStarted():
            again = f" (attempt {event.number})" if event.number > 1 else ""
            return f"{event.task} started{again}{performer(event)}"
        case ev.AttemptSucceeded():
            how = "finished before the crash, result taken" if event.recovered else "finished"
            how = f"{how} in {duration(event.duration_s)}"
            if event.by:
                how = f"handed in by {printable(event.by)}"
            summary = f": {printable(event.summary)}" if event.summary else ""
            changed = f", {changes(event.work)} to merge" if event.work is not None else ""
            used = consumption(event.usage) + denied(event.denials)
            return f"{event.task} {how}{used}{changed}{summary}"
        case ev.AttemptFailed():
            after = ""
            if event.retry_at is not None:
                wait = duration(max(0.0, event.retry_at - event.at))
                after = f"; {next_rung(event) or f'tried again in {wait}'}"
            used = consumption(event.usage) + denied(event.denials)
            return f"{event.task} failed ({event.cause}): {printable(event.message)}{used}{after}"
        case ev.AttemptLost():
            after = f"; {next_rung(event) or 'it runs again'}" if event.retry else "; given up"
            used = consumption(event.usage)
            return f"{event.task} was cut off: {printable(event.message)}{used}{after}"
        case ev.AttemptInterrupted():
            return f"{event.task} stopped: {printable(event.reason)}"
        case ev.AttemptCancelled():
            return f"{event.task} cancelled"
        case ev.GateOpened():
            return f"gate {event.gate} waits for its verdict"
        case ev.GateDecided():
            why = f": {printable(event.reason)}" if event.reason else ""
            return f"gate {event.gate} {event.verdict}, by {event.by}{why}"
        case ev.GateReminded():
            return f"gate {event.gate} still waits for a person"
        case ev.RunPlanned() | ev.ConditionHeld():
            return ""
        case ev.BudgetChanged() | ev.AdviceGiven() | ev.TaskSplit() | ev.TaskHanded():
            return text_on_agent_line(event, state)
        case _:
            return text_on_line(event, state)
