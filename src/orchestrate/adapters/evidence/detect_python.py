"""Test and coverage commands of a Python project."""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path, PurePosixPath

from orchestrate.adapters.evidence import coverage_record, unittest_record
from orchestrate.adapters.evidence.detect_found import Project, Rank, strings, table
from orchestrate.adapters.evidence.detect_python_needs import dependency
from orchestrate.adapters.evidence.detect_python_tests import (
    Tests,
    find_tests,
    roots,
    start_folders,
)
from orchestrate.adapters.evidence.detect_recipes import Recipe, recipes

_PYTHON = ("{python}", "-m")
#: Node ids need the file, which only the older form of the report has; the suite's name tells
#: pytest's reports from others; no limit on failures, so that every failing test is named.
PYTEST_REPORT = (
    *("--color=no", "-rfEX", "--maxfail=0"),
    *("-o", "cache_dir={report}/cache", "-o", "junit_family=xunit1"),
    *("-o", "junit_suite_name=pytest", "--junit-xml={report}/junit.xml"),
)
_PYTEST = ("pytest", *PYTEST_REPORT)
#: `setup(cmdclass={"test": …})`, on one line or several, and `setup(test_suite=…)`.
_SETUP_TEST = re.compile(
    r"cmdclass[^\n{]{0,80}\{[^}]{0,2000}?['\"]test['\"]\s*:|(?<![.\w])test_suite\s*="
)
_TEST_NAMES = frozenset(
    ["test", "tests", "check", "unit", "unittest", "unittests", "pytest", "unit-tests"]
)
_TAKES_VALUE = frozenset(
    [
        "-c",
        "-p",
        "-o",
        "-k",
        "-m",
        "-n",
        "--cov",
        "--ignore",
        "--rootdir",
        "--basetemp",
        "--confcutdir",
        "--cov-config",
        "--junitxml",
        "--junit-xml",
        "--cov-report",
        "--durations",
        "-W",
    ]
)


def detect_python_checks(project: Project) -> None:
    """Add test and coverage commands, of the framework that is surest, and recipes of wrappers."""
    tests = find_tests(project)
    called = [recipe for recipe in recipes(project) if recipe.name in _TEST_NAMES]
    pytest = _pytest_signal(project, tests, called)
    unittest = _unittest_signal(tests, called)
    if pytest is not None:
        _add_pytest(project, tests, called, *pytest)
    elif tests.files and project.has("manage.py"):
        _add_django(project)
    elif unittest is not None and tests.files:
        _add_unittest(project, tests, called, *unittest)
    elif tests.files:
        _add_pytest(project, tests, called, Rank.GUESSED, f"{tests.files[0]}:1")
    _add_wrappers(project, called)


def _pytest_signal(project: Project, tests: Tests, called: list[Recipe]) -> tuple[Rank, str] | None:
    configured = pytest_settings(project)[0]
    if configured:
        return Rank.CONFIGURED, configured
    for words, source in _calls(called):
        if _after(words, "pytest") is not None:
            return Rank.CALLED, source
    evident = tests.pytest or tests.conftest or dependency(project, "pytest")
    if evident and (tests.files or tests.conftest):
        return Rank.EVIDENT, evident
    return None


def _unittest_signal(tests: Tests, called: list[Recipe]) -> tuple[Rank, str] | None:
    for words, source in _calls(called):
        if _after(words, "unittest") is not None:
            return Rank.CALLED, source
    return (Rank.EVIDENT, tests.unittest) if tests.unittest else None


def pytest_settings(project: Project) -> tuple[str, dict[str, str]]:
    """Where pytest takes its settings from in this folder, and the settings; empty if nowhere.

    The order is pytest's own. A pytest.ini counts even when it is empty.
    """
    for name in ("pytest.ini", ".pytest.ini"):
        if project.has(name):
            return project.line(name, r"^\[pytest\]"), _section(project, name, "pytest")
    tools = table(project.sources.toml(project.at("pyproject.toml")), "tool", "pytest")
    if tools:
        values = table(tools, "ini_options") or tools
        settings = {key: " ".join(strings(value)) for key, value in values.items()}
        return project.line("pyproject.toml", r"^\s*\[+tool\.pytest"), settings
    for name, section in (("tox.ini", "pytest"), ("setup.cfg", "tool:pytest")):
        values_ini = _section(project, name, section)
        if values_ini or project.sources.ini(project.at(name)).has_section(section):
            return project.line(name, rf"^\[{re.escape(section)}\]"), values_ini
    return "", {}


def _section(project: Project, name: str, section: str) -> dict[str, str]:
    settings = project.sources.ini(project.at(name))
    if not settings.has_section(section):
        return {}
    return {key: value or "" for key, value in settings.items(section)}


