"""Coverage reports that are text, as the tools wrote them."""

from __future__ import annotations

import pytest

from orchestrate.core.sharing.evidence import Coverage
from orchestrate.core.sharing.outcomes import UnreadableReportError
from orchestrate.core.sharing.readers.coverage import (
    read_coverage_json,
    read_go_cover,
    read_lcov,
)
from tests.captured import captured


def test_coverage_json() -> None:
    read = read_coverage_json(captured("coverage.json"))
    assert read == Coverage(3, 6, {"calc/__init__.py": (3, 6)})
    assert read.percent == 50.0


@pytest.mark.parametrize(
    ("name", "covered"),
    [("jest.info", {"src/sum.js": (2, 3)}), ("vitest.info", {"src/sum.js": (2, 2)})],
)
def test_lcov(name: str, covered: dict[str, tuple[int, int]]) -> None:
    assert read_lcov(captured(name), "/project").files == covered


def test_files_that_lcov_lists_twice_are_merged_by_line() -> None:
    record = b"SF:/project/a.js\nDA:1,%d\nDA:2,%d\nend_of_record\n"
    read = read_lcov(record % (0, 1) + record % (0, 0), "/project")
    assert read == Coverage(1, 2, {"a.js": (1, 2)})


def test_go_profile_counts_statements_by_file() -> None:
    read = read_go_cover(captured("cover.out"), "example.com/calc")
    assert read == Coverage(1, 4, {"calc/calc.go": (1, 4)})


def test_block_that_several_packages_report_counts_once() -> None:
    profile = b"mode: set\na.go:1.1,2.2 3 0\na.go:1.1,2.2 3 1\n"
    assert read_go_cover(profile) == Coverage(3, 3, {"a.go": (3, 3)})


@pytest.mark.parametrize(
    ("read", "data", "why"),
    [
        (read_lcov, b"SF:a.js\nDA:1,1\n", "it ends inside a record"),
        (read_lcov, b"DA:1,1\n", "line 1 is no line record"),
        (read_lcov, b"", "it has no record"),
        (read_go_cover, b"a.go:1.1,2.2 3 0\n", "its first line is no mode"),
        (read_go_cover, b"mode: set\na.go:1.1,2.2 3", "line 2 is no block"),
        (read_coverage_json, b'{"files": ', "cannot be read"),
        (
            read_coverage_json,
            b'{"files": {"a.py": {"summary": {"covered_lines": 9, "num_statements": 2}}}}',
            "a.py has 9 of 2 lines covered",
        ),
    ],
)
def test_report_that_is_cut_off_or_impossible_is_refused(read, data: bytes, why: str) -> None:  # type: ignore[no-untyped-def]
    with pytest.raises(UnreadableReportError, match=why):
        read(data)
