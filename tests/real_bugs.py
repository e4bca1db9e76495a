"""Real bugs of published packages, worked out by comparing two versions of each.

`derive` gives a regression test, the right patch and a wrong one. Nothing of the packages is kept
in this repository but their names and digests: the older version's sources, with the tests that
the newer one added, say by running what the bug is and which lines of the newer version end it.
"""

from __future__ import annotations

import atexit
import shutil
import tempfile
import tomllib
from collections.abc import Callable, Mapping, Sequence
from functools import cache
from pathlib import Path

import msgspec

from orchestrate.core.sharing.layout_of_tests import is_python_module, is_test_path
from tests.package_tests import Outcome, SourceTree
from tests.packages import fetch_sdist
from tests.picked_tests import picked
from tests.source_changes import Hunk, hunks, is_program, patched, python_files

TABLE = Path(__file__).parent / "data" / "real-bugs.toml"


class DerivationError(Exception):
    """Two versions do not show a bug in the way that is wanted; says which and why."""


class Pair(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Two versions of a package, and what a user of the older one would report."""

    name: str
    older: str
    newer: str
    report: str

    def __str__(self) -> str:
        return f"{self.name} {self.older} to {self.newer}"


class RealBug(msgspec.Struct, frozen=True):
    """A bug with its test and patches; paths are relative to the top of the distribution.

    Args:
        pair: the versions it was found in.
        test_path: a file that the older version does not have.
        test_text: the regression test.
        fixed: text of each file that the right patch changes: what the newer version changed, less
            all that the test does not need.
        spoiled: the same for a wrong patch, with which at least one of the tests stays red.
        red: how each test of `test_text` fails on the older version, by the name pytest has for it.
    """

    pair: Pair
    test_path: str
    test_text: str
    fixed: dict[str, str]
    spoiled: dict[str, str]
    red: dict[str, Outcome]

    @property
    def tests(self) -> tuple[str, ...]:
        """The names of the tests in `test_text`."""
        return tuple(self.red)


def pairs(table: Path = TABLE) -> tuple[Pair, ...]:
    """The listed pairs."""
    rows = tomllib.loads(table.read_text("utf-8"))["bug"]
    return tuple(msgspec.convert(row, Pair) for row in rows)


@cache
def derive(pair: Pair) -> RealBug:
    """Work out the bug of a listed pair; takes seconds, and the same pair is worked out once.

    Raises:
        DerivationError: these versions show no bug of the kind wanted.
        FetchError: a version cannot be fetched.
    """
    return compare(
        pair, fetch_sdist(pair.name, pair.older), fetch_sdist(pair.name, pair.newer), _scratch()
    )


def compare(pair: Pair, older: Path, newer: Path, scratch: Path) -> RealBug:
    """The same for two unpacked versions; they are left as they are.

    Args:
        pair: what they are of.
        older: the top folder of the version with the bug.
        newer: the top folder of the version without it.
        scratch: an existing folder for working copies.
    """
    return _Comparison(pair, older, newer, scratch).bug()


class _Comparison:
    def __init__(self, pair: Pair, older: Path, newer: Path, scratch: Path) -> None:
        self._pair = pair
        self._old = python_files(older)
        self._new = python_files(newer)
        self._older = SourceTree.copied(older, scratch)
        self._newer = SourceTree.copied(newer, scratch)

    def bug(self) -> RealBug:
        path, names = self._flipping()
        beside = Path(path).with_name(f"{Path(path).stem}_regression.py").as_posix()
        if beside in self._old:
            raise self._error(f"{beside} is there already")
        test = {beside: picked(self._new[path], {name.partition("[")[0] for name in names})}
        red = self._red(test)
        needed, other = self._needed(test, tuple(red))
        fixed = patched(self._old, needed)
        self._refuse_broken(test, fixed)
        spoiled = self._spoiled(test, tuple(red), needed, other)
        return RealBug(self._pair, beside, test[beside], fixed, spoiled, red)

    def _refuse_broken(self, test: Mapping[str, str], fixed: Mapping[str, str]) -> None:
        before, after = self._older.run({}), self._older.run({**test, **fixed})
        if not before.passing:
            raise self._error("no test of the older version passes here")
        if broken := sorted(before.passing - after.passing):
            raise self._error(f"the patch breaks {', '.join(broken)}")

    def _flipping(self) -> tuple[str, list[str]]:
        """The module of the newer version with most tests that the older one fails, and these."""
        tests = {path: text for path, text in self._new.items() if is_test_path(path)}
        changed = [
            path
            for path, text in tests.items()
            if is_python_module(path) and self._old.get(path) != text
        ]
        found: dict[str, list[str]] = {}
        for path in changed:
            before, after = self._older.run(tests, (path,)), self._newer.run({}, (path,))
            names = [name for name, how in before.failing.items() if how.shows_a_bug]
            if both := [name for name in names if name in after.passing]:
                found[path] = [name.partition("::")[2] for name in both]
        if not found:
            raise self._error("no test of the newer version shows a bug of the older one")
        return max(found.items(), key=lambda each: len(each[1]))

    def _red(self, test: Mapping[str, str]) -> dict[str, Outcome]:
        """How the regression test fails by itself, each time."""
        first, again = (self._older.run(test, tuple(test)).failing for _ in range(2))
        if not first or any(not how.shows_a_bug for how in first.values()):
            raise self._error(f"the test is red for another reason: {first}")
        if first != again:
            raise self._error(f"the test does not fail in the same way twice: {first}, {again}")
        return first

    def _needed(
        self, test: Mapping[str, str], names: Sequence[str]
    ) -> tuple[tuple[Hunk, ...], tuple[Hunk, ...]]:
        """Differences without which the test stays red, and those that can be left out.

        What was taken away in a function stays with what was added to it: a fix that moves lines
        would else leave the old ones behind.
        """
        every = tuple(hunk for hunk in hunks(self._old, self._new) if is_program(hunk.path))
        if not self._green(test, names, every):
            raise self._error("the test stays red with all that the newer version changed")
        needed = self._fewer(test, names, every, lambda hunk: hunk.path)
        size = 0
        while size != len(needed):  # what one difference needs is left out after it
            size = len(needed)
            needed = self._fewer(test, names, needed, lambda hunk: hunk.unit)
            needed = self._fewer(test, names, needed, _adding)
        return needed, tuple(hunk for hunk in every if hunk not in needed)

    def _fewer(
        self,
        test: Mapping[str, str],
        names: Sequence[str],
        chosen: tuple[Hunk, ...],
        group: Callable[[Hunk], str],
    ) -> tuple[Hunk, ...]:
        """`chosen` without each group that the test is green without; "" is none."""
        for name in reversed(list(filter(None, dict.fromkeys(map(group, chosen))))):
            rest = tuple(hunk for hunk in chosen if group(hunk) != name)
            chosen = rest if self._green(test, names, rest) else chosen
        return chosen

    def _spoiled(
        self,
        test: Mapping[str, str],
        names: Sequence[str],
        needed: tuple[Hunk, ...],
        other: tuple[Hunk, ...],
    ) -> dict[str, str]:
        """Half a fix; of a fix that is one difference, others of the same file in its place."""
        halves = [tuple(each for each in needed if each != hunk) for hunk in reversed(needed)]
        beside = tuple(each for each in other if each.path == needed[0].path)
        for chosen in (*halves, beside):
            text = patched(self._old, chosen)
            if text and set(names) & set(self._older.run({**test, **text}, tuple(test)).failing):
                return text
        raise self._error("no wrong patch was found that leaves the test red")

    def _green(self, test: Mapping[str, str], names: Sequence[str], chosen: Sequence[Hunk]) -> bool:
        passing = self._older.run({**test, **patched(self._old, chosen)}, tuple(test)).passing
        return all(name in passing for name in names)

    def _error(self, why: str) -> DerivationError:
        return DerivationError(f"{self._pair}: {why}")


def _adding(hunk: Hunk) -> str:
    return f"{hunk.path}:{hunk.start}" if hunk.lines else ""


@cache
def _scratch() -> Path:
    folder = Path(tempfile.mkdtemp(prefix="orchestrate-bugs-"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    return folder
