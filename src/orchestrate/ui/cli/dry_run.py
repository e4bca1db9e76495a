"""What would be done, by whom, with which permissions, at what cost: --dry-run."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import msgspec

from orchestrate import wiring
from orchestrate.app.staffing import held_to
from orchestrate.core.planning.definition import TaskSpec, Workflow
from orchestrate.core.planning.staffing import Assignee
from orchestrate.core.views.graph_text import text_graph
from orchestrate.ports.catalog import AgentCatalog
from orchestrate.ports.performer import Backend
from orchestrate.ui.cli.outlook_text import Staffed, outlook_lines
from orchestrate.ui.cli.output import Output, printable


class PerformerData(msgspec.Struct, frozen=True, kw_only=True):
    """One who would perform a task, or take over when others failed.

    `enforced` are restrictions the backend holds it to, `unenforced` those it does not.
    """

    task: str
    agent: str
    backend: str
    model: str
    abilities: tuple[str, ...]
    enforced: tuple[str, ...]
    unenforced: tuple[str, ...]


class PlanData(msgspec.Struct, frozen=True, kw_only=True):
    """The plan of a run that was not begun.

    `attempts` are the paid ones if all goes well, `most_attempts` those that can follow from
    failures; `bound_usd` is the most they may cost, null where that is not known.
    """

    workflow: Workflow
    performers: tuple[PerformerData, ...]
    attempts: int
    most_attempts: int
    bound_usd: float | None
    budget_usd: float | None
    budget_tokens: int | None
    budget_turns: int | None
    budget_time_s: float | None


def show_plan(
    output: Output,
    site: wiring.Site,
    found: Staffed,
    known: Mapping[str, Backend],
    catalog: AgentCatalog,
) -> int:
    """Print the plan of `found`; returns the exit code."""
    performers = tuple(_performers(site, found.workflow, known, catalog))
    budget = found.workflow.limits.budget
    data = PlanData(
        workflow=found.workflow,
        performers=performers,
        attempts=found.outlook.attempts,
        most_attempts=found.outlook.most,
        bound_usd=found.outlook.bound_usd,
        budget_usd=budget.cost_usd,
        budget_tokens=budget.tokens,
        budget_turns=budget.turns,
        budget_time_s=budget.time_s,
    )
    output.data(data, lambda: "\n".join(_lines(found, performers)))
    return 0


def _lines(found: Staffed, performers: tuple[PerformerData, ...]) -> Iterator[str]:
    yield text_graph(found.workflow).rstrip("\n")
    if performers:
        yield ""
        yield "who performs what, who takes over when that fails, and what they may do"
    task = ""
    for who in performers:
        model = f", {who.model}" if who.model else ""
        may = ", ".join(who.abilities) or "nothing"
        if who.task != task:
            task = who.task
            yield printable(f"  {task}")
        yield printable(f"    {who.agent} ({who.backend}{model}) may {may}")
        if who.enforced:
            yield printable(f"      kept from: {', '.join(who.enforced)}")
        if who.unenforced:
            yield printable(f"      not kept from: {', '.join(who.unenforced)}")
    if found.outlook.most or found.script:
        yield ""
        yield from outlook_lines(found)
    yield ""
    yield "nothing was started and nothing was written"


def _performers(
    site: wiring.Site, workflow: Workflow, known: Mapping[str, Backend], catalog: AgentCatalog
) -> Iterator[PerformerData]:
    rules = wiring.deny_rules_of(site)
    agents = wiring.agent_backends(known)
    for task in workflow.performed:
        # Whoever joins work that conflicts writes, whatever the workflow says of it.
        for who, writes in _staff(task, writes=bool(task.writes) or task is workflow.resolver):
            profile = catalog.find(who.agent)
            if profile is None or who.backend not in agents:
                continue
            allowed, held = held_to(agents[who.backend], profile, rules, writes=writes)
            yield PerformerData(
                task=task.id,
                agent=who.agent,
                backend=who.backend,
                model=who.model,
                abilities=tuple(sorted(allowed.abilities)),
                enforced=tuple(item.name for item in held.enforced),
                unenforced=tuple(item.name for item in held.unenforced),
            )


def _staff(task: TaskSpec, *, writes: bool) -> Iterator[tuple[Assignee, bool]]:
    for who in task.staff:
        yield who, writes
    if task.advisor is not None:
        yield task.advisor, False
