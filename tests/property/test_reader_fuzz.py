"""Whatever bytes a command left, readers return a value or raise their one error."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orchestrate.adapters.evidence.read_cobertura import read_cobertura
from orchestrate.adapters.evidence.read_junit import read_junit
from orchestrate.core.sharing.evidence import Coverage
from orchestrate.core.sharing.outcomes import Outcomes, UnreadableReportError, quoted
from orchestrate.core.sharing.readers.cargo_text import read_cargo_text
from orchestrate.core.sharing.readers.coverage import (
    read_coverage_json,
    read_go_cover,
    read_lcov,
)
from orchestrate.core.sharing.readers.go_json import read_go_json
from orchestrate.core.sharing.readers.jest_json import read_jest_json
from orchestrate.core.sharing.readers.lint_text import count_problems
from orchestrate.core.sharing.readers.network import refusal
from orchestrate.core.sharing.readers.pytest_text import read_pytest_text
from orchestrate.core.sharing.readers.summary_text import (
    coverage_complaint,
    last_error,
    read_any_text,
)
from orchestrate.core.sharing.readers.tap import read_tap
from orchestrate.core.sharing.readers.unittest_report import read_unittest_json, read_unittest_text
from tests.captured import OUTPUTS, captured

READERS: dict[str, Callable[[bytes], Outcomes | Coverage]] = {
    "pytest text": read_pytest_text,
    "unittest text": read_unittest_text,
    "unittest json": read_unittest_json,
    "tap": read_tap,
    "go": read_go_json,
    "cargo": read_cargo_text,
    "jest": read_jest_json,
    "any": lambda data: read_any_text(data, data),
    "junit": lambda data: read_junit(data, Path("/project")),
    "cobertura": read_cobertura,
    "coverage json": read_coverage_json,
    "lcov": read_lcov,
    "go cover": read_go_cover,
}
SAMPLES = [captured(path.name) for path in sorted(OUTPUTS.iterdir())]


@st.composite
def damaged(draw: st.DrawFn) -> bytes:
    """A real output with a part cut out, doubled or overwritten."""
    sample = draw(st.sampled_from(SAMPLES))
    start = draw(st.integers(0, len(sample)))
    end = draw(st.integers(start, len(sample)))
    middle = draw(st.one_of(st.binary(max_size=20), st.just(sample[start:end] * 2)))
    return sample[:start] + middle + sample[end:]


@pytest.mark.parametrize("name", READERS)
@given(data=st.one_of(st.binary(max_size=300), damaged()))
def test_reader_raises_nothing_but_its_error(name: str, data: bytes) -> None:
    try:
        read = READERS[name](data)
    except UnreadableReportError as error:
        assert error.message
        assert error.remedy
        return
    if isinstance(read, Coverage):
        assert 0 <= read.covered <= read.lines
    else:
        assert not set(read.passing) & set(read.failing)
        assert len(set(read.passing)) == len(read.passing)
        assert read.counts is None or min(read.counts.passed, read.counts.failed) >= 0


@given(st.text())
def test_quoting_gives_one_short_line(text: str) -> None:
    for said in (quoted(text), refusal(text), last_error(text), coverage_complaint(text)):
        assert len(said) <= 300
        assert "\n" not in said
    assert count_problems("flake8", text) != 0
