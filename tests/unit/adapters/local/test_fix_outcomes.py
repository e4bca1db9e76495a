"""From deliveries, evidence and what the fixes left to what the report says about them."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any

import msgspec
import pytest

from orchestrate.adapters.backends.local import report
from orchestrate.adapters.backends.local.fix_outcomes import read_remediation, typed
from orchestrate.adapters.backends.local.progress import silent
from orchestrate.core.ids import AttemptKey
from orchestrate.core.planning.definition import InputValue
from orchestrate.core.sharing.evidence import CheckCommand, Evidence, EvidenceNote
from orchestrate.core.sharing.remediation import NO_FIXES, Remediation, Replacement
from orchestrate.errors import AgentError
from orchestrate.ports.performer import AttemptRequest, Delivery, UpstreamArtifact
from tests.unit.adapters.local.remediation_sample import not_fixed
from tests.unit.adapters.local.report_sample import TIMELINE, sample

FINDING = next(f for f in sample().findings if f.rule == "ORC-PY-303")
ITEM: dict[str, InputValue] = {
    "key": "orc-py-303-1",
    "title": "Verify the certificate in charge",
    "rule": FINDING.rule,
    "fingerprint": FINDING.fingerprint,
    "fingerprints": f"{FINDING.fingerprint} other",
    "rules": FINDING.rule,
    "path": "pay.py",
    "line": 2,
    "symbol": "charge",
    "codemod": "tls-verified",
    "severity": "critical",
    "writes": "pay.py\ntests/test_security.py",
    "test": "tests/test_security.py",
}
DIFF = (
    "--- a/pay.py\n+++ b/pay.py\n@@ -1,2 +1,2 @@\n"
    " def charge():\n-    post(verify=False)\n+    post()\n"
)
PYTEST = CheckCommand(
    "test", "pytest", ("{python}", "-m", "pytest", "-q", "--junit-xml={report}/j.xml", "tests")
)


class Run:
    """A repository, and what a run left about it."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.repository = root / "shop"
        self.repository.mkdir()
        (self.repository / "pay.py").write_text("# shop\ndef charge():\n    post(verify=False)\n")
        self.outputs = root / "outputs"
        self.outputs.mkdir()
        self.artifacts = [
            self.artifact("aggregate", "analysis", sample()),
            self.artifact("plan", "fixes", [ITEM]),
            self.artifact("plan", "not_fixed", not_fixed()),
        ]

    def artifact(self, task: str, name: str, value: object) -> UpstreamArtifact:
        data = msgspec.json.encode(value)
        path = self.root / f"{task}-{name}.json"
        path.write_bytes(data)
        return UpstreamArtifact(task, name, str(path), hashlib.sha256(data).hexdigest())

    def fix(self) -> UpstreamArtifact:
        made: dict[str, Any] = {
            **{name: ITEM[name] for name in ("key", "title", "rule", "codemod", "path", "symbol")},
            "rules": [FINDING.rule],
            "fingerprints": [FINDING.fingerprint],
            "files": ["pay.py"],
            "diff": DIFF,
            "before": "    post(verify=False)",
            "after": "    post()",
            "test": ITEM["test"],
            "proof": ["{python}", "-I", ITEM["test"]],
            "notes": ["behaviour: a wrong certificate is an error now"],
        }
        return self.artifact("fix.orc-py-303-1", "fix", made)

    def evidence(self, name: str, command: CheckCommand, **note: str) -> EvidenceNote:
        data = msgspec.json.encode(Evidence(command, "c" * 40, "t" * 40, "passed"))
        path = self.root / f"{name.replace('/', '-')}.json"
        path.write_bytes(data)
        digest = hashlib.sha256(data).hexdigest()
        return EvidenceNote(name, "passed", note["summary"], digest, str(path), note["before"])

    def delivery(self, **changes: Any) -> Delivery:
        note = self.evidence(
            "remediation/tests", PYTEST, summary="8 passed (before: 7 passed)", before="7 passed"
        )
        delivery = Delivery(
            task="fix.orc-py-303-1",
            standing="merged",
            message="Verify the certificate in charge: 1 place changed.",
            commit="a" * 40,
            merged="b" * 40,
            paths=("pay.py", "tests/test_security.py"),
            checks=(
                EvidenceNote("security test of orc-py-303-1", "passed", "failed before"),
                EvidenceNote("re-scan", "passed", "gone, and nothing new"),
                note,
            ),
            item=dict(ITEM),
            artifacts=(self.fix(),),
        )
        return msgspec.structs.replace(delivery, **changes)

    def request(self, *deliveries: Delivery, fix: bool = True) -> AttemptRequest:
        return AttemptRequest(
            key=AttemptKey("k3v7m2qa", "report", 1),
            token="token",
            phase="reporting",
            repository=str(self.repository),
            folder=str(self.root),
            outputs_dir=str(self.outputs),
            scratch_dir=str(self.root / "scratch"),
            action="security-report",
            inputs={"fix": fix},
            artifacts=tuple(self.artifacts),
            timeline=TIMELINE,
            deliveries=deliveries,
        )

    def read(self, *deliveries: Delivery) -> Remediation:
        return read_remediation(self.request(*deliveries), sample().findings)


@pytest.fixture
def run(tmp_path: Path) -> Run:
    return Run(tmp_path)


def test_a_merged_fix_is_told_with_commit_diff_test_and_checks(run: Run) -> None:
    found = run.read(run.delivery())

    (fix,) = found.fixes
    assert (fix.standing, fix.why, fix.commit, fix.merged) == ("merged", "", "a" * 40, "b" * 40)
    assert (fix.path, fix.line, fix.severity, fix.test) == (
        "pay.py", 2, "critical", "tests/test_security.py",
    )  # fmt: skip
    assert fix.fingerprints == (FINDING.fingerprint, "other")
    assert fix.diff == DIFF
    assert fix.notes == ("behaviour: a wrong certificate is an error now",)
    assert [(each.kind, each.verdict) for each in fix.checks] == [
        ("proof", "passed"),
        ("re-scan", "passed"),
        ("tests", "passed"),
    ]
    assert found.branch == "orchestrate/k3v7m2qa"
    assert found.totals["merged"] == 1


