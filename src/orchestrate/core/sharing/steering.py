"""Whether a fix holds by its code alone, and not by what it does to the tests.

A `conftest.py`, a setting of the test runner or a helper of the tests can make any test pass. So
where a fix touches such files, its tests are run once more with those files as they were before it;
they have to pass both ways. Code can do the same to the tests that load it, and no run of them
tells: that is for whoever reads the change.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from orchestrate.core.sharing.comparison import compare
from orchestrate.core.sharing.evidence import Evidence
from orchestrate.core.sharing.layout_of_tests import is_python_module, is_test_name
from orchestrate.core.sharing.reproduction import Reproduction, judge_fixed
from orchestrate.core.sharing.verdict import Judgement, named

#: Folders of tests wherever they are. Others (`test`, `spec`) hold code of packages as well, and
#: count at the top of the repository only.
_ANYWHERE = frozenset({"tests", "__tests__", "__mocks__", "__snapshots__", "testdata"})
_AT_THE_TOP = frozenset({"test", "test_data", "spec", "specs", "e2e"})
#: Files that test runners and what starts them read, by name.
_SETTINGS = (
    re.compile(r"\.?pytest\.(?:ini|toml)|tox\.(?:ini|toml)|setup\.(?:cfg|py)|pyproject\.toml"),
    re.compile(
        r"noxfile\.py|(?:site|user)customize\.py|\.coveragerc|Makefile|GNUmakefile|makefile"
    ),
    re.compile(r"package\.json|\.npmrc|tsconfig(?:\..+)?\.json|set-?up-?[Tt]ests?\..+"),
    re.compile(r"(?:jest|vitest|vite|babel|karma|ava|mocha)\.(?:config|conf|setup|workspace)\..+"),
    re.compile(r"\.(?:babelrc|mocharc|swcrc|nycrc|taprc)(?:\..+)?"),
    re.compile(r"Cargo\.toml|build\.rs|nextest\.toml|rust-toolchain(?:\.toml)?"),
)
#: Modules of tests as pytest looks for them by itself; more would be code of packages
#: (`testclient.py`).
_MODULE = re.compile(r"(?:conftest|tests|test_.+|.+_tests?)\.py")
#: Folders of settings.
_SETTING_FOLDERS = frozenset({".cargo", ".config"})


def steers_tests(path: str) -> bool:
    """Whether `path`, relative to the repository, can decide what becomes of tests.

    By its name alone; code under test is not meant.
    """
    *folders, name = path.split("/")
    if _ANYWHERE.intersection(folders) or _AT_THE_TOP.intersection(folders[:1]):
        return True
    if _SETTING_FOLDERS.intersection(folders) or any(one.fullmatch(name) for one in _SETTINGS):
        return True
    return bool(_MODULE.fullmatch(name)) if name.endswith(".py") else is_test_name(name)


def reaches_all(paths: Sequence[str]) -> bool:
    """Whether one of `paths` can reach tests in other files."""
    return not all(map(is_python_module, paths))


def judge_unsteered(
    reproduction: Reproduction,
    paths: Sequence[str],
    evidence: Evidence,
    before: Evidence | None = None,
) -> Judgement:
    """Whether the fix holds with `paths` as they were before it, which `evidence` was seen with.

    Args:
        before: what was seen of the same tests before the fix; none of those that passed may fail.
            Tests in `paths` may say now what is right: a pass names those that fail as they were.
    """
    without = f"with {named(tuple(paths))} as before the fix"
    found = judge_fixed(reproduction, evidence)
    if found.verdict == "unknown":
        return Judgement("unknown", f"{without}: {found.cause}")
    if found.verdict == "failed":
        return Judgement("failed", f"{without}: {found.cause}; {_REMEDY}")
    compared = compare(before, evidence) if before is not None else None
    if compared is None or compared.verdict == "passed":
        return found
    if compared.verdict == "unknown":
        return Judgement("unknown", f"{without}: {compared.cause}")
    folder = evidence.command.folder
    failing = (*compared.newly_failing, *compared.missing)
    broken = tuple(name for name in failing if _file_of(name, folder) not in paths)
    if broken:
        return Judgement("failed", f"{without}, it breaks {named(broken)}; {_REMEDY}")
    changed = f"it changes tests that fail as they were: {named(failing)}" if failing else ""
    return Judgement("passed", changed)


_REMEDY = "mend the code, and take that change back: a fix holds whatever the tests are run by"


def _file_of(name: str, folder: str) -> str:
    """The file a test is in, where its name begins with that."""
    path = name.partition("::")[0]
    return path if folder == "." else f"{folder}/{path}"
