"""Scans from the command line: what came out, and whether the repository was left alone."""

from __future__ import annotations

import os
import stat
from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import msgspec

from orchestrate.core.sharing.findings import Analysis, Finding
from orchestrate.core.sharing.summary import ReportDocument
from tests.e2e.command import Result, orchestrate

#: Where state is kept inside a repository, and what runs pin; all the rest must stay as it was.
STATE = (".git/orchestrate", ".git/refs/orchestrate")


class Scan:
    """A scan that came to its end.

    Attributes:
        result: the finished command.
        data: what it said with --json.
        document: its `report.json`.
    """

    def __init__(self, result: Result) -> None:
        self.result = result
        self.data: Any = result.data
        self.document = msgspec.json.decode(self.report("json").read_bytes(), type=ReportDocument)

    @property
    def analysis(self) -> Analysis:
        return self.document.analysis

    def report(self, name: str) -> Path:
        return Path(self.data["reports"][name])

    def text(self) -> str:
        """Everything the scan wrote for people and programs, in one piece."""
        reports = [self.report(name).read_text("utf-8") for name in self.data["reports"]]
        return "\n".join((self.result.out, self.result.err, *reports))

    def at(self, path: str, line: int | None = None) -> list[Finding]:
        """Findings in a file, or at one of its lines."""
        return [
            finding
            for finding in self.analysis.findings
            if finding.location.path == path and line in (None, finding.location.line)
        ]

    def paths(self, *, cwe: int) -> set[str]:
        """Files with a finding of that weakness."""
        return {f.location.path for f in self.analysis.findings if f.cwe == cwe}

    def not_examined(self) -> dict[str, str]:
        """Path -> why nobody looked at it, for the paths that are named."""
        return {path: group.reason for group in self.analysis.not_examined for path in group.paths}

    def severities(self) -> Counter[str]:
        return Counter(finding.severity for finding in self.analysis.findings)


def scan(
    repository: Path, *arguments: str, env: Mapping[str, str] | None = None, code: int = 0
) -> Scan:
    """Scan `repository` from within, and expect the exit code `code`."""
    result = orchestrate(
        "security", "--repo", str(repository), "--json", *arguments, cwd=repository, env=env
    )
    assert result.code == code, result
    return Scan(result)


def comparable(analysis: Analysis) -> bytes:
    """`analysis` without what two scans of one tree may differ in: how long the tools took."""
    tools = tuple(msgspec.structs.replace(run, duration_s=0.0) for run in analysis.tools)
    return msgspec.json.encode(
        msgspec.structs.replace(analysis, tools=tools), order="deterministic"
    )


def snapshot(root: Path, *, without: tuple[str, ...] = STATE) -> dict[str, tuple[int, int, bytes]]:
    """Path -> mode, time of modification and contents of everything below `root`.

    Links are read, not followed; folders and what is no file have no contents, and folders no time.
    """
    found: dict[str, tuple[int, int, bytes]] = {}
    stack = [os.fspath(root)]
    while stack:
        for entry in os.scandir(stack.pop()):
            name = os.path.relpath(entry.path, root)
            if name in without:
                continue
            status = entry.stat(follow_symlinks=False)
            contents = b""
            if stat.S_ISLNK(status.st_mode):
                contents = os.fsencode(Path(entry.path).readlink())
            elif stat.S_ISREG(status.st_mode):
                contents = Path(entry.path).read_bytes()
            elif stat.S_ISDIR(status.st_mode):
                stack.append(entry.path)
            changed = 0 if stat.S_ISDIR(status.st_mode) else status.st_mtime_ns
            found[name] = (status.st_mode, changed, contents)
    return found
