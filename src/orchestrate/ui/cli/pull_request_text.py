"""The text of a run's pull request: gathered from state, log, evidence and line, and kept."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import msgspec

from orchestrate import __version__, wiring
from orchestrate.app import runs
from orchestrate.core.running import events as ev
from orchestrate.core.running.state import RunState
from orchestrate.core.running.status import RunStatus
from orchestrate.core.sharing.evidence import Evidence
from orchestrate.core.sharing.work import Work
from orchestrate.core.views.consumption import consumption
from orchestrate.core.views.pull_request import PullRequestText, Told, pull_request
from orchestrate.errors import ConflictError, RequestError
from orchestrate.ports.store import EventStore
from orchestrate.ui.cli.check_command import typed

FILE = "pull-request.md"
#: The output of a workflow that writes a text of its own, title first.
OWN = "pull_request"


def published(store: EventStore, state: RunState) -> ev.LinePublished:
    """The branch of a run that ended well, and its commit.

    Raises:
        ConflictError: there is none: the run goes on or failed, wrote nothing, or left a patch.
    """
    if state.status is not RunStatus.COMPLETED:
        raise ConflictError(
            f"run {state.run} is {state.status.value}; only what is completed is handed on",
            remedy=f"orchestrate explain {state.run}",
        )
    found = [event for _, event in runs.history(store, state.run)]
    last = next((e for e in reversed(found) if isinstance(e, ev.LinePublished)), None)
    if last is None or not state.published:
        raise ConflictError(
            f"run {state.run} changed nothing, so there is no branch",
            remedy=f"orchestrate show {state.run}",
        )
    if state.published.endswith(".patch"):
        raise ConflictError(
            f"the result of run {state.run} is a patch, because the folder was under no git",
            remedy=f"git apply {state.published}",
        )
    return last


def text_of(site: wiring.Site, store: EventStore, state: RunState) -> PullRequestText:
    """The text for a run with a published branch: the workflow's own, or one of its facts."""
    own = next(
        (item for task in state.tasks.values() for item in task.artifacts if item.name == OWN), None
    )
    if own is not None:
        try:
            first, _, rest = Path(own.path).read_text("utf-8").partition("\n")
            return PullRequestText(first, rest.lstrip("\n"))
        except OSError:
            pass  # it was purged; the log still tells the facts
    events = [event for _, event in runs.history(store, state.run)]
    told = Told(
        version=__version__,
        total=_total(site, state),
        commands=tuple(dict.fromkeys(_commands(state))),
        consumed=consumption(events, state),
    )
    return pull_request(state, told)


def keep(site: wiring.Site, state: RunState, text: PullRequestText) -> Path:
    """Write the body where `gh` and `glab` can be told to read it; the path."""
    path = site.runs_dir / state.run / FILE
    part = path.with_name(f".{FILE}.{os.getpid()}")
    part.touch(mode=0o600)
    part.write_text(text.body, "utf-8")
    part.replace(path)
    return path


def _total(site: wiring.Site, state: RunState) -> Work | None:
    try:
        return wiring.workspaces_of(site).difference(state.base, state.line)
    except RequestError:  # pruned, or collected since
        return None


def _commands(state: RunState) -> Iterator[str]:
    """What the engine ran for every verdict whose evidence is still there."""
    places = [gate.evidence.get("log", "") for gate in state.gates.values()]
    places += [note.path for task in state.tasks.values() for note in task.checks]
    for place in filter(None, places):
        try:
            seen = msgspec.json.decode(Path(place).read_bytes(), type=Evidence)
        except (OSError, msgspec.MsgspecError):  # purged, or the log of a plain command
            continue
        yield typed(seen.command)
    yield from filter(None, (gate.evidence.get("command", "") for gate in state.gates.values()))
