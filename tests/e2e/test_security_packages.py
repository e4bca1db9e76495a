"""`orchestrate security` on real packages: what it finds, does not claim, and writes."""

from __future__ import annotations

import json
import os
import re
from collections import Counter
from functools import cache
from html.parser import HTMLParser
from importlib import resources
from pathlib import Path

import jsonschema
import pytest

from orchestrate.core.sharing.findings import SEVERITY_ORDER
from tests.data.planted_h11 import FLAWS, plant
from tests.e2e.scanning import Scan, comparable, scan, snapshot
from tests.packages import fetch_sdist

pytestmark = [pytest.mark.slow, pytest.mark.packages]

VERSIONS = {
    "Flask": "0.12.2",
    "requests": "2.19.1",
    "PyYAML": "3.13",
    "h11": "0.16.0",
    "sqlparse": "0.6.1",
    "itsdangerous": "2.2.0",
}


@cache
def scanned(name: str) -> Scan:
    """The package's own scan with the real advisories; once for all tests of a worker."""
    data = Path(os.environ["ORCHESTRATE_TEST_DATA"]).resolve()
    root = fetch_sdist(name, VERSIONS[name])
    before = snapshot(root)
    advisories = str(data / "advisories")
    done = scan(root, "security of a dependency", "--no-fix", "--advisories", advisories)
    assert snapshot(root) == before
    return done


@pytest.fixture(scope="module", params=VERSIONS)
def name(request: pytest.FixtureRequest) -> str:
    """Each package in turn; of module scope, so that its tests stand together and share a scan."""
    return str(request.param)


def advisories_of(done: Scan, rule: str) -> set[tuple[str, str]]:
    """Package and advisory of every finding under `rule`."""
    return {
        (f.properties["package"], f.properties["advisory"])
        for f in done.analysis.findings
        if f.rule == rule
    }


# -- what is found -------------------------------------------------------------------------------


@pytest.mark.data
def test_pyyaml_loads_unsafely_and_is_known_to_be_vulnerable() -> None:
    done = scanned("PyYAML")
    for line in (64, 75):
        found = done.at("lib/yaml/__init__.py", line)
        assert [(f.cwe, f.severity, f.exposure) for f in found] == [(502, "high", "shipped")]
    assert advisories_of(done, "ORC-DEP-104") == {
        ("pyyaml", "PYSEC-2018-49"),
        ("pyyaml", "PYSEC-2021-142"),
    }


@pytest.mark.data
def test_requests_and_what_it_depends_on_are_known_to_be_vulnerable() -> None:
    done = scanned("requests")
    assert advisories_of(done, "ORC-DEP-104") == {("requests", "PYSEC-2023-74")}
    assert advisories_of(done, "ORC-DEP-102") == {
        ("idna", "PYSEC-2024-60"),
        ("urllib3", "PYSEC-2023-192"),
        ("urllib3", "PYSEC-2023-212"),
    }
    assert [f.severity for f in done.analysis.findings[:2]] == ["high", "high"]
    assert done.paths(cwe=295) >= {"requests/adapters.py"}


@pytest.mark.data
def test_flask_evaluates_configuration_files_as_code() -> None:
    done = scanned("Flask")
    first = done.analysis.findings[0]
    assert done.paths(cwe=95) >= {"flask/cli.py", "flask/config.py"}
    assert (first.cwe, first.severity, first.exposure) == (95, "medium", "shipped")
    assert {source.tool for source in first.sources} == {"bandit", "orchestrate-review"}


@pytest.mark.data
@pytest.mark.parametrize("sound", ["h11", "sqlparse", "itsdangerous"])
def test_a_sound_package_has_no_high_and_no_critical_finding(sound: str) -> None:
    done = scanned(sound)
    assert done.analysis.findings
    assert done.severities().keys() <= {"medium", "low", "info"}


@pytest.mark.data
def test_exactly_what_could_not_be_confirmed_is_unknown(name: str) -> None:
    done = scanned(name)
    inconclusive = {run.tool for run in done.analysis.tools if not run.conclusive}
    named = {run.tool for run in done.analysis.tools for entry in done.analysis.unknown
             if f"({run.tool}" in entry}  # fmt: skip
    # Its Python 2 half cannot be parsed; an old setup.py does not tell the licences of others.
    python = {"bandit", "orchestrate-architecture", "orchestrate-review", "radon", "vulture"}
    expected = {"PyYAML": python, "Flask": {"licence-audit"}, "requests": {"licence-audit"}}
    assert inconclusive == named == expected.get(name, set())
    assert len(done.analysis.unknown) == len(named)
    assert done.data["unknown"] == list(done.analysis.unknown)
    assert all(run.sent == "" for run in done.analysis.tools)


