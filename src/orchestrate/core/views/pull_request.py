"""The text of a pull request for what a writing run put on its line.

Written from facts: what was asked, what changed, and what the engine and named people found. What
agents said of their own work is quoted as theirs. Everything of unknown origin goes through
`markdown`.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import msgspec

from orchestrate.core.agents.script import SCRIPTED
from orchestrate.core.running.state import RunState
from orchestrate.core.sharing.evidence import Verdict
from orchestrate.core.sharing.work import Work
from orchestrate.core.views import delivered
from orchestrate.core.views.consumption import Consumption
from orchestrate.core.views.delivered import REPRODUCTION, Change, Judged, Regression, Statement
from orchestrate.core.views.markdown import code, code_block, prose, title
from orchestrate.core.wording import count

#: Code hosts refuse longer descriptions.
MAX_CHARACTERS = 60_000
_SHOWN = 50
_PATHS = 8
_ANSWERS: dict[Verdict | None, str] = {
    "passed": "yes",
    "failed": "no",
    "unknown": "unknown",
    None: "not looked at",
}


class PullRequestText(msgspec.Struct, frozen=True):
    """What a pull request says: a title of one line, which is plain text, and Markdown."""

    title: str
    body: str


class Told(msgspec.Struct, frozen=True, kw_only=True):
    """What the state of a run does not hold.

    `total` is everything that differs between the base and the line. `commands` reproduce the
    checks. `regression` replaces what the gates say of the reproduction of a bug. `consumed` is
    None where nobody has looked. `version` is that of this program.
    """

    version: str
    total: Work | None = None
    commands: tuple[str, ...] = ()
    regression: Regression | None = None
    consumed: Consumption | None = None


def pull_request(state: RunState, told: Told) -> PullRequestText:
    """The text for a run with changes on its line.

    Raises:
        ValueError: it has none, so there is nothing to ask anybody to take.
    """
    if not delivered.changes(state):
        raise ValueError(f"run {state.run} has merged nothing")
    for shown in (_SHOWN, 20, 5):
        body = "\n".join(_document(state, told, shown)) + "\n"
        if len(body) <= MAX_CHARACTERS:
            break
    name = state.index.workflow.name
    label = f"({SCRIPTED}) " if delivered.scripted(state) else ""
    text = f"{label}{name}: {state.request}" if state.request else label + name
    return PullRequestText(title(text, name), body)


def _document(state: RunState, told: Told, shown: int) -> Iterator[str]:
    said = delivered.statements(state)
    found = tuple(delivered.judged(state))
    yield from _asked(state)
    yield from _scripted(delivered.scripted(state))
    yield from _said("What was found", [each for each in said if not each.afterwards], shown)
    yield from _changed(delivered.changes(state), told.total, shown)
    yield from _reproduced(told.regression or delivered.regression(state))
    checks = [each for each in found if not each.human and each.kind not in REPRODUCTION]
    yield from _checked(checks, shown)
    yield from _said(
        "What was said of the change", [each for each in said if each.afterwards], shown
    )
    yield from _open(state, found, shown)
    yield from _agreed([each for each in found if each.human], shown)
    yield from _consumed(told.consumed)
    yield from _again(state, told.commands)
    yield f"\nRun {code(state.run)} of orchestrate {code(told.version)}."


def _asked(state: RunState) -> Iterator[str]:
    yield "## What was asked\n"
    asked = prose(state.request, 2_000) if state.request else "nothing beyond its definition"
    yield f"Of the workflow {code(state.index.workflow.name)}: {asked}"


def _scripted(tasks: Sequence[str]) -> Iterator[str]:
    if tasks:
        listed = ", ".join(map(code, tasks))
        yield f"\nScripted: no model did {listed}; a script says what was to be done."


def _said(heading: str, said: Sequence[Statement], shown: int) -> Iterator[str]:
    if not said:
        return
    yield f"\n## {heading}\n"
    yield "Claims: in the words of whoever did the task, not checked by anybody.\n"
    for each in said[:shown]:
        yield f"- {code(each.task)}, by {prose(each.who)}: {prose(each.text)}"
    yield from _more(len(said) - shown)


def _changed(changes: Sequence[Change], total: Work | None, shown: int) -> Iterator[str]:
    yield "\n## What changes\n"
    if total is not None:
        size = _size(len(total.paths), total.added, total.removed, total.binaries)
        yield f"In all {size}, compared with the commit the work began at.\n"
    for each in changes[:shown]:
        size = _size(len(each.paths), each.added, each.removed, each.binaries)
        unsure = "" if each.verified else "; not verified"
        named = ", ".join(code(path) for path in each.paths[:_PATHS])
        more = f" and {len(each.paths) - _PATHS} more" if len(each.paths) > _PATHS else ""
        yield f"- {code(each.commit[:12])} ({code(each.task)}): {size}{unsure}: {named}{more}"
    yield from _more(len(changes) - shown)


def _size(files: int, added: int, removed: int, binaries: int) -> str:
    binary = f", {binaries} binary" if binaries else ""
    return f"{count(files, 'file')}, +{added} -{removed} lines{binary}"


def _reproduced(found: Regression | None) -> Iterator[str]:
    if found is None:
        return
    yield "\n## The test that shows the bug\n"
    yield from (f"- {code(name)}" for name in found.tests)
    if not found.tests:
        yield "- which tests these are was not recorded"
    sides = (
        ("Without the fix it fails for the right reason", found.before, found.before_seen),
        ("With the fix it passes", found.after, found.after_seen),
    )
    for claim, verdict, seen in sides:
        told = f" ({prose(seen)})" if seen else ""
        yield f"- {claim}: {_ANSWERS[verdict]}{told}"


def _checked(found: Sequence[Judged], shown: int) -> Iterator[str]:
    yield "\n## How it was checked\n"
    if not found:
        yield "No check was asked for."
        return
    yield "By the engine, which ran the commands itself:\n"
    for each in found[:shown]:
        on = f" on the work of {code(each.subject)}" if each.subject else ""
        yield f"- {code(each.name)}{on}: {each.verdict}{_seen(each)}"
    yield from _more(len(found) - shown)


def _seen(found: Judged) -> str:
    before = f"; before: {prose(found.before)}" if found.before else ""
    return f": {prose(found.summary)}{before}" if found.summary else before


def _open(state: RunState, found: Sequence[Judged], shown: int) -> Iterator[str]:
    """What a reviewer would otherwise believe to be fine."""
    lines = [
        f"- the work of {code(each.task)} is on the branch although a check could not tell"
        for each in delivered.changes(state)
        if not each.verified
    ]
    lines += [
        f"- {code(each.name)}"
        + (f" on the work of {code(each.subject)}" if each.subject else "")
        + f": {each.verdict}{_seen(each)}"
        for each in found
        if each.verdict != "passed"
    ]
    lines += [
        f"- {code(each.task)} is {each.status.value}: {prose(each.why or 'no reason was given')}"
        for each in delivered.missing(state)
    ]
    if state.audit not in ("", "passed"):
        lines.append(f"- the audit of the user's own files and refs: {prose(state.audit)}")
    yield "\n## What is not verified, and what is left\n"
    yield from lines[:shown] or ["Nothing that is known of."]
    yield from _more(len(lines) - shown)


def _agreed(found: Sequence[Judged], shown: int) -> Iterator[str]:
    yield "\n## Who agreed\n"
    if not found:
        yield "No person was asked before the branch was made."
        return
    for each in found[:shown]:
        why = f": {prose(each.summary)}" if each.summary else ""
        yield f"- {code(each.name)}: {each.verdict}, by {code(each.by)}{why}"


def _consumed(consumed: Consumption | None) -> Iterator[str]:
    yield "\n## What it cost\n"
    if consumed is None:
        yield "Unknown."
        return
    yield f"- Money: {consumed.cost}"
    yield f"- Tokens: {consumed.amounts}"
    if consumed.handed_on:
        yield f"- Handed on from task to task: about {consumed.handed_on:,} tokens"


def _again(state: RunState, commands: Sequence[str]) -> Iterator[str]:
    yield "\n## How to see it yourself\n"
    began = f"; the work began at {code(state.base[:12])}" if state.base else ""
    yield f"In an environment with the project installed{began}:\n"
    yield from code_block([f"git switch {state.published}", *dict.fromkeys(commands)])


def _more(number: int) -> Iterator[str]:
    if number > 0:
        yield f"- and {number} more"