def test_tests_before_and_after_are_told_apart_with_the_command(run: Run) -> None:
    (fix,) = run.read(run.delivery()).fixes
    check = fix.checks[-1]

    assert (check.before, check.summary) == ("7 passed", "8 passed")
    assert check.command == "python -m pytest tests"
    assert len(check.digest) == 64


def test_a_diff_is_told_of_the_scanned_file_where_that_still_is_what_was_fixed(run: Run) -> None:
    (fix,) = run.read(run.delivery()).fixes
    assert fix.replacements == (Replacement("pay.py", 3, 1, "    post()\n"),)

    (run.repository / "pay.py").unlink()
    assert run.read(run.delivery()).fixes[0].replacements == ()


def test_evidence_that_was_changed_gives_no_command(run: Run) -> None:
    delivery = run.delivery()
    path = Path(delivery.checks[-1].path)
    path.write_bytes(path.read_bytes().replace(b"pytest", b"sudo  "))

    assert run.read(delivery).fixes[0].checks[-1].command == ""
    path.unlink()
    assert run.read(delivery).fixes[0].checks[-1].command == ""


@pytest.mark.parametrize(
    "standing", ["unverified", "kept off", "taken back", "failed", "unfinished"]
)
def test_everything_but_a_proven_fix_says_why(run: Run, standing: str) -> None:
    delivery = run.delivery(standing=standing, message="because", artifacts=())

    (fix,) = run.read(delivery).fixes

    assert (fix.standing, fix.why, fix.diff) == (standing, "because", "")
    assert fix.title == ITEM["title"]


def test_work_that_is_no_fix_is_passed_over(run: Run) -> None:
    other = Delivery(task="docs", standing="merged", commit="d" * 40, item={"key": "x"})
    assert [fix.task for fix in run.read(other, run.delivery()).fixes] == ["fix.orc-py-303-1"]


def test_findings_left_by_the_plan_are_listed_without_suppressed_ones(run: Run) -> None:
    found = run.read(run.delivery())
    assert {each.reason for each in found.not_fixed} == {
        "it stands in test code",
        "there is no codemod for this rule",
    }


def test_a_run_that_was_not_to_fix_says_nothing_about_fixes(run: Run) -> None:
    assert read_remediation(run.request(fix=False), sample().findings) == NO_FIXES


def test_a_plan_that_failed_or_was_not_begun_is_said(run: Run) -> None:
    assert run.read().problem == "what was planned was not begun"
    run.artifacts = run.artifacts[:1]
    assert run.read().problem == "the plan of fixes was not made"


def test_a_plan_of_nothing_is_no_problem(run: Run) -> None:
    run.artifacts[1] = run.artifact("plan", "fixes", [])
    found = run.read()
    assert (found.asked, found.problem, found.fixes) == (True, "", ())


@pytest.mark.parametrize("damage", ["digest", "json", "gone"])
def test_what_a_task_left_has_to_be_what_it_recorded(run: Run, damage: str) -> None:
    path = Path(run.artifacts[2].path)
    if damage == "gone":
        path.unlink()
    else:
        path.write_bytes(b"[]" if damage == "digest" else b"{")
    if damage == "json":
        digest = hashlib.sha256(b"{").hexdigest()
        run.artifacts[2] = msgspec.structs.replace(run.artifacts[2], digest=digest)

    with pytest.raises(AgentError, match=r"plan-not_fixed\.json"):
        run.read(run.delivery())


def test_unknown_standings_and_items_are_refused(run: Run) -> None:
    with pytest.raises(AgentError, match="stands as 'adrift'"):
        run.read(run.delivery(standing="adrift"))
    with pytest.raises(AgentError, match="not a planned fix"):
        run.read(run.delivery(item={"fingerprint": "x"}))


def test_the_action_writes_a_pull_request_only_if_something_was_merged(run: Run) -> None:
    kept = run.delivery(standing="kept off", message="no test runs here", merged="")
    result = report.run(run.request(kept), silent)
    assert result.ok
    assert result.metrics["fixes.kept_off"] == 1
    assert "1 not verified and kept off the branch" in result.summary
    assert not (run.outputs / report.PULL_REQUEST).exists()

    result = report.run(run.request(run.delivery()), silent)
    assert result.metrics["fixes.merged"] == 1
    text = (run.outputs / report.PULL_REQUEST).read_text("utf-8")
    assert text.startswith("Verify the certificate in charge\n")


@pytest.mark.parametrize(
    ("command", "shown"),
    [
        (PYTEST, "python -m pytest tests"),
        (
            CheckCommand("test", "unittest",
                         ("{python}", "/opt/record.py", "{report}/u.json", "discover", "-s", "t")),
            "python -m unittest discover -s t",
        ),
        (CheckCommand("command", "shell", ("{python}", "-I", "a b.py")), "python -I 'a b.py'"),
        (CheckCommand("test", "shell", ("/bin/sh", "-c", "make check | tee log")),
         "make check | tee log"),
        (CheckCommand("test", "npm", ("npm", "test"), folder="web app"),
         "cd 'web app' && npm test"),
    ],
    ids=["pytest", "unittest", "script", "shell", "folder"],
)  # fmt: skip
def test_a_command_is_shown_as_a_person_would_type_it(command: CheckCommand, shown: str) -> None:
    assert typed(command) == shown