@pytest.mark.data
def test_findings_are_ranked_and_every_rank_is_explained(name: str) -> None:
    findings = scanned(name).analysis.findings
    scores = [finding.score for finding in findings]
    assert scores == sorted(scores, reverse=True)
    assert all(f.why and f.remedy and f.fingerprint and f.agents for f in findings)
    prints = [finding.fingerprint for finding in findings]
    assert len(prints) == len(set(prints))
    # What a baseline is recognised by when it lies in the repository.
    assert all(re.fullmatch("[0-9a-f]{32}", each) for each in prints)
    tools = {run.tool: run for run in scanned(name).analysis.tools}
    assert all(source.tool in tools for f in findings for source in f.sources)
    assert all(run.version for run in tools.values())


@pytest.mark.data
def test_findings_point_into_the_package_and_show_the_line(name: str) -> None:
    for finding in scanned(name).analysis.findings:
        place = finding.location
        assert not place.path.startswith(("/", ".."))
        assert place.line >= 1
        if place.excerpt and place.excerpt_line:
            shown = place.excerpt.count("\n") + 1
            assert place.excerpt_line <= place.line < place.excerpt_line + shown


# -- what is written -----------------------------------------------------------------------------


class Links(HTMLParser):
    """Every address in a page, by what a browser would do with it."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.loaded: list[str] = []
        self.followed: list[str] = []
        self._in_style = False
        self.feed(html)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self._in_style = tag == "style"
        for attribute, value in attrs:
            self._take_styles(value or "")
            if attribute == "href" and tag == "a":
                self.followed.append(value or "")
            elif attribute in {"src", "href", "srcset", "data", "action", "poster", "xlink:href"}:
                self.loaded.append(value or "")

    def handle_data(self, data: str) -> None:
        if self._in_style:
            self._take_styles(data)

    def _take_styles(self, text: str) -> None:
        self.loaded += re.findall(r"url\(([^)]*)\)", text)
        self.loaded += re.findall(r"@import\s+(\S+)", text)


@pytest.mark.data
def test_the_four_reports_say_the_same_and_are_readable(name: str) -> None:
    from sarif import loader

    done = scanned(name)
    findings = done.analysis.findings
    schema = json.loads(
        resources.files("orchestrate.library").joinpath("schemas/report-1.json").read_text("utf-8")
    )
    jsonschema.Draft202012Validator(schema).validate(json.loads(done.report("json").read_bytes()))
    assert done.document.summary.severities == done.data["findings"]
    assert done.severities() == +_counter(done.data["findings"])

    records = loader.load_sarif_file(str(done.report("sarif"))).get_records()
    assert len(records) == len(findings)
    assert {(record["Location"], record["Line"]) for record in records} == {
        (f.location.path, f.location.line) for f in findings
    }

    markdown = done.report("markdown").read_text("utf-8")
    page = done.report("html").read_text("utf-8")
    assert done.document.summary.verdict.split(".")[0] in page
    assert markdown.startswith("#")
    for severity in SEVERITY_ORDER:
        assert severity in markdown.lower()
    links = Links(page)
    assert [address for address in links.loaded if not address.strip("'\"").startswith("#")] == []
    assert all(address.startswith(("#", "https://", "http://")) for address in links.followed)


@pytest.mark.data
def test_the_bill_of_materials_names_the_package_itself(name: str) -> None:
    bill = json.loads(scanned(name).report("sbom").read_bytes())
    subject = bill["metadata"]["component"]
    assert (bill["bomFormat"], subject["name"]) == ("CycloneDX", name.lower())
    assert subject["version"] == VERSIONS[name]


def _counter(counts: dict[str, int]) -> Counter[str]:
    return Counter(counts)


# -- planted flaws, and doing it twice -----------------------------------------------------------


def test_planted_flaws_are_found_at_their_line_with_the_stated_severity(tmp_path: Path) -> None:
    root = fetch_sdist("h11", VERSIONS["h11"], tmp_path)
    planted = plant(root)
    assert len(planted) == len(FLAWS) == 20
    done = scan(root, "--no-fix")
    missed = [
        each.flaw.name
        for each in planted
        if not any(
            finding.severity == each.flaw.severity and finding.cwe in each.flaw.cwes
            for finding in done.at(each.flaw.path, each.line)
        )
    ]
    assert len(missed) <= 2, missed
    places = {(each.flaw.path, each.line) for each in planted}
    severe = [f for f in done.analysis.findings if f.severity in {"critical", "high"}]
    stray = [f for f in severe if (f.location.path, f.location.line) not in places]
    assert stray == []


def test_two_scans_of_one_tree_agree_whatever_the_order_of_sets(tmp_path: Path) -> None:
    root = fetch_sdist("h11", VERSIONS["h11"], tmp_path)
    plant(root)
    one, two = (scan(root, "--no-fix", env={"PYTHONHASHSEED": seed}) for seed in ("1", "4242"))
    assert comparable(one.analysis) == comparable(two.analysis)
    assert one.report("sbom").read_bytes() == two.report("sbom").read_bytes()
    assert one.data["run"] != two.data["run"]
