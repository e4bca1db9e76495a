"""What the pages about the report state is what the code does."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path

import pytest
from ruamel.yaml import YAML

from orchestrate.adapters.backends.local.reports.findings_list import MOST_CARDS, MOST_LISTED
from orchestrate.adapters.backends.local.reports.markdown import MAX_CHARACTERS
from orchestrate.adapters.backends.local.reports.sarif import render_sarif
from orchestrate.core.sharing.baseline import parse_baseline
from orchestrate.core.sharing.deduplication import LONGEST_STATEMENT
from orchestrate.core.sharing.equivalence import CONTEXT_RULES
from orchestrate.core.sharing.ranking import CONFIDENCE_WEIGHT, EXPOSURE_WEIGHT, SEVERITY_WEIGHT
from orchestrate.core.sharing.suppression import NO_REASON_RULE, UNKNOWN_RULE, parse_ignore
from tests.unit.adapters.local.report_sample import TIMELINE, sample

DOCS = Path(__file__).resolve().parents[2] / "docs"
REPORT = (DOCS / "reference/security-report.md").read_text(encoding="utf-8")
CI = (DOCS / "how-to/ci.md").read_text(encoding="utf-8")


def blocks(page: str, language: str) -> list[str]:
    return re.findall(rf"```{language}\n(.*?)```", page, re.DOTALL)


@pytest.mark.parametrize("weights", [SEVERITY_WEIGHT, CONFIDENCE_WEIGHT, EXPOSURE_WEIGHT])
def test_documented_weights_are_the_ones_used(weights: dict[str, float]) -> None:
    for name, weight in weights.items():
        assert f"| {name} | {weight:g} |" in REPORT


def test_documented_limits_and_rules_are_the_ones_used() -> None:
    for stated in (
        f"more than {LONGEST_STATEMENT} lines",
        f"at most {MAX_CHARACTERS:,} characters",
        f"Beyond {MOST_CARDS:,} findings",
        f"beyond {MOST_CARDS + MOST_LISTED:,}",
        NO_REASON_RULE,
        UNKNOWN_RULE,
        *CONTEXT_RULES,
    ):
        assert stated in REPORT, stated


def test_documented_comments_and_baseline_are_understood() -> None:
    (source,) = blocks(REPORT, "python")
    ignores = [parse_ignore(line, n) for n, line in enumerate(source.splitlines(), 1)]
    (baseline,) = blocks(REPORT, "json")

    assert [ignore.rules for ignore in ignores if ignore] == [("B602",), ("ORC-PY-101", "B602")]
    assert all(ignore.reason for ignore in ignores if ignore)
    assert len(parse_baseline(baseline.encode(), "docs").entries) == 1


def test_pipeline_files_are_yaml_and_run_the_scan() -> None:
    github, gitlab, _ = (YAML(typ="safe").load(text) for text in blocks(CI, "yaml"))

    steps = github["jobs"]["scan"]["steps"]
    (upload,) = [step for step in steps if "upload-sarif" in step.get("uses", "")]
    assert upload["with"]["sarif_file"] == "report/report.sarif"
    assert any("orchestrate security" in step.get("run", "") for step in steps)
    assert gitlab["security"]["artifacts"]["reports"]["codequality"] == "report/code-quality.json"


def test_the_documented_conversion_gives_gitlab_what_stands(tmp_path: Path) -> None:
    (_, _, chosen) = blocks(CI, "yaml")
    (tmp_path / "standing.yaml").write_text(chosen, encoding="utf-8")
    (tmp_path / "report.sarif").write_bytes(render_sarif(sample(), TIMELINE, version="0.1.0"))

    convert = ["sarif", "codeclimate", "--filter", "standing.yaml"]
    subprocess.run(
        [sys.executable, "-m", *convert, "-o", "quality.json", "report.sarif"],
        cwd=tmp_path,
        check=True,
        capture_output=True,
    )

    issues = json.loads((tmp_path / "quality.json").read_text(encoding="utf-8"))
    assert len(issues) == len(sample().findings)
    assert len({issue["fingerprint"] for issue in issues}) == len(issues)
    assert {"description", "check_name", "severity", "location"} <= set(issues[0])
