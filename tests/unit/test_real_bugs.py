"""A bug is worked out from two versions: its test, the right patch, and a wrong one."""

from __future__ import annotations

import textwrap
from collections.abc import Mapping
from pathlib import Path

import msgspec
import pytest

from scripts.fetch_sdist import listed_digests
from tests.package_tests import Outcome, SourceTree
from tests.picked_tests import picked
from tests.real_bugs import DerivationError, Pair, RealBug, compare, pairs
from tests.source_changes import hunks, is_program, patched

PAIR = Pair("thing", "1.0", "1.1", "it is wrong")

OLD = """\
VERSION = "1.0"

LIMIT = 3


def clipped(text):
    return text[:2]


def loud(text):
    return text.upper()
"""
#: The limit was moved and used; the version and `loud` have nothing to do with that.
NEW = """\
VERSION = "1.1"

LIMIT = 4


def clipped(text):
    return text[:LIMIT]


def loud(text):
    return str(text).upper()
"""
OLD_TESTS = """\
from thing import clipped, loud


def test_loud():
    assert loud("a") == "A"
"""
NEW_TESTS = (
    OLD_TESTS
    + """

def test_clipped():
    assert clipped("abcdef") == "abcd"


def test_still_short():
    assert clipped("a") == "a"
"""
)


def version(folder: Path, files: Mapping[str, str]) -> Path:
    """An unpacked distribution."""
    for name, text in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(textwrap.dedent(text), encoding="utf-8")
    return folder


def compared(tmp_path: Path, old: Mapping[str, str], new: Mapping[str, str]) -> RealBug:
    """The bug between two versions with these files."""
    scratch = tmp_path / "scratch"
    scratch.mkdir()
    return compare(PAIR, version(tmp_path / "old", old), version(tmp_path / "new", new), scratch)


@pytest.mark.slow
def test_the_test_flips_the_patch_is_minimal_and_half_of_it_is_the_wrong_one(
    tmp_path: Path,
) -> None:
    old = {"thing.py": OLD, "tests/test_thing.py": OLD_TESTS, "setup.py": "1 / 0\n"}
    new = {"thing.py": NEW, "tests/test_thing.py": NEW_TESTS, "setup.py": "2 / 0\n"}
    bug = compared(tmp_path, old, new)
    name = "tests/test_thing_regression.py::test_clipped"
    assert bug.tests == (name,)
    assert bug.test_path == "tests/test_thing_regression.py"
    assert "test_still_short" not in bug.test_text
    assert "from thing import clipped, loud" in bug.test_text
    fixed = OLD.replace("LIMIT = 3", "LIMIT = 4").replace("[:2]", "[:LIMIT]")
    assert bug.fixed == {"thing.py": fixed}
    assert bug.spoiled == {"thing.py": OLD.replace("LIMIT = 3", "LIMIT = 4")}
    assert bug.red[name] == Outcome("AssertionError", bug.test_path)
    assert (tmp_path / "old/thing.py").read_text() == OLD


@pytest.mark.slow
def test_a_fix_of_one_line_is_spoiled_by_what_else_changed(tmp_path: Path) -> None:
    new = NEW.replace("[:LIMIT]", "[:4]").replace("LIMIT = 4", "LIMIT = 3")
    bug = compared(
        tmp_path,
        {"src/thing.py": OLD, "tests/test_thing.py": OLD_TESTS},
        {"src/thing.py": new, "tests/test_thing.py": NEW_TESTS},
    )
    assert bug.fixed == {"src/thing.py": OLD.replace("[:2]", "[:4]")}
    spoiled = OLD.replace('"1.0"', '"1.1"').replace("text.upper()", "str(text).upper()")
    assert bug.spoiled == {"src/thing.py": spoiled}


NO_BUGS = {
    "nothing was fixed": (OLD, NEW_TESTS.replace('"abcd"', '"ab"'), "no test of the newer version"),
    "the test uses what is new": (
        NEW + "\n\ndef fresh():\n    return 1\n",
        OLD_TESTS + "\n\ndef test_fresh():\n    import thing\n    assert thing.fresh() == 1\n",
        "no test of the newer version",
    ),
    "something else breaks": (
        NEW.replace("[:LIMIT]", "[:LIMIT] if loud(text) == text else text[:4]")
        .replace('return str(text).upper()', 'return text'),
        NEW_TESTS.replace('test_loud():\n    assert loud("a") == "A"', 'test_loud():\n    pass')
        .replace('clipped("abcdef") == "abcd"', 'loud("a") == "a"'),
        "the patch breaks tests/test_thing.py::test_loud",
    ),
}  # fmt: skip