def _add_pytest(
    project: Project, tests: Tests, called: list[Recipe], rank: Rank, source: str
) -> None:
    settings = pytest_settings(project)[1]
    paths: tuple[str, ...] = ()
    if not settings.get("testpaths"):
        paths = _called_paths(project, called)
        if not paths and tests.outside:
            paths = roots(project, tests)
    project.add(rank, "test", "pytest", (*_PYTHON, *_PYTEST, *paths), source)
    options = settings.get("addopts", "")
    argv: tuple[str, ...]
    if "--cov" in options or dependency(project, "pytest-cov"):
        cov = () if "--cov" in options else ("--cov",)
        report = ("--cov-report=xml:{report}/coverage.xml",)
        argv = (*_PYTHON, *_PYTEST, *cov, *report, *paths)
    else:
        script = str(Path(coverage_record.__file__))
        argv = ("{python}", script, "{report}", "-m", *_PYTEST, *paths)
    project.add(max(rank, Rank.EVIDENT), "coverage", "pytest", argv, source)
    benchmark = dependency(project, "pytest-benchmark")
    if benchmark:
        only = ("--benchmark-only", "--benchmark-json={report}/benchmark.json")
        project.add(Rank.EVIDENT, "benchmark", "pytest", (*_PYTHON, *_PYTEST, *only), benchmark)


def _add_unittest(
    project: Project, tests: Tests, called: list[Recipe], rank: Rank, source: str
) -> None:
    where: tuple[str, ...] = ()
    for words, _ in _calls(called):
        rest = _after(words, "unittest") or ()
        where = where or tuple(_discovery(rest))
    if not where:
        for start in start_folders(project, tests):
            where += ("-s", start)
        if not any(PurePosixPath(path).name.startswith("test") for path in tests.files):
            where += ("-p", "*_test.py")
    record = (str(Path(unittest_record.__file__)), "{report}/unittest.json", "discover", *where)
    project.add(rank, "test", "unittest", ("{python}", *record), source)
    measured = ("{python}", str(Path(coverage_record.__file__)), "{report}", *record)
    project.add(max(rank, Rank.EVIDENT), "coverage", "unittest", measured, source)


def _add_django(project: Project) -> None:
    source = f"{project.at('manage.py')}:1"
    test = ("manage.py", "test", "--noinput", "-v", "2")
    project.add(Rank.EVIDENT, "test", "unittest", ("{python}", *test), source)
    measured = ("{python}", str(Path(coverage_record.__file__)), "{report}", *test)
    project.add(Rank.EVIDENT, "coverage", "unittest", measured, source)


def _add_wrappers(project: Project, called: list[Recipe]) -> None:
    for recipe in called:
        argv: tuple[str, ...]
        if recipe.tool == "tox":
            argv = (*_PYTHON, "tox", "--workdir", "{report}/tox")
            project.add(Rank.WRAPPED, "test", "tox", argv, recipe.source)
        elif recipe.tool == "nox":
            argv = (*_PYTHON, "nox", "--envdir", "{report}/nox", "-s", recipe.name)
            project.add(Rank.WRAPPED, "test", "nox", argv, recipe.source)
    text = project.sources.text(project.at("setup.py")) or ""
    if _SETUP_TEST.search(text):
        source = project.line("setup.py", _SETUP_TEST.pattern)
        project.add(Rank.WRAPPED, "test", "shell", ("{python}", "setup.py", "test"), source)


def _calls(called: list[Recipe]) -> Iterator[tuple[tuple[str, ...], str]]:
    for recipe in called:
        yield from recipe.calls


def _after(words: tuple[str, ...], tool: str) -> tuple[str, ...] | None:
    """The words after `tool`, called by its name or as `-m tool`; None if it is not called."""
    names = {"pytest": ("pytest", "py.test")}.get(tool, ())
    for index, word in enumerate(words):
        as_module = word == tool and index > 0 and words[index - 1] == "-m"
        # `pip install pytest` names it as well.
        if as_module or (PurePosixPath(word).name in names and "install" not in words[:index]):
            return words[index + 1 :]
    return None


def _called_paths(project: Project, called: list[Recipe]) -> tuple[str, ...]:
    """Folders and test files that a recipe gives pytest, where they exist."""
    for words, _ in _calls(called):
        rest = _after(words, "pytest")
        if rest is None:
            continue
        found: dict[str, None] = {}
        for before, word in zip(("", *rest), rest, strict=False):
            path = PurePosixPath(word).as_posix()
            usable = not word.startswith("-") and before not in _TAKES_VALUE and path != "."
            if usable and (project.sources.has_folder(project.at(path)) or _is_test(project, path)):
                found.setdefault(path)
        return tuple(found)
    return ()


def _is_test(project: Project, path: str) -> bool:
    return path.endswith(".py") and project.has(path)


def _discovery(rest: tuple[str, ...]) -> Iterator[str]:
    """`-s`, `-t` and `-p` of `unittest discover`, in the short form."""
    if not rest or rest[0] != "discover":
        return
    short = {"--start-directory": "-s", "--top-level-directory": "-t", "--pattern": "-p"}
    for option, value in pairwise(rest):
        option, equals, joined = option.partition("=")
        option = short.get(option, option)
        if option in ("-s", "-t", "-p") and not joined.startswith("{"):
            yield from (option, joined if equals else value)
