"""`unittest_record.py`, run as a program, as it is with a project's interpreter."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

import pytest

from orchestrate.adapters.evidence import coverage_record, unittest_record
from orchestrate.core.sharing.outcomes import Outcomes
from orchestrate.core.sharing.readers.unittest_report import read_unittest_json

RECORD = Path(unittest_record.__file__)
HEAD = "import sys, unittest\nclass A(unittest.TestCase):\n"
#: The oldest Python whose projects can be tested.
OLDEST = (3, 8)


def record(project: Path, *arguments: str) -> tuple[int, Outcomes | None, str]:
    """Exit code, what was recorded, and what was printed."""
    report = project / "report.json"
    ended = subprocess.run(
        [sys.executable, str(RECORD), str(report), "discover", *arguments],
        cwd=project,
        capture_output=True,
        text=True,
    )
    read = read_unittest_json(report.read_bytes()) if report.exists() else None
    return ended.returncode, read, ended.stderr


def write(project: Path, name: str, body: str) -> None:
    path = project / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(HEAD + body if body.startswith(" ") else body)


@pytest.mark.parametrize("script", [RECORD, Path(coverage_record.__file__)])
def test_script_needs_nothing_but_an_old_python(script: Path) -> None:
    tree = ast.parse(script.read_text(), feature_version=OLDEST)
    imported = {
        name.split(".")[0]
        for node in ast.walk(tree)
        for name in (
            [alias.name for alias in node.names]
            if isinstance(node, ast.Import)
            else [node.module or ""]
            if isinstance(node, ast.ImportFrom)
            else []
        )
    }
    assert imported <= sys.stdlib_module_names


def test_every_outcome_is_recorded(tmp_path: Path) -> None:
    write(
        tmp_path,
        "test_a.py",
        " def test_ok(self): pass\n"
        " def test_bad(self): self.fail('no')\n"
        " def test_error(self): raise OSError('gone')\n"
        " @unittest.skip('later')\n def test_skip(self): pass\n"
        " @unittest.expectedFailure\n def test_known(self): self.fail()\n"
        " @unittest.expectedFailure\n def test_better(self): pass\n"
        " def test_parts(self):\n"
        "  for i in range(3):\n   with self.subTest(i=i): self.assertNotEqual(i, 1)\n",
    )
    code, read, _ = record(tmp_path)
    assert code == 1
    assert read is not None
    assert read.counts is not None
    counts = read.counts
    assert (counts.passed, counts.failed, counts.errors) == (1, 2, 1)
    assert (counts.skipped, counts.xfailed, counts.xpassed) == (1, 1, 1)
    assert set(read.failing) == {"test_a.A.test_bad", "test_a.A.test_error", "test_a.A.test_parts"}
    assert "OSError: gone" in read.texts["test_a.A.test_error"]


def test_module_that_cannot_be_imported_is_broken(tmp_path: Path) -> None:
    write(tmp_path, "test_a.py", "import gone_for_good\n")
    code, read, _ = record(tmp_path)
    assert code == 1
    assert read is not None
    assert read.broken == ("test_a",)
    assert read.first_error == "ModuleNotFoundError: No module named 'gone_for_good'"


def test_tests_in_packages_can_import_relatively_and_from_the_project(tmp_path: Path) -> None:
    write(tmp_path, "calc.py", "one = 1\n")
    write(tmp_path, "tests/__init__.py", "two = 2\n")
    write(tmp_path, "tests/test_a.py", " def test_a(self):\n  import calc\n  from . import two\n")
    write(tmp_path, "apart/test_b.py", " def test_b(self): import calc\n")
    code, read, printed = record(tmp_path, "-s", "tests", "-s", "apart")
    assert code == 0, printed
    assert read is not None
    assert read.passing == ("tests.test_a.A.test_a", "test_b.A.test_b")


def test_only_the_tests_asked_for_are_run(tmp_path: Path) -> None:
    write(tmp_path, "test_a.py", " def test_a(self): pass\n def test_b(self): self.fail()\n")
    code, read, _ = record(tmp_path, "--only", "test_a.A.test_a")
    assert code == 0
    assert read is not None
    assert read.passing == ("test_a.A.test_a",)
    assert read.failing == ()


def test_no_test_is_exit_code_5_on_every_version(tmp_path: Path) -> None:
    code, read, _ = record(tmp_path)
    assert code == 5
    assert read is not None
    assert read.counts is not None
    assert read.counts.total == 0


def test_tests_see_a_command_line_without_options(tmp_path: Path) -> None:
    write(tmp_path, "test_a.py", " def test_a(self): self.assertEqual(len(sys.argv), 1)\n")
    assert record(tmp_path)[0] == 0


def test_run_that_is_cut_off_leaves_no_report(tmp_path: Path) -> None:
    write(tmp_path, "test_a.py", " def test_a(self):\n  import os\n  os._exit(0)\n")
    code, read, _ = record(tmp_path)
    assert (code, read) == (0, None)
