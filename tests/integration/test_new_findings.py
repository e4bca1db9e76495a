"""The gate on new findings, where some tool could look neither before nor after the work."""

from __future__ import annotations

from pathlib import Path

import pytest

from orchestrate.core.planning.definition import GateSpec
from orchestrate.core.sharing.evidence import Verdict
from orchestrate.core.sharing.findings import ToolRun
from orchestrate.hosts.local.scans import Scanned
from tests.integration.reproducing import FIX, Bug

GATE = GateSpec("security", "findings", severity="medium")
NO_ADVISORIES = ToolRun("advisory-audit", "1", "unreachable", reason="no advisories were given")
NO_BANDIT = ToolRun("bandit", "1", "missing", reason="not installed")
CLEAN = Scanned()


def blind(*tools: ToolRun) -> Scanned:
    return Scanned(tools=tools)


@pytest.mark.parametrize(
    ("path", "before", "after", "verdict"),
    [
        ("sums.py", blind(NO_ADVISORIES), blind(NO_ADVISORIES), "passed"),
        ("pyproject.toml", blind(NO_ADVISORIES), blind(NO_ADVISORIES), "unknown"),
        ("sums.py", CLEAN, blind(NO_ADVISORIES), "unknown"),
        ("sums.py", blind(NO_BANDIT), blind(NO_BANDIT), "unknown"),
        ("sums.py", CLEAN, CLEAN, "passed"),
    ],
)
def test_dependencies_nobody_could_look_up_are_the_same_while_no_file_names_others(
    tmp_path: Path, path: str, before: Scanned, after: Scanned, verdict: Verdict
) -> None:
    bug = Bug(tmp_path)
    commit = bug.work({path: FIX}).commit
    checks = bug.made({bug.base: before, commit: after})
    judged, _ = bug.judge(GATE, commit, checks=checks)
    assert judged.verdict == verdict, judged
