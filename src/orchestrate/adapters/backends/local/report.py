"""Action `security-report`: what was found and fixed as SARIF, JSON, Markdown and one page.

Where fixes were merged, a text to send their branch with is written as well.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import msgspec

import orchestrate
from orchestrate.adapters.backends.local.artifacts import write_whole
from orchestrate.adapters.backends.local.fix_outcomes import read_remediation
from orchestrate.adapters.backends.local.progress import ReportProgress
from orchestrate.adapters.backends.local.reports.document import render_json
from orchestrate.adapters.backends.local.reports.markdown import render_markdown
from orchestrate.adapters.backends.local.reports.page import render_html
from orchestrate.adapters.backends.local.reports.pull_request import render_pull_request
from orchestrate.adapters.backends.local.reports.sarif import render_sarif
from orchestrate.core.sharing.findings import Analysis, TimelineEntry
from orchestrate.core.sharing.remediation import Remediation, sentence
from orchestrate.core.sharing.summary import verdict_sentence
from orchestrate.errors import AgentError
from orchestrate.ports.performer import AttemptRequest, AttemptResult

Renderer = Callable[[Analysis, tuple[TimelineEntry, ...], Remediation], bytes]
ARTIFACT = "analysis"
PULL_REQUEST = "pull-request.md"


def run(request: AttemptRequest, report_progress: ReportProgress) -> AttemptResult:
    """Read the upstream `analysis` artifact and write the reports.

    Metrics: `fixes.<standing>` for each standing, when fixes were asked for.

    Raises:
        AgentError: there is no readable analysis, or what a fix left cannot be read.
    """
    analysis = read_analysis(request)
    fixes = read_remediation(request, analysis.findings)
    version = orchestrate.__version__
    renderers = _renderers(version)
    for done, (name, render) in enumerate(renderers.items()):
        report_progress(done, len(renderers), name)
        write_whole(Path(request.outputs_dir, name), render(analysis, request.timeline, fixes))
    text = render_pull_request(analysis, fixes, version=version)
    if text:
        write_whole(Path(request.outputs_dir, PULL_REQUEST), text)
    report_progress(len(renderers), len(renderers), "done")
    return AttemptResult(
        ok=True,
        summary=" ".join(filter(None, (verdict_sentence(analysis), sentence(fixes)))),
        metrics={f"fixes.{name.replace(' ', '_')}": float(n) for name, n in fixes.totals.items()},
    )


def _renderers(version: str) -> dict[str, Renderer]:
    """Output file -> what writes it."""
    return {
        "report.sarif": lambda a, t, f: render_sarif(a, t, version=version, fixes=f),
        "report.json": lambda a, t, f: render_json(a, t, version=version, fixes=f),
        "report.md": lambda a, t, f: render_markdown(a, t, version=version, fixes=f),
        "report.html": lambda a, t, f: render_html(a, t, version=version, fixes=f),
    }


def read_analysis(request: AttemptRequest) -> Analysis:
    """The analysis among what `request` is given.

    Raises:
        AgentError: there is none, or it cannot be read.
    """
    paths = [artifact.path for artifact in request.artifacts if artifact.name == ARTIFACT]
    if not paths:
        raise AgentError(
            "there is no analysis to work on: the task that merges the findings left none",
            remedy="need the task that runs `aggregate-findings`, and see why it left nothing",
        )
    try:
        return msgspec.json.decode(Path(paths[-1]).read_bytes(), type=Analysis)
    except (OSError, msgspec.DecodeError) as error:
        raise AgentError(f"{paths[-1]}: the analysis cannot be read: {error}") from error
