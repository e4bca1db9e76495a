"""How a test failed, as far as what it said tells: for runners that no plugin of ours looks into.

What is said here is less than what is true: an assertion is called one only where the text shows
it beyond doubt, and everything else is an error that nobody can place.
"""

from __future__ import annotations

import re

from orchestrate.core.sharing.evidence import Failure
from orchestrate.core.sharing.outcomes import MAX_QUOTE, quoted

_FRAME = re.compile(r'^\s*File "([^"\n]+)", line \d+', re.M)
#: How Python ends a traceback: the type, in full or by its last part, and the message.
_RAISED = re.compile(r"^([A-Za-z_][\w.]*)(?::[ \t]?(.*))?$", re.M)
_INSTALLED = re.compile(r"(?:^|/)(?:site-packages|dist-packages|\.venv|venv)/")
#: Assertions as node, jest, vitest and Rust print them.
_ASSERTION = {
    "node": re.compile(r"\bAssertionError\b|ERR_ASSERTION"),
    "jest": re.compile(r"\bAssertionError\b|\bexpect\(|JestAssertionError"),
    "vitest": re.compile(r"\bAssertionError\b"),
    "cargo": re.compile(r"\bassertion (?:`[^`\n]*` )?failed\b"),
}
_PYTHON = frozenset({"unittest", "pytest", "shell", "make", "tox", "nox"})
_GO_BROKE = re.compile(r"^panic: |^fatal error: |\[build failed\]|\[recovered\]", re.M)


def told_failure(
    runner: str, text: str, *, broken: bool = False, roots: tuple[str, ...] = ()
) -> Failure:
    """What `text`, printed by a failing test, tells.

    Args:
        broken: it could not even be loaded.
        roots: the folder the tests ran in, absolute, by all its names: files of a Python traceback
            are made relative to it.
    """
    if broken:
        python = _python(text, roots)
        return Failure("load", python.error, python.message or quoted(text), through=python.through)
    if runner in _PYTHON:
        return _python(text, roots)
    if runner == "go":
        # A Go test fails by saying so (t.Error, t.Fatal) or by a panic; there is no third way.
        return Failure(message=quoted(text), asserts=bool(text) and not _GO_BROKE.search(text))
    said = _ASSERTION.get(runner)
    return Failure(message=quoted(text), asserts=said is not None and bool(said.search(text)))


def _python(text: str, roots: tuple[str, ...]) -> Failure:
    """The last traceback in `text`: of errors in a chain it is the one that was met."""
    last = text.rpartition("Traceback (most recent call last):")[2]
    raised = list(_RAISED.finditer(last))
    frames = [match[1] for match in _FRAME.finditer(last)]
    if not raised or not frames:
        return Failure(message=quoted(text))
    error = raised[0][1].rpartition(".")[2]
    return Failure(
        error=error,
        message=(raised[0][2] or "").strip()[:MAX_QUOTE],
        asserts=error == "AssertionError",
        through=_within(frames, roots),
    )


def _within(frames: list[str], roots: tuple[str, ...]) -> tuple[str, ...]:
    """The frames in the folder, each stay in a file once; installed code is left out."""
    found: list[str] = []
    for path in frames:
        for root in roots:
            path = path.removeprefix(f"{root}/")
        outside = path.startswith(("/", "<", "../")) or _INSTALLED.search(path)
        if not outside and found[-1:] != [path]:
            found.append(path)
    return tuple(found)
