"""`report.md`: the report as a comment on a pull request. Bounded; the rest is in the other files.

Everything from the repository is escaped: no mentions, links, images or HTML of its making.
"""

from __future__ import annotations

from collections.abc import Iterator

from orchestrate.adapters.backends.local.reports.fix_markdown import fix_sections
from orchestrate.adapters.backends.local.reports.visible import (
    heading,
    markdown_code,
    markdown_text,
    visible,
)
from orchestrate.core.sharing.assembly import STATUS_WORDS
from orchestrate.core.sharing.cwe import cwe_label
from orchestrate.core.sharing.findings import SEVERITY_ORDER, Analysis, Finding, TimelineEntry
from orchestrate.core.sharing.remediation import NO_FIXES, Remediation, sentence
from orchestrate.core.sharing.summary import summarise

#: Code hosts refuse comments above 65 536 characters.
MAX_CHARACTERS = 60_000
SHOWN_FINDINGS = 50
#: Findings that get their own paragraph with excerpt and remedy.
DETAILED_FINDINGS = 10
SHOWN_LIST = 25
_LONGEST_EXCERPT = 1_200


def render_markdown(
    analysis: Analysis,
    timeline: tuple[TimelineEntry, ...],
    *,
    version: str,
    fixes: Remediation = NO_FIXES,
) -> bytes:
    """The document, at most MAX_CHARACTERS long; what was left out is said where it would be."""
    del timeline  # the page shows it; a comment has no room
    for detailed, shown in ((DETAILED_FINDINGS, SHOWN_FINDINGS), (3, 25), (0, 10), (0, 0)):
        text = "\n".join(_document(analysis, fixes, version, detailed, shown)) + "\n"
        if len(text) <= MAX_CHARACTERS:
            break
    return text.encode("utf-8")


def _document(
    analysis: Analysis, fixes: Remediation, version: str, detailed: int, shown: int
) -> Iterator[str]:
    summary = summarise(analysis)
    yield f"# Security report: {markdown_text(analysis.subject)}"
    yield f"\n**{markdown_text(summary.verdict, 1_000)}**\n"
    if fixes.asked:
        yield f"**{markdown_text(sentence(fixes), 600)}**\n"
    yield "| Severity | Findings |\n| --- | ---: |"
    yield from (f"| {name} | {summary.severities[name]} |" for name in SEVERITY_ORDER)
    yield from _unknown(analysis)
    yield from _findings(analysis.findings, shown)
    for number, finding in enumerate(analysis.findings[:detailed], start=1):
        yield from _detail(number, finding)
    yield from fix_sections(fixes, shown)
    yield from _not_examined(analysis)
    yield from _tools(analysis)
    yield from _suppressed(analysis)
    revision = f" at revision {markdown_code(analysis.revision)}" if analysis.revision else ""
    yield f"\nWritten by orchestrate {markdown_text(version)}{revision}. "
    yield "The page `report.html` and the files `report.json` and `report.sarif` hold everything."


def _unknown(analysis: Analysis) -> Iterator[str]:
    if not analysis.unknown:
        return
    yield "\n## Could not be confirmed\n"
    yield "These checks did not complete. What they did not report may still be there.\n"
    yield from (f"- {markdown_text(each)}" for each in analysis.unknown[:SHOWN_LIST])
    yield from _more(len(analysis.unknown), SHOWN_LIST)


def _findings(findings: tuple[Finding, ...], shown: int) -> Iterator[str]:
    if not findings:
        return
    yield "\n## Findings\n"
    if shown:
        yield "| # | Severity | Finding | Where | Exposure | Score |"
        yield "| ---: | --- | --- | --- | --- | ---: |"
    for number, finding in enumerate(findings[:shown], start=1):
        where = markdown_code(f"{finding.location.path}:{finding.location.line}")
        yield (
            f"| {number} | {finding.severity} | {markdown_text(heading(finding), 120)} | {where} "
            f"| {finding.exposure} | {finding.score:g} |"
        )
    yield from _more(len(findings), shown)


def _detail(number: int, finding: Finding) -> Iterator[str]:
    where = markdown_code(f"{finding.location.path}:{finding.location.line}")
    yield f"\n### {number}. {markdown_text(heading(finding), 120)}\n"
    yield f"{where} — {markdown_text(finding.message)}\n"
    yield f"{markdown_text(finding.why)}"
    if finding.cwe is not None:
        yield f"{markdown_text(cwe_label(finding.cwe))}."
    if finding.location.excerpt:
        yield f"\n{_code_block(finding.location.excerpt)}\n"
    if finding.remedy:
        yield f"Remedy: {markdown_text(finding.remedy)}"


def _code_block(text: str) -> str:
    """An indented block: unlike a fence, nothing inside can close it."""
    return "\n".join(f"    {line}" for line in visible(text)[:_LONGEST_EXCERPT].split("\n"))


def _not_examined(analysis: Analysis) -> Iterator[str]:
    if not analysis.not_examined:
        return
    yield "\n## Not examined\n"
    for entry in analysis.not_examined[:SHOWN_LIST]:
        first = ", ".join(markdown_code(path, 100) for path in entry.paths[:3])
        yield f"- {entry.count}: {markdown_text(entry.reason)}" + (f" ({first})" if first else "")
    yield from _more(len(analysis.not_examined), SHOWN_LIST)


def _tools(analysis: Analysis) -> Iterator[str]:
    if not analysis.tools:
        return
    yield "\n## Tools\n"
    yield "| Tool | Version | Status | Sent from this machine |\n| --- | --- | --- | --- |"
    for run in analysis.tools[:SHOWN_LIST]:
        yield (
            f"| {markdown_text(run.tool)} | {markdown_text(run.version)} "
            f"| {STATUS_WORDS[run.status]} | {markdown_text(run.sent) or 'nothing'} |"
        )
    yield from _more(len(analysis.tools), SHOWN_LIST)


def _suppressed(analysis: Analysis) -> Iterator[str]:
    if not analysis.suppressed:
        return
    yield "\n## Suppressed with a reason\n"
    for finding in analysis.suppressed[:SHOWN_LIST]:
        where = markdown_code(f"{finding.location.path}:{finding.location.line}")
        title = markdown_text(heading(finding), 120)
        reason = markdown_text(finding.suppressed, 200)
        yield f"- {finding.severity}: {title} at {where}. {reason}"
    yield from _more(len(analysis.suppressed), SHOWN_LIST)


def _more(total: int, shown: int) -> Iterator[str]:
    if total > shown:
        yield f"\n{total - shown} more in `report.html` and `report.json`."
