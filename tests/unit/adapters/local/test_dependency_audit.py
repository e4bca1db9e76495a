"""The dependency audit: advisories from folders and services, and what it says about versions."""

from __future__ import annotations

import json
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from packaging.version import InvalidVersion, Version

from orchestrate.adapters.backends.local.advisory_sources import (
    Unreachable,
    ask_service,
    read_folder,
)
from orchestrate.adapters.backends.local.manifests.collect import collect
from orchestrate.adapters.backends.local.osv import fixed_versions
from orchestrate.adapters.backends.local.redaction import Redactor
from orchestrate.adapters.backends.local.repository import survey
from orchestrate.adapters.backends.local.scan_dependencies import (
    AdvisorySource,
    DependencyScan,
    scan_dependencies,
)


def _advisory(number: str, name: str = "thing", fixed: str = "2.0", **more: Any) -> dict[str, Any]:
    events = [{"introduced": "0"}, {"fixed": fixed}]
    return {
        "id": number,
        "summary": f"{name} is broken",
        "affected": [
            {
                "package": {"name": name, "ecosystem": "PyPI"},
                "ranges": [{"type": "ECOSYSTEM", "events": events}],
                "versions": ["1.0", "1.1"],
            }
        ],
        **more,
    }


def _folder(path: Path, *advisories: dict[str, Any]) -> Path:
    path.mkdir()
    for each in advisories:
        (path / f"{each['id']}.json").write_text(json.dumps(each))
    return path


def _audit(root: Path, requirements: str, source: AdvisorySource) -> DependencyScan:
    root.mkdir(exist_ok=True)
    (root / "requirements.txt").write_text(requirements)
    surveyed = survey(root)
    return scan_dependencies(surveyed, collect(surveyed), source, Redactor(root), timeout_s=10)


def _reported(found: DependencyScan) -> set[str]:
    return {
        advisory
        for finding in found.findings
        for advisory in finding.properties["advisory"].split()
    }


def test_an_affected_pin_is_reported_with_its_fix(tmp_path: Path) -> None:
    folder = _folder(tmp_path / "db", _advisory("A-1", aliases=["CVE-1"]))
    found = _audit(tmp_path / "r", "x\nThing==1.0\n", AdvisorySource(folder))
    (finding,) = found.findings
    assert (finding.rule, finding.confidence) == ("ORC-DEP-101", "high")
    assert (finding.location.path, finding.location.line) == ("requirements.txt", 2)
    assert "A-1 (CVE-1)" in finding.message
    assert finding.remedy == "Use thing 2.0 or later."
    assert finding.location.excerpt == "x\nThing==1.0"
    assert found.tool.status == "ran"


def test_a_sound_pin_is_not_reported(tmp_path: Path) -> None:
    folder = _folder(tmp_path / "db", _advisory("A-1"))
    found = _audit(tmp_path / "r", "thing==2.0\n", AdvisorySource(folder))
    assert (found.findings, found.tool.status) == ([], "ran")


def test_a_range_below_every_fix_is_reported_as_wholly_affected(tmp_path: Path) -> None:
    folder = _folder(tmp_path / "db", _advisory("A-1"))
    found = _audit(tmp_path / "r", "thing>=1.0,<2\n", AdvisorySource(folder))
    assert [(f.rule, f.severity, f.confidence) for f in found.findings] == [
        ("ORC-DEP-102", "medium", "medium")
    ]


def test_a_range_that_also_allows_sound_versions_is_one_finding_of_low_confidence(
    tmp_path: Path,
) -> None:
    folder = _folder(tmp_path / "db", _advisory("A-1"), _advisory("A-2", fixed="1.1"))
    bounded = _audit(tmp_path / "r", "thing>=1.0\n", AdvisorySource(folder))
    assert [(f.rule, f.severity, f.confidence) for f in bounded.findings] == [
        ("ORC-DEP-103", "low", "low")
    ]
    assert _reported(bounded) == {"A-1", "A-2"}
    free = _audit(tmp_path / "r", "thing\n", AdvisorySource(folder))
    assert [(f.rule, f.severity) for f in free.findings] == [("ORC-DEP-103", "info")]