@pytest.mark.slow
@pytest.mark.parametrize("kind", NO_BUGS)
def test_versions_that_show_no_such_bug_are_refused(tmp_path: Path, kind: str) -> None:
    code, tests, said = NO_BUGS[kind]
    with pytest.raises(DerivationError, match=said):
        compared(
            tmp_path,
            {"thing.py": OLD, "tests/test_thing.py": OLD_TESTS},
            {"thing.py": code, "tests/test_thing.py": tests},
        )


def test_a_run_leaves_the_tree_as_it_was_and_tells_errors_of_the_program_from_others(
    tmp_path: Path,
) -> None:
    tests = """\
    import thing, pytest

    def test_raised(): thing.boom()

    def test_misspelt(): thing.bom()

    class TestMore:
        @pytest.mark.parametrize("n", [1, 2])
        def test_number(self, n): assert n == 1
    """
    source = version(tmp_path / "v", {"thing.py": "def boom():\n    return 1 / 0\n"})
    (tmp_path / "scratch").mkdir()
    tree = SourceTree.copied(source, tmp_path / "scratch")
    seen = tree.run({"tests/test_it.py": textwrap.dedent(tests)})
    assert seen.passing == {"tests/test_it.py::TestMore::test_number[1]"}
    shows = {name.rpartition("::")[2]: how.shows_a_bug for name, how in seen.failing.items()}
    assert shows == {"test_raised": True, "test_misspelt": False, "test_number[2]": True}
    assert tree.run({}).passing == frozenset()


SOURCE = '''\
"""Docs."""
import os

LIMIT = 1  # kept


@decorated
def helper():
    return LIMIT


class Fake:
    pass


class TestOne:
    value = 1

    @marked
    def test_a(self):
        assert helper()  # why

    def test_b(self): ...


def test_c(): ...


if __name__ == "__main__":
    main()
'''


def test_picked_tests_come_with_all_that_is_no_test() -> None:
    text = picked(SOURCE, {"TestOne::test_a"})
    for kept in ("import os", "LIMIT = 1", "@decorated\ndef helper", "class Fake", "value = 1"):
        assert kept in text
    assert "    @marked\n    def test_a(self):\n        assert helper()  # why\n" in text
    assert "test_b" not in text
    assert "test_c" not in text
    assert "__main__" not in text
    compile(text, "picked", "exec")


def test_a_name_that_is_no_test_is_refused() -> None:
    with pytest.raises(ValueError, match="TestOne::test_z"):
        picked(SOURCE, {"TestOne::test_a", "TestOne::test_z"})


def test_differences_can_be_taken_one_by_one_and_all_together() -> None:
    found = hunks({"a.py": OLD, "b.py": "x\n"}, {"a.py": NEW})
    assert patched({"a.py": OLD}, found) == {"a.py": NEW}
    assert patched({"a.py": OLD}, found[2:3]) == {"a.py": OLD.replace("[:2]", "[:LIMIT]")}
    assert len({hunk.unit for hunk in found}) == len(found) == 4


def test_differences_within_one_function_belong_together() -> None:
    old = "def f():\n    a\n    b\n    c\n\n\ndef g():\n    d\n"
    new = "def f():\n    x\n    b\n    y\n\n\ndef g():\n    z\n"
    assert [hunk.unit for hunk in hunks({"a.py": old}, {"a.py": new})] == [
        "a.py:0",
        "a.py:0",
        "a.py:6",
    ]


@pytest.mark.parametrize("path", ["setup.py", "docs/conf.py", "tests/test_a.py", "examples/a.py"])
def test_what_is_beside_the_program_is_no_patch(path: str) -> None:
    assert not is_program(path)
    assert is_program("src/thing/a.py")


def test_listed_pairs_can_be_fetched_and_are_of_three_packages() -> None:
    listed, found = listed_digests(), pairs()
    assert len({pair.name for pair in found}) == 3
    for pair in found:
        assert {(pair.name, pair.older), (pair.name, pair.newer)} <= set(listed)
        assert pair.report.strip()


def test_a_table_with_an_unknown_key_is_refused(tmp_path: Path) -> None:
    table = tmp_path / "bugs.toml"
    table.write_text('[[bug]]\nname = "a"\nolder = "1"\nnewer = "2"\nreport = "r"\npatch = "p"\n')
    with pytest.raises(msgspec.ValidationError, match="patch"):
        pairs(table)
