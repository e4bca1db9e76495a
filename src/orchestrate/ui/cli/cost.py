"""The command that shows what a run cost: cost."""

from __future__ import annotations

import time
from datetime import UTC, datetime

import click
import msgspec

from orchestrate import wiring
from orchestrate.app import runs
from orchestrate.core.views.cost import RunCost, run_cost
from orchestrate.ui.cli.opened import opened
from orchestrate.ui.cli.output import Output, repo_option, with_output


class CostData(RunCost, frozen=True, kw_only=True):
    """A run's cost, and what has to be known about the figures, one sentence each."""

    notes: tuple[str, ...]


@click.command()
@click.argument("run_id", metavar="[RUN]", default="last")
@repo_option
@with_output
def cost(output: Output, run_id: str, repo: str | None) -> int:
    """Show what a run cost: tokens, model calls, time and money.

    RUN is the latest by default. What agents reported, what was computed from prices and what
    nobody knows are kept apart. Figures of attempts that were cut off are marked "at least".
    """
    from orchestrate.ui.cli.cost_notes import cost_notes
    from orchestrate.ui.cli.cost_text import cost_text

    with opened(repo) as (_site, store):
        run = runs.resolve(store, run_id)
        state = runs.load(store, run)
        found = run_cost((event for _, event in runs.history(store, run, 0)), state)
    own_prices = wiring.config_home() / "prices.yaml"
    today = datetime.fromtimestamp(time.time(), UTC).date()
    notes = cost_notes(found, wiring.prices(), today, str(own_prices))
    data = CostData(**msgspec.structs.asdict(found), notes=notes)
    output.data(data, lambda: cost_text(found, notes))
    return 0
