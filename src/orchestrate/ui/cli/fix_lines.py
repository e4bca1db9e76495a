"""What the end of a scan says about the fixes: what became of each, and what to do next."""

from __future__ import annotations

from collections.abc import Iterator

from orchestrate.core.running.state import RunState
from orchestrate.core.sharing.remediation import (
    ON_BRANCH,
    FixOutcome,
    Remediation,
    said_by_tests,
    sentence,
)
from orchestrate.hosts.local.checks import NOT_TRUSTED
from orchestrate.ui.cli.output import printable

#: Fixes listed on the terminal; all of them are in the reports.
SHOWN = 20
#: Things of the user's that are named when they are not as they were.
SHOWN_CHANGES = 5
#: Characters of what the checks said of one fix; the reports have all of it.
LONGEST = 160


def fix_lines(found: Remediation) -> Iterator[str]:
    """One line for each fix after a sentence about all of them; nothing if none were asked for."""
    if not found.asked:
        return
    yield printable(sentence(found))
    width = max((len(fix.standing) for fix in found.fixes), default=0)
    for fix in found.fixes[:SHOWN]:
        where = f"{printable(fix.path)}:{fix.line}"
        yield f"  {fix.standing:<{width}}  {where}  {printable(fix.title)}  ({_said(fix)})"
    if len(found.fixes) > SHOWN:
        yield f"… and {len(found.fixes) - SHOWN} more in the report"


def branch_lines(state: RunState, found: Remediation) -> Iterator[str]:
    """Where the merged work is, and how to look at it."""
    if not state.published or not found.standing(*ON_BRANCH):
        return
    if state.published != found.branch:  # a patch, or another name because that one was taken
        yield f"branch    {printable(state.published)}"
        return
    yield f"branch    {state.published}"
    yield f"          git log {state.published}"
    yield f"          git diff HEAD...{state.published}"


def audit_lines(state: RunState) -> Iterator[str]:
    """Whether the user's own things are as they were."""
    if state.audit == "passed":
        yield "audit     files, HEAD, index, stash, settings and refs are as they were"
    elif state.audit:
        yield f"audit     {state.audit}: {changes_text(state)}"


def is_untouched(state: RunState) -> bool:
    """Whether nothing of the user's is known to have changed, or was there to be compared."""
    return state.audit in ("", "passed")


def changes_text(state: RunState) -> str:
    """What of the user's is not as it was, on one line; the first few things."""
    return _few(state.audit_changes)


def advice(found: Remediation) -> Iterator[str]:
    """What to do about fixes that are not verified."""
    kept = found.standing("kept off")
    if not kept:
        return
    if any(NOT_TRUSTED in fix.why for fix in kept):
        yield (
            "fixes are verified by running the repository's tests; if you trust its code, let them"
            " run: orchestrate security --trust-repo"
        )
    noun = "the fix" if len(kept) == 1 else f"the {len(kept)} fixes"
    yield f"to have {noun} on the branch all the same: orchestrate security --include-unverified"


def _few(changes: tuple[str, ...]) -> str:
    more = len(changes) - SHOWN_CHANGES
    listed = printable("; ".join(changes[:SHOWN_CHANGES]))
    return f"{listed}; … and {more} more (orchestrate show)" if more > 0 else listed


def _said(fix: FixOutcome) -> str:
    """What the tests said of a fix on the branch; what stands in the way of any other."""
    if fix.standing in ON_BRANCH or not fix.why:
        return f"tests {_cut(said_by_tests(fix))}"
    return _cut(fix.why)


def _cut(text: str) -> str:
    line = printable(" ".join(text.split()))
    return line if len(line) <= LONGEST else line[: LONGEST - 1] + "…"