def test_a_lock_file_decides_which_version_a_range_means(tmp_path: Path) -> None:
    folder = _folder(tmp_path / "db", _advisory("A-1"))
    (tmp_path / "r").mkdir()
    lock = '[[package]]\nname = "thing"\nversion = "2.1"\n'
    (tmp_path / "r" / "poetry.lock").write_text(lock)
    found = _audit(tmp_path / "r", "thing>=1.0\n", AdvisorySource(folder))
    assert found.findings == []


def test_the_project_itself_is_checked(tmp_path: Path) -> None:
    folder = _folder(tmp_path / "db", _advisory("A-1"))
    (tmp_path / "r").mkdir()
    (tmp_path / "r" / "PKG-INFO").write_text("Name: Thing\nVersion: 1.1\n")
    found = _audit(tmp_path / "r", "", AdvisorySource(folder))
    assert [(f.rule, f.location.path, f.location.line) for f in found.findings] == [
        ("ORC-DEP-104", "PKG-INFO", 2)
    ]


def test_advisories_about_one_flaw_are_one_finding_with_the_worst_severity(tmp_path: Path) -> None:
    scored = [{"type": "CVSS_V3", "score": "CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:H/A:H"}]
    folder = _folder(
        tmp_path / "db",
        _advisory("A-1", aliases=["CVE-1"]),
        _advisory("B-1", aliases=["CVE-1"], severity=scored),
        _advisory("C-1"),
    )
    found = _audit(tmp_path / "r", "thing==1.0\n", AdvisorySource(folder))
    assert sorted((f.properties["advisory"], f.severity) for f in found.findings) == [
        ("A-1 B-1", "critical"),
        ("C-1", "medium"),
    ]


def test_withdrawn_advisories_are_ignored_and_named(tmp_path: Path) -> None:
    folder = _folder(tmp_path / "db", _advisory("A-1", withdrawn="2024-01-01T00:00:00Z"))
    found = _audit(tmp_path / "r", "thing==1.0\n", AdvisorySource(folder))
    assert (found.findings, found.tool.status) == ([], "ran")
    assert "advisory-audit: withdrawn advisories ignored: A-1" in found.notes


def test_without_advisories_the_audit_did_not_run(tmp_path: Path) -> None:
    found = _audit(tmp_path / "r", "thing==1.0\n", AdvisorySource())
    assert (found.tool.status, found.tool.sent) == ("not-run", "")
    assert "advisories" in found.tool.remedy


def test_without_declarations_the_audit_did_not_run(tmp_path: Path) -> None:
    folder = _folder(tmp_path / "db", _advisory("A-1"))
    found = _audit(tmp_path / "r", "", AdvisorySource(folder))
    assert found.tool.status == "not-run"


@pytest.mark.parametrize("content", [None, {"README.md": "# nothing\n"}])
def test_a_folder_without_advisories_is_unreachable(
    tmp_path: Path, content: dict[str, str] | None
) -> None:
    folder = tmp_path / "db"
    if content is not None:
        folder.mkdir()
        for name, text in content.items():
            (folder / name).write_text(text)
    found = _audit(tmp_path / "r", "thing==1.0\n", AdvisorySource(folder))
    assert found.tool.status == "unreachable"
    assert str(folder) in found.tool.reason


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("broken.json", '{"id": "A-2", "affected": [{"package": {"name": "thing"'),
        ("broken.yaml", "id: A-2\naffected:\n- package: {name: thing\n"),
        ("empty.yaml", ""),
        ("other.json", '{"summary": "no outline"}'),
        ("event.json", json.dumps(_advisory("A-2")).replace("introduced", "began")),
    ],
)
def test_a_broken_advisory_makes_the_audit_partial(tmp_path: Path, name: str, text: str) -> None:
    folder = _folder(tmp_path / "db", _advisory("A-1"))
    (folder / name).write_text(text)
    found = _audit(tmp_path / "r", "thing==1.0\n", AdvisorySource(folder))
    assert _reported(found) == {"A-1"}
    assert found.tool.status == "partial"
    assert name in found.tool.reason


