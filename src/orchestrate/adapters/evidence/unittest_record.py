"""Run unittest and record every test's outcome as JSON. Stands alone; Python 3.8 and newer.

    python unittest_record.py REPORT discover [-s START]... [-t TOP] [-p PATTERN] [--only ID]...

It is run with the interpreter of the project under test and imports nothing but the standard
library. `-s` may be given several times. `--only` runs the tests of these ids and no others.
Without `-t`, the top of a START that is a package is the folder above its outermost package, so
that its tests can import relatively. Exit codes are unittest's own: 0 when all went well, 1 when a
test failed, and 5 when no test ran, on every version.

The report is written whole, at the end, under a temporary name first: a run that is killed leaves
none. It holds {"version": 1, "tests": [{"id", "outcome", "text", "broken"}]}.
"""

from __future__ import annotations

import argparse
import json
import sys
import unittest
from collections.abc import Iterator
from pathlib import Path
from typing import Any

#: Ids of what could not be imported start like this; the rest is the module's name.
LOADING = ("unittest.loader._FailedTest.", "unittest.loader.ModuleImportFailure.")
MAX_TEXT = 20_000
NO_TESTS = 5


class Record(unittest.TextTestResult):
    """A result that also keeps each outcome, by test id."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.tests: dict[str, dict[str, Any]] = {}

    def note(self, test: Any, outcome: str, text: str = "") -> None:
        """Keep an outcome; of several for one test the first that is no pass stands."""
        name = test.id()
        broken = name.startswith(LOADING)
        for prefix in LOADING:
            name = name[len(prefix) :] if name.startswith(prefix) else name
        held = self.tests.get(name)
        if held is not None and held["outcome"] in ("failed", "error"):
            return
        self.tests[name] = {
            "id": name, "outcome": outcome, "text": text[-MAX_TEXT:], "broken": broken
        }  # fmt: skip

    def addSuccess(self, test: Any) -> None:
        """A test passed."""
        super().addSuccess(test)
        self.note(test, "passed")

    def addFailure(self, test: Any, err: Any) -> None:
        """A test failed."""
        super().addFailure(test, err)
        self.note(test, "failed", self.failures[-1][1])

    def addError(self, test: Any, err: Any) -> None:
        """A test or fixture broke."""
        super().addError(test, err)
        self.note(test, "error", self.errors[-1][1])

    def addSkip(self, test: Any, reason: str) -> None:
        """A test, sub-test or class was skipped."""
        super().addSkip(test, reason)
        self.note(getattr(test, "test_case", test), "skipped")

    def addExpectedFailure(self, test: Any, err: Any) -> None:
        """A test failed as it should."""
        super().addExpectedFailure(test, err)
        self.note(test, "xfailed")

    def addUnexpectedSuccess(self, test: Any) -> None:
        """A test passed that should have failed."""
        super().addUnexpectedSuccess(test)
        self.note(test, "xpassed")

    def addSubTest(self, test: Any, subtest: Any, err: Any | None) -> None:
        """A part of a test ended; only bad ends change its outcome."""
        super().addSubTest(test, subtest, err)
        if err is not None:
            failed = issubclass(err[0], test.failureException)
            listed = self.failures if failed else self.errors
            self.note(test, "failed" if failed else "error", listed[-1][1])


def each_test(suite: Any) -> Iterator[Any]:
    """The tests of a suite and of the suites in it."""
    if isinstance(suite, unittest.TestSuite):
        for part in suite:
            yield from each_test(part)
    else:
        yield suite


def top_of(start: str) -> str:
    """The first folder from `start` upwards that is no package."""
    folder = Path(start).absolute()
    while (folder / "__init__.py").is_file() and folder != folder.parent:
        folder = folder.parent
    return str(folder)


def loaded(options: argparse.Namespace) -> unittest.TestSuite:
    """Everything that is discovered, or what `--only` leaves of it."""
    suite = unittest.TestSuite()
    for start in options.start or ["."]:
        # A loader remembers its top folder, so each start has one of its own.
        loader = unittest.TestLoader()
        suite.addTests(loader.discover(start, options.pattern, options.top or top_of(start)))
    if not options.only:
        return suite
    wanted = set(options.only)
    return unittest.TestSuite(test for test in each_test(suite) if test.id() in wanted)


def main(arguments: list[str]) -> int:
    """Run, write the report, return the exit code."""
    parser = argparse.ArgumentParser(description="Run unittest and record outcomes as JSON.")
    parser.add_argument("report")
    parser.add_argument("mode", choices=["discover"])
    parser.add_argument("-s", dest="start", action="append")
    parser.add_argument("-t", dest="top")
    parser.add_argument("-p", dest="pattern", default="test*.py")
    parser.add_argument("--only", action="append")
    options = parser.parse_args(arguments)
    # As with `python -m unittest`: the current folder is importable, this file's own is not.
    sys.path[0] = str(Path.cwd())
    report = Path(options.report).absolute()
    sys.argv[1:] = []  # tests that look at the command line must not see these options
    runner = unittest.TextTestRunner(resultclass=Record, verbosity=1)
    result: Any = runner.run(loaded(options))
    part = report.with_name(report.name + ".part")
    part.write_text(json.dumps({"version": 1, "tests": list(result.tests.values())}))
    part.replace(report)
    if result.testsRun == 0 and not result.errors and not result.skipped:
        return NO_TESTS
    return 0 if result.wasSuccessful() else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
