"""Agents a workflow asks to have made for the repository it runs on, and what becomes of them.

They are kept with the run, and with what they did in the archive when it has ended; the user's own
folders of agents are left alone.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

import msgspec

from orchestrate.app.agent_record import AgentRecord, DoneTask, with_record, without_record
from orchestrate.core.agents.generation import generated_for_run
from orchestrate.core.agents.profile import Profile
from orchestrate.core.agents.stack import Stack
from orchestrate.core.planning.definition import Workflow
from orchestrate.core.running.recovery import performing
from orchestrate.core.running.state import RunState
from orchestrate.ports.agent_store import AgentStore
from orchestrate.ports.catalog import AgentCatalog

_replace = msgspec.structs.replace


class OnDemand(msgspec.Struct, frozen=True):
    """A workflow with its generated agents: name -> text of the file."""

    workflow: Workflow
    texts: dict[str, str] = {}


def with_generated(
    workflow: Workflow, stack: Callable[[], Stack], date: str, test_command: str = ""
) -> OnDemand:
    """`workflow` with the agents it asks for made and named.

    A task gets the agent for the language with most code. Where none can be made, whoever the
    workflow names performs it. `stack` is called only if something is asked for. `test_command` is
    the user's own, in place of what is found.
    """
    kinds = dict.fromkeys(task.generate for task in workflow.tasks if task.generate)
    if not kinds:
        return OnDemand(workflow)
    found = stack()
    made = {kind: generated_for_run(found, kind, date, test_command=test_command) for kind in kinds}
    texts = {each.name: each.text for several in made.values() for each in several[:1]}
    tasks = tuple(
        _replace(task, agent=made[task.generate][0].name)
        if task.generate and made[task.generate]
        else task
        for task in workflow.tasks
    )
    return OnDemand(_replace(workflow, tasks=tasks), texts)


class Overlay:
    """A catalog with some profiles in front of another catalog's."""

    def __init__(self, profiles: Mapping[str, Profile], base: AgentCatalog) -> None:
        self._profiles = profiles
        self._base = base

    def find(self, name: str) -> Profile | None:
        """See AgentCatalog."""
        return self._profiles.get(name) or self._base.find(name)

    def names(self) -> tuple[str, ...]:
        """See AgentCatalog."""
        return tuple(sorted({*self._profiles, *self._base.names()}))


def archive(state: RunState, store: AgentStore) -> None:
    """Put the agents generated for an ended run into the archive, with what they did.

    May be called again; the record is then written anew.
    """
    for path in store.saved_for_run(state.run):
        text = without_record(path.read_text(encoding="utf-8"))
        store.archive_run(state.run, path.stem, with_record(text, _record(state, path.stem)))


def _record(state: RunState, agent: str) -> AgentRecord:
    plan = state.index
    done, scopes = [], set()
    for number, task in enumerate(plan.order):
        record = state.tasks[number]
        who = performing(plan, number, record)
        if who is not None and agent in {each.agent for each in (who, *task.staff)}:
            done.append(DoneTask(task.id, record.status.value, record.summary))
            if not who.script:  # what a script makes up was not spent
                scopes.add(f"task:{task.group or task.id}")
    spent = [state.spent[scope] for scope in scopes if scope in state.spent]
    return AgentRecord(
        run=state.run,
        tasks=tuple(done),
        cost_usd=None if state.unpriced else sum(amount.cost_usd for amount in spent),
        tokens=sum(amount.tokens for amount in spent),
    )
