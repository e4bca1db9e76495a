"""`go test -json`: one event a line, as `go doc test2json` describes them.

A test with subtests stands for them and is not counted itself, unless it failed while none of them
did. A package that failed without a failing test could not be built, or broke outside of tests.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import msgspec

from orchestrate.core.sharing.outcomes import (
    MAX_TEXT,
    Case,
    Outcome,
    Outcomes,
    UnreadableReportError,
    collected,
)
from orchestrate.core.sharing.readers.decoding import MAX_REPORT_BYTES

_ENDS: dict[str, Outcome] = {"pass": "passed", "fail": "failed", "skip": "skipped"}


class _Event(msgspec.Struct, frozen=True, rename="pascal"):
    action: str = ""
    package: str = ""
    test: str = ""
    output: str = ""
    import_path: str = ""


@dataclass
class _Package:
    """What was said about a package; test -> its outcome, None while it runs."""

    tests: dict[str, Outcome | None] = field(default_factory=dict)
    text: dict[str, list[str]] = field(default_factory=dict)
    outcome: Outcome | None = None


def read_go_json(stdout: bytes, stderr: bytes = b"") -> Outcomes:
    """Tests as `package::Test/subtest`. Compilers write to stderr, or since Go 1.24 into events.

    `counts` is None when there is no event at all.

    Raises:
        UnreadableReportError: the stream is too long.
    """
    if len(stdout) > MAX_REPORT_BYTES:
        raise UnreadableReportError("the event stream", f"more than {MAX_REPORT_BYTES} bytes")
    packages: dict[str, _Package] = {}
    built: list[str] = []
    decoder = msgspec.json.Decoder(_Event)
    for line in stdout.splitlines():
        if not line.startswith(b"{"):
            _unbuilt(line, packages)
            continue
        try:
            event = decoder.decode(line)
        except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
            continue  # something a test printed, or the line at which the run was cut off
        if event.action == "build-output":
            built.append(event.output)
        elif event.package:
            _take(packages.setdefault(event.package, _Package()), event)
    if not packages:
        return Outcomes()
    compiler = "".join(built) or stderr[:MAX_TEXT].decode("utf-8", errors="replace")
    return collected(case for name in packages for case in _cases(name, packages[name], compiler))


def _unbuilt(line: bytes, packages: dict[str, _Package]) -> None:
    """`FAIL <package> [build failed]`, which older versions print outside of the events."""
    if line.startswith(b"FAIL\t") and line.endswith((b"[build failed]", b"[setup failed]")):
        name = line[5:].split(b" ")[0].decode("utf-8", errors="replace")
        packages.setdefault(name, _Package()).outcome = "failed"


def _take(package: _Package, event: _Event) -> None:
    if event.action == "output":
        package.text.setdefault(event.test, []).append(event.output)
    elif event.action in _ENDS:
        if event.test:
            package.tests[event.test] = _ENDS[event.action]
        else:
            package.outcome = _ENDS[event.action]
    elif event.test and event.action == "run":
        package.tests.setdefault(event.test, None)


def _cases(name: str, package: _Package, compiler: str) -> list[Case]:
    parents = {parent for test in package.tests for parent in _parents(test)}
    bad = {test for test, outcome in package.tests.items() if outcome in ("failed", None)}
    explained = {parent for test in bad for parent in _parents(test)}
    cases = []
    for test, outcome in package.tests.items():
        if test in parents and (test not in bad or test in explained):
            continue
        text = "".join(package.text.get(test, []))
        if outcome is None:
            cases.append(Case(f"{name}::{test}", "error", f"did not end\n{text}"))
        else:
            cases.append(Case(f"{name}::{test}", outcome, text))
    if package.outcome == "failed" and not bad:
        own = "".join(package.text.get("", []))
        built = not package.tests
        cases.append(Case(name, "error", compiler if built and compiler else own, broken=built))
    return cases


def _parents(test: str) -> list[str]:
    parts = test.split("/")
    return ["/".join(parts[:end]) for end in range(1, len(parts))]
