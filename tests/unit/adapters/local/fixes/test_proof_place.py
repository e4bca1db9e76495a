"""Where the security test goes."""

from __future__ import annotations

import pytest

from orchestrate.adapters.backends.local.fixes.proof_place import test_path as path_of_test


@pytest.mark.parametrize(
    ("files", "beside", "expected"),
    [
        (["pkg/a.py", "tests/test_a.py"], "pkg/a.py", "tests/test_security_k_1.py"),
        (["h/a.py", "h/tests/test_a.py"], "h/a.py", "h/tests/test_security_k_1.py"),
        (["a.py", "tests/one/test_a.py"], "a.py", "tests/one/test_security_k_1.py"),
        (["a.py", "test/a_test.py"], "a.py", "test/security_k_1_test.py"),
        (["a.py", "test/a_test.py", "test/test_b.py"], "a.py", "test/test_security_k_1.py"),
        (
            ["p/tests/test_a.py", "q/tests/test_b.py", "q/tests/test_c.py"],
            "p/a.py",
            "p/tests/test_security_k_1.py",
        ),
        (["tests/test_a.py", "tests/unit/test_b.py"], "a.py", "tests/test_security_k_1.py"),
        (["a.py", "test_a.py"], "a.py", ""),
        (["a.py", "benchmarks/test_speed.py"], "a.py", ""),
        (["a.py", "tests/helper.py"], "a.py", ""),
    ],
)
def test_security_test_joins_the_tests_of_its_package(
    files: list[str], beside: str, expected: str
) -> None:
    assert path_of_test(files, beside, "k-1") == expected
