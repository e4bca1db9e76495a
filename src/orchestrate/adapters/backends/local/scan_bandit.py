"""bandit over every Python file, in batches of staged copies."""

from __future__ import annotations

import re
import sys
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import msgspec

from orchestrate.adapters.backends.local.bandit_context import (
    Judgement,
    Result,
    SourceIndex,
    judge,
)
from orchestrate.adapters.backends.local.bandit_rules import BY_TEST, UNLISTED
from orchestrate.adapters.backends.local.fingerprint import Ordinals
from orchestrate.adapters.backends.local.progress import ReportProgress
from orchestrate.adapters.backends.local.python_source import Unparsable, parse
from orchestrate.adapters.backends.local.redaction import Redactor
from orchestrate.adapters.backends.local.repository import SourceFile, Survey, read_text
from orchestrate.adapters.backends.local.staging import batches, stage
from orchestrate.adapters.backends.local.toolrun import Tool, ToolOutput, python_module, run_tool
from orchestrate.core.sharing.findings import Finding, Location, NotExamined, Source, ToolRun

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
_SECRET_TESTS = {"B105", "B106", "B107"}
_NOSEC = re.compile(r"#\s*nosec\b:?\s*(?P<text>.*)")
_UNPARSABLE = f"cannot be parsed as Python {sys.version_info.major}.{sys.version_info.minor}"


class _Row(msgspec.Struct):
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
    results: list[_Row]
    errors: list[_Error] = []


@dataclass(slots=True)
class BanditScan:
    """What came of it: findings in file order, the tool's record, and what it could not read."""

    findings: list[Finding]
    tool: ToolRun
    not_examined: tuple[NotExamined, ...]


@dataclass(slots=True)
class _Run:
    """State over all batches. `failed` maps a path to the reason."""

    rows: list[tuple[SourceFile, _Row]] = field(default_factory=list)
    failed: dict[str, str] = field(default_factory=dict)
    examined: int = 0
    trouble: ToolOutput | None = None


def scan_bandit(
    survey: Survey,
    redactor: Redactor,
    *,
    scratch: Path,
    deadline: float,
    report_progress: ReportProgress,
    tool: Tool = TOOL,
) -> BanditScan:
    """Run bandit on all Python files; parameters as for `scan_secrets`."""
    started = time.monotonic()
    run = _Run()
    total = len(survey.files)
    findings: list[Finding] = []
    for batch in batches(survey.files):
        report_progress(run.examined, total, tool.name)
        _examine(run, survey.root, batch, scratch, deadline, tool)
        # Findings are made batch by batch, so that only these outlive it, not the code.
        findings += _findings(survey.root, run.rows, redactor, tool.version)
        run.rows.clear()
        if run.trouble is not None and run.trouble.status == "missing":
            break
    report_progress(total, total, tool.name)
    record = _record(run, tool, total, len(findings), time.monotonic() - started)
    return BanditScan(findings, record, _not_examined(run.failed))


def _examine(
    run: _Run, root: Path, files: Sequence[SourceFile], scratch: Path, deadline: float, tool: Tool
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
    root: Path, files: Sequence[SourceFile], scratch: Path, deadline: float, tool: Tool, run: _Run
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


def _take(run: _Run, output: _Output, names: dict[str, SourceFile]) -> None:
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


def _findings(
    root: Path, rows: list[tuple[SourceFile, _Row]], redactor: Redactor, version: str
) -> Iterator[Finding]:
    order = sorted(rows, key=lambda r: (r[0].path, r[1].line_number, r[1].col_offset, r[1].test_id))
    ordinals = Ordinals()
    index, indexed, lines = None, "", [""]
    for file, row in order:
        if indexed != file.path:
            text = read_text(root, file)
            index, indexed, lines = _index(file.path, text), file.path, text.split("\n")
        yield _finding(file, row, index, lines, redactor, ordinals, version)


def _index(path: str, text: str) -> SourceIndex | None:
    try:
        return SourceIndex(parse(path, text))
    except Unparsable:
        return None


def _finding(
    file: SourceFile,
    row: _Row,
    index: SourceIndex | None,
    lines: list[str],
    redactor: Redactor,
    ordinals: Ordinals,
    version: str,
) -> Finding:
    text = lines[row.line_number - 1] if row.line_number <= len(lines) else ""
    result = Result(
        test=row.test_id,
        level=row.issue_severity,
        certainty=row.issue_confidence,
        rule=BY_TEST.get(row.test_id, UNLISTED),
        exposure=file.exposure,
        line=text,
        site=index.at(row.line_number, row.col_offset) if index else None,
        line_sites=index.on_line(row.line_number) if index else (),
        entry=index.entry(row.line_number, row.col_offset) if index else None,
    )
    judgement, rule = judge(result), result.rule
    secret = row.test_id in _SECRET_TESTS
    shown, first = redactor.excerpt(file, row.line_number, literals=secret)
    line = redactor.line(file, row.line_number, literals=secret)
    nosec = _NOSEC.search(text)
    return Finding(
        rule=rule.id,
        title=rule.title,
        message=_message(rule.message, judgement),
        category="secret" if secret else "code",
        severity=judgement.severity,
        confidence=judgement.confidence,
        location=Location(
            path=file.path,
            line=row.line_number,
            end_line=max([row.line_number, *row.line_range]),
            column=_column(text, row.col_offset),
            excerpt=shown,
            excerpt_line=first,
        ),
        exposure=file.exposure,
        cwe=rule.cwe,
        sources=(Source(TOOL.name, row.test_id, version),),
        fingerprint=ordinals.fingerprint(rule.id, file.path, line),
        symbol=result.symbol,
        remedy=rule.remedy,
        references=tuple(
            url
            for url in (f"https://cwe.mitre.org/data/definitions/{rule.cwe}.html", row.more_info)
            if url
        ),
        properties={"nosec": nosec["text"].strip() or "no reason given"} if nosec else {},
    )


def _message(message: str, judgement: Judgement) -> str:
    return f"{message} {judgement.remark}" if judgement.remark else message


def _column(line: str, offset_bytes: int) -> int:
    """Column from 1 in characters of a byte offset in the line's UTF-8 form."""
    return len(line.encode("utf-8", "replace")[:offset_bytes].decode("utf-8", "ignore")) + 1


def _record(run: _Run, tool: Tool, files: int, findings: int, seconds: float) -> ToolRun:
    if run.trouble is not None and run.examined == 0:
        return tool.record(
            run.trouble.status,
            reason=run.trouble.reason or "it failed on every file",
            remedy="" if run.trouble.status == "missing" else "run it by hand to see why",
            duration_s=seconds,
            findings=findings,
        )
    if run.failed:
        reasons = sorted(set(run.failed.values()))
        return tool.record(
            "partial",
            reason=f"{len(run.failed)} of {files} files not examined: {'; '.join(reasons[:3])}",
            remedy="look at the files listed as not examined by hand",
            duration_s=seconds,
            files=run.examined,
            findings=findings,
        )
    return tool.record("ran", duration_s=seconds, files=run.examined, findings=findings)


def _not_examined(failed: dict[str, str]) -> tuple[NotExamined, ...]:
    grouped: dict[str, list[str]] = {}
    for path, reason in sorted(failed.items()):
        grouped.setdefault(reason, []).append(path)
    return tuple(
        NotExamined(reason, len(paths), tuple(paths[:20]))
        for reason, paths in sorted(grouped.items())
    )
