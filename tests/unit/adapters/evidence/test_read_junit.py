"""JUnit and Cobertura XML of real writers, and XML that means harm."""

from __future__ import annotations

from pathlib import Path

import pytest

from orchestrate.adapters.evidence.read_cobertura import read_cobertura
from orchestrate.adapters.evidence.read_junit import read_junit
from orchestrate.core.sharing.evidence import Counts, Coverage
from orchestrate.core.sharing.outcomes import UnreadableReportError
from orchestrate.core.sharing.readers.network import refused_tests
from tests.captured import captured


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """The files that pytest's report names."""
    (tmp_path / "tests").mkdir()
    for name in ("test_calc", "test_child", "test_broken"):
        (tmp_path / "tests" / f"{name}.py").write_text("")
    return tmp_path


def test_pytest_names_are_node_ids(project: Path) -> None:
    read = read_junit(captured("pytest.xml"), project)
    assert read.counts == Counts(passed=5, failed=3, errors=1, skipped=1, xfailed=1)
    assert read.failing == (
        "tests/test_calc.py::test_each[a - b]",
        "tests/test_calc.py::TestSum::test_strict",
        "tests/test_calc.py::test_teardown",
        "tests/test_child.py::test_network",
    )
    assert "tests/test_calc.py::test_each[x[1]]" in read.passing
    assert refused_tests(read.texts) == ("tests/test_child.py::test_network",)


def test_inherited_test_belongs_to_the_file_of_its_class(project: Path) -> None:
    read = read_junit(captured("pytest.xml"), project)
    assert "tests/test_child.py::TestChild::test_inherited" in read.passing


def test_file_that_cannot_be_collected_is_broken(project: Path) -> None:
    read = read_junit(captured("pytest-broken.xml"), project)
    assert read.counts == Counts(errors=1)
    assert read.broken == ("tests/test_broken.py",)
    assert read.first_error == "ModuleNotFoundError: No module named 'gone'"


@pytest.mark.parametrize(
    ("name", "counts", "passing", "failing"),
    [
        (
            "node.xml",
            Counts(passed=4, failed=1, errors=1, skipped=2),
            ("sum > adds", "outer > inner", "outer > inner (2)", "top # hash"),
            ("test/broken.test.js", "sum > is wrong"),
        ),
        (
            "vitest.xml",
            Counts(passed=1, failed=1, errors=1, skipped=2),
            ("src/sum.test.js > sum > adds",),
            ("src/broken.test.js", "src/sum.test.js > sum > is wrong"),
        ),
        (
            "mocha.xml",
            Counts(passed=1, failed=1, skipped=2),
            ("test/a.js > sum > adds",),
            ("test/a.js > sum > is wrong",),
        ),
        (
            "jest-junit.xml",
            Counts(passed=3, failed=1, skipped=1),
            ("sum adds", "sum write this", "sum adds (2)"),
            ("sum is wrong",),
        ),
    ],
)
def test_other_writers(
    name: str, counts: Counts, passing: tuple[str, ...], failing: tuple[str, ...]
) -> None:
    read = read_junit(captured(name), Path("/project"))
    assert (read.counts, read.passing, read.failing) == (counts, passing, failing)


def test_maven_form() -> None:
    report = b"""<testsuite name="com.example.SumTest"><testcase classname="com.example.SumTest"
        name="adds"/><testcase classname="com.example.SumTest" name="fails"><error type="java.X"
        message="boom">at line 3</error></testcase></testsuite>"""
    read = read_junit(report)
    assert read.passing == ("com.example.SumTest > adds",)
    assert read.texts == {"com.example.SumTest > fails": "boom\nat line 3"}


@pytest.mark.parametrize("name", ["coverage.xml", "jest-cobertura.xml"])
def test_cobertura(name: str) -> None:
    expected = {
        "coverage.xml": Coverage(3, 6, {"calc/__init__.py": (3, 6)}),
        "jest-cobertura.xml": Coverage(2, 3, {"src/sum.js": (2, 3)}),
    }
    assert read_cobertura(captured(name), "/project") == expected[name]


def test_cobertura_names_count_from_the_source_folder() -> None:
    report = captured("coverage.xml").replace(b"<source>/project", b"<source>/project/src")
    assert list(read_cobertura(report, "/project").files) == ["src/calc/__init__.py"]


LAUGHS = b"""<!DOCTYPE testsuite [<!ENTITY a "ha"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;&a;&a;">
  <!ENTITY c "&b;&b;&b;&b;&b;&b;&b;&b;&b;&b;">]><testsuite><testcase name="&c;"/></testsuite>"""
OUTSIDE = b"""<!DOCTYPE testsuite [<!ENTITY a SYSTEM "file:///etc/passwd">]>
  <testsuite><testcase name="x"><failure>&a;</failure></testcase></testsuite>"""


@pytest.mark.parametrize(
    ("report", "why"),
    [
        (LAUGHS, "it declares the entity 'a'"),
        (OUTSIDE, "it declares the entity 'a'"),
        (b"<testsuite>" * 300, "too deep"),
        (b"<testsuite><testcase name='a'/>", "no element found"),
        (b"<html></html>", "no element testsuite"),
        (b"", "no element found"),
    ],
)
def test_harmful_or_broken_xml_is_refused(report: bytes, why: str) -> None:
    with pytest.raises(UnreadableReportError, match=why):
        read_junit(report)
    with pytest.raises(UnreadableReportError):
        read_cobertura(report)
