"""From detection to verdict with real tools: what is detected is run, and what it left is read."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import time
from pathlib import Path

import pytest

from orchestrate.adapters.evidence.detect import detect
from orchestrate.adapters.evidence.read import read_evidence
from orchestrate.core.sharing.evidence import CheckCommand, Counts, EvidenceKind
from orchestrate.core.sharing.outcomes import Reading
from orchestrate.core.sharing.verdict import Judgement, Seen, judge

PYTEST = """\
import pytest
def test_a(): pass
def test_b(): assert {wanted}
@pytest.mark.xfail
def test_c(): pass
"""
CALC = "def one(a):\n    if a:\n        return 1\n    return 2\n"


class Bench:
    """A small project, and the run of one of its detected commands."""

    def __init__(self, folder: Path) -> None:
        self.project = folder / "project"
        self.reports, self.logs = folder / "reports", folder / "logs"
        for each in (self.project, self.reports, self.logs):
            each.mkdir()

    def write(self, name: str, text: str) -> None:
        path = self.project / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)

    def run(self, kind: EvidenceKind = "test") -> tuple[Reading, Judgement]:
        command = detect(self.project).first(kind)
        assert command is not None
        started = time.time() - 1  # coarse file clocks may be behind
        code = self._execute(command)
        reading = read_evidence(command, self.reports, self.logs, self.project, started)
        seen = Seen(kind=kind, runner=command.runner, exit_code=code, reading=reading)
        return reading, judge(seen)

    def _execute(self, command: CheckCommand) -> int:
        argv = [
            part.replace("{python}", sys.executable).replace("{report}", str(self.reports))
            for part in command.argv
        ]
        env = {**os.environ, **command.env, "PYTHONDONTWRITEBYTECODE": "1"}
        with (
            (self.logs / "stdout.log").open("wb") as out,
            (self.logs / "stderr.log").open("wb") as err,
        ):
            return subprocess.run(
                argv, cwd=self.project, stdout=out, stderr=err, env=env
            ).returncode


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    return Bench(tmp_path)


def test_pytest_passes_with_exact_names(bench: Bench) -> None:
    bench.write("tests/test_a.py", PYTEST.format(wanted=True))
    reading, judged = bench.run()
    assert judged == Judgement("passed")
    assert reading.outcomes.counts == Counts(passed=2, xpassed=1)
    assert reading.outcomes.passing[0] == "tests/test_a.py::test_a"
    assert {path.name for path in bench.project.iterdir()} == {"tests"}


def test_pytest_failure_is_named_even_when_told_to_stop_early(bench: Bench) -> None:
    bench.write("pytest.ini", "[pytest]\naddopts = -x -qq\n")
    bench.write("test_a.py", "def test_a(): assert 0\ndef test_b(): assert 0\n")
    _, judged = bench.run()
    assert judged.cause == "2 tests failed: test_a.py::test_a, test_a.py::test_b"


def test_pytest_without_tests_is_unknown(bench: Bench) -> None:
    bench.write("pytest.ini", "[pytest]\n")
    bench.write("calc.py", CALC)
    assert bench.run()[1] == Judgement("unknown", "pytest found no test")


def test_broken_import_is_unknown_with_its_cause(bench: Bench) -> None:
    bench.write("test_a.py", "import pytest, gone_for_good\ndef test_a(): pass\n")
    _, judged = bench.run()
    assert judged.verdict == "unknown"
    assert "No module named 'gone_for_good'" in judged.cause


def test_tests_that_want_the_network_are_unknown(bench: Bench) -> None:
    said = "[Errno -3] Temporary failure in name resolution"
    bench.write("test_a.py", f"import pytest\ndef test_a(): raise OSError({said!r})\n")
    assert bench.run()[1] == Judgement("unknown", "the network was refused to test_a.py::test_a")


def test_process_that_ends_in_the_middle_is_unknown(bench: Bench) -> None:
    bench.write("test_a.py", "import os, pytest\ndef test_a(): os._exit(0)\n")
    assert bench.run()[1] == Judgement("unknown", "exit code 0, and it wrote no report (junit.xml)")


def test_unittest_is_recorded(bench: Bench) -> None:
    head = "import unittest\nclass A(unittest.TestCase):\n"
    bench.write("tests/test_a.py", head + " def test_a(self): pass\n def test_b(self): 1 / 0\n")
    reading, judged = bench.run()
    assert judged == Judgement("failed", "1 test failed: test_a.A.test_b")
    assert reading.outcomes.passing == ("test_a.A.test_a",)


@pytest.mark.may_skip("coverage.py is no dependency of this project's")
@pytest.mark.parametrize("parallel", ["", "[run]\nparallel = true\n"])
def test_coverage_is_measured_and_the_tree_left_clean(bench: Bench, parallel: str) -> None:
    pytest.importorskip("coverage")
    bench.write("calc.py", CALC)
    bench.write("test_calc.py", "import calc, pytest\ndef test_a(): assert calc.one(1) == 1\n")
    bench.write(".coveragerc", parallel)
    reading, judged = bench.run("coverage")
    assert judged.verdict == "passed"
    assert reading.coverage is not None
    assert reading.coverage.files["calc.py"] == (3, 4)
    assert not list(bench.project.glob(".coverage*[!c]"))


def test_old_report_in_the_tree_is_not_taken_for_this_run(bench: Bench) -> None:
    bench.write("coverage/lcov.info", "SF:a.js\nDA:1,1\nend_of_record\n")
    os.utime(bench.project / "coverage/lcov.info", (1, 1))
    bench.write("Makefile", ".PHONY: coverage\ncoverage:\n\t@printf 'ok 1 - a\\n1..1\\n'\n")
    assert bench.run("coverage")[1] == Judgement("unknown", "no coverage was reported")


@pytest.mark.may_skip("node is no dependency of this project's")
def test_node_tests_are_read(bench: Bench) -> None:
    if shutil.which("node") is None:
        pytest.skip("there is no node")
    bench.write("package.json", '{"scripts": {"test": "node --test test.js"}}')
    bench.write(
        "test.js",
        "const {test} = require('node:test')\n"
        "test('good', () => {})\ntest('bad', () => { throw new Error('no') })\n",
    )
    reading, judged = bench.run()
    assert judged.verdict == "failed"
    assert reading.outcomes.counts == Counts(passed=1, failed=1)
    assert [name.rpartition(" > ")[2] for name in reading.outcomes.failing] == ["bad"]


def test_linter_that_is_not_installed_is_unknown(bench: Bench) -> None:
    bench.write(".pylintrc", "")
    bench.write("a.py", "")
    assert bench.run("lint")[1] == Judgement(
        "unknown", "pylint is not installed in the project's environment"
    )


def test_linter_that_finds_something_fails(bench: Bench) -> None:
    bench.write("ruff.toml", "fix = true\n")
    bench.write("a.py", "import os\n")
    assert bench.run("lint")[1] == Judgement("failed", "1 problem")
    assert (bench.project / "a.py").read_text() == "import os\n"


@pytest.mark.parametrize(
    ("recipe", "judged"),
    [
        (
            "@true",
            Judgement("unknown", "exit code 0, and nothing in its output says that a test ran"),
        ),
        ("@printf '1..1\\nok 1 - a\\n'", Judgement("passed")),
        ("@printf '1..1\\nnot ok 1 - a\\n'; exit 1", Judgement("failed", "1 test failed: a")),
    ],
)
def test_make_is_judged_by_what_its_output_says(
    bench: Bench, recipe: str, judged: Judgement
) -> None:
    bench.write("Makefile", f"test:\n\t{recipe}\n")
    assert bench.run()[1] == judged
