"""The plugin that keeps skips visible, and turns them into failures in CI."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.plugins.required import BUDGETS_S

ROOT = Path(__file__).resolve().parents[2]
INI = """
[pytest]
markers =
    data: needs data
    may_skip(reason): may skip
"""


@pytest.fixture
def suite(pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> pytest.Pytester:
    """A project of its own that loads the plugin, on a machine without any component."""
    monkeypatch.setenv("PYTHONPATH", str(ROOT))
    monkeypatch.delenv("ORCHESTRATE_TEST_DATA", raising=False)
    monkeypatch.delenv("CI", raising=False)
    pytester.makefile(".ini", pytest=INI)
    return pytester


def _run(suite: pytest.Pytester) -> pytest.RunResult:
    return suite.runpytest_subprocess("-p", "tests.plugins.required")


def _marked_for_data(suite: pytest.Pytester) -> None:
    suite.makepyfile(
        """
        import pytest

        @pytest.mark.data
        def test_reads_real_inputs():
            raise AssertionError("must not start without its inputs")
        """
    )


def test_missing_component_is_listed_with_reason_and_remedy(suite: pytest.Pytester) -> None:
    _marked_for_data(suite)
    result = _run(suite)
    result.assert_outcomes(skipped=1)
    result.stdout.fnmatch_lines(
        [
            "*= Not run here =*",
            "1 x needs data: ORCHESTRATE_TEST_DATA is not set. Remedy: set ORCHESTRATE_TEST_DATA*",
        ]
    )
    assert result.ret == pytest.ExitCode.OK


def test_missing_component_fails_in_ci(
    suite: pytest.Pytester, monkeypatch: pytest.MonkeyPatch
) -> None:
    _marked_for_data(suite)
    monkeypatch.setenv("CI", "true")
    result = _run(suite)
    result.assert_outcomes(errors=1)
    result.stdout.fnmatch_lines(["*skipped, which CI does not accept: needs data:*"])
    assert result.ret == pytest.ExitCode.TESTS_FAILED


def test_named_folder_that_does_not_exist_is_a_missing_component(
    suite: pytest.Pytester, monkeypatch: pytest.MonkeyPatch
) -> None:
    _marked_for_data(suite)
    monkeypatch.setenv("ORCHESTRATE_TEST_DATA", str(suite.path / "nowhere"))
    result = _run(suite)
    result.assert_outcomes(skipped=1)
    result.stdout.fnmatch_lines(["*ORCHESTRATE_TEST_DATA is no folder: */nowhere*"])


def test_skip_inside_a_test_fails_in_ci_too(
    suite: pytest.Pytester, monkeypatch: pytest.MonkeyPatch
) -> None:
    suite.makepyfile("import pytest\ndef test_gives_up(): pytest.skip('no reason of ours')")
    monkeypatch.setenv("CI", "true")
    result = _run(suite)
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(["*which CI does not accept: no reason of ours*"])


def test_file_that_skips_itself_fails_in_ci(
    suite: pytest.Pytester, monkeypatch: pytest.MonkeyPatch
) -> None:
    suite.makepyfile("import pytest\npytest.skip('whole file', allow_module_level=True)")
    monkeypatch.setenv("CI", "true")
    result = _run(suite)
    result.assert_outcomes(errors=1)
    result.stdout.fnmatch_lines(["*which CI does not accept: whole file*"])


def test_declared_skip_is_accepted_in_ci_and_listed(
    suite: pytest.Pytester, monkeypatch: pytest.MonkeyPatch
) -> None:
    suite.makepyfile(
        """
        import pytest

        @pytest.mark.may_skip("CI promises no such tool")
        def test_optional():
            pytest.skip("tool not installed")
        """
    )
    monkeypatch.setenv("CI", "true")
    result = _run(suite)
    result.assert_outcomes(skipped=1)
    result.stdout.fnmatch_lines(["*= Not run here =*", "1 x tool not installed"])
    assert result.ret == pytest.ExitCode.OK


def test_expected_failure_is_no_skip(
    suite: pytest.Pytester, monkeypatch: pytest.MonkeyPatch
) -> None:
    suite.makepyfile("import pytest\n@pytest.mark.xfail\ndef test_known(): assert False")
    monkeypatch.setenv("CI", "true")
    _run(suite).assert_outcomes(xfailed=1)


def test_time_per_suite_is_shown_beside_its_budget(suite: pytest.Pytester) -> None:
    suite.mkdir("tests").joinpath("unit").mkdir()
    (suite.path / "tests/unit/test_quick.py").write_text("def test_quick(): pass")
    result = _run(suite)
    shown = rf"unit\s+1 tests\s+\d\.\d s of {BUDGETS_S['unit']} s$"
    result.stdout.re_match_lines([r"=+ Suites: .*", shown])


def test_suite_without_a_budget_fails_in_ci(
    suite: pytest.Pytester, monkeypatch: pytest.MonkeyPatch
) -> None:
    suite.mkdir("tests").joinpath("novel").mkdir()
    (suite.path / "tests/novel/test_quick.py").write_text("def test_quick(): pass")
    monkeypatch.setenv("CI", "true")
    result = _run(suite)
    result.assert_outcomes(passed=1)
    result.stdout.fnmatch_lines(["novel *1 tests *OVER BUDGET"])
    assert result.ret == pytest.ExitCode.TESTS_FAILED
