"""How a test failed, read from what it printed."""

from __future__ import annotations

import pytest

from orchestrate.core.sharing.evidence import Failure
from orchestrate.core.sharing.readers.failures import told_failure

ROOTS = ("/work/checkout",)
IN_TEST = """\
Traceback (most recent call last):
  File "/work/checkout/tests/test_a.py", line 7, in test_a
    self.assertEqual(a(), 1)
AssertionError: 2 != 1
"""
CHAIN = """\
Traceback (most recent call last):
  File "/work/checkout/tests/test_a.py", line 3, in test_a
    shop.a()
  File "/work/checkout/shop/a.py", line 9, in a
    raise KeyError(3)
KeyError: 3

During handling of the above exception, another exception occurred:

Traceback (most recent call last):
  File "/work/checkout/tests/test_a.py", line 3, in test_a
    shop.a()
  File "/work/checkout/shop/a.py", line 11, in a
    json.loads("")
  File "/usr/lib/python3.11/json/__init__.py", line 346, in loads
    return _default_decoder.decode(s)
  File "/work/checkout/.venv/lib/python3.11/site-packages/x.py", line 1, in y
    z()
json.decoder.JSONDecodeError: Expecting value: line 1
"""


def test_a_traceback_gives_type_message_and_the_way_through_the_project() -> None:
    assert told_failure("unittest", IN_TEST, roots=ROOTS) == Failure(
        error="AssertionError", message="2 != 1", asserts=True, through=("tests/test_a.py",)
    )


def test_of_a_chain_the_last_one_was_met_and_installed_code_is_left_out() -> None:
    found = told_failure("unittest", CHAIN, roots=ROOTS)
    assert (found.error, found.asserts) == ("JSONDecodeError", False)
    assert found.through == ("tests/test_a.py", "shop/a.py")


def test_what_could_not_be_loaded_says_so() -> None:
    found = told_failure("unittest", IN_TEST, broken=True, roots=ROOTS)
    assert (found.stage, found.error) == ("load", "AssertionError")
    assert told_failure("go", "./a.go:3: undefined: x", broken=True).stage == "load"


@pytest.mark.parametrize(
    ("runner", "text", "asserts"),
    [
        ("go", "    a_test.go:5: got 1, want 2", True),
        ("go", "panic: runtime error: index out of range", False),
        ("go", "", False),
        ("cargo", "thread 't' panicked at src/lib.rs:3:\nassertion `left == right` failed", True),
        ("cargo", "thread 't' panicked at src/lib.rs:3:\nindex out of bounds", False),
        ("jest", "expect(received).toBe(expected)", True),
        ("jest", "TypeError: x is not a function", False),
        ("vitest", "AssertionError: expected 1 to be 2", True),
        ("node", "code: 'ERR_ASSERTION'", True),
        ("make", "something", False),
        ("pytest", "", False),
    ],
)
def test_an_assertion_is_one_only_where_the_text_shows_it(
    runner: str, text: str, asserts: bool
) -> None:
    assert told_failure(runner, text).asserts is asserts
