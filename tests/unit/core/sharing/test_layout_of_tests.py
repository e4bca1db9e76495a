"""Which paths are tests."""

from __future__ import annotations

import pytest

from orchestrate.core.sharing.dependency_files import touches_dependencies
from orchestrate.core.sharing.layout_of_tests import is_python_module, is_test_path


@pytest.mark.parametrize(
    "path",
    [
        "tests/test_a.py",
        "test_a.py",
        "src/shop/a_test.py",
        "shop/tests.py",
        "tests/data/order.json",
        "tests/helpers.py",
        "shop/conftest.py",
        "pkg/a_test.go",
        "pkg/testdata/in.txt",
        "src/a.test.ts",
        "src/a.spec.jsx",
        "src/__tests__/a.js",
        "src/__snapshots__/a.test.js.snap",
        "src/test/java/shop/Order.java",
        "src/OrderTest.java",
        "spec/order_spec.rb",
        "tests/it.rs",
    ],
)
def test_tests_and_what_belongs_to_them(path: str) -> None:
    assert is_test_path(path)


@pytest.mark.parametrize(
    "path",
    [
        "shop/order.py",
        "shop/testing/client.py",
        "shop/latest.py",
        "contest.py",
        "pytest.ini",
        "pyproject.toml",
        "src/lib.rs",
        "src/attest.ts",
        "Testament.md",
        "",
    ],
)
def test_code_and_settings_are_no_tests(path: str) -> None:
    assert not is_test_path(path)


def test_tests_are_collected_from_modules_of_their_name() -> None:
    assert is_python_module("tests/test_a.py")
    assert not is_python_module("tests/conftest.py")
    assert not is_python_module("tests/data.py")


@pytest.mark.parametrize(
    ("path", "touched"),
    [
        ("pyproject.toml", True),
        ("web/package-lock.json", True),
        ("requirements/test.txt", True),
        ("requirements-dev.txt", True),
        ("go.mod", True),
        ("src/shop/setup_order.py", False),
        ("docs/requirements.md", False),
    ],
)
def test_files_that_name_dependencies(path: str, touched: bool) -> None:
    assert touches_dependencies(["README.md", path]) is touched
