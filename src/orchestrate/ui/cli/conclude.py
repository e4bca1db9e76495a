"""What a user sees while a run goes on, and when it is over."""

from __future__ import annotations

import getpass
import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager

import click

from orchestrate import wiring
from orchestrate.app import runs
from orchestrate.core.running.events import AnyEvent
from orchestrate.core.running.plan import bits
from orchestrate.core.running.state import RunState
from orchestrate.core.running.status import GateStatus, RunStatus
from orchestrate.core.views.agent_cause import go_on_command, shortage
from orchestrate.errors import ExitCode
from orchestrate.ports.store import EventStore
from orchestrate.ui.cli.data import run_data
from orchestrate.ui.cli.fix_lines import audit_lines, changes_text, is_untouched
from orchestrate.ui.cli.output import Output, printable
from orchestrate.ui.cli.scripted_lines import scripted_lines

Observe = Callable[[Sequence[AnyEvent], RunState], None]


def user_name() -> str:
    """Who is at the keyboard, for the record: ORCHESTRATE_USER, else the login name."""
    try:
        return os.environ.get("ORCHESTRATE_USER") or getpass.getuser()
    except (KeyError, OSError):
        return f"uid {os.getuid()}"


@contextmanager
def watching(output: Output, site: wiring.Site) -> Iterator[Observe]:
    """A live view on a terminal, a line per event elsewhere, nothing when quiet."""
    if output.lively:
        from orchestrate.ui.cli.live import LiveView

        with LiveView(site.runs_dir) as view:
            yield view.observe
    else:
        from orchestrate.ui.cli.lines import line_of

        def observe(events: Sequence[AnyEvent], state: RunState) -> None:
            for event in events:
                line = line_of(event, state)
                if line:
                    output.message(line)

        yield observe


def agree(output: Output, question: str) -> bool:
    """Ask; False when nobody can be asked."""
    return output.interactive and click.confirm(question, default=True, err=True)


def show_preview(output: Output, preview: runs.ResumePreview, *, final: bool) -> None:
    """Print what resuming does. It is the command's data only when nothing follows."""
    rows = [f"run {preview.run} is {preview.status.value}: {preview.reason}".rstrip(": ")]
    width = max((len(line.task) for line in preview.lines), default=0)
    rows += [
        f"  {_FATE[line.fate]:<12} {line.task:<{width}}  {printable(line.why)}"
        for line in preview.lines
    ]
    if final:
        output.data(preview, "\n".join(rows))
    else:
        output.message("\n".join(rows))


_FATE: dict[str, str] = {
    "kept": "keep",
    "recover": "take result",
    "again": "run again",
    "retry": "try again",
    "start": "start",
    "merge": "merge",
    "conflict": "for you",
    "handed": "for you",
    "blocked": "later",
    "skipped": "skip",
}


def say(output: Output, notes: Sequence[str]) -> None:
    """Tell what could not be done around a run."""
    for note in notes:
        output.message(printable(note))


def exit_code(state: RunState, *, interrupted: bool = False) -> ExitCode:
    """The exit code that tells where `state` stands, and whether a signal stopped it here."""
    if state.status is RunStatus.COMPLETED:
        return ExitCode.OK if is_untouched(state) else ExitCode.UNCONFIRMED
    if state.exhausted:
        return ExitCode.BUDGET
    if state.status in (RunStatus.PAUSED, RunStatus.EXECUTING):
        return ExitCode.INTERRUPTED if interrupted else ExitCode.WAITING
    gate = state.gates.get(state.failed_gate)
    if gate is not None and gate.status is GateStatus.UNKNOWN:
        return ExitCode.UNCONFIRMED
    return ExitCode.RUN_FAILED


def conclude(
    output: Output,
    state: RunState,
    store: EventStore,
    *,
    interrupted: bool = False,
    drove: bool = True,
) -> int:
    """Say how a run stands, print its result, and return the exit code.

    Args:
        store: where the run's log is, for what only that tells.
        interrupted: a signal stopped the run here.
        drove: this process drove the run, rather than follow it: what is asked for once per run,
            such as copying reports, is done by whoever drove it.
    """
    if state.status is RunStatus.COMPLETED:
        from orchestrate.ui.cli.security import finish, is_scan

        if is_scan(state):
            code = finish(output, state, deliver=drove)
            _warn(output, state)
            return code if code or is_untouched(state) else ExitCode.UNCONFIRMED
    output.data(run_data(state), lambda: _closing(state, store))
    _warn(output, state)
    _next_step(output, state)
    return exit_code(state, interrupted=interrupted)


def _closing(state: RunState, store: EventStore) -> str:
    if any(gate.kind == "fixed" for phase in state.index.workflow.phases for gate in phase.gates):
        from orchestrate.core.views.consumption import consumption
        from orchestrate.ui.cli.bugfix_text import bugfix_lines

        events = [event for _, event in runs.history(store, state.run, 0)]
        return "\n".join(bugfix_lines(state, consumption(events, state)))
    # The reason of a run that executes is why it was begun, which says nothing here.
    because = "" if state.status is RunStatus.EXECUTING else state.reason
    lines = [f"run {state.run} {state.status.value}" + (f": {because}" if because else "")]
    lines += scripted_lines(state)
    for number, spec in enumerate(state.index.order):
        lines += [
            f"  {spec.id}/{artifact.name}: {artifact.path}"
            for artifact in state.tasks[number].artifacts
        ]
    if state.published:
        lines.append(f"branch    {printable(state.published)}")
    return "\n".join([*lines, *audit_lines(state)])


def _more_money(state: RunState) -> str:
    """What to do about a run that stands still for want of budget."""
    short = shortage(state)
    more = f"orchestrate resume {state.run}" if short is None else go_on_command(state, short)
    return printable(
        f"{state.reason}; what was finished is kept; go on with more in all: {more}"
        f"  (so far: orchestrate cost {state.run})"
    )


def _warn(output: Output, state: RunState) -> None:
    """Say that something of the user's changed. Nobody can tell from the files who did it."""
    if is_untouched(state):
        return
    what = "could not be compared with" if state.audit == "unknown" else "is not as it was at"
    output.message(
        f"what is yours {what} the beginning of the run: {changes_text(state)}; if that was not"
        " you, something of this run did it past its workspace: look at it before you use anything"
        " of it"
    )


def _next_step(output: Output, state: RunState) -> None:
    if state.status is RunStatus.EXECUTING:
        for number in bits(state.conflicted):
            task = state.index.order[number].id
            output.message(
                f"the work of {task} conflicts with what was merged, and waits for a person:"
                f" orchestrate conflict show {state.run} {task}"
            )
        for number in bits(state.handed):
            task = state.index.order[number].id
            output.message(
                f"task {task} waits for a person: orchestrate task show {state.run} {task}"
            )
        for name, gate in sorted(state.gates.items()):
            if gate.status is GateStatus.OPEN:
                spec = state.index.gates[name][1]
                if spec.message:
                    output.message(f"gate {name}: {printable(spec.message)}")
                output.message(
                    f"waits for a person: orchestrate approve {state.run} {name}"
                    f" (or reject), then: orchestrate resume {state.run}"
                )
    elif state.exhausted:
        output.message(_more_money(state))
    elif state.status in (RunStatus.PAUSED, RunStatus.FAILED):
        output.message(
            f"what was finished is kept; go on with: orchestrate resume {state.run}"
            f"  (why: orchestrate explain {state.run})"
        )
