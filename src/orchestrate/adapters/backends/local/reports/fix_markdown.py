"""The fixes in `report.md`: proven, not verified, taken back, not made, and what has none."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from orchestrate.adapters.backends.local.reports.visible import markdown_code, markdown_text
from orchestrate.core.sharing.remediation import (
    CheckKind,
    FixOutcome,
    Reason,
    Remediation,
    check_of,
    reasons,
    said_by_tests,
)

#: Hexadecimal digits of a commit that are shown; git's own choice for repositories of this size.
SHORT_COMMIT = 12
SHOWN_REASONS = 25
_EXAMPLES = 3
KEPT_OFF = (
    "Whether these are right could not be found out, so they are not on the branch. Each is a"
    " commit of its own in this repository: look at it with `git show COMMIT`, take it with"
    " `git cherry-pick COMMIT`, or have all of them merged with"
    " `orchestrate security --include-unverified`."
)


def fix_sections(found: Remediation, shown: int) -> Iterator[str]:
    """Every section that has something to say, at most `shown` fixes in each."""
    yield from _fixed(found, shown)
    yield from _unverified(found, shown)
    yield from _listed("Tried and taken back", found.standing("taken back"), shown)
    yield from _listed("Could not be made", found.standing("failed", "unfinished"), shown)
    yield from _not_fixed(reasons(found.not_fixed))


def fix_table(fixes: Sequence[FixOutcome]) -> Iterator[str]:
    """A row for each fix: what it answers, its commit, and what the checks said."""
    yield "| # | Finding | Where | Commit | Security test | Re-scan | Tests |"
    yield "| ---: | --- | --- | --- | --- | --- | --- |"
    for number, fix in enumerate(fixes, start=1):
        yield (
            f"| {number} | {fix.severity}: {markdown_text(fix.title, 120)} | {place(fix)} "
            f"| {markdown_code(fix.commit[:SHORT_COMMIT])} | {_said(fix, 'proof')} "
            f"| {_said(fix, 're-scan')} | {markdown_text(said_by_tests(fix), 200)} |"
        )


def place(fix: FixOutcome) -> str:
    """Where the flaw was, as code."""
    return markdown_code(f"{fix.path}:{fix.line}")


def commit(fix: FixOutcome) -> str:
    """` Commit …`, or nothing where there is none."""
    return f" Commit {markdown_code(fix.commit[:SHORT_COMMIT])}." if fix.commit else ""


def counted(reason: Reason) -> str:
    """`1 high, 12 low`."""
    return ", ".join(f"{count} {level}" for level, count in reason.counts.items())


def _said(fix: FixOutcome, kind: CheckKind) -> str:
    check = check_of(fix, kind)
    if check is None:
        return "not run"
    return markdown_text(f"{check.verdict}: {check.summary}" if check.summary else check.verdict)


def _fixed(found: Remediation, shown: int) -> Iterator[str]:
    fixes = found.standing("merged")
    if not fixes:
        return
    yield "\n## Fixed and proven\n"
    yield (
        f"On the branch {markdown_code(found.branch)}, each in a commit of its own. The security"
        " test fails without the fix and passes with it, a second scan finds neither the flaw nor"
        " a new one, and no test that passed before fails.\n"
    )
    if shown:
        yield from fix_table(fixes[:shown])
    yield from _more(len(fixes), shown)


def _unverified(found: Remediation, shown: int) -> Iterator[str]:
    merged, kept = found.standing("unverified"), found.standing("kept off")
    if not merged and not kept:
        return
    yield "\n## Fixed, but not verified\n"
    if merged:
        yield f"Merged into {markdown_code(found.branch)} without proof, as was asked for:\n"
        yield from _rows(merged, shown)
    if kept:
        yield f"\n{KEPT_OFF}\n"
        yield from _rows(kept, shown)


def _listed(title: str, fixes: Sequence[FixOutcome], shown: int) -> Iterator[str]:
    if fixes:
        yield f"\n## {title}\n"
        yield from _rows(fixes, shown)


def _rows(fixes: Sequence[FixOutcome], shown: int) -> Iterator[str]:
    for fix in fixes[:shown]:
        why = markdown_text(fix.why, 600).rstrip(".") or "no reason was given"
        what = f"{fix.severity}: {markdown_text(fix.title, 120)} at {place(fix)}"
        yield f"- {what}: {why}.{commit(fix)}"
    yield from _more(len(fixes), shown)


def _not_fixed(found: Sequence[Reason]) -> Iterator[str]:
    if not found:
        return
    yield "\n## No automatic fix\n"
    for reason in found[:SHOWN_REASONS]:
        first = ", ".join(
            markdown_code(f"{each.path}:{each.line}", 100) for each in reason.findings[:_EXAMPLES]
        )
        yield f"- {counted(reason)}: {markdown_text(reason.reason, 200)} ({first})"
    yield from _more(len(found), SHOWN_REASONS)


def _more(total: int, shown: int) -> Iterator[str]:
    if total > shown:
        yield f"\n{total - shown} more in `report.html` and `report.json`."
