"""Our own reports and baselines are recognised by their form; what only resembles them is not."""

from __future__ import annotations

import json

import pytest

from orchestrate.adapters.backends.local.fingerprint import fingerprint
from orchestrate.adapters.backends.local.own_files import is_own_file
from orchestrate.adapters.backends.local.reports.document import render_json
from orchestrate.adapters.backends.local.reports.markdown import render_markdown
from orchestrate.adapters.backends.local.reports.page import render_html
from orchestrate.adapters.backends.local.reports.sarif import render_sarif
from orchestrate.core.sharing.baseline import Baseline, BaselineEntry, encode_baseline
from orchestrate.core.sharing.findings import Analysis
from tests.unit.adapters.local.hostile import hostile
from tests.unit.adapters.local.report_sample import TIMELINE, many, sample

RENDERERS = {
    ".json": render_json,
    ".md": render_markdown,
    ".html": render_html,
    ".sarif": render_sarif,
}


@pytest.mark.parametrize("suffix", RENDERERS)
@pytest.mark.parametrize(
    "analysis",
    [sample(), hostile(sample()), many(200), Analysis(subject="empty")],
    ids=["sample", "hostile", "many", "empty"],
)
def test_every_report_is_recognised_under_any_name(suffix: str, analysis: Analysis) -> None:
    data = RENDERERS[suffix](analysis, TIMELINE, version="0.1.0")
    assert is_own_file(f"some/where/else{suffix}", data)


def test_a_baseline_is_recognised() -> None:
    prints = (fingerprint("RULE", "a.py", "x = 1", 0), fingerprint("RULE", "a.py", "x = 1", 1))
    entry = BaselineEntry(prints, "RULE", "a.py", "a reason", "2025-01-01")
    assert is_own_file("accepted.json", encode_baseline(Baseline(entries=(entry,))))


def test_a_baseline_that_holds_anything_but_fingerprints_is_not_one() -> None:
    entry = BaselineEntry(("not a fingerprint",), "RULE", "a.py", "a reason", "2025-01-01")
    assert not is_own_file("accepted.json", encode_baseline(Baseline(entries=(entry,))))
    added = json.loads(encode_baseline(Baseline(entries=())))
    added["fingerprints"] = ["x"]
    assert not is_own_file("accepted.json", json.dumps(added).encode())


@pytest.mark.parametrize(
    ("path", "data"),
    [
        ("app.py", b"# Security report: x\n\nWritten by orchestrate 1\n"),
        ("notes.md", b"# Notes\n\nWritten by orchestrate 1\n"),
        ("other.sarif", b'{"runs": [{"tool": {"driver": {"name": "bandit", "version": "1"}}}]}'),
        ("none.sarif", b'{"runs": [], "orchestrate": 1}'),
        ("other.json", b'{"generator": {"name": "orchestrate", "version": "1"}}'),
        ("cut.json", b'{"generator": {"name": "orchestrate"'),
        ("bytes.json", b'{"generator": "\xff"}'),
        ("page.html", b"<title>Security report: x</title>"),
    ],
)
def test_what_only_resembles_them_is_looked_at(path: str, data: bytes) -> None:
    assert not is_own_file(path, data)
