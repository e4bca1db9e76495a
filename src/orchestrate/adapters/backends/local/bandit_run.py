"""Running bandit over staged copies, so that a file it dies on costs no other."""

from __future__ import annotations

import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import msgspec

from orchestrate.adapters.backends.local.repository import SourceFile
from orchestrate.adapters.backends.local.staging import stage
from orchestrate.adapters.backends.local.toolrun import Tool, ToolOutput, python_module, run_tool

TOOL = Tool(
    name="bandit",
    command=python_module("bandit"),
    purpose="risky calls and settings in Python code",
    distribution="bandit",
    remedy="install bandit beside orchestrate",
)
#: `-x ""` because its usual exclusions match any folder above the staged copies as well;
#: comments that silence bandit are not obeyed: a repository must not decide what is reported.
ARGUMENTS = ("-f", "json", "-q", "--exit-zero", "--ignore-nosec", "-x", "", "--")
#: One batch takes seconds; a file that keeps bandit busy longer is set aside.
BATCH_TIMEOUT_S = 120.0
_UNPARSABLE = f"cannot be parsed as Python {sys.version_info.major}.{sys.version_info.minor}"


class Row(msgspec.Struct):
    """One result in bandit's JSON; columns from 0."""

    filename: str
    test_id: str
    issue_severity: str
    issue_confidence: str
    line_number: int
    line_range: list[int] = []
    col_offset: int = 0
    end_col_offset: int = 0
    more_info: str = ""


class _Error(msgspec.Struct):
    filename: str
    reason: str


class _Output(msgspec.Struct):
    results: list[Row]
    errors: list[_Error] = []


@dataclass(slots=True)
class BanditRun:
    """State over all batches. `failed` maps a path to the reason."""

    rows: list[tuple[SourceFile, Row]] = field(default_factory=list)
    failed: dict[str, str] = field(default_factory=dict)
    examined: int = 0
    trouble: ToolOutput | None = None


def examine(
    run: BanditRun,
    root: Path,
    files: Sequence[SourceFile],
    scratch: Path,
    deadline: float,
    tool: Tool,
) -> None:
    """Run the tool on `files`; when it fails, halve until the file to blame stands alone."""
    waiting = [list(files)]
    while waiting:
        part = waiting.pop(0)
        output, names = _run_on(root, part, scratch, deadline, tool, run)
        parsed = _parse(output)
        if isinstance(parsed, _Output):
            _take(run, parsed, names)
            continue
        run.trouble = parsed
        hopeless = parsed.status == "missing" or time.monotonic() >= deadline
        if hopeless or len(part) == 1 or (run.examined == 0 and len(part) <= len(files) // 8):
            run.failed.update({file.path: parsed.reason for file in part})
            if hopeless:
                run.failed.update({f.path: parsed.reason for rest in waiting for f in rest})
                return
        else:
            middle = len(part) // 2
            waiting[:0] = [part[:middle], part[middle:]]


def _run_on(
    root: Path,
    files: Sequence[SourceFile],
    scratch: Path,
    deadline: float,
    tool: Tool,
    run: BanditRun,
) -> tuple[ToolOutput, dict[str, SourceFile]]:
    folder = scratch / "bandit"
    staged, gone = stage(root, files, folder, suffix=lambda _: ".py")
    run.failed.update({file.path: "gone or unreadable" for file in gone})
    names = {each.name: each.file for each in staged}
    left = min(deadline - time.monotonic(), BATCH_TIMEOUT_S)
    if left <= 0:
        return ToolOutput("timeout", reason="no time was left"), names
    output = run_tool(tool, [*ARGUMENTS, *names], cwd=folder, scratch=scratch, timeout_s=left)
    for name in names:
        (folder / name).unlink(missing_ok=True)
    return output, names


def _parse(output: ToolOutput) -> _Output | ToolOutput:
    """The parsed output, or how the tool failed."""
    if output.status != "ran":
        return output
    try:
        return msgspec.json.decode(output.stdout, type=_Output)
    except msgspec.DecodeError as error:
        return ToolOutput(
            "crashed", exit_code=output.exit_code, reason=f"unreadable output: {error}"
        )


def _take(run: BanditRun, output: _Output, names: dict[str, SourceFile]) -> None:
    failed = 0
    for error in output.errors:
        file = names.get(error.filename.removeprefix("./"))
        if file is not None:
            failed += 1
            syntax = "syntax error" in error.reason
            run.failed[file.path] = _UNPARSABLE if syntax else f"bandit: {error.reason}"
    run.examined += len(names) - failed
    for row in output.results:
        file = names.get(row.filename.removeprefix("./"))
        if file is not None:
            run.rows.append((file, row))
