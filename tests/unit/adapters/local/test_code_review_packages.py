"""Real packages: sound ones have no high finding, flawed ones the findings they deserve."""

from __future__ import annotations

from collections import Counter

import pytest

from orchestrate.adapters.backends.local.architecture import assess
from orchestrate.adapters.backends.local.code_review import review
from tests.packages import fetch_sdist

SOUND = [("h11", "0.16.0"), ("sqlparse", "0.6.1"), ("itsdangerous", "2.2.0")]
ALL = [*SOUND, ("Flask", "0.12.2"), ("requests", "2.19.1"), ("PyYAML", "3.13")]
pytestmark = pytest.mark.packages


@pytest.mark.parametrize(("name", "version"), SOUND)
def test_sound_packages_have_nothing_high_and_little_medium(name: str, version: str) -> None:
    root = fetch_sdist(name, version)
    for report in (review(root, "code-reviewer", "a"), assess(root, "architect", "b")):
        counts = Counter(finding.severity for finding in report.findings)
        assert counts["critical"] + counts["high"] + counts["medium"] == 0
        assert {tool.status for tool in report.tools} == {"ran"}


@pytest.mark.parametrize(("name", "version"), ALL)
def test_architecture_findings_stay_few(name: str, version: str) -> None:
    report = assess(fetch_sdist(name, version), "architect", "b")
    assert len(report.findings) <= 10
    assert report.modules
    assert report.entry_points


def reviewed(name: str, version: str) -> set[tuple[str, int, str, str]]:
    report = review(fetch_sdist(name, version), "code-reviewer", "a")
    return {(f.location.path, f.location.line, f.rule, f.severity) for f in report.findings}


def test_flask_0_12_2() -> None:
    """Configuration and start-up files are executed; the examples publish their keys."""
    found = reviewed("Flask", "0.12.2")
    assert {
        ("flask/config.py", 130, "ORC-PY-103", "medium"),
        ("flask/cli.py", 468, "ORC-PY-103", "medium"),
        ("examples/flaskr/flaskr/flaskr.py", 26, "ORC-PY-501", "medium"),
        ("flask/json.py", 269, "ORC-PY-107", "medium"),
    } <= found
    assert not [entry for entry in found if entry[3] == "high"]


def test_requests_2_19_1() -> None:
    """Digest authentication is MD5 by its standard; verify=False is the caller's choice."""
    found = reviewed("requests", "2.19.1")
    assert {
        ("requests/adapters.py", 236, "ORC-PY-401", "medium"),
        ("requests/auth.py", 148, "ORC-PY-301", "low"),
        ("setup.py", 40, "ORC-PY-102", "low"),
    } <= found
    assert not [entry for entry in found if entry[3] == "high"]


def test_pyyaml_3_13() -> None:
    """Its `load` built any object by default (CVE-2017-18342); half of it is Python 2."""
    found = reviewed("PyYAML", "3.13")
    assert {
        ("lib3/yaml/__init__.py", 65, "ORC-PY-202", "high"),
        ("lib/yaml/__init__.py", 64, "ORC-PY-202", "high"),
        ("examples/yaml-highlight/yaml_hl.py", 40, "ORC-PY-202", "high"),
    } <= found
    report = review(fetch_sdist("PyYAML", "3.13"), "code-reviewer", "a")
    assert {tool.status for tool in report.tools} == {"partial"}
    unread = next(n for n in report.not_examined if n.reason.startswith("cannot be parsed"))
    assert unread.count == 18
