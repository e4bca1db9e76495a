"""The review as a whole: its report, positions, fingerprints, masking and bounds."""

from __future__ import annotations

from pathlib import Path

import msgspec
import pytest

from orchestrate.adapters.backends.local.code_review import review, run
from orchestrate.adapters.backends.local.review_findings import MOST_PER_RULE
from orchestrate.core.ids import AttemptKey
from orchestrate.core.sharing.findings import Finding, SpecialistReport
from orchestrate.ports.performer import AttemptRequest


def write(root: Path, files: dict[str, str]) -> Path:
    for name, text in files.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    return root


def findings(root: Path) -> tuple[Finding, ...]:
    return review(root, "code-reviewer", "code-review").findings


def request(root: Path, outputs: Path) -> AttemptRequest:
    outputs.mkdir()
    return AttemptRequest(
        key=AttemptKey("run", "review", 1),
        token="t",
        phase="scan",
        repository=str(root),
        folder=str(outputs),
        outputs_dir=str(outputs),
        scratch_dir=str(outputs),
        agent="code-reviewer",
        action="code-review",
    )


SOURCE = {
    "pkg/__init__.py": "",
    "pkg/shell.py": (
        "import os\n\n\nclass Runner:\n    def go(self, näme):\n"
        '        ünit = 1; os.system("ls " + näme)\n        return ünit\n'
    ),
    "pkg/data.py": "import pickle\n\n\ndef read(data):\n    return pickle.loads(data)\n",
    "README.md": "text\n",
}


def test_run_writes_the_report_and_counts_it(tmp_path: Path) -> None:
    seen: list[tuple[int, int, str]] = []
    root = write(tmp_path / "repo", SOURCE)
    result = run(request(root, tmp_path / "out"), lambda *step: seen.append(step))
    report = msgspec.json.decode(
        (tmp_path / "out/findings.json").read_bytes(), type=SpecialistReport
    )
    assert result.ok
    assert (report.agent, report.action) == ("code-reviewer", "code-review")
    assert [f.rule for f in report.findings] == ["ORC-PY-201", "ORC-PY-101"]
    assert result.metrics["findings"] == 2
    assert (result.metrics["findings.high"], result.metrics["findings.medium"]) == (1, 1)
    assert result.summary == "Reviewed 3 Python files: 1 high, 1 medium."
    assert seen[0][:2] == (0, 3)
    assert seen[-1][:2] == (3, 3)
    assert {tool.status for tool in report.tools} == {"ran"}
    assert all(tool.version for tool in report.tools)
    assert report.inventory.python_files == 3


def test_two_runs_agree_apart_from_durations(tmp_path: Path) -> None:
    root = write(tmp_path, SOURCE)
    first, second = findings(root), findings(root)
    assert msgspec.json.encode(first) == msgspec.json.encode(second)


def test_a_finding_says_where_in_characters_not_bytes(tmp_path: Path) -> None:
    found = next(f for f in findings(write(tmp_path, SOURCE)) if f.rule == "ORC-PY-101")
    where = found.location
    line = SOURCE["pkg/shell.py"].split("\n")[where.line - 1]
    assert (where.line, where.end_line) == (6, 6)
    assert where.column is not None
    assert where.end_column is not None
    assert line[where.column - 1 : where.end_column - 1] == 'os.system("ls " + näme)'
    assert found.symbol == "Runner.go"
    assert found.cwe == 78
    assert where.excerpt.split("\n")[where.line - (where.excerpt_line or 0)] == line


def test_fingerprint_survives_moved_lines_but_not_changed_code(tmp_path: Path) -> None:
    before = {f.rule: f.fingerprint for f in findings(write(tmp_path, SOURCE))}
    moved = {"pkg/data.py": "# a comment\n\n" + SOURCE["pkg/data.py"]}
    assert {f.rule: f.fingerprint for f in findings(write(tmp_path, moved))} == before
    changed = {"pkg/data.py": SOURCE["pkg/data.py"].replace("(data)", "(text)")}
    after = {f.rule: f.fingerprint for f in findings(write(tmp_path, changed))}
    assert after["ORC-PY-201"] != before["ORC-PY-201"]


