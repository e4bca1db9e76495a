"""A run's cost as text: a table with a bar per task on a terminal, the same without colour else."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import msgspec
from rich.console import Console
from rich.table import Table

from orchestrate.core.planning.budget import Amount, Budget
from orchestrate.core.views.cost import Consumed, RunCost, Share
from orchestrate.core.wording import count
from orchestrate.ui.cli.output import duration, printable

#: For pipes nothing is cut: it may be searched.
_UNBOUNDED = 1_000
_BAR = 10
_HEADINGS = ("attempts", "input", "cached", "written", "output", "calls", "time", "cost")


def cost_text(cost: RunCost, notes: Sequence[str]) -> str:
    """What `cost` prints for people."""
    if not cost.attempts:
        return f"run {cost.run} used no paid agent" + _block(_budget_lines(cost))
    terminal = Console()
    console = terminal if terminal.is_terminal else Console(width=_UNBOUNDED)
    with console.capture() as capture:
        console.print(_table(cost))
    table = "\n".join(line.rstrip() for line in capture.get().splitlines())
    lines = (*_money_lines(cost.total), *_budget_lines(cost), *map(printable, notes))
    return table + "\n" + _block(lines)


def money(consumed: Consumed) -> str:
    """What some attempts cost, in words that promise no more than is known."""
    if consumed.scripted:
        made_up = f"{usd(consumed.scripted_usd)} scripted"
        rest = msgspec.structs.replace(consumed, scripted=0)
        if consumed.scripted == consumed.attempts:
            return made_up
        return f"{money(rest)} + {made_up}"
    if not consumed.unknown:
        least = "at least " if consumed.incomplete else ""
        return f"{least}{usd(consumed.known_usd)}"
    if not consumed.known_usd:
        return "unknown"
    attempts = count(consumed.unknown, "attempt")
    return f"at least {usd(consumed.known_usd)} ({attempts} of unknown cost)"


def usd(amount: float) -> str:
    """Dollars: two decimals, four below one dollar, six below a cent."""
    if amount and abs(amount) < 0.01:
        return f"{amount:.6f} USD"
    return f"{amount:.2f} USD" if not amount or abs(amount) >= 1 else f"{amount:.4f} USD"


# -- the table ---------------------------------------------------------------------------------


def _table(cost: RunCost) -> Table:
    table = Table(box=None, pad_edge=False, header_style="bold", padding=(0, 2, 0, 0))
    table.add_column("")
    for heading in _HEADINGS[:-1]:
        table.add_column(heading, justify="right", no_wrap=True)
    table.add_column(_HEADINGS[-1], overflow="fold")
    most = max(share.consumed.known_usd for share in cost.tasks)
    for share in cost.tasks:
        _add(table, printable(share.name), share.consumed, _bar(share.consumed.known_usd, most))
    for kind, shares in _sections(cost):
        table.add_row(f"by {kind}", style="bold")
        for share in shares:
            _add(table, f"  {printable(share.name) or 'not known'}", share.consumed)
    _add(table, "total", cost.total, style="bold")
    return table


def _sections(cost: RunCost) -> Iterator[tuple[str, tuple[Share, ...]]]:
    """Sums that tell more than the total."""
    for kind, shares in (
        ("phase", cost.phases),
        ("agent", cost.agents),
        ("backend", cost.backends),
        ("model", cost.models),
    ):
        if len(shares) > 1:
            yield kind, shares


def _add(table: Table, name: str, spent: Consumed, bar: str = "", style: str = "") -> None:
    # A count that may be short is marked, and one of attempts nobody observed is not zero.
    least = "≥" if spent.incomplete else ""
    counts = (
        spent.input_tokens,
        spent.cached_tokens,
        spent.cache_write_tokens,
        spent.output_tokens,
        spent.turns,
    )
    text = money(spent)
    table.add_row(
        name,
        str(spent.attempts),
        *(f"{least}{count:,}" for count in counts),
        duration(spent.time_s),
        f"{text}  {bar}" if bar else text,
        style=style,
    )


def _bar(amount: float, most: float) -> str:
    """A bar in proportion to the dearest task; empty where nothing is known to have been spent."""
    return "█" * max(1, round(_BAR * amount / most)) if amount and most else ""


# -- below it ----------------------------------------------------------------------------------


def _block(lines: Sequence[str] | Iterator[str]) -> str:
    return "".join(f"\n{line}" for line in lines)


def _money_lines(total: Consumed) -> Iterator[str]:
    """Who says so."""
    parts = []
    if total.reported_usd:
        parts.append(f"{usd(total.reported_usd)} reported by agents")
    if total.computed_usd:
        parts.append(f"{usd(total.computed_usd)} computed from prices")
    if total.unknown:
        parts.append(f"{total.unknown} of {total.attempts} attempts of unknown cost")
    if total.incomplete:
        parts.append(f"{total.incomplete} cut off, so at least")
    if total.scripted:
        parts.append(f"{usd(total.scripted_usd)} made up by a script, and not spent")
    if parts:
        yield f"cost: {', '.join(parts)}"


def _budget_lines(cost: RunCost) -> Iterator[str]:
    for part in cost.budgets:
        of = printable(part.scope.replace(":", " ", 1))
        yield f"budget of {of}: {_limits(part.budget)}; left: {_limits(part.left)}"
    if not cost.budget.limits:
        return
    yield f"budget: {_limits(cost.budget)}"
    yield f"left: {_limits(cost.left)}"
    if cost.reserved != Amount():
        yield f"reserved for attempts at work: {_amounts(cost.reserved)}"
    if cost.charged.cost_usd > cost.total.known_usd + cost.total.scripted_usd:
        yield (
            f"counted against the budget: {usd(cost.charged.cost_usd)}; attempts that nobody could"
            " observe count as all that was reserved for them"
        )


def _limits(budget: Budget) -> str:
    parts = (
        # The call that used a budget up may have gone beyond it.
        None if budget.cost_usd is None else usd(max(0.0, budget.cost_usd)),
        None if budget.tokens is None else f"{max(0, budget.tokens):,} tokens",
        None if budget.turns is None else f"{max(0, budget.turns):,} model calls",
        None if budget.time_s is None else duration(max(0.0, budget.time_s)),
    )
    return ", ".join(part for part in parts if part is not None)


def _amounts(amount: Amount) -> str:
    return _limits(
        Budget(
            amount.cost_usd or None,
            amount.tokens or None,
            amount.turns or None,
            amount.time_s or None,
        )
    )
