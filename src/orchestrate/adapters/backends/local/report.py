"""Action `security-report`: one analysis as SARIF, JSON, Markdown and a self-contained page."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import msgspec

import orchestrate
from orchestrate.adapters.backends.local.artifacts import write_whole
from orchestrate.adapters.backends.local.progress import ReportProgress
from orchestrate.adapters.backends.local.reports.document import render_json
from orchestrate.adapters.backends.local.reports.markdown import render_markdown
from orchestrate.adapters.backends.local.reports.page import render_html
from orchestrate.adapters.backends.local.reports.sarif import render_sarif
from orchestrate.core.sharing.findings import Analysis, TimelineEntry
from orchestrate.core.sharing.summary import verdict_sentence
from orchestrate.errors import AgentError
from orchestrate.ports.performer import AttemptRequest, AttemptResult

Renderer = Callable[[Analysis, tuple[TimelineEntry, ...]], bytes]
ARTIFACT = "analysis"


def run(request: AttemptRequest, report_progress: ReportProgress) -> AttemptResult:
    """Read the upstream `analysis` artifact and write the four reports.

    Raises:
        AgentError: there is no readable analysis.
    """
    analysis = _analysis(request)
    renderers = _renderers(orchestrate.__version__)
    for done, (name, render) in enumerate(renderers.items()):
        report_progress(done, len(renderers), name)
        write_whole(Path(request.outputs_dir, name), render(analysis, request.timeline))
    report_progress(len(renderers), len(renderers), "done")
    return AttemptResult(ok=True, summary=verdict_sentence(analysis))


def _renderers(version: str) -> dict[str, Renderer]:
    """Output file -> what writes it."""
    return {
        "report.sarif": lambda found, line: render_sarif(found, line, version=version),
        "report.json": lambda found, line: render_json(found, line, version=version),
        "report.md": lambda found, line: render_markdown(found, line, version=version),
        "report.html": lambda found, line: render_html(found, line, version=version),
    }


def _analysis(request: AttemptRequest) -> Analysis:
    paths = [artifact.path for artifact in request.artifacts if artifact.name == ARTIFACT]
    if not paths:
        raise AgentError(
            "the report has no analysis to render",
            remedy="let the report task need the task that runs `aggregate-findings`",
        )
    try:
        return msgspec.json.decode(Path(paths[-1]).read_bytes(), type=Analysis)
    except (OSError, msgspec.DecodeError) as error:
        raise AgentError(f"{paths[-1]}: the analysis cannot be read: {error}") from error
