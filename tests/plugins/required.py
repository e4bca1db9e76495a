"""Pytest plugin: nothing is skipped silently, and in CI nothing required is skipped at all.

Four components may be missing on a developer's machine: the real inputs (`data`), source
distributions (`packages`), a package index (`index`) and a headless browser (`browser`). A test
marked with one of them is skipped when it is missing, and the end of the run lists what was not
run, why, and what to do. With CI=true the same skip is a failure, and so is every other one,
unless the test says with `@pytest.mark.may_skip("reason")` that it depends on something CI does
not promise.

The end of a run also shows the time spent per suite beside its budget. A suite over its budget
fails the run in CI. Budgets are in seconds of test time, added up over all workers.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import time
from collections import Counter, defaultdict
from collections.abc import Callable, Generator
from functools import cache
from pathlib import Path
from typing import NamedTuple

import pytest

from scripts.fetch_sdist import FetchError, fetch_archive, listed_digests

TESTS = Path(__file__).resolve().parent.parent
# Taken at import, before fixtures isolate the environment.
_USER_ENVIRONMENT = dict(os.environ)

# Suite -> seconds; docs/testing.md shows the same table. Together they stay below the hour that
# CI has, on two workers, with the set-up and the static checks taken off.
BUDGETS_S = {
    "unit": 550,
    "property": 350,
    "plugins": 30,
    "contract": 60,
    "replay": 20,
    "integration": 800,
    "e2e": 3200,
    "crash": 650,
    "docs": 330,
}


class Component(NamedTuple):
    """Something a test may need that is not part of the repository.

    Attributes:
        missing: says why it cannot be used here; empty when it can.
        remedy: what a developer does to have it.
    """

    missing: Callable[[], str]
    remedy: str


def _data_missing() -> str:
    named = _USER_ENVIRONMENT.get("ORCHESTRATE_TEST_DATA", "")
    if not named:
        return "ORCHESTRATE_TEST_DATA is not set"
    return "" if Path(named).is_dir() else f"ORCHESTRATE_TEST_DATA is no folder: {named}"


@cache
def _packages_missing() -> str:
    """Fetch all listed packages once; the cache makes this quick the next time."""
    try:
        for name, version in listed_digests():
            fetch_archive(name, version, environ=_USER_ENVIRONMENT)
    except FetchError as error:
        return str(error).splitlines()[0]
    return ""


@cache
def _index_missing() -> str:
    # Asks for a dependency that a local folder of common wheels is least likely to hold.
    ask = [sys.executable, "-m", "pip", "index", "versions", "detect-secrets"]
    done = subprocess.run(ask, env=_USER_ENVIRONMENT, capture_output=True, check=False)
    return "" if done.returncode == 0 else "the package index does not answer"


def _browser_missing() -> str:
    browsers = ("chromium", "chromium-browser", "google-chrome")
    if not any(shutil.which(name) for name in browsers):
        return f"none of {', '.join(browsers)} is on PATH"
    return "" if shutil.which("chromedriver") else "chromedriver is not on PATH"


COMPONENTS = {
    "data": Component(_data_missing, "set ORCHESTRATE_TEST_DATA to the folder of real inputs"),
    "packages": Component(_packages_missing, "go online once; archives are cached afterwards"),
    "index": Component(_index_missing, "go online, or set up pip for a reachable index"),
    "browser": Component(_browser_missing, "install chromium and chromedriver"),
}


def skip_if_missing(name: str) -> None:
    """Skip the running test, with reason and remedy, when a component is missing."""
    component = COMPONENTS[name]
    reason = component.missing()
    if reason:
        pytest.skip(f"needs {name}: {reason}. Remedy: {component.remedy}")


def in_ci() -> bool:
    """Whether this run must not skip anything that is required."""
    return _USER_ENVIRONMENT.get("CI", "").lower() in {"true", "1"}


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_setup(item: pytest.Item) -> None:
    """Check the components a test names before any of its fixtures is set up."""
    for name in COMPONENTS:
        if item.get_closest_marker(name) is not None:
            skip_if_missing(name)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item,
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """In CI, turn a skip into a failure unless the test declared that it may skip."""
    report = yield
    declared = item.get_closest_marker("may_skip") is not None
    if in_ci() and report.skipped and not hasattr(report, "wasxfail") and not declared:
        _fail(report)
    return report


@pytest.hookimpl(wrapper=True)
def pytest_make_collect_report() -> Generator[None, pytest.CollectReport, pytest.CollectReport]:
    """In CI, a whole file that skips itself is a failure too."""
    report = yield
    if in_ci() and report.skipped:
        _fail(report)
    return report


def _fail(report: pytest.TestReport | pytest.CollectReport) -> None:
    report.outcome = "failed"
    report.longrepr = f"skipped, which CI does not accept: {_reason(report)}"


def _reason(report: pytest.TestReport | pytest.CollectReport) -> str:
    longrepr = report.longrepr
    text = longrepr[2] if isinstance(longrepr, tuple) else str(longrepr)
    return text.removeprefix("Skipped: ")


def suite_of(nodeid: str) -> str:
    """The suite a test belongs to: its first folder below tests/; empty when there is none."""
    parts = nodeid.split("::", 1)[0].split("/")
    return parts[1] if len(parts) > 2 and parts[0] == "tests" else ""


class SuiteTimes:
    """Adds up tests and seconds per suite from the reports, and judges them at the end."""

    def __init__(self, config: pytest.Config) -> None:
        self._config = config
        self._seconds: defaultdict[str, float] = defaultdict(float)
        self._tests: Counter[str] = Counter()
        self._started = time.monotonic()

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Count set-up and clean-up time as well; count a test once."""
        suite = suite_of(report.nodeid)
        self._seconds[suite] += report.duration
        self._tests[suite] += report.when == "call"

    def over_budget(self) -> list[str]:
        """Suites that took longer than they may, or that have no budget."""
        return [
            suite
            for suite, spent_s in self._seconds.items()
            if suite and spent_s > BUDGETS_S.get(suite, 0)
        ]

    def pytest_sessionfinish(self, session: pytest.Session) -> None:
        """Fail the run in CI when a suite is over its budget."""
        if in_ci() and self.over_budget() and session.exitstatus == pytest.ExitCode.OK:
            session.exitstatus = pytest.ExitCode.TESTS_FAILED

    def pytest_terminal_summary(self, terminalreporter: pytest.TerminalReporter) -> None:
        """Show what did not run and what the suites took."""
        _show_not_run(terminalreporter)
        if not any(self._tests.values()):
            return
        over = self.over_budget()
        terminalreporter.section("Suites: test time over all workers, and budget")
        for suite in sorted(self._seconds, key=lambda name: -self._seconds[name]):
            mark = "  OVER BUDGET" if suite in over else ""
            budget_s = BUDGETS_S.get(suite, 0)
            terminalreporter.write_line(
                f"{suite or '(other)':<12} {self._tests[suite]:>6} tests "
                f"{self._seconds[suite]:>8.1f} s of {budget_s} s{mark}"
            )


def _show_not_run(terminal: pytest.TerminalReporter) -> None:
    reasons = Counter(_reason(report) for report in terminal.stats.get("skipped", ()))
    if not reasons:
        return
    terminal.section("Not run here")
    for reason, count in sorted(reasons.items()):
        terminal.write_line(f"{count} x {reason}")


def pytest_configure(config: pytest.Config) -> None:
    """Keep the books in the controlling process only; workers send their reports there."""
    if not hasattr(config, "workerinput"):
        config.pluginmanager.register(SuiteTimes(config), "suite-times")
