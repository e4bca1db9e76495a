"""Which paths of a repository are tests, by the layouts that their runners know.

Only the name of a path counts: what stands in the file is for the runner to say.
"""

from __future__ import annotations

import re

#: Folders that hold tests and what they need. `testing` is none: packages ship one of that name.
FOLDERS = frozenset(
    {"test", "tests", "__tests__", "__mocks__", "__snapshots__", "testdata", "test_data"}
    | {"spec", "specs", "e2e"}
)
#: Modules that pytest or unittest collect, by the rules the detection of commands goes by.
_PYTHON = re.compile(r"(?:test.*|.*_tests?|tests?)\.py")
_NAMES = (
    _PYTHON,
    re.compile(r"conftest\.py"),
    re.compile(r".*_test\.go"),
    re.compile(r".*[.-](?:test|spec)\.(?:[cm]?[jt]sx?|vue|svelte)(?:\.snap)?"),
    re.compile(r"(?:.*(?:Tests?|TestCase|IT)|Test.*)\.(?:java|kt)"),
    re.compile(r".*_(?:test|spec)\.(?:rb|exs?|dart|rs)"),
)


def is_test_path(path: str) -> bool:
    """Whether `path`, relative to the repository, is a test or belongs to tests."""
    *folders, name = path.split("/")
    return is_test_name(name) or bool(FOLDERS.intersection(folders))


def is_test_name(name: str) -> bool:
    """Whether a file called `name` is a test, or a `conftest.py`, in whatever folder it is."""
    return any(pattern.fullmatch(name) for pattern in _NAMES)


def is_python_module(path: str) -> bool:
    """Whether `path` is a Python file that tests are collected from by its name."""
    return _PYTHON.fullmatch(path.rpartition("/")[2]) is not None
