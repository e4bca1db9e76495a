"""Analysis and report as attempts: upstream artifacts in, files and metrics out."""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys
from pathlib import Path

import jsonschema
import msgspec
import pytest

import orchestrate
from orchestrate.adapters.backends.local import aggregate, report
from orchestrate.adapters.backends.local.progress import silent
from orchestrate.core.ids import AttemptKey
from orchestrate.core.sharing.baseline import Baseline, encode_baseline, updated_baseline
from orchestrate.core.sharing.findings import Analysis, Location, SpecialistReport, TimelineEntry
from orchestrate.core.sharing.summary import ReportDocument
from orchestrate.core.sharing.suppression import NO_REASON_RULE
from orchestrate.errors import AgentError, DefinitionError
from orchestrate.ports.performer import AttemptRequest, AttemptResult, UpstreamArtifact
from tests.unit.adapters.local.report_sample import ARCHITECT, REVIEWER, SCOUT, TIMELINE

REPORTS = {"vulnerability-scan": SCOUT, "security-review": REVIEWER, "architecture": ARCHITECT}


class Scan:
    """A repository and the upstream reports of one scan."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.repository = root / "shop"
        self.repository.mkdir()
        self.outputs = root / "outputs"
        self.outputs.mkdir()
        self.artifacts: list[UpstreamArtifact] = []

    def hand_on(self, task: str, specialist: SpecialistReport) -> Path:
        data = msgspec.json.encode(specialist)
        return self.hand_on_bytes(task, "findings", data)

    def hand_on_bytes(self, task: str, name: str, data: bytes) -> Path:
        path = self.root / f"{task}-{name}.json"
        path.write_bytes(data)
        digest = hashlib.sha256(data).hexdigest()
        self.artifacts.append(UpstreamArtifact(task, name, str(path), digest))
        return path

    def source(self, path: str, line: int, text: str) -> None:
        target = self.repository / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text("\n" * (line - 1) + text + "\n", encoding="utf-8")

    def request(self, action: str, **inputs: str) -> AttemptRequest:
        return AttemptRequest(
            key=AttemptKey("run", action, 1),
            token="token",
            phase="analysis",
            repository=str(self.repository),
            folder=str(self.root),
            outputs_dir=str(self.outputs),
            scratch_dir=str(self.root / "scratch"),
            action=action,
            inputs=dict(inputs),
            artifacts=tuple(self.artifacts),
            timeline=TIMELINE,
        )

    def aggregate(self, **inputs: str) -> tuple[AttemptResult, Analysis]:
        result = aggregate.run(self.request("aggregate-findings", **inputs), silent)
        data = (self.outputs / "analysis.json").read_bytes()
        return result, msgspec.json.decode(data, type=Analysis)


@pytest.fixture
def scan(tmp_path: Path) -> Scan:
    made = Scan(tmp_path)
    for task, specialist in REPORTS.items():
        made.hand_on(task, specialist)
    return made


def test_three_reports_become_one_ranked_analysis_with_metrics(scan: Scan) -> None:
    result, analysis = scan.aggregate(request="look")

    assert result.ok
    assert analysis.subject == "shop"
    assert analysis.request == "look"
    assert [finding.severity for finding in analysis.findings][:3] == ["critical", "high", "high"]
    assert analysis.merged == 1
    assert result.metrics == {
        "findings.critical": 1,
        "findings.high": 2,
        "findings.medium": 2,
        "findings.low": 1,
        "findings.info": 1,
        "unknown": 2,
        "suppressed": 0,
    }
    assert "2 checks could not be confirmed" in result.summary


def test_a_missing_report_is_unknown_with_what_became_of_its_task(tmp_path: Path) -> None:
    scan = Scan(tmp_path)
    scan.hand_on("vulnerability-scan", SCOUT)
    request = msgspec.structs.replace(
        scan.request("aggregate-findings"),
        timeline=(
            TimelineEntry("security-review", "scanning", "code-reviewer", 1, 1.0, 2.0, "failed"),
            TimelineEntry("security-review", "scanning", "code-reviewer", 2, 3.0, 4.0, "failed"),
        ),
    )

    _, absent = aggregate.read_reports(request)

    assert absent == {
        "security review (code-reviewer)": "the last of 2 attempts ended as failed",
        "architecture assessment (architect)": "no attempt was made",
    }


def test_no_report_at_all_is_three_unknowns_and_not_clean(tmp_path: Path) -> None:
    result, analysis = Scan(tmp_path).aggregate()

    assert result.ok
    assert result.metrics["unknown"] == 3
    assert analysis.findings == ()
    assert "not conclusive" in result.summary


@pytest.mark.parametrize(
    ("data", "said"),
    [(b"{", "truncated"), (b'{"agent": 3}', "agent"), (b"changed", "not those the task recorded")],
)
def test_a_report_that_cannot_be_trusted_is_unknown(tmp_path: Path, data: bytes, said: str) -> None:
    scan = Scan(tmp_path)
    path = scan.hand_on_bytes("security-review", "findings", data)
    if said.startswith("not those"):
        path.write_bytes(msgspec.json.encode(REVIEWER))

    _, analysis = scan.aggregate()

    (reason,) = [each for each in analysis.unknown if "report of task security-review" in each]
    assert said in reason.lower()
    assert any(each.startswith("security review (code-reviewer)") for each in analysis.unknown)


def test_an_ignore_comment_in_the_repository_suppresses(scan: Scan) -> None:
    scan.source("src/shop/images.py", 43, "run(x)  # orchestrate: ignore[B602] fixed sizes only")

    result, analysis = scan.aggregate()

    (suppressed,) = analysis.suppressed
    assert suppressed.suppressed == "inline: fixed sizes only (src/shop/images.py:43)"
    assert suppressed.score == 8.0
    assert result.metrics["suppressed"] == 1
    assert result.metrics["findings.high"] == 1


def test_an_ignore_comment_without_a_reason_is_a_ranked_finding(scan: Scan) -> None:
    scan.source("src/shop/images.py", 43, "run(x)  # orchestrate: ignore[B602]")

    _, analysis = scan.aggregate()

    (fault,) = [each for each in analysis.findings if each.rule == NO_REASON_RULE]
    assert (fault.score, fault.location.line) == (2.0, 43)
    assert fault.fingerprint
    assert analysis.suppressed == ()


def test_no_comment_is_read_through_a_link_or_from_outside(scan: Scan, tmp_path: Path) -> None:
    outside = tmp_path / "outside.py"
    outside.write_text("x  # orchestrate: ignore[B602] reason\n", encoding="utf-8")
    (scan.repository / "link.py").symlink_to(outside)
    escaping = tuple(
        msgspec.structs.replace(SCOUT.findings[0], location=Location(path), fingerprint=path)
        for path in ("link.py", "../outside.py", str(outside))
    )
    scan.hand_on("more", msgspec.structs.replace(SCOUT, findings=escaping))

    _, analysis = scan.aggregate()

    assert analysis.suppressed == ()


def test_what_the_baseline_accepts_is_suppressed_and_stale_entries_are_noted(scan: Scan) -> None:
    _, before = scan.aggregate()
    update = updated_baseline(Baseline(), before, reason="at adoption", date="2025-03-01")
    gone = msgspec.structs.replace(update.added[0], fingerprints=("gone",), rule="OLD")
    accepted = Baseline(entries=(*update.baseline.entries, gone))
    (scan.repository / "base.json").write_bytes(encode_baseline(accepted))

    result, analysis = scan.aggregate(baseline="base.json")

    assert analysis.findings == ()
    assert len(analysis.suppressed) == 7
    assert {each.suppressed for each in analysis.suppressed} == {
        "baseline: at adoption (2025-03-01)"
    }
    assert any("1 baseline entry matches nothing any more: OLD" in n for n in analysis.notes)
    assert result.metrics["unknown"] == 2


@pytest.mark.parametrize("content", [None, b"{}]"])
def test_a_baseline_that_cannot_be_read_stops_the_analysis(
    scan: Scan, content: bytes | None
) -> None:
    if content is not None:
        (scan.repository / "base.json").write_bytes(content)

    with pytest.raises(DefinitionError, match=r"base\.json"):
        scan.aggregate(baseline="base.json")


def test_the_report_is_written_in_four_forms_and_json_fits_its_schema(scan: Scan) -> None:
    scan.aggregate()
    data = (scan.outputs / "analysis.json").read_bytes()
    scan.hand_on_bytes("analysis", "analysis", data)

    result = report.run(scan.request("security-report"), silent)

    assert result.ok
    written = {path.name for path in scan.outputs.iterdir()} - {"analysis.json"}
    assert written == {"report.sarif", "report.json", "report.md", "report.html"}
    schema = Path(orchestrate.__file__).parent / "library/schemas/report-1.json"
    text = (scan.outputs / "report.json").read_bytes()
    jsonschema.validate(msgspec.json.decode(text), msgspec.json.decode(schema.read_bytes()))
    document = msgspec.json.decode(text, type=ReportDocument)
    assert document.analysis == msgspec.json.decode(data, type=Analysis)
    assert document.timeline == TIMELINE
    assert document.summary.severities["high"] == 2


def test_a_report_without_an_analysis_is_an_error(scan: Scan) -> None:
    with pytest.raises(AgentError, match="no analysis"):
        report.run(scan.request("security-report"), silent)


def test_the_same_reports_in_another_order_give_the_same_bytes(scan: Scan) -> None:
    scan.aggregate()
    first = (scan.outputs / "analysis.json").read_bytes()
    scan.artifacts.reverse()

    scan.aggregate()

    assert (scan.outputs / "analysis.json").read_bytes() == first


def test_the_analysis_runs_as_a_process_of_its_own(scan: Scan) -> None:
    request = scan.root / "request.json"
    request.write_bytes(msgspec.json.encode(scan.request("aggregate-findings")))

    ended = subprocess.run(
        [sys.executable, "-P", "-m", "orchestrate.adapters.backends.local", str(request)],
        capture_output=True,
        text=True,
        env={"PATH": os.environ["PATH"], "HOME": str(scan.root)},
    )

    assert ended.returncode == 0, ended.stderr
    result = msgspec.json.decode((scan.root / "result.json").read_bytes(), type=AttemptResult)
    assert result.metrics["findings.critical"] == 1
    assert (scan.outputs / "analysis.json").is_file()
