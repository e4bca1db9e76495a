"""`pull-request.md`: what the branch is about, ready to be sent with it.

The first line is the title. Everything from the repository is escaped, as in `report.md`.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from orchestrate.adapters.backends.local.reports.fix_markdown import (
    counted,
    fix_table,
    place,
)
from orchestrate.adapters.backends.local.reports.visible import (
    markdown_code,
    markdown_text,
    one_line,
    visible,
)
from orchestrate.core.sharing.findings import Analysis
from orchestrate.core.sharing.remediation import (
    ON_BRANCH,
    CheckKind,
    FixOutcome,
    Remediation,
    behaviour,
    check_of,
    reasons,
)

#: Code hosts refuse longer descriptions, and cut titles off.
MAX_CHARACTERS = 60_000
MAX_TITLE = 72
_KINDS: tuple[CheckKind, ...] = ("proof", "re-scan", "tests")
_PLAIN = re.compile(r"[\w ./-]+")
_SHOWN = 100
_REASONS = 15


def render_pull_request(analysis: Analysis, found: Remediation, *, version: str) -> bytes:
    """The text, title first; empty when the branch holds no fix."""
    fixes = tuple(fix for fix in found.fixes if fix.standing in ON_BRANCH)
    if not fixes:
        return b""
    for shown in (_SHOWN, 40, 10):
        text = "\n".join(_document(analysis, found, fixes, shown, version)) + "\n"
        if len(text) <= MAX_CHARACTERS:
            break
    return text.encode("utf-8")


def title(fixes: Sequence[FixOutcome]) -> str:
    """One line of at most MAX_TITLE characters; plain text, as titles are."""
    if len(fixes) > 1:
        return f"Fix {len(fixes)} security findings"
    # A name that could be read as markup or a mention is in the table, where it is escaped.
    plain = _PLAIN.fullmatch(fixes[0].title)
    return one_line(fixes[0].title, MAX_TITLE) if plain else "Fix a security finding"


def _document(
    analysis: Analysis, found: Remediation, fixes: tuple[FixOutcome, ...], shown: int, version: str
) -> Iterator[str]:
    yield title(fixes)
    yield "\n## What is fixed\n"
    yield from fix_table(fixes[:shown])
    if len(fixes) > shown:
        yield f"\n{len(fixes) - shown} more are commits of this branch."
    yield from _tests_kept(fixes[:shown])
    yield from _behaviour(fixes[:shown])
    yield from _unverified(fixes)
    yield from _left(found)
    yield from _checked(fixes)
    yield from _reproduce(analysis, found, fixes)
    yield f"\nWritten by orchestrate {markdown_text(version)}; each fix is one commit."


def _tests_kept(fixes: Sequence[FixOutcome]) -> Iterator[str]:
    kept = [fix.test for fix in fixes if fix.test]
    if kept:
        yield "\nSecurity tests that stay with the code:\n"
        yield from (f"- {markdown_code(path)}" for path in kept)


def _behaviour(fixes: Sequence[FixOutcome]) -> Iterator[str]:
    noted = [(fix, note) for fix in fixes for note in fix.notes]
    if noted:
        yield "\n## What behaves differently\n"
        yield from (f"- {place(fix)}: {markdown_text(behaviour(note))}" for fix, note in noted)


def _unverified(fixes: Sequence[FixOutcome]) -> Iterator[str]:
    open_ended = [fix for fix in fixes if fix.standing == "unverified"]
    if open_ended:
        yield "\n## Not verified\n"
        yield "These are on the branch because that was asked for; please check them yourself:\n"
        for fix in open_ended:
            said = [check for check in fix.checks if check.verdict == "unknown"]
            why = "; ".join(check.summary or check.name for check in said)
            yield f"- {markdown_text(fix.title, 120)} at {place(fix)}: {markdown_text(why)}"


def _left(found: Remediation) -> Iterator[str]:
    """What a reviewer would otherwise believe to be fixed as well."""
    kept_off = found.standing("kept off", "taken back", "failed", "unfinished")
    grouped = reasons(found.not_fixed)
    if not kept_off and not grouped:
        return
    yield "\n## What is not fixed\n"
    for fix in kept_off[:_SHOWN]:
        why = markdown_text(fix.why, 300) or "no reason was given"
        yield f"- {markdown_text(fix.title, 120)} at {place(fix)} ({fix.standing}): {why}"
    for reason in grouped[:_REASONS]:
        total = len(reason.findings)
        noun = "finding" if total == 1 else "findings"
        yield f"- {total} {noun} ({counted(reason)}): {markdown_text(reason.reason, 200)}"
    if len(grouped) > _REASONS:
        yield f"- findings left for {len(grouped) - _REASONS} more reasons; the report lists them"


def _checked(fixes: Sequence[FixOutcome]) -> Iterator[str]:
    """How many of each check said what."""
    yield "\n## How it was checked\n"
    proofs, scans, tests = (_verdicts(fixes, kind) for kind in _KINDS)
    yield f"- Security test fails without the fix and passes with it: {proofs}"
    yield f"- Second scan, the finding is gone and nothing is new: {scans}"
    yield f"- Tests of the repository, compared with those before the fix: {tests}"


def _verdicts(fixes: Sequence[FixOutcome], kind: CheckKind) -> str:
    seen = [check_of(fix, kind) for fix in fixes]
    counts = {
        verdict: sum(check is not None and check.verdict == verdict for check in seen)
        for verdict in ("passed", "failed", "unknown")
    }
    counts["not run"] = sum(check is None for check in seen)
    parts = [f"{count} {name}" for name, count in counts.items() if count]
    return f"{', '.join(parts)} (of {len(fixes)})"


def _reproduce(
    analysis: Analysis, found: Remediation, fixes: Sequence[FixOutcome]
) -> Iterator[str]:
    lines = [f"git switch {found.branch}"]
    for kind in reversed(_KINDS):
        commands = [check.command for fix in fixes if (check := check_of(fix, kind))]
        lines += dict.fromkeys(command for command in commands if command)
    lines.append("orchestrate security --no-fix")
    start = f" (the work began at {markdown_code(analysis.revision)})" if analysis.revision else ""
    yield f"\n## How to see it yourself\n\nIn an environment with the project installed{start}:\n"
    # Indented: unlike a fence, nothing inside can close it.
    yield from (f"    {visible(one_line(line, 1_000))}" for line in lines)
