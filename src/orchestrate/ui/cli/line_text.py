"""Events about delivered work, groups and checkpoints, as text for one line each."""

from __future__ import annotations

from orchestrate.core.running import events as ev
from orchestrate.core.running.state import RunState
from orchestrate.core.sharing.work import Work
from orchestrate.core.views.cause import listed
from orchestrate.core.wording import count
from orchestrate.ui.cli.agent_lines import next_rung
from orchestrate.ui.cli.output import printable

#: Characters of a commit's name that are shown.
_SHORT = 12

_KINDS = {
    "start": "at the beginning",
    "phase": "at the end of a phase",
    "interval": "while at work",
    "merge": "before a merge",
    "manual": "by hand",
    "failure": "after a failure",
    "rollback": "before going back",
}

OnLine = (
    ev.WorkMerged
    | ev.WorkReturned
    | ev.WorkConflicted
    | ev.WorkResolved
    | ev.GroupExpanded
    | ev.GroupEnded
    | ev.CheckpointDue
    | ev.CheckpointTaken
    | ev.RunRolledBack
    | ev.LinePublished
    | ev.AuditRecorded
)


def text_on_line(event: OnLine, state: RunState) -> str:
    """What `event` means to a reader; empty for one that says nothing new."""
    match event:
        case ev.WorkMerged():
            unsure = "" if event.verified else ", though no check could tell whether it is right"
            return f"{event.task} merged as {printable(event.commit[:_SHORT])}{unsure}"
        case ev.WorkReturned():
            by = f" by {printable(event.by)}" if event.by else ""
            after = next_rung(event) or ("it is done anew" if event.retry else "given up")
            after = f"; {after}"
            why = f"{by} ({event.cause}): {printable(event.message)}"
            return f"{event.task} sent back{why}{after}"
        case ev.WorkConflicted():
            paths = printable(listed([conflict.path for conflict in event.conflicts]))
            after = "a resolver joins them" if event.resolver else _ask(event, state)
            return f"{event.task} conflicts with what was merged: {paths}; {after}"
        case ev.WorkResolved():
            return f"{event.task} resolved by {printable(event.by)}; it is merged again"
        case ev.GroupExpanded():
            return f"{event.task} became {count(len(event.items), 'task')}"
        case ev.GroupEnded():
            failed = f", {event.failed} without success" if event.failed else ""
            return f"{event.task} ended: {event.succeeded} succeeded{failed}"
        case _:
            return _of_checkpoint(event)


def _of_checkpoint(
    event: ev.CheckpointDue
    | ev.CheckpointTaken
    | ev.RunRolledBack
    | ev.LinePublished
    | ev.AuditRecorded,
) -> str:
    match event:
        case ev.CheckpointDue():
            return ""
        case ev.CheckpointTaken():
            note = f": {printable(event.note)}" if event.note else ""
            lost = f"; not held: {listed(list(event.missing))}" if event.missing else ""
            return f"checkpoint {event.checkpoint} {_KINDS[event.kind]}{note}{lost}"
        case ev.RunRolledBack():
            by = f" by {printable(event.by)}" if event.by else ""
            why = f": {printable(event.reason)}" if event.reason else ""
            return f"run taken back to checkpoint {event.checkpoint}{by}{why}"
        case ev.LinePublished():
            return f"result on {printable(event.branch)} at {printable(event.commit[:_SHORT])}"
        case ev.AuditRecorded():
            if event.verdict == "passed":
                return "audit: nothing of yours was touched"
            found = printable(listed(event.changes)) or "nothing could be compared"
            return f"audit {event.verdict}: {found}"


def _ask(event: ev.WorkConflicted, state: RunState) -> str:
    return f"see `orchestrate conflict show {state.run} {event.task}`"


def changes(work: Work) -> str:
    """How much a piece of work changes: `2 files, +10 -3`."""
    return f"{count(len(work.paths), 'file')}, +{work.added} -{work.removed}"
