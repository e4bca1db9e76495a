"""Which files of a Python project are tests, and which framework they are written for.

Read with regular expressions and not as syntax trees: tests of an older Python still count.
"""

from __future__ import annotations

import re
from pathlib import PurePosixPath

import msgspec

from orchestrate.adapters.evidence.detect_found import Project, folders_of

_NAME = re.compile(r"^(?:test.*|.*_tests?|tests?)\.py$")
_PYTEST = re.compile(r"^[ \t]*(?:import[ \t]+pytest\b|from[ \t]+pytest\b)", re.M)
_UNITTEST = re.compile(
    r"^[ \t]*(?:import[ \t]+unittest\b|from[ \t]+unittest\b|from[ \t]+django\.test\b"
    r"|class[ \t]+\w+\([^)\n]*TestCase\b)",
    re.M,
)
_TEST = re.compile(r"^[ \t]*(?:async[ \t]+)?def[ \t]+test|^class[ \t]+\w*Test", re.M)
#: Folders whose tests are not the project's own.
_OUTSIDE = frozenset(
    ["docs", "doc", "examples", "example", "samples", "sample", "demo", "demos", "fixtures"]
)
#: Test files that are opened; the framework is the same in all but a few projects.
MAX_OPENED = 300


class Tests(msgspec.Struct, frozen=True):
    """The test files of a project, relative to the repository, shallowest first.

    `pytest` and `unittest` are where the first of them imports it, as `path:line`. `outside` are
    test files below the project's folder that belong to examples or to another project.
    """

    __test__ = False  # or pytest takes it for a class of tests

    files: tuple[str, ...] = ()
    outside: tuple[str, ...] = ()
    pytest: str = ""
    unittest: str = ""
    conftest: str = ""


def find_tests(project: Project) -> Tests:
    """The project's tests. A file counts by its name and by what stands in it."""
    files, outside = [], []
    pytest = unittest = ""
    own = frozenset(project.paths)
    prefix = f"{project.folder}/" if project.folder else ""
    named = [
        path
        for path in project.sources.paths
        if path.startswith(prefix) and _NAME.match(PurePosixPath(path).name)
    ]
    for number, path in enumerate(named):
        if path not in own or _OUTSIDE & set(folders_of(project.within(path))):
            outside.append(path)
            continue
        text = project.sources.text(path) or "" if number < MAX_OPENED else ""
        if number >= MAX_OPENED or _TEST.search(text) or _UNITTEST.search(text):
            files.append(path)
            if not pytest and _PYTEST.search(text):
                pytest = project.sources.line(path, _PYTEST.pattern)
            if not unittest and _UNITTEST.search(text):
                unittest = project.sources.line(path, _UNITTEST.pattern)
    conftest = next((path for path in project.paths if _is_conftest(project, path)), "")
    return Tests(
        files=tuple(files),
        outside=tuple(outside),
        pytest=pytest,
        unittest=unittest,
        conftest=f"{conftest}:1" if conftest else "",
    )


def _is_conftest(project: Project, path: str) -> bool:
    inside = project.within(path)
    return PurePosixPath(path).name == "conftest.py" and not _OUTSIDE & set(folders_of(inside))


def roots(project: Project, tests: Tests) -> tuple[str, ...]:
    """The outermost folders (or files) that hold all own tests and nothing from outside."""
    found: dict[str, None] = {}
    for path in tests.files:
        parts = PurePosixPath(project.within(path)).parts
        for end in range(1, len(parts) + 1):
            root = "/".join(parts[:end])
            full = project.at(root)
            if not any(each.startswith(f"{full}/") for each in tests.outside):
                found.setdefault(root)
                break
    return tuple(found)


def start_folders(project: Project, tests: Tests) -> tuple[str, ...]:
    """Folders that unittest's discovery has to start in, relative to the project.

    Discovery goes down into packages only, so a folder without `__init__.py` is a start of its own.
    """
    holding = sorted(
        {PurePosixPath(project.within(path)).parent for path in tests.files},
        key=lambda folder: (len(folder.parts), folder),
    )
    starts: list[PurePosixPath] = []
    for folder in holding:
        if not any(_reaches(project, start, folder) for start in starts):
            starts.append(folder)
    return tuple(start.as_posix() for start in starts)


def _reaches(project: Project, start: PurePosixPath, folder: PurePosixPath) -> bool:
    if start not in (folder, *folder.parents):
        return False
    inner = folder
    while inner != start:
        if not project.has(f"{inner.as_posix()}/__init__.py"):
            return False
        inner = inner.parent
    return True