def test_an_undecidable_advisory_or_version_makes_the_audit_partial(tmp_path: Path) -> None:
    raw = _advisory("A-1")
    raw["affected"][0] |= {"versions": [], "ranges": [{"type": "GIT", "events": []}]}
    folder = _folder(tmp_path / "db", raw)
    found = _audit(tmp_path / "r", "thing==1.0\n", AdvisorySource(folder))
    assert (found.tool.status, found.findings) == ("partial", [])
    assert "A-1" in found.tool.reason
    address = _audit(tmp_path / "r", "thing @ https://host.invalid/t.zip\n", AdvisorySource(folder))
    assert "the version cannot be told of thing" in address.tool.reason


def test_versions_in_yaml_stay_text(tmp_path: Path) -> None:
    (tmp_path / "db").mkdir()
    text = "id: A-1\naffected:\n- package: {name: thing, ecosystem: PyPI}\n  versions: [3.10]\n"
    (tmp_path / "db" / "a.yaml").write_text(text)
    advisories = read_folder(tmp_path / "db", {"thing"})
    assert advisories.by_package["thing"][0].affected[0].versions == {"3.10"}


@pytest.mark.data
def test_every_advisory_reports_the_affected_version_and_not_the_fixed_one(
    tmp_path: Path, test_data: Path
) -> None:
    folder = test_data / "advisories"
    packages = {path.name for path in folder.iterdir() if path.is_dir()}
    advisories = read_folder(folder, packages)
    assert advisories.broken == []
    checked: set[str] = set()
    for package, known in sorted(advisories.by_package.items()):
        for advisory in known:
            for affected in (each for each in advisory.affected if each.package == package):
                for fixed in fixed_versions(affected):
                    below = _last_before(fixed, affected.versions)
                    bad = _audit(tmp_path / "r", f"{package}=={below}\n", AdvisorySource(folder))
                    good = _audit(tmp_path / "r", f"{package}=={fixed}\n", AdvisorySource(folder))
                    assert advisory.id in _reported(bad), (advisory.id, below)
                    assert advisory.id not in _reported(good), (advisory.id, fixed)
                    checked.add(advisory.id)
    files = {path.stem for path in folder.glob("*/*.yaml")}
    assert checked == files
    assert len(files) >= 20


def _last_before(fixed: str, versions: frozenset[str]) -> str:
    parsed = []
    for version in versions:
        try:
            parsed.append(Version(version))
        except InvalidVersion:
            continue
    return str(max(version for version in parsed if version < Version(fixed)))


class _Service:
    """An OSV service on the loopback interface that remembers what it was asked."""

    def __init__(self, advisories: list[dict[str, Any]]) -> None:
        self.advisories = {each["id"]: each for each in advisories}
        self.asked: list[dict[str, Any]] = []
        self.fetched: list[str] = []
        self.answer: tuple[int, bytes] | None = None
        self.pages = False
        self.url = ""

    def query(self, body: dict[str, Any]) -> dict[str, Any]:
        self.asked.append(body)
        results = []
        for query in body["queries"]:
            ids = [
                {"id": number}
                for number, each in sorted(self.advisories.items())
                if each["affected"][0]["package"]["name"] == query["package"]["name"]
            ]
            if self.pages and "page_token" not in query:
                results.append({"vulns": ids[:1], "next_page_token": "p2"})
            else:
                results.append({"vulns": ids[1:] if self.pages else ids})
        return {"results": results}


