"""jest's `--json` and vitest's `--reporter=json`, which have one form."""

from __future__ import annotations

import posixpath

import msgspec

from orchestrate.core.sharing.outcomes import Case, Outcome, Outcomes, collected
from orchestrate.core.sharing.readers.decoding import decoded
from orchestrate.core.sharing.readers.plain_text import plain

#: jest's heading of every message about a file; what is wrong stands below it.
_HEADING = "● Test suite failed to run"
_ENDS: dict[str, Outcome] = {"passed": "passed", "failed": "failed"}


class _Assertion(msgspec.Struct, frozen=True, rename="camel"):
    title: str = ""
    status: str = ""
    ancestor_titles: list[str] = []
    failure_messages: list[str | None] | None = None


class _File(msgspec.Struct, frozen=True, rename="camel"):
    name: str = ""
    status: str = ""
    message: str | None = ""
    assertion_results: list[_Assertion] = []


class _Report(msgspec.Struct, frozen=True, rename="camel"):
    test_results: list[_File]
    was_interrupted: bool = False


def read_jest_json(data: bytes, folder: str = "") -> Outcomes:
    """Tests as `src/sum.test.js > describe > title`; a file that could not be loaded is an error.

    Args:
        folder: absolute path that file names are made relative to.

    Raises:
        UnreadableReportError: it is another file, or cut off.
    """
    report = decoded(data, _Report, "the jest report")
    cases: list[Case] = []
    for file in report.test_results:
        name = relative(file.name, folder)
        for test in file.assertion_results:
            text = "\n".join(message or "" for message in test.failure_messages or [])
            parts = [name, *(title for title in test.ancestor_titles if title), test.title]
            cases.append(Case(" > ".join(parts), _ENDS.get(test.status, "skipped"), text))
        failed = any(test.status == "failed" for test in file.assertion_results)
        if file.status == "failed" and not failed:
            said = plain(file.message or "").replace(_HEADING, "", 1)
            cases.append(Case(name, "error", said, broken=True))
    complaint = "the run was interrupted" if report.was_interrupted else ""
    return collected(cases, complaint=complaint)


def relative(path: str, folder: str) -> str:
    """`path` below `folder`, or as it is when it lies elsewhere."""
    path = path.replace("\\", "/").removeprefix("file://")
    base = posixpath.normpath(folder) if folder else ""
    if base and path.startswith(base.rstrip("/") + "/"):
        path = path[len(base.rstrip("/")) + 1 :]
    return path.removeprefix("./")
