"""Where a project keeps its tests, so that its own runner collects the security test."""

from __future__ import annotations

import posixpath
import re
from collections import Counter
from collections.abc import Iterable

from orchestrate.adapters.backends.local.languages import exposure_of

_TEST_FILE = re.compile(r"^(test_.+|.+_test)\.py$")
_TEST_FOLDERS = {"test", "tests", "unit", "unittests", "unit_tests"}
_NOT_RUN = {
    "bench",
    "benches",
    "benchmark",
    "benchmarks",
    "fuzz",
    "fuzzing",
    "testdata",
    "fixtures",
}


def test_path(files: Iterable[str], beside: str, key: str) -> str:
    """The path of the security test named by an item's `key`; "" where there are no tests.

    Args:
        files: paths of all Python files of the project.
        beside: the path of the file that is fixed; tests of the same package come first.
        key: the item's key.
    """
    found: Counter[str] = Counter()
    suffixed: Counter[str] = Counter()
    for path in files:
        folder, name = posixpath.split(path)
        if _TEST_FILE.match(name) and _is_test_folder(path, folder):
            found[folder] += 1
            suffixed[folder] += name.endswith("_test.py") and not name.startswith("test_")
    if not found:
        return ""
    folder = min(
        found, key=lambda each: (-_shared(each, beside), each.count("/"), -found[each], each)
    )
    stem = re.sub(r"\W", "_", key)
    all_suffixed = suffixed[folder] == found[folder]
    name = f"security_{stem}_test.py" if all_suffixed else f"test_security_{stem}.py"
    return posixpath.join(folder, name)


def _is_test_folder(path: str, folder: str) -> bool:
    parts = folder.lower().split("/")
    if exposure_of(path) != "test" or not _NOT_RUN.isdisjoint(parts):
        return False
    return not _TEST_FOLDERS.isdisjoint(parts)


def _shared(folder: str, beside: str) -> int:
    """How many folders two paths have in common from the top: a package's own tests are nearer."""
    count = 0
    for one, other in zip(folder.split("/"), beside.split("/")[:-1], strict=False):
        if one != other:
            break
        count += 1
    return count