@contextmanager
def _serving(service: _Service) -> Iterator[_Service]:
    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            length = int(self.headers["Content-Length"])
            body = json.loads(self.rfile.read(length))
            self._send(json.dumps(service.query(body)).encode())

        def do_GET(self) -> None:
            number = self.path.rsplit("/", 1)[-1]
            service.fetched.append(self.path)
            self._send(json.dumps(service.advisories[number]).encode())

        def _send(self, data: bytes) -> None:
            status, data = service.answer or (200, data)
            self.send_response(status)
            if status in {301, 302, 307}:
                self.send_header("Location", "http://127.0.0.1:9/elsewhere")
            self.send_header("Content-Length", str(len(data)))
            self.end_headers()
            self.wfile.write(data)

        def log_message(self, *_: Any) -> None:
            """Stay silent."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    service.url = f"http://127.0.0.1:{server.server_address[1]}"
    try:
        yield service
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def test_a_service_is_told_names_and_versions_and_nothing_else(tmp_path: Path) -> None:
    with _serving(_Service([_advisory("A-1"), _advisory("A-2", "other")])) as service:
        source = AdvisorySource(service=service.url)
        found = _audit(tmp_path / "r", "thing==1.0\nother>=2.0\n", source)
    assert _reported(found) == {"A-1"}
    assert found.tool.status == "ran"
    assert service.asked == [
        {
            "queries": [
                {"package": {"name": "other", "ecosystem": "PyPI"}},
                {"package": {"name": "thing", "ecosystem": "PyPI"}, "version": "1.0"},
            ]
        }
    ]
    assert service.fetched == ["/v1/vulns/A-1", "/v1/vulns/A-2"]
    assert found.tool.sent == (f"to {service.url}: 2 package names and versions: other, thing 1.0")


def test_further_pages_of_an_answer_are_asked_for() -> None:
    with _serving(_Service([_advisory("A-1"), _advisory("A-2")])) as service:
        service.pages = True
        answer = ask_service(service.url, [("thing", "1.0")], 10)
    assert [each.id for each in answer.by_package["thing"]] == ["A-1", "A-2"]
    assert [query.get("page_token") for body in service.asked for query in body["queries"]] == [
        None,
        "p2",
    ]


def test_a_folder_and_a_service_together_report_both(tmp_path: Path) -> None:
    folder = _folder(tmp_path / "db", _advisory("A-1"))
    with _serving(_Service([_advisory("A-1"), _advisory("A-2")])) as service:
        found = _audit(tmp_path / "r", "thing==1.0\n", AdvisorySource(folder, service.url))
    assert _reported(found) == {"A-1", "A-2"}
    assert len(found.findings) == 2


def test_a_refused_connection_is_unreachable_and_nothing_was_sent(tmp_path: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))  # bound and not listening: connections are refused
        url = f"http://127.0.0.1:{taken.getsockname()[1]}"
        found = _audit(tmp_path / "r", "thing==1.0\n", AdvisorySource(service=url))
    assert (found.tool.status, found.tool.sent, found.findings) == ("unreachable", "", [])
    assert "refused" in found.tool.reason


@pytest.mark.parametrize(
    "answer",
    [(500, b"{}"), (302, b""), (200, b"<html>"), (200, b'{"results": []}'), (200, b"[]")],
)
def test_an_unusable_answer_is_unreachable_and_says_what_was_sent(
    tmp_path: Path, answer: tuple[int, bytes]
) -> None:
    with _serving(_Service([])) as service:
        service.answer = answer
        found = _audit(tmp_path / "r", "thing==1.0\n", AdvisorySource(service=service.url))
    assert found.tool.status == "unreachable"
    assert found.tool.sent.endswith("thing 1.0")


@pytest.mark.parametrize(
    "url",
    ["ftp://host/", "http://example.invalid", "https://user:pw@host.invalid", "file:///etc", "x"],
)
def test_unsafe_addresses_are_refused_before_anything_is_sent(url: str) -> None:
    with pytest.raises(Unreachable) as refused:
        ask_service(url, [("thing", "1.0")], 1)
    assert refused.value.sent == ""
    assert "pw" not in str(refused.value)