def test_equal_lines_get_different_fingerprints(tmp_path: Path) -> None:
    text = "import os\n" + "os.system('ls')\n" * 3
    marks = [f.fingerprint for f in findings(write(tmp_path, {"a.py": text}))]
    assert len(set(marks)) == 3


def test_no_excerpt_shows_a_secret_not_even_of_a_neighbouring_finding(tmp_path: Path) -> None:
    text = (
        "import os\n"
        'DB_PASSWORD = "tr0ub4dor-and-3"\n'
        "os.system('ls')\n"
        'KEYS = {"api_key": "9f8e7d6c5b4a", "name": "demo"}\n'
    )
    found = findings(write(tmp_path, {"app.py": text}))
    report = msgspec.json.encode(found).decode()
    assert [f.rule for f in found] == ["ORC-PY-501", "ORC-PY-102", "ORC-PY-501"]
    assert "tr0ub4dor" not in report
    assert "9f8e7d6c5b4a" not in report
    assert "os.system('ls')" in report
    assert "demo" in report


def test_a_secret_over_several_lines_is_masked_and_keeps_the_line_numbers(tmp_path: Path) -> None:
    key = "-----BEGIN RSA PRIVATE KEY-----\nMIIEpAIBAAKCAQEA7Zm1x9\nabcdef\n-----END"
    text = f'import os\nKEY = """{key}"""\nos.system("ls")\n'
    found = findings(write(tmp_path, {"app.py": text}))
    assert [(f.rule, f.location.line) for f in found] == [("ORC-PY-502", 2), ("ORC-PY-102", 6)]
    assert "MIIEpAIBAAKCAQEA7Zm1x9" not in msgspec.json.encode(found).decode()


def test_findings_of_low_confidence_are_kept_out_of_tests(tmp_path: Path) -> None:
    text = 'SECRET_KEY = "quiet river"\nimport pickle\n\ndef test(x):\n    pickle.loads(x)\n'
    found = findings(write(tmp_path, {"pkg/a.py": text, "tests/test_a.py": text}))
    assert [(f.exposure, f.rule) for f in found] == [
        ("shipped", "ORC-PY-501"),
        ("shipped", "ORC-PY-201"),
        ("test", "ORC-PY-201"),
    ]


def test_a_flood_of_findings_is_cut_and_the_cut_is_told(tmp_path: Path) -> None:
    text = "import os\n" + "os.system('ls')\n" * (MOST_PER_RULE + 7)
    report = review(write(tmp_path, {"a.py": text}), "code-reviewer", "code-review")
    assert len(report.findings) == MOST_PER_RULE
    assert report.notes == (
        f"7 more findings of ORC-PY-102 were left out: at most {MOST_PER_RULE} per file",
    )


@pytest.mark.parametrize(
    "text",
    [
        "",
        "\n\n\n",
        "# -*- coding: latin-1 -*-\nx = 'ä'\n",
        "x = 1\r\ny = 2\r\n",
        "def f(:\n",
        "x = x\nexec(x)\n",
        "a = b\nb = a\nimport os\nos.system(a)\n",
        "import os\ncmd = cmd + 'x'\nos.system(cmd)\n",
        "match x:\n    case {'a': 1}:\n        pass\n",
        "async def f():\n    async with a() as b:\n        return [x async for x in b]\n",
        "f'{x!r:>{width}}'\nlambda *a, k=[], **kw: a\n",
        "class A[T]: pass\n",
        "x = " + "(" * 150 + ")" * 150 + "\n",
        "x = '''" + "a\n" * 300 + "'''\n",
    ],
)
def test_odd_sources_are_reviewed_or_listed(tmp_path: Path, text: str) -> None:
    root = write(tmp_path, {"pkg/odd.py": text})
    report = review(root, "code-reviewer", "code-review")
    listed = sum(n.count for n in report.not_examined)
    assert report.tools[0].files + listed == 1
    assert report.tools[0].status == ("partial" if listed else "ran")


def test_nothing_of_the_reviewed_code_runs(tmp_path: Path) -> None:
    text = f"open({str(tmp_path / 'ran')!r}, 'w').close()\n"
    files = {
        "setup.py": text,
        "conftest.py": text,
        "pkg/__init__.py": text,
        "sitecustomize.py": text,
    }
    findings(write(tmp_path / "repo", files))
    assert not (tmp_path / "ran").exists()
