"""The architect's report: risks from the shape of a program."""

from __future__ import annotations

from pathlib import Path

import msgspec

from orchestrate.adapters.backends.local.architecture import RULES, assess, run
from orchestrate.core.ids import AttemptKey
from orchestrate.core.sharing.findings import Finding, SpecialistReport
from orchestrate.ports.performer import AttemptRequest


def write(root: Path, files: dict[str, str]) -> Path:
    for name, text in files.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    return root


def look(root: Path) -> SpecialistReport:
    return assess(root, "architect", "architecture-assessment")


def found(report: SpecialistReport, rule: str) -> list[Finding]:
    return [finding for finding in report.findings if finding.rule == rule]


WEB = {
    "pyproject.toml": '[project]\nname = "shop"\n[project.scripts]\nshop = "shop.cli:main"\n',
    "src/shop/__init__.py": "",
    "src/shop/cli.py": "from shop import jobs\n\ndef main():\n    jobs.go('x')\n",
    "src/shop/jobs.py": (
        "import os\n\ndef go(name):\n    os.system('run ' + name)\n    os.system('again ' + name)\n"
    ),
    "src/shop/web.py": (
        "from flask import Flask\nfrom shop.store import read\n\napp = Flask(__name__)\n\n\n"
        "@app.route('/read')\ndef show():\n    return read(b'')\n"
    ),
    "src/shop/store.py": "import pickle\n\n\ndef read(data):\n    return pickle.loads(data)\n",
    "src/shop/alone.py": "def f(x):\n    return eval(x)\n",
    "tests/test_web.py": "import shop.web\nimport requests\n\nrequests.get('/')\n",
}


def test_the_graph_has_modules_with_imports_and_surface(tmp_path: Path) -> None:
    modules = {m.name: m for m in look(write(tmp_path, WEB)).modules}
    assert sorted(modules) == [
        "shop", "shop.alone", "shop.cli", "shop.jobs", "shop.store", "shop.web", "tests.test_web",
    ]  # fmt: skip
    assert modules["shop.web"].imports == ("shop.store",)
    assert modules["shop.web"].surface == ("network",)
    assert modules["shop.web"].lines == 9
    assert modules["shop.jobs"].surface == ("subprocess",)
    assert (modules["tests.test_web"].exposure, modules["tests.test_web"].surface) == ("test", ())


def test_dangerous_calls_are_reported_once_with_the_way_to_them(tmp_path: Path) -> None:
    reachable = found(look(write(tmp_path, WEB)), "ORC-ARCH-002")
    assert [
        (f.location.path, f.location.line, f.severity, f.confidence, f.cwe, f.symbol)
        for f in reachable
    ] == [
        ("src/shop/jobs.py", 4, "low", "low", 78, "go"),
        ("src/shop/store.py", 5, "medium", "low", 502, "read"),
    ]
    assert reachable[0].message == (
        "os.system can be reached from the console script shop, by way of shop.cli → shop.jobs."
    )
    assert "the route /read, by way of shop.web → shop.store" in reachable[1].message


def test_a_deserialiser_below_network_code_is_reported(tmp_path: Path) -> None:
    files = {
        "pkg/__init__.py": "",
        "pkg/client.py": "import socket\nfrom pkg import store\n\ns = socket.socket()\n",
        "pkg/store.py": WEB["src/shop/store.py"],
    }
    report = look(write(tmp_path / "a", files))
    assert [(f.location.path, f.location.line) for f in found(report, "ORC-ARCH-004")] == [
        ("pkg/store.py", 5)
    ]
    files["pkg/client.py"] = "import socket\n\ns = socket.socket()\n"
    assert found(look(write(tmp_path / "b", files)), "ORC-ARCH-004") == []


def test_an_import_cycle_is_reported_with_its_path(tmp_path: Path) -> None:
    files = {
        "pkg/__init__.py": "",
        "pkg/a.py": "import os\nfrom pkg import b\n",
        "pkg/b.py": "import pkg.c\n",
        "pkg/c.py": "from .a import x\n",
    }
    report = look(write(tmp_path, files))
    assert report.cycles == (("pkg.a", "pkg.b", "pkg.c"),)
    cycle = found(report, "ORC-ARCH-001")
    assert [(f.location.path, f.location.line, f.severity) for f in cycle] == [
        ("pkg/a.py", 2, "low")
    ]
    assert cycle[0].message == "pkg.a → pkg.b → pkg.c → pkg.a."


def test_late_and_type_checking_imports_make_no_cycle(tmp_path: Path) -> None:
    files = {
        "pkg/__init__.py": "from pkg.a import x\n",
        "pkg/a.py": "import pkg.b\n",
        "pkg/b.py": (
            "from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    from pkg.a import x\n\n\n"
            "def f():\n    import pkg.a\n"
        ),
    }
    report = look(write(tmp_path, files))
    assert report.cycles == ()
    assert report.findings == ()


