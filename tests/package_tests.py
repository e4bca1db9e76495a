"""Running the tests of an unpacked package with this interpreter, for a quick look.

No environment is built: the package is imported from its folder, and what its tests need besides
has to be installed here. Settings of pytest are the package's own but for its options.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import tempfile
import xml.etree.ElementTree as ET
from collections.abc import Mapping, Sequence
from pathlib import Path

import msgspec

from orchestrate.core.sharing.layout_of_tests import is_test_path

#: Longest run in seconds; a patch may make a program hang, which is as red as any failure.
TIMEOUT_S = 60.0
#: The last line of a failure in pytest's report: where it was raised, and what.
_RAISED = re.compile(r"^(?P<path>[^:\s]+):\d+: (?P<error>\w+)$", re.M)
_STATEMENTS = frozenset(["AssertionError", "Failed"])


class Outcome(msgspec.Struct, frozen=True):
    """How a test failed: the kind of error, and the file in which it was raised."""

    error: str
    path: str

    @property
    def shows_a_bug(self) -> bool:
        """Whether a statement of the test was not met, or the program itself raised something."""
        return self.error in _STATEMENTS or bool(self.path and not is_test_path(self.path))


class Seen(msgspec.Struct, frozen=True):
    """A run: names of tests that pass, and those that fail with how, as pytest names them."""

    passing: frozenset[str] = frozenset()
    failing: dict[str, Outcome] = {}


class SourceTree:
    """A working copy of an unpacked package."""

    def __init__(self, root: Path) -> None:
        self._root = root

    @classmethod
    def copied(cls, source: Path, scratch: Path) -> SourceTree:
        """A working copy of `source` in a new folder below `scratch`."""
        root = Path(tempfile.mkdtemp(dir=scratch)) / source.name
        shutil.copytree(source, root)
        return cls(root)

    def run(self, files: Mapping[str, str], only: Sequence[str] = ()) -> Seen:
        """Run the tests in the files `only` (default: all) with `files` in place, then undo that.

        What pytest cannot load, and all that had no time to end, is not in the answer.
        """
        kept = {path: _read(self._root / path) for path in files}
        try:
            for path, text in files.items():
                _write(self._root / path, text)
            return self._seen(only)
        finally:
            for path, before in kept.items():
                _write(self._root / path, before)

    def _seen(self, only: Sequence[str]) -> Seen:
        with tempfile.TemporaryDirectory() as folder:
            report = Path(folder, "report.xml")
            argv = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider"]
            argv += ["-o", "addopts=", "-o", "junit_family=xunit1", f"--junit-xml={report}"]
            try:
                subprocess.run(
                    [*argv, f"--rootdir={self._root}", *only],
                    cwd=self._root,
                    env=self._environment(folder),
                    stdin=subprocess.DEVNULL,
                    capture_output=True,
                    timeout=TIMEOUT_S,
                    check=False,
                )
            except subprocess.TimeoutExpired:
                return Seen()
            return _read_report(report) if report.is_file() else Seen()

    def _environment(self, home: str) -> dict[str, str]:
        paths = os.pathsep.join(str(self._root / name) for name in ("src", "."))
        return {
            "PATH": os.environ["PATH"],
            "HOME": home,
            "PYTHONPATH": paths,
            "PYTHONDONTWRITEBYTECODE": "1",
            "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1",
        }


def _read_report(path: Path) -> Seen:
    passing: set[str] = set()
    failing: dict[str, Outcome] = {}
    for case in ET.parse(path).iter("testcase"):
        failure = case.find("failure")
        if failure is not None:
            failing[_name(case)] = _outcome(failure.text or "")
        elif case.find("error") is None and case.find("skipped") is None:
            passing.add(_name(case))
    return Seen(frozenset(passing), failing)


def _name(case: ET.Element) -> str:
    """The test as pytest names it: its file, the classes around it and itself."""
    file = case.get("file", "")
    inside = case.get("classname", "").removeprefix(file.removesuffix(".py").replace("/", "."))
    return "::".join([file, *filter(None, inside.split(".")), case.get("name", "")])


def _outcome(text: str) -> Outcome:
    raised = list(_RAISED.finditer(text))
    return Outcome(raised[-1]["error"], raised[-1]["path"]) if raised else Outcome("", "")


def _read(path: Path) -> str | None:
    return path.read_text("utf-8") if path.exists() else None


def _write(path: Path, text: str | None) -> None:
    """Put `text` into the file; None takes it away."""
    if text is None:
        path.unlink()
        return
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, "utf-8")
