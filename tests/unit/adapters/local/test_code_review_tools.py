"""Complexity, dead code, and what the review says when a tool or a file lets it down."""

from __future__ import annotations

import sys
from pathlib import Path
from textwrap import dedent, indent

import pytest

from orchestrate.adapters.backends.local.code_review import OWN_TOOL, review
from orchestrate.core.sharing.findings import Finding, SpecialistReport, ToolRun


def write(root: Path, **files: str) -> Path:
    """Files by path, with `__` for `/` and without the ending."""
    for name, text in files.items():
        path = root / (name.replace("__", "/") + ".py")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    return root


def look(root: Path) -> SpecialistReport:
    return review(root, "code-reviewer", "code-review")


def found(report: SpecialistReport, rule: str) -> list[Finding]:
    return [finding for finding in report.findings if finding.rule == rule]


def tool(report: SpecialistReport, name: str) -> ToolRun:
    return next(run for run in report.tools if run.tool == name)


def branches(count: int) -> str:
    return "".join(f"        if value == {n}:\n            return {n}\n" for n in range(count))


@pytest.mark.parametrize(("ifs", "severity"), [(19, None), (20, "info"), (29, "info"), (30, "low")])
def test_complexity_is_reported_from_21_paths(
    tmp_path: Path, ifs: int, severity: str | None
) -> None:
    source = f"class Table:\n    def look_up(self, value):\n{branches(ifs)}        return None\n"
    findings = found(look(write(tmp_path, pkg__table=source)), "ORC-PY-801")
    assert [f.severity for f in findings] == ([severity] if severity else [])
    if findings:
        assert findings[0].location.line == 2
        assert findings[0].symbol == "Table.look_up"
        assert f"complexity of {ifs + 1}" in findings[0].message


def test_complexity_of_closures_and_inner_classes_is_measured(tmp_path: Path) -> None:
    inner = indent(f"def deep(value):\n{indent(dedent(branches(25)), '    ')}", "    ")
    nested = indent(f"class Inner:\n{inner}", "    ")
    write(tmp_path, pkg__a=f"def outer():\n{inner}\n", pkg__b=f"class Outer:\n{nested}\n")
    assert [f.symbol for f in found(look(tmp_path), "ORC-PY-801")] == [
        "outer.deep",
        "Outer.Inner.deep",
    ]


def test_a_long_unstructured_module_is_hard_to_maintain(tmp_path: Path) -> None:
    lines = "".join(f"total_{n} = first_{n} * {n} + second_{n} - {n + 1}\n" for n in range(900))
    hard = found(look(write(tmp_path / "a", pkg__long=lines)), "ORC-PY-802")
    assert [(f.location.path, f.location.line) for f in hard] == [("pkg/long.py", 1)]
    short = write(tmp_path / "b", pkg__short=lines[:2000])
    assert found(look(short), "ORC-PY-802") == []


def test_tests_are_not_measured_for_complexity(tmp_path: Path) -> None:
    source = f"class T:\n    def test_it(self, value):\n{branches(40)}"
    assert found(look(write(tmp_path, tests__test_a=source)), "ORC-PY-801") == []


DEAD = """\
import os
import json as j
from typing import Any

try:
    import fast
except ImportError:
    fast = None


def used(first, ignored_one):
    return first
    print("never")


def _helper():
    return os.name


class Shape:
    def _process_circle(self):
        return 1

    def dispatch(self, kind):
        return getattr(self, "_process_" + kind)


def public():
    return used
"""


def test_dead_code_is_found_at_its_line(tmp_path: Path) -> None:
    report = look(write(tmp_path, pkg__dead=DEAD))
    lines = {
        rule: [f.location.line for f in found(report, rule)]
        for rule in ("ORC-PY-811", "ORC-PY-812", "ORC-PY-813", "ORC-PY-814")
    }
    assert lines == {
        "ORC-PY-811": [13],
        "ORC-PY-812": [2, 3],
        "ORC-PY-813": [16],
        "ORC-PY-814": [11],
    }


def test_a_name_used_in_another_file_is_alive(tmp_path: Path) -> None:
    write(tmp_path, pkg__a="def _helper():\n    return 1\n")
    write(tmp_path, pkg__b="from pkg import a\nprint(a._helper())\n")
    assert found(look(tmp_path), "ORC-PY-813") == []


def test_of_dead_code_in_tests_only_the_unreachable_is_said(tmp_path: Path) -> None:
    report = look(write(tmp_path, tests__test_dead=DEAD))
    dead = [f for f in report.findings if f.category == "dead-code"]
    assert [(f.rule, f.severity) for f in dead] == [("ORC-PY-811", "info")]


def test_dead_code_does_not_depend_on_where_the_repository_lies(tmp_path: Path) -> None:
    """Vulture treats whatever lies below a folder `tests` as a test."""
    first = look(write(tmp_path / "tests" / "test_x", pkg__dead=DEAD))
    second = look(write(tmp_path / "elsewhere", pkg__dead=DEAD))
    assert first.findings == second.findings
    assert first.findings


@pytest.mark.parametrize("name", ["radon", "vulture"])
def test_a_missing_tool_is_unknown_and_the_others_go_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    monkeypatch.setitem(sys.modules, name, None)
    report = look(write(tmp_path, pkg__a="import os\n\nos.system('ls')\n"))
    missing = tool(report, name)
    assert missing.status == "missing"
    assert name in missing.reason
    assert name in missing.remedy
    assert tool(report, OWN_TOOL).status == "ran"
    assert [f.rule for f in report.findings] == ["ORC-PY-102"]


def test_a_file_that_trips_a_tool_makes_it_partial_and_costs_nothing_else(tmp_path: Path) -> None:
    deep = "import os\nx = " + " + ".join(["1"] * 1500) + "\nos.system('ls')\n"
    report = look(write(tmp_path, pkg__deep=deep, pkg__plain="import os\nos.system('ls')\n"))
    for name in ("radon", "vulture"):
        run = tool(report, name)
        assert (run.status, run.files) == ("partial", 1)
        assert "pkg/deep.py" in run.reason
        assert "RecursionError" in run.reason
    assert tool(report, OWN_TOOL).status == "ran"
    assert [f.location.path for f in found(report, "ORC-PY-102")] == ["pkg/deep.py", "pkg/plain.py"]


def test_what_cannot_be_parsed_is_listed_and_nothing_counts_as_clean(tmp_path: Path) -> None:
    report = look(write(tmp_path, pkg__old="print 'hello'\n", pkg__new="x = 1\n"))
    assert {run.status for run in report.tools} == {"partial"}
    listed = [n for n in report.not_examined if "parsed" in n.reason]
    assert [n.count for n in listed] == [1]
    assert listed[0].paths[0].startswith("pkg/old.py (line 1")


def test_invalid_escapes_in_reviewed_code_raise_no_warning(tmp_path: Path) -> None:
    report = look(write(tmp_path, pkg__a='pattern = "\\d"\nassert x is 1\n'))
    assert {run.status for run in report.tools} == {"ran"}
