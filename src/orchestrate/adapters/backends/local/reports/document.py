"""`report.json`: everything, for programs. Described by library/schemas/report-1.json."""

from __future__ import annotations

import msgspec

from orchestrate.core.sharing.findings import Analysis, TimelineEntry
from orchestrate.core.sharing.remediation import NO_FIXES, Remediation
from orchestrate.core.sharing.summary import Generator, ReportDocument, summarise


def render_json(
    analysis: Analysis,
    timeline: tuple[TimelineEntry, ...],
    *,
    version: str,
    fixes: Remediation = NO_FIXES,
) -> bytes:
    """The document, indented."""
    document = ReportDocument(
        generator=Generator("orchestrate", version),
        summary=summarise(analysis),
        analysis=analysis,
        timeline=timeline,
        remediation=fixes,
    )
    return msgspec.json.format(msgspec.json.encode(document, order="deterministic"), indent=1)
