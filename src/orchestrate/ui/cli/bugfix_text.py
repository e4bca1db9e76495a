"""The end of a bugfix run on the terminal: the verdict first, then what it rests on."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from orchestrate.core.running.state import RunState
from orchestrate.core.running.status import GateStatus, RunStatus
from orchestrate.core.sharing.evidence import Verdict
from orchestrate.core.views import delivered
from orchestrate.core.views.consumption import Consumption
from orchestrate.core.views.delivered import REPRODUCTION, Change, Judged, Regression, Statement
from orchestrate.core.wording import count
from orchestrate.ui.cli.fix_lines import audit_lines
from orchestrate.ui.cli.output import printable
from orchestrate.ui.cli.scripted_lines import scripted_lines

#: Lines of one kind that are listed; `orchestrate show` has all of them.
SHOWN = 10
#: Characters of one text.
LONGEST = 300
_WIDTH = 10
_ANSWERS: dict[Verdict | None, tuple[str, str]] = {
    "passed": ("red for the right reason", "green"),
    "failed": ("not red", "not green"),
    "unknown": ("unknown", "unknown"),
    None: ("not looked at", "not looked at"),
}


def bugfix_lines(
    state: RunState, consumed: Consumption, regression: Regression | None = None
) -> Iterator[str]:
    """Everything to be read after a run that was to fix a bug.

    Args:
        state: the run, ended or waiting.
        consumed: what its agents consumed.
        regression: what is known of the test that shows the bug; what the gates say by default.
    """
    shown = regression or delivered.regression(state)
    said = delivered.statements(state)
    yield verdict(state, shown)
    yield from scripted_lines(state)
    if shown is not None:
        yield from _regression(shown)
    yield from _changes(delivered.changes(state))
    yield from _checks([each for each in delivered.judged(state) if each.kind not in REPRODUCTION])
    yield from _statements("found", [each for each in said if not each.afterwards])
    yield from _statements("remarks", [each for each in said if each.afterwards])
    yield from _left(state)
    yield from _branch(state)
    yield from audit_lines(state)
    yield _labelled("cost", consumed.cost)
    yield _labelled("tokens", consumed.amounts)
    if consumed.handed_on:
        yield _labelled("", f"about {consumed.handed_on:,} handed on from task to task")


def verdict(state: RunState, shown: Regression | None) -> str:
    """One sentence: whether the bug is fixed, and how sure that is."""
    changed = bool(delivered.changes(state))
    if state.status is RunStatus.COMPLETED:
        if not changed:
            return "nothing was changed"
        if shown is not None and shown.proven:
            return "fixed: its test fails without the change and passes with it"
        return "changed, and not proven: no test showed the bug and then its end"
    if state.status in (RunStatus.FAILED, RunStatus.CANCELLED):
        return f"not fixed: the run {state.status.value}: {_cut(state.reason) or 'no reason given'}"
    if not _waits_for_a_person(state):
        return f"not done: the run is {state.status.value}"
    proven = changed and shown is not None and shown.proven
    so_far = "; its test fails without the change and passes with it" if proven else ""
    return f"not done: the run waits for a person{so_far}"


def _waits_for_a_person(state: RunState) -> bool:
    return state.status is RunStatus.EXECUTING and bool(
        state.handed
        or state.conflicted
        or any(gate.status is GateStatus.OPEN for gate in state.gates.values())
    )


def _regression(shown: Regression) -> Iterator[str]:
    names = shown.tests or ("which tests these are was not recorded",)
    for number, name in enumerate(names[:SHOWN]):
        yield _labelled("" if number else "test", _cut(name))
    yield from _more(len(names) - SHOWN)
    yield _side("before", _ANSWERS[shown.before][0], shown.before_seen)
    yield _side("after", _ANSWERS[shown.after][1], shown.after_seen)


def _side(label: str, answer: str, seen: str) -> str:
    told = seen.removeprefix("red: ")
    return _labelled(label, f"{answer}: {_cut(told)}" if told else answer)


def _changes(changes: Sequence[Change]) -> Iterator[str]:
    for each in changes[:SHOWN]:
        unsure = "" if each.verified else ", not verified"
        size = f"{count(len(each.paths), 'file')}, +{each.added} -{each.removed} lines{unsure}"
        yield _labelled("change", f"{each.commit[:12]}  {printable(each.task)}: {size}")
        yield from (_labelled("", f"  {_cut(path)}") for path in each.paths[:SHOWN])
        yield from _more(len(each.paths) - SHOWN)
    yield from _more(len(changes) - SHOWN)


def _checks(found: Sequence[Judged]) -> Iterator[str]:
    for each in found[:SHOWN]:
        on = f" on {printable(each.subject)}" if each.subject else ""
        by = f", by {printable(each.by)}" if each.human else ""
        before = f" (before: {_cut(each.before)})" if each.before else ""
        seen = f": {_cut(each.summary)}" if each.summary else ""
        yield _labelled("check", f"{printable(each.name)}{on} {each.verdict}{by}{seen}{before}")
    yield from _more(len(found) - SHOWN)


def _statements(label: str, said: Sequence[Statement]) -> Iterator[str]:
    """In their own words; nobody has checked them."""
    for each in said[:SHOWN]:
        yield _labelled(label, f"{printable(each.task)} says: {_cut(each.text)}")
    yield from _more(len(said) - SHOWN)


def _left(state: RunState) -> Iterator[str]:
    missing = delivered.missing(state)
    for each in missing[:SHOWN]:
        why = f": {_cut(each.why)}" if each.why else ""
        yield _labelled("left", f"{printable(each.task)} is {each.status.value}{why}")
    yield from _more(len(missing) - SHOWN)


def _branch(state: RunState) -> Iterator[str]:
    if not state.published:
        # Whoever is asked to agree has to see what to, before there is a branch.
        if state.line and state.line != state.base:
            yield _labelled("look", f"git diff {state.base[:12]}..{state.line[:12]}")
        return
    yield _labelled("branch", printable(state.published))
    if state.published.endswith(".patch"):
        yield _labelled("", f"git apply {printable(state.published)}")
        return
    yield _labelled("", f"look at it:  git diff {state.base[:12]}..{printable(state.published)}")
    yield _labelled("", f"take it:     git merge {printable(state.published)}")
    yield _labelled("", f"hand it on:  orchestrate pull-request {state.run}")


def _more(number: int) -> Iterator[str]:
    if number > 0:
        yield _labelled("", f"… and {number} more: orchestrate show")


def _labelled(label: str, text: str) -> str:
    return f"{label:<{_WIDTH}}{text}"


def _cut(text: str) -> str:
    line = printable(" ".join(text.split()))
    return line if len(line) <= LONGEST else line[: LONGEST - 1] + "…"
