"""Use cases about agent files: write generated ones, list, put away, bring back."""

from __future__ import annotations

from collections.abc import Iterable
from difflib import get_close_matches
from pathlib import Path

import msgspec

from orchestrate.app.agent_record import without_record
from orchestrate.core.agents.agent_text import Generated
from orchestrate.core.agents.profile import Profile
from orchestrate.errors import RequestError
from orchestrate.ports.agent_store import AgentStore, Place, StoredAgent, WrittenFile


class Destination(msgspec.Struct, frozen=True):
    """Where generated agents go: a folder of the project, or a path that somebody named."""

    place: Place = "orchestrate"
    output: str = ""
    force: bool = False


class MovedAgent(msgspec.Struct, frozen=True):
    """An agent file that was put away or brought back. `kept`: it is still at `source`, too."""

    name: str
    source: str
    target: str
    kept: bool = False


def write_agents(
    store: AgentStore, agents: Iterable[Generated], to: Destination
) -> tuple[WrittenFile, ...]:
    """Write generated agents, each as NAME.md where `to` says; a file is taken as it is named.

    Raises:
        RequestError: a file is there already, or one file is to hold several agents.
        ConfigurationError: a file cannot be written.
    """
    found = tuple(agents)
    path = Path(to.output)
    if not to.output:
        paths = [store.path_of(each.name, to.place) for each in found]
    elif path.is_dir() or to.output.endswith("/"):
        paths = [path / f"{each.name}.md" for each in found]
    elif len(found) == 1:
        paths = [path]
    else:
        raise RequestError(
            f"{len(found)} agents do not fit into the one file {path}",
            remedy="name a folder, or one language",
        )
    texts = (each.text for each in found)
    return store.write(tuple(zip(paths, texts, strict=True)), force=to.force)


def generated_on(profile: Profile) -> str:
    """The day an agent was generated, as its file says it; empty if it says nothing."""
    value = profile.extra.get("generated", "")
    return value if isinstance(value, str) else ""


def archive_agent(store: AgentStore, profile: Profile | None, name: str) -> MovedAgent:
    """Put the agent `name` away; `profile` is what that name finds now.

    Raises:
        RequestError: there is none, or it is not the project's.
        ConfigurationError: its file cannot be moved.
    """
    if profile is None:
        raise RequestError(f"there is no agent {name!r}", remedy="see: orchestrate agent list")
    if profile.origin != "project":
        whose = "built in" if profile.origin == "built-in" else "your own, not the project's"
        raise RequestError(
            f"the agent {name!r} is {whose}: {profile.path}",
            remedy="a file of the same name in .orchestrate/agents stands in its place",
        )
    target = store.archive(Path(profile.path))
    return MovedAgent(name, profile.path, str(target))


def activate_agent(store: AgentStore, name: str, *, run: str = "") -> MovedAgent:
    """Bring the agent `name` back from the archive: what a person put away, else the latest run's.

    With `run`, the one of that run. What an agent of a run did is cut off from its text.

    Raises:
        RequestError: the archive has none of that name, or several that a person put away, or its
            place is taken.
        ConfigurationError: its file cannot be written.
    """
    archived = store.archived()
    found = [
        each for each in archived if each.profile.name == name and (not run or each.run == run)
    ]
    if not found:
        raise _not_archived(name, run, archived)
    put_away = [each for each in found if not each.run]
    if len(put_away) > 1:
        paths = ", ".join(each.path for each in put_away)
        raise RequestError(
            f"the archive has {len(put_away)} agents {name!r}: {paths}",
            remedy="delete or move all but one",
        )
    chosen = (put_away or found)[0]
    target = store.activate(chosen, without_record(store.text(chosen)))
    return MovedAgent(name, chosen.path, str(target), kept=bool(chosen.run))


def _not_archived(name: str, run: str, archived: tuple[StoredAgent, ...]) -> RequestError:
    names = sorted({each.profile.name for each in archived})
    near = get_close_matches(name, names, n=3)
    hint = f"did you mean {', '.join(near)}?" if near else "see: orchestrate agent list --archived"
    of_run = f" of run {run}" if run else ""
    return RequestError(f"the archive has no agent {name!r}{of_run}", remedy=hint)