def test_a_listener_on_all_interfaces_is_reported_at_its_line(tmp_path: Path) -> None:
    text = "import socket\n\n\ndef serve():\n    s = socket.socket()\n    s.bind(('{}', 80))\n"
    report = look(write(tmp_path / "a", {"pkg/server.py": text.format("0.0.0.0")}))
    assert [(f.location.line, f.severity, f.symbol) for f in found(report, "ORC-ARCH-003")] == [
        (6, "medium", "serve")
    ]
    near = look(write(tmp_path / "b", {"pkg/server.py": text.format("127.0.0.1")}))
    assert found(near, "ORC-ARCH-003") == []


def test_very_large_modules_and_hubs_are_noted(tmp_path: Path) -> None:
    files = {f"pkg/leaf{n}.py": "import pkg.hub\n" for n in range(12)}
    files |= {f"pkg/low{n}.py": "" for n in range(12)}
    files["pkg/hub.py"] = "".join(f"import pkg.low{n}\n" for n in range(12))
    files["pkg/big.py"] = "x = 1\n" * 1000
    files["pkg/less.py"] = "x = 1\n" * 999
    files["pkg/__init__.py"] = ""
    report = look(write(tmp_path, files))
    assert [f.location.path for f in found(report, "ORC-ARCH-005")] == ["pkg/big.py"]
    hubs = found(report, "ORC-ARCH-006")
    assert [f.message for f in hubs] == ["pkg.hub is imported by 12 modules and imports 12."]
    assert {f.severity for f in report.findings} == {"info"}


def test_shipped_code_must_not_import_tests(tmp_path: Path) -> None:
    files = {
        "pkg/__init__.py": "",
        "pkg/a.py": "import os\nfrom tests import fakes\n",
        "tests/__init__.py": "",
        "tests/fakes.py": "import pkg.a\n",
    }
    report = look(write(tmp_path, files))
    assert [(f.location.path, f.location.line) for f in found(report, "ORC-ARCH-007")] == [
        ("pkg/a.py", 2)
    ]


def test_every_architecture_rule_is_covered_here() -> None:
    source = Path(__file__).read_text(encoding="utf-8")
    assert [rule.id for rule in RULES if f'"{rule.id}"' not in source] == []


def test_entry_points_and_surface_leave_tests_out_and_say_so(tmp_path: Path) -> None:
    report = look(write(tmp_path, WEB))
    assert [(e.kind, e.name, e.target) for e in report.entry_points] == [
        ("console-script", "shop", "shop.cli:main"),
        ("package", "shop", "shop"),
        ("route", "/read", "shop.web:show"),
    ]
    assert {p.location.path for p in report.surface} == {
        "src/shop/alone.py", "src/shop/jobs.py", "src/shop/store.py", "src/shop/web.py",
    }  # fmt: skip
    assert report.notes[0].startswith("The entry points and attack surface of 1 test")


def test_what_cannot_be_read_makes_the_map_incomplete(tmp_path: Path) -> None:
    files = {"pkg/old.py": "print 'x'\n", "pyproject.toml": "[project", "pkg/__init__.py": ""}
    report = look(write(tmp_path, files))
    assert report.tools[0].status == "partial"
    assert report.tools[0].reason == "2 files could not be parsed"
    listed = next(n for n in report.not_examined if n.reason == "cannot be parsed")
    assert [path.split(" ")[0] for path in listed.paths] == ["pkg/old.py", "pyproject.toml"]
    assert [m.name for m in report.modules] == ["pkg", "pkg.old"]


def test_run_writes_the_report_and_two_runs_agree(tmp_path: Path) -> None:
    root = write(tmp_path / "repo", WEB)
    reports = []
    for name in ("one", "two"):
        folder = tmp_path / name
        folder.mkdir()
        request = AttemptRequest(
            key=AttemptKey("run", "assess", 1),
            token="t",
            phase="scan",
            repository=str(root),
            folder=str(folder),
            outputs_dir=str(folder),
            scratch_dir=str(folder),
            agent="architect",
            action="architecture-assessment",
        )
        steps: list[tuple[int, int, str]] = []
        result = run(request, lambda *step, steps=steps: steps.append(step))
        assert result.ok
        assert steps[-1][:2] == (7, 7)
        assert result.summary == (
            "Mapped 7 modules: 0 import cycles, 3 entry points, 6 surface points; "
            "findings: 1 medium, 1 low."
        )
        assert result.metrics["findings.medium"] == 1
        assert result.metrics["surface"] == 6
        report = msgspec.json.decode((folder / "findings.json").read_bytes(), type=SpecialistReport)
        reports.append(msgspec.structs.replace(report, tools=()))
    assert reports[0] == reports[1]
    assert all(f.fingerprint for f in reports[0].findings)
