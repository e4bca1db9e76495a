"""SARIF: valid by the standard's schema, and read by a program that is not ours."""

from __future__ import annotations

import csv
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import jsonschema
import msgspec
import pytest

from orchestrate.adapters.backends.local.reports.sarif import render_sarif
from orchestrate.core.sharing.findings import Analysis, Finding, Location
from tests.packages import fetch_sdist
from tests.unit.adapters.local.hostile import hostile
from tests.unit.adapters.local.report_sample import TIMELINE, many, sample


def document(analysis: Analysis) -> dict[str, Any]:
    rendered: dict[str, Any] = json.loads(render_sarif(analysis, TIMELINE, version="0.1.0"))
    return rendered


def only_run(analysis: Analysis) -> dict[str, Any]:
    (run,) = document(analysis)["runs"]
    assert isinstance(run, dict)
    return run


@pytest.fixture(scope="module")
def schema() -> dict[str, Any]:
    """The schema of the standard, as the package sarif-om carries it."""
    text = (fetch_sdist("sarif-om", "1.0.4") / "sarif-2.1.0-rtm.4.json").read_text("utf-8")
    loaded: dict[str, Any] = json.loads(text)
    return loaded


@pytest.mark.packages
@pytest.mark.parametrize(
    "analysis",
    [
        sample(),
        hostile(sample()),
        many(200),
        Analysis(subject="empty"),
        msgspec.structs.replace(sample(), unknown=(), origin="", revision=""),
    ],
    ids=["sample", "hostile", "many", "empty", "no-git"],
)
def test_document_is_valid_by_the_schema_of_the_standard(
    analysis: Analysis, schema: dict[str, Any]
) -> None:
    validator = jsonschema.Draft4Validator(schema, format_checker=jsonschema.FormatChecker())

    assert [error.message for error in validator.iter_errors(document(analysis))] == []


@pytest.mark.packages
def test_the_schema_would_notice_a_mistake(schema: dict[str, Any]) -> None:
    wrong = document(sample())
    wrong["runs"][0]["results"][0]["level"] = "high"

    assert not jsonschema.Draft4Validator(schema).is_valid(wrong)


def test_sarif_tools_reads_every_result_with_its_place_and_level(tmp_path: Path) -> None:
    from sarif import loader

    path = tmp_path / "report.sarif"
    path.write_bytes(render_sarif(sample(), TIMELINE, version="0.1.0"))

    records = loader.load_sarif_file(str(path)).get_records()

    expected = {
        (finding.rule, finding.location.path, finding.location.line)
        for finding in (*sample().findings, *sample().suppressed)
    }
    assert {(r["Code"].split()[0], r["Location"], int(r["Line"])) for r in records} == expected
    assert {record["Tool"] for record in records} == {"orchestrate"}


def test_sarif_tools_commands_count_what_we_count(tmp_path: Path) -> None:
    path = tmp_path / "report.sarif"
    path.write_bytes(render_sarif(many(40), TIMELINE, version="0.1.0"))
    command = [sys.executable, "-m", "sarif"]

    summary = subprocess.run(
        [*command, "summary", str(path)], capture_output=True, text=True, check=True
    ).stdout
    table = tmp_path / "report.csv"
    subprocess.run([*command, "csv", "-o", str(table), str(path)], capture_output=True, check=True)

    counts = {
        line.split(":")[0].strip(): int(line.split(":")[1])
        for line in summary.splitlines()
        if line.split(":")[0].strip() in {"error", "warning", "note"}
    }
    assert counts == {"error": 10, "warning": 10, "note": 20}
    with table.open(encoding="utf-8") as stream:
        assert len(list(csv.DictReader(stream))) == 40


def test_unknown_makes_the_invocation_unsuccessful_and_is_notified() -> None:
    (invocation,) = only_run(sample())["invocations"]

    assert invocation["executionSuccessful"] is False
    told = {
        note["descriptor"]["id"]: (note["level"], note["message"]["text"])
        for note in invocation["toolExecutionNotifications"]
        if "descriptor" in note
    }
    assert told["tool/unreachable"][0] == "error"
    assert told["tool/unreachable"][1].startswith("dependency audit (advisories): could not reach")
    assert told["tool/partial"][0] == "warning"


def test_an_invocation_is_successful_only_when_tools_ran_and_nothing_is_unknown() -> None:
    conclusive = msgspec.structs.replace(sample(), unknown=())

    assert only_run(conclusive)["invocations"][0]["executionSuccessful"] is True
    assert only_run(Analysis(subject="s"))["invocations"][0]["executionSuccessful"] is False


def test_rules_carry_cwe_level_and_a_security_severity_only_where_it_is_about_security() -> None:
    rules = {rule["id"]: rule for rule in only_run(sample())["tool"]["driver"]["rules"]}

    shell = rules["ORC-PY-101"]
    assert shell["properties"]["security-severity"] == "8.0"
    assert "external/cwe/cwe-078" in shell["properties"]["tags"]
    assert shell["relationships"][0]["target"]["id"] == "78"
    assert "security-severity" not in rules["ORC-PY-702"]["properties"]


def test_rule_and_taxon_indices_point_at_what_they_name() -> None:
    run = only_run(sample())
    rules = run["tool"]["driver"]["rules"]
    taxa = run["taxonomies"][0]["taxa"]

    for result in run["results"]:
        assert rules[result["ruleIndex"]]["id"] == result["ruleId"]
        for taxon in result.get("taxa", ()):
            assert taxa[taxon["index"]]["id"] == taxon["id"]


def test_suppressed_results_say_where_and_why_and_the_others_say_none() -> None:
    by_rule = {result["ruleId"]: result for result in only_run(sample())["results"]}

    assert by_rule["ORC-PY-101"]["suppressions"] == []
    (suppression,) = by_rule["B311"]["suppressions"]
    assert suppression["kind"] == "inSource"
    assert "only shuffles advertisements" in suppression["justification"]


def test_provenance_is_given_when_the_remote_is_known_and_only_then() -> None:
    (provenance,) = only_run(sample())["versionControlProvenance"]

    assert provenance["repositoryUri"] == "https://code.invalid/team/shop.git"
    assert provenance["revisionId"] == sample().revision
    assert "versionControlProvenance" not in only_run(msgspec.structs.replace(sample(), origin=""))


@pytest.mark.parametrize(
    ("path", "uri"),
    [
        ("a b.py", "a%20b.py"),
        ("c:d.py", "c%3Ad.py"),
        ("100%.py", "100%25.py"),
        ("ä.py", "%C3%A4.py"),
        ("\\xff.py", "%FF.py"),
        ("\\u202e.py", "%E2%80%AE.py"),
        ("", "."),
    ],
)
def test_paths_become_relative_references(path: str, uri: str) -> None:
    finding = Finding("R", "t", "m", "code", "low", "low", Location(path))

    (result,) = only_run(Analysis(subject="s", findings=(finding,)))["results"]

    assert result["locations"][0]["physicalLocation"]["artifactLocation"]["uri"] == uri


def test_the_same_analysis_gives_the_same_bytes() -> None:
    first, second = (render_sarif(sample(), TIMELINE, version="1") for _ in range(2))

    assert first == second
