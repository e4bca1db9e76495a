"""The security-scout with its real tools: planted flaws, hostile trees, and tools that fail."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import msgspec
import pytest

from orchestrate.adapters.backends.local.backend import LocalBackend
from orchestrate.adapters.backends.local.code_review import review
from orchestrate.adapters.backends.local.scan_dependencies import AdvisorySource
from orchestrate.adapters.backends.local.security_scan import RULES, Tools, scan
from orchestrate.adapters.backends.local.toolrun import Tool
from orchestrate.core.ids import AttemptKey
from orchestrate.core.sharing.deduplication import deduplicate
from orchestrate.core.sharing.findings import Finding, SpecialistReport, ToolRun
from orchestrate.ports.performer import AttemptRequest, AttemptResult
from tests.data.planted_h11 import FLAWS, Planted, plant
from tests.packages import fetch_sdist

_KEY = "AKIA" + "Q3EGRR7UNWX7" + "ZQ2M"


def _write(root: Path, files: dict[str, str]) -> Path:
    for name, text in files.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    return root


def _scan(root: Path, scratch: Path, tools: Tools | None = None) -> SpecialistReport:
    return scan(root, scratch=scratch, source=AdvisorySource(), timeout_s=200, tools=tools)


def _tool(report: SpecialistReport, name: str) -> ToolRun:
    return next(tool for tool in report.tools if tool.tool == name)


def _at(report: SpecialistReport, path: str, line: int) -> list[Finding]:
    place = (path, line)
    return [f for f in report.findings if (f.location.path, f.location.line) == place]


# --- what bandit's results mean -----------------------------------------------------------------

#: A line of code -> (rule, severity, confidence) of the finding there.
_JUDGED: tuple[tuple[str, tuple[str, str, str]], ...] = (
    ("subprocess.call(cmd, shell=True)", ("ORC-SEC-101", "high", "medium")),
    ("subprocess.call('ls -l', shell=True)", ("ORC-SEC-101", "low", "high")),
    ("os.system(input())", ("ORC-SEC-101", "high", "high")),
    ("subprocess.call(['ls', cmd])", ("ORC-SEC-108", "info", "low")),
    ("eval(cmd)", ("ORC-SEC-103", "high", "medium")),
    ("exec(cmd)", ("ORC-SEC-103", "high", "medium")),
    ("exec('x = 1')", ("ORC-SEC-103", "low", "high")),
    ("eval(input())", ("ORC-SEC-103", "high", "high")),
    ("pickle.loads(data)", ("ORC-SEC-201", "high", "medium")),
    ("pickle.loads(pickle.dumps(data))", ("ORC-SEC-201", "info", "high")),
    ("marshal.loads(data)", ("ORC-SEC-201", "medium", "medium")),
    ("yaml.load(data)", ("ORC-SEC-202", "high", "high")),
    ("yaml.load(data, Loader=yaml.FullLoader)", ("ORC-SEC-202", "medium", "medium")),
    ("yaml.load(data, Loader=own)", ("ORC-SEC-202", "medium", "low")),
    ("tarfile.open(data).extractall()", ("ORC-SEC-203", "high", "medium")),
    ("minidom.parseString(data)", ("ORC-SEC-204", "medium", "low")),
    ("minidom.parseString('<a/>')", ("ORC-SEC-204", "info", "low")),
    ("hashlib.sha1(data)", ("ORC-SEC-301", "low", "medium")),
    ("hashlib.md5(password)", ("ORC-SEC-301", "high", "medium")),
    ("signature = hashlib.sha1(data)", ("ORC-SEC-301", "medium", "medium")),
    ("DES.new(data, DES.MODE_CFB)", ("ORC-SEC-303", "high", "high")),
    ("colour = random.random()", ("ORC-SEC-304", "info", "low")),
    ("token = random.random()", ("ORC-SEC-304", "medium", "medium")),
    ("requests.get(cmd, verify=False, timeout=3)", ("ORC-SEC-401", "high", "high")),
    ("ssl._create_unverified_context()", ("ORC-SEC-401", "high", "high")),
    ("requests.get(cmd)", ("ORC-SEC-403", "low", "medium")),
    ("sock.bind(('0.0.0.0', 80))", ("ORC-SEC-404", "medium", "medium")),
    ("telnetlib.Telnet(cmd)", ("ORC-SEC-406", "medium", "high")),
    ("tempfile.mktemp()", ("ORC-SEC-601", "medium", "high")),
    ("os.chmod(cmd, 0o777)", ("ORC-SEC-602", "medium", "high")),
    ("cur.execute('SELECT * FROM t WHERE a = %s' % cmd)", ("ORC-SEC-104", "high", "medium")),
    ("cur.execute('SELECT a FROM t ' + 'WHERE b = 1')", ("ORC-SEC-104", "low", "low")),
    ("assert cmd", ("ORC-SEC-701", "info", "low")),
    ("assert cmd.is_admin", ("ORC-SEC-701", "medium", "medium")),
    ("db_password = 'q9Z!kk2-lm'", ("ORC-SEC-501", "high", "medium")),
    ("db_password = 'change me'", ("ORC-SEC-501", "low", "low")),
    ("jinja2.Environment(autoescape=False)", ("ORC-SEC-106", "medium", "high")),
    ("jinja2.Environment()", ("ORC-SEC-106", "low", "low")),
)
_IMPORTS = (
    "import hashlib, jinja2, marshal, os, pickle, random, requests, ssl, subprocess, tarfile\n"
    "import telnetlib, tempfile, yaml\n"
    "from Crypto.Cipher import DES\n"
    "from xml.dom import minidom\n"
    "def run(cmd, data, password, own, sock, cur):\n"
)


@pytest.fixture(scope="module")
def judged(tmp_path_factory: pytest.TempPathFactory) -> SpecialistReport:
    base = tmp_path_factory.mktemp("judged")
    code = _IMPORTS + "".join(f"    {line}\n" for line, _ in _JUDGED)
    return _scan(_write(base / "repo", {"app.py": code}), base / "scratch")


@pytest.mark.parametrize("number", range(len(_JUDGED)), ids=[line for line, _ in _JUDGED])
def test_a_call_is_judged_by_what_it_is_given(judged: SpecialistReport, number: int) -> None:
    rule, severity, confidence = _JUDGED[number][1]
    line = _IMPORTS.count("\n") + 1 + number
    here = [(f.rule, f.severity, f.confidence) for f in _at(judged, "app.py", line)]
    assert (rule, severity, confidence) in here


def test_every_rule_reported_is_listed(judged: SpecialistReport) -> None:
    assert {finding.rule for finding in judged.findings} <= RULES.keys()
    assert all(f.sources and f.fingerprint and f.remedy for f in judged.findings)
    assert all(f.cwe for f in judged.findings if f.category != "licence")


# --- real packages ------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def planted_h11(
    tmp_path_factory: pytest.TempPathFactory,
) -> tuple[tuple[Planted, ...], SpecialistReport, tuple[Finding, ...]]:
    base = tmp_path_factory.mktemp("planted")
    root = fetch_sdist("h11", "0.16.0", base)
    planted = plant(root)
    report = _scan(root, base / "scratch")
    reviewed = review(root, "code-reviewer", "code-review")
    return planted, report, deduplicate((*report.findings, *reviewed.findings))


@pytest.mark.packages
def test_planted_flaws_are_found_at_their_line_with_the_stated_severity(
    planted_h11: tuple[tuple[Planted, ...], SpecialistReport, tuple[Finding, ...]],
) -> None:
    planted, report, merged = planted_h11
    assert len(planted) == len(FLAWS) == 20
    for findings in (report.findings, merged):
        missed = [each.flaw.name for each in planted if not _is_found(each, findings)]
        assert len(missed) <= 2, missed


def _is_found(planted: Planted, findings: tuple[Finding, ...]) -> bool:
    flaw = planted.flaw
    return any(
        (f.location.path, f.location.line) == (flaw.path, planted.line)
        and f.severity == flaw.severity
        and f.cwe in flaw.cwes
        for f in findings
    )


@pytest.mark.packages
def test_no_planted_secret_is_stored_anywhere(
    planted_h11: tuple[tuple[Planted, ...], SpecialistReport, tuple[Finding, ...]],
) -> None:
    text = msgspec.json.encode(planted_h11[1]).decode()
    for flaw in FLAWS:
        if "written in the source" in flaw.name or "inside a URL" in flaw.name:
            for word in flaw.code.replace('"', " ").replace("@", " ").replace(":", " ").split():
                if any(c.isdigit() for c in word) and len(word) > 8 and "." not in word:
                    assert word not in text, flaw.name


@pytest.mark.packages
def test_unmodified_h11_has_no_high_finding(tmp_path: Path) -> None:
    root = fetch_sdist("h11", "0.16.0", tmp_path / "h11")
    report = _scan(root, tmp_path / "scratch")
    merged = deduplicate((*report.findings, *review(root, "code-reviewer", "code-review").findings))
    assert merged
    assert [(f.rule, f.location) for f in merged if f.severity in {"high", "critical"}] == []
    asserts = [f for f in report.findings if f.rule == "ORC-SEC-701"]
    assert {f.severity for f in asserts} == {"info"}
    assert "test" not in {f.exposure for f in asserts}
    (note,) = [note for note in report.notes if "ORC-SEC-701 in test code" in note]
    assert int(note.split()[1]) > 300


@pytest.mark.packages
@pytest.mark.data
def test_old_packages_are_known_to_be_vulnerable(tmp_path: Path, test_data: Path) -> None:
    expected = {
        ("PyYAML", "3.13"): {"ORC-DEP-104": {"PYSEC-2018-49", "PYSEC-2021-142"}},
        ("requests", "2.19.1"): {
            "ORC-DEP-104": {"PYSEC-2023-74"},
            "ORC-DEP-102": {"PYSEC-2024-60", "PYSEC-2023-192", "PYSEC-2023-212"},
        },
    }
    for (name, version), rules in expected.items():
        root = fetch_sdist(name, version, tmp_path / name)
        report = scan(
            root,
            scratch=tmp_path / "scratch",
            source=AdvisorySource(test_data / "advisories"),
            timeout_s=200,
        )
        for rule, advisories in rules.items():
            found = {f.properties["advisory"] for f in report.findings if f.rule == rule}
            assert found == advisories


# --- determinism, isolation, hostile trees ------------------------------------------------------


def _request(base: Path, repository: Path) -> AttemptRequest:
    for name in ("out", "scratch"):
        (base / name).mkdir(parents=True)
    request = AttemptRequest(
        key=AttemptKey("run", "scan", 1),
        token="token-1",
        phase="scanning",
        repository=str(repository),
        folder=str(base),
        outputs_dir=str(base / "out"),
        scratch_dir=str(base / "scratch"),
        agent="security-scout",
        action="security-scan",
        timeout_s=200,
    )
    (base / "request.json").write_bytes(msgspec.json.encode(request))
    return request


def _perform(request: AttemptRequest) -> tuple[subprocess.CompletedProcess[bytes], AttemptResult]:
    spec = LocalBackend().spec(request)
    ended = subprocess.run(spec.argv, cwd=spec.cwd, env=spec.env, capture_output=True)
    data = Path(request.folder, "result.json").read_bytes()
    return ended, msgspec.json.decode(data, type=AttemptResult)


def _without_durations(path: Path) -> object:
    report = json.loads(path.read_bytes())
    for tool in report["tools"]:
        tool.pop("duration_s", None)
    return report


def test_two_scans_of_one_tree_agree_byte_for_byte(tmp_path: Path) -> None:
    repository = _write(
        tmp_path / "repo",
        {
            "app.py": "import pickle\npickle.loads(x)\nassert x\npickle.loads(x)\n",
            "requirements.txt": "b==1\na>=2\n",
            "conf.ini": f"[a]\nkey = {_KEY}\n",
        },
    )
    first, second = tmp_path / "1", tmp_path / "2"
    for base in (first, second):
        ended, result = _perform(_request(base, repository))
        assert (ended.returncode, result.ok) == (0, True)
        assert len(result.summary.split()) <= 50
        assert result.metrics["findings.high"] == 3.0
    one, two = first / "out", second / "out"
    assert _without_durations(one / "findings.json") == _without_durations(two / "findings.json")
    assert (one / "sbom.cdx.json").read_bytes() == (two / "sbom.cdx.json").read_bytes()
    assert _KEY not in (one / "findings.json").read_text()
    assert list((first / "scratch").rglob("*.py")) == []


def test_progress_is_reported_as_json_lines(tmp_path: Path) -> None:
    repository = _write(tmp_path / "repo", {"app.py": "x = 1\n"})
    ended, _ = _perform(_request(tmp_path / "a", repository))
    lines = [json.loads(line)["progress"] for line in ended.stdout.splitlines()]
    assert {"done": 1, "total": 1, "what": "bandit"} in lines
    assert {"done": 1, "total": 1, "what": "detect-secrets"} in lines


def test_a_repository_cannot_switch_its_findings_off(tmp_path: Path) -> None:
    root = _write(
        tmp_path / "repo",
        {
            ".bandit": "[bandit]\nskips = B307\nexclude = app.py\n",
            "pyproject.toml": '[tool.bandit]\nskips = ["B307"]\nexclude_dirs = ["."]\n',
            ".secrets.baseline": '{"results": {}}',
            "app.py": "eval(x)  # nosec\n" + f"k = '{_KEY}'  # pragma: allowlist secret\n",
        },
    )
    report = _scan(root, tmp_path / "scratch")
    assert [f.rule for f in _at(report, "app.py", 1)] == ["ORC-SEC-103"]
    assert _at(report, "app.py", 1)[0].properties["nosec"] == "no reason given"
    assert "ORC-KEY-102" in [f.rule for f in _at(report, "app.py", 2)]


def test_no_module_or_hook_of_a_repository_is_ever_run(tmp_path: Path) -> None:
    marker = tmp_path / "ran"
    payload = f"open({str(marker)!r}, 'w').write('x')\n"
    names = ("setup.py", "bandit.py", "json.py", "yaml.py", "sitecustomize.py", "msgspec.py",
             "detect_secrets/__init__.py", "conftest.py", "encodings/__init__.py")  # fmt: skip
    root = _write(tmp_path / "repo", dict.fromkeys(names, payload))
    (root / "evil.pth").write_text(f"import os; {payload}")
    request = msgspec.structs.replace(_request(tmp_path / "a", root))
    ended, result = _perform(request)
    assert (ended.returncode, result.ok) == (0, True)
    assert not marker.exists()


def test_a_hostile_tree_is_scanned_where_it_can_be_and_listed_where_not(tmp_path: Path) -> None:
    root = _write(tmp_path / "repo", {"pkg/ok.py": "eval(x)\n", "bad.py": "def f(:\n"})
    (root / "new\nline '\".py").write_text("eval(x)\n")
    (root / os.fsdecode(b"caf\xe9.py")).write_text("eval(x)\n")
    (root / "-x.py").write_text("eval(x)\n")
    (root / "latin.py").write_bytes(b"# -*- coding: latin-1 -*-\nname = 'caf\xe9'; eval(x)\n")
    (root / "deep.py").write_text("x = " + "(" * 3000 + ")" * 3000 + "\n")
    (root / "out.py").symlink_to("/etc/passwd")
    (root / "loop").symlink_to(".")
    os.mkfifo(root / "pipe.py")
    _write(
        root, {".git/config": "[core]\n\tfsmonitor = touch /tmp/never\n", "sub/.git": "gitdir: x"}
    )
    report = _scan(root, tmp_path / "scratch")
    found = {f.location.path for f in report.findings if f.rule == "ORC-SEC-103"}
    assert found == {
        "-x.py",
        "caf\\xe9.py",
        "latin.py",
        "new\\u000aline '\".py",
        "pkg/ok.py",
    }
    listed = {path for group in report.not_examined for path in group.paths}
    assert {"bad.py", "deep.py", "out.py", "loop", "pipe.py", "sub/"} <= listed
    assert _tool(report, "bandit").status == "partial"
    assert _tool(report, "detect-secrets").status == "ran"
    json.loads(msgspec.json.encode(report))


def test_a_bomb_of_yaml_aliases_is_set_aside_and_costs_nothing_else(tmp_path: Path) -> None:
    levels = "".join(f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 9)}]\n" for n in range(1, 30))
    root = _write(
        tmp_path / "repo",
        {"bomb.yaml": "a0: &a0 [x, x]\n" + levels, "key.py": f"k = '{_KEY}'\n"},
    )
    report = _scan(root, tmp_path / "scratch")
    assert "ORC-KEY-102" in [f.rule for f in _at(report, "key.py", 1)]
    assert _tool(report, "detect-secrets").status == "partial"
    listed = {path for group in report.not_examined for path in group.paths}
    assert "bomb.yaml" in listed


# --- tools that fail ----------------------------------------------------------------------------


def _stub(name: str, *command: str) -> Tool:
    return Tool(name, command, "testing", remedy=f"install {name}")


_CRASH = (sys.executable, "-c", "import sys; sys.exit('it broke')")
_HANG = (sys.executable, "-c", "import time; time.sleep(600)")
_NOISE = (sys.executable, "-c", "print('this is not what was asked for')")


@pytest.mark.parametrize(
    ("command", "status", "word"),
    [
        (("/nowhere/tool",), "missing", "could not be started"),
        (_CRASH, "crashed", "it broke"),
        (_NOISE, "crashed", ""),
    ],
)
def test_a_failing_tool_is_unknown_and_the_others_still_report(
    tmp_path: Path, command: tuple[str, ...], status: str, word: str
) -> None:
    root = _write(tmp_path / "repo", {"app.py": f"eval(x)\nk = '{_KEY}'\n"})
    broken = _scan(root, tmp_path / "s", Tools(bandit=_stub("bandit", *command)))
    assert _tool(broken, "bandit").status == status
    assert word in _tool(broken, "bandit").reason
    assert _tool(broken, "bandit").remedy
    assert "ORC-KEY-102" in {f.rule for f in broken.findings}
    assert _tool(broken, "detect-secrets").status == "ran"
    blind = _scan(root, tmp_path / "s", Tools(secrets=_stub("detect-secrets", *command)))
    assert _tool(blind, "detect-secrets").status == status
    assert "ORC-SEC-103" in {f.rule for f in blind.findings}
    # Without the search nobody knows what the neighbouring lines hold, so none is shown.
    assert _KEY not in msgspec.json.encode(blind).decode()
    listed = {path for group in blind.not_examined for path in group.paths}
    assert "app.py" in listed


def test_a_tool_that_hangs_is_stopped_and_the_others_still_report(tmp_path: Path) -> None:
    root = _write(tmp_path / "repo", {"app.py": f"eval(x)\nk = '{_KEY}'\n"})
    tools = Tools(bandit=_stub("bandit", *_HANG))
    report = scan(root, scratch=tmp_path / "s", source=AdvisorySource(), timeout_s=6.0, tools=tools)
    assert _tool(report, "bandit").status == "timeout"
    assert _tool(report, "bandit").reason
    assert "ORC-KEY-102" in {f.rule for f in report.findings}


def test_a_file_that_kills_the_tool_does_not_cost_the_others(tmp_path: Path) -> None:
    stub = tmp_path / "stub.py"
    stub.write_text(
        "import os, pathlib, runpy, sys\n"
        "names = sys.argv[sys.argv.index('--') + 1:]\n"
        "if any('KILL' in pathlib.Path(n).read_text() for n in names):\n"
        "    os.kill(os.getpid(), 11)\n"
        "runpy.run_module('bandit', run_name='__main__')\n"
    )
    files = {f"m{n}.py": "eval(x)\n" for n in range(10)} | {"m3.py": "KILL = eval(x)\n"}
    root = _write(tmp_path / "repo", files)
    tools = Tools(bandit=_stub("bandit", sys.executable, str(stub)))
    report = _scan(root, tmp_path / "s", tools)
    found = {f.location.path for f in report.findings if f.rule == "ORC-SEC-103"}
    assert found == files.keys() - {"m3.py"}
    assert _tool(report, "bandit").status == "partial"
    assert "1 of 10 files" in _tool(report, "bandit").reason


def test_without_advisories_a_scan_is_never_clean(tmp_path: Path) -> None:
    root = _write(tmp_path / "repo", {"requirements.txt": "flask==0.12.2\n"})
    audit = _tool(_scan(root, tmp_path / "s"), "advisory-audit")
    assert (audit.status, audit.conclusive, audit.sent) == ("not-run", False, "")


def test_an_empty_folder_gives_a_report_and_no_claim(tmp_path: Path) -> None:
    (tmp_path / "repo").mkdir()
    report = _scan(tmp_path / "repo", tmp_path / "s")
    assert report.findings == ()
    assert _tool(report, "advisory-audit").status == "not-run"
    assert _tool(report, "licence-audit").status == "partial"
