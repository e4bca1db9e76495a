"""JUnit XML as pytest, vitest, jest-junit, mocha, node and Maven write it.

There is no one standard: the names of tests are put together from what each writer gives. pytest's
`xunit1` form says which file a test is in, and its node ids come out as on the command line.
"""

from __future__ import annotations

from pathlib import Path

from orchestrate.adapters.evidence.read_xml import read_elements
from orchestrate.core.sharing.outcomes import (
    Case,
    Outcome,
    Outcomes,
    UnreadableReportError,
    collected,
)
from orchestrate.core.sharing.readers.jest_json import relative

_WHAT = "the JUnit report"
_RESULTS = frozenset({"failure", "error", "skipped"})
#: Between parts of a test's name where the tool has no notation of its own.
JOIN = " > "


def read_junit(data: bytes, folder: Path | None = None) -> Outcomes:
    """The cases of a report.

    Args:
        folder: where the tests ran; absolute names are made relative to it, and its files tell
            which part of pytest's `classname` is a file.

    Raises:
        UnreadableReportError: it is no JUnit report, or is cut off.
    """
    reader = _Reader(folder)
    read_elements(data, _WHAT, reader.start, reader.end, keep=_RESULTS)
    if not reader.is_junit:
        raise UnreadableReportError(_WHAT, "it has no element testsuite")
    return collected(reader.cases, merge=reader.pytest)


class _Reader:
    def __init__(self, folder: Path | None) -> None:
        self._folder = folder
        self.cases: list[Case] = []
        self.is_junit = self.pytest = False
        self._suites: list[str] = []
        self._case: dict[str, str] = {}
        self._inside = False
        self._outcome: Outcome = "passed"
        self._text = self._message = ""
        self._files: dict[str, bool] = {}

    def start(self, tag: str, attributes: dict[str, str]) -> None:
        if tag in ("testsuite", "testsuites"):
            self.is_junit = True
            if tag == "testsuite":
                self._suites.append(attributes.get("name", ""))
                self.pytest = self.pytest or self._suites == ["pytest"]
        elif tag == "testcase":
            self._case, self._inside = attributes, True
            self._outcome, self._text = "passed", ""
        elif self._inside and tag in _RESULTS:
            kind = attributes.get("type", "")
            self._message = attributes.get("message", "")
            self._outcome = _worse(self._outcome, _outcome(tag, kind))

    def end(self, tag: str, text: str) -> None:
        if tag == "testsuite":
            self._suites.pop()
        elif self._inside and tag in ("failure", "error"):
            self._text = "\n".join(part for part in (self._text, self._message, text) if part)
        elif tag == "testcase":
            self._inside = False
            self.cases.append(self._finished())

    def _finished(self) -> Case:
        if self.pytest:
            name, broken = self._pytest_name()
            return Case(name, self._outcome, self._text, broken and self._outcome == "error")
        name = self._other_name()
        root = str(self._folder) if self._folder is not None else ""
        title = self._case.get("name", "")
        # A file that could not be loaded is reported as a test called like it (vitest, node).
        broken = (
            self._outcome in ("failed", "error")
            and title in (self._case.get("classname"), self._case.get("file", title))
            and relative(title, root).rpartition(".")[2] in ("js", "mjs", "cjs", "ts", "mts", "tsx")
        )
        if broken:
            return Case(relative(title, root), "error", self._text, broken=True)
        return Case(name, self._outcome, self._text)

    def _other_name(self) -> str:
        root = str(self._folder) if self._folder is not None else ""
        holder, title = self._case.get("classname", ""), self._case.get("name", "")
        file = relative(self._case.get("file", ""), root)
        # node puts every case into the class "test"; jest-junit repeats the title as the class.
        parts = [part for part in self._suites if part] if holder == "test" else []
        if holder not in ("", "test", title):
            parts = [relative(holder, root)]
        if file and file not in parts:
            parts.insert(0, file)
        return JOIN.join([*parts, title])

    def _pytest_name(self) -> tuple[str, bool]:
        """The node id, and whether it names a file and not a test in it."""
        holder, title = self._case.get("classname", ""), self._case.get("name", "")
        if not holder:  # a file that could not be collected
            return self._as_file(title) or title, True
        file = self._case.get("file", "").replace("\\", "/")
        module = file.removesuffix(".py").replace("/", ".")
        if not file or not (holder == module or holder.startswith(f"{module}.")):
            # The xunit2 form has no file; for an inherited test it is the base class's file.
            file = self._file_of(holder)
            module = file.removesuffix(".py").replace("/", ".")
        classes = holder[len(module) :].strip(".") if file else ""
        if not file:
            return f"{holder}::{title}", False
        return "::".join([file, *(part for part in classes.split(".") if part), title]), False

    def _file_of(self, dotted: str) -> str:
        """The longest front part of `dotted` that is a file in the folder."""
        parts = dotted.split(".")
        for end in range(len(parts), 0, -1):
            found = self._as_file(".".join(parts[:end]))
            if found:
                return found
        return ""

    def _as_file(self, dotted: str) -> str:
        path = dotted.replace(".", "/") + ".py"
        if self._folder is None or ".." in path or path.startswith("/") or "\0" in path:
            return ""
        if path not in self._files:
            try:
                self._files[path] = (self._folder / path).is_file()
            except OSError:
                self._files[path] = False
        return path if self._files[path] else ""


def _outcome(tag: str, kind: str) -> Outcome:
    if tag == "failure":
        return "failed"
    if tag == "error":
        return "error"
    return "xfailed" if kind == "pytest.xfail" else "skipped"


def _worse(first: Outcome, second: Outcome) -> Outcome:
    order: tuple[Outcome, ...] = ("passed", "xfailed", "skipped", "failed", "error")
    return max(first, second, key=order.index)
