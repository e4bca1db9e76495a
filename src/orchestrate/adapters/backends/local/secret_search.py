"""Running the secrets probe over staged copies, so that one bad file costs no other."""

from __future__ import annotations

import re
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import msgspec

from orchestrate.adapters.backends.local.progress import ReportProgress
from orchestrate.adapters.backends.local.repository import SourceFile
from orchestrate.adapters.backends.local.staging import Staged, batches, plain_suffix, stage
from orchestrate.adapters.backends.local.toolrun import (
    Tool,
    ToolOutput,
    python_module,
    run_tool,
)

TOOL = Tool(
    name="detect-secrets",
    command=python_module("orchestrate.adapters.backends.local.secrets_probe"),
    purpose="credentials and keys in any text file",
    distribution="detect-secrets",
    remedy="install detect-secrets beside orchestrate",
)
#: Suffixes the tool would refuse to read, or read as something they are not.
_CONFIGURATION = re.compile(r"(^|/)\.?env(\.[A-Za-z0-9_-]+)?$|\.env$")
_REFUSED = {".css", ".svg", ".lock", ".sum", ".map", ".doc", ".prefs", ".iml", ".ipr", ".mo"}
_FAILED = "search for secrets failed"


class Hit(msgspec.Struct):
    """One line of the probe's output: something secret on a line, or a file that is done."""

    file: str = ""
    line: int = 0
    types: tuple[str, ...] = ()
    spans: tuple[tuple[int, int], ...] = ()
    done: str = ""
    error: str = ""


@dataclass(slots=True)
class Search:
    """What a search has found; `failed` holds (path, reason), `trouble` the last failed run."""

    hits: list[tuple[SourceFile, Hit]] = field(default_factory=list)
    failed: list[tuple[str, str]] = field(default_factory=list)
    examined: int = 0
    trouble: ToolOutput | None = None


def search_files(
    root: Path,
    files: Sequence[SourceFile],
    scratch: Path,
    deadline: float,
    report_progress: ReportProgress,
    tool: Tool = TOOL,
) -> Search:
    """Run the probe over `files` batch by batch; parameters as for `scan_secrets`."""
    search = Search()
    for batch in batches(files):
        report_progress(search.examined, len(files), tool.name)
        if search.trouble is not None and search.trouble.status in {"missing", "timeout"}:
            search.failed += [(file.path, search.trouble.reason) for file in batch]
        else:
            _search_batch(search, root, batch, scratch, deadline, tool)
    report_progress(search.examined, len(files), tool.name)
    return search


def _search_batch(
    search: Search,
    root: Path,
    batch: Sequence[SourceFile],
    scratch: Path,
    deadline: float,
    tool: Tool,
) -> None:
    folder = scratch / "secrets"
    staged, gone = stage(root, batch, folder, suffix=_suffix, as_utf8=True)
    search.failed += [(file.path, "gone or unreadable") for file in gone]
    waiting = {each.name: each for each in staged}
    while waiting:
        left = deadline - time.monotonic()
        names = "\n".join(waiting).encode()
        output = (
            run_tool(tool, (), cwd=folder, scratch=scratch, timeout_s=left, stdin=names)
            if left > 0
            else ToolOutput("timeout", reason="no time was left")
        )
        done = _take(search, waiting, output.stdout)
        if output.status == "ran" and not waiting:
            break
        search.trouble = output if output.status != "ran" else ToolOutput("crashed", reason=_FAILED)
        if output.status in {"missing", "timeout"} or not waiting:
            break
        # The file it died on is the first one without an answer; the others deserve a search.
        culprit = next(iter(waiting))
        search.failed.append((waiting.pop(culprit).file.path, output.reason or _FAILED))
        if not done and len(waiting) == len(staged) - 1:
            break  # it dies on the very first file: the tool is broken, not the file
    search.failed += [(each.file.path, "not reached") for each in waiting.values()]
    _empty(folder)


def _take(search: Search, waiting: dict[str, Staged], stdout: bytes) -> int:
    """Move what the tool says it has finished from `waiting` into `search`."""
    pending: dict[str, list[Hit]] = {}
    done = 0
    for line in stdout.splitlines():
        try:
            hit = msgspec.json.decode(line, type=Hit)
        except msgspec.DecodeError:
            continue  # the last line of a process that was killed
        if hit.file:
            pending.setdefault(hit.file, []).append(hit)
        elif hit.done in waiting:
            file = waiting.pop(hit.done).file
            done += 1
            search.hits += [(file, each) for each in pending.pop(hit.done, [])]
            if hit.error:
                search.failed.append((file.path, f"{_FAILED} ({hit.error.lstrip('_')})"))
            else:
                search.examined += 1
    return done


def _suffix(file: SourceFile) -> str:
    if _CONFIGURATION.search(file.path):
        return ".properties"
    suffix = plain_suffix(file)
    return ".txt" if suffix in _REFUSED else suffix


def _empty(folder: Path) -> None:
    """Staged copies hold the secrets: they go as soon as they have been read."""
    for each in folder.iterdir():
        each.unlink(missing_ok=True)
