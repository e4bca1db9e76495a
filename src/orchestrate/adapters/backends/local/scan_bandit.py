"""bandit over every Python file, in batches of staged copies."""

from __future__ import annotations

import re
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from orchestrate.adapters.backends.local.bandit_context import Judgement, Result, SourceIndex
from orchestrate.adapters.backends.local.bandit_judgement import judge
from orchestrate.adapters.backends.local.bandit_rules import BY_TEST, UNLISTED
from orchestrate.adapters.backends.local.bandit_run import TOOL, BanditRun, Row, examine
from orchestrate.adapters.backends.local.fingerprint import Ordinals
from orchestrate.adapters.backends.local.progress import ReportProgress
from orchestrate.adapters.backends.local.python_source import Unparsable, parse
from orchestrate.adapters.backends.local.redaction import Redactor
from orchestrate.adapters.backends.local.repository import SourceFile, Survey, read_text
from orchestrate.adapters.backends.local.staging import batches
from orchestrate.adapters.backends.local.toolrun import Tool
from orchestrate.core.sharing.findings import Finding, Location, NotExamined, Source, ToolRun

#: Findings of one rule below medium kept per file; asserts alone would fill a report.
MOST_PER_RULE = 50
#: Not findings in test code: tests are made of them. Counted in a note.
EXPECTED_IN_TESTS = frozenset({"ORC-SEC-701"})
_SECRET_TESTS = {"B105", "B106", "B107"}
_NOSEC = re.compile(r"#\s*nosec\b:?\s*(?P<text>.*)")


@dataclass(slots=True)
class BanditScan:
    """What came of it: findings in file order, the tool's record, what it could not read, and how
    many findings were left out."""

    findings: list[Finding]
    tool: ToolRun
    not_examined: tuple[NotExamined, ...]
    notes: tuple[str, ...] = ()


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
    run = BanditRun()
    total = len(survey.files)
    findings: list[Finding] = []
    kept: Counter[tuple[str, str]] = Counter()
    expected: Counter[str] = Counter()
    for batch in batches(survey.files):
        report_progress(run.examined, total, tool.name)
        if run.trouble is not None and run.trouble.status == "missing":
            run.failed.update({file.path: run.trouble.reason for file in batch})
            continue
        examine(run, survey.root, batch, scratch, deadline, tool)
        # Findings are made batch by batch, so that only these outlive it, not the code.
        found = _findings(survey.root, run.rows, redactor, tool.version)
        findings += (
            finding
            for finding in found
            if not _is_expected(finding, expected) and _is_kept(finding, kept)
        )
        run.rows.clear()
    report_progress(run.examined, total, tool.name)
    record = _record(run, tool, total, len(findings), time.monotonic() - started)
    return BanditScan(findings, record, _not_examined(run.failed), _notes(kept, expected))


def _is_expected(finding: Finding, expected: Counter[str]) -> bool:
    """Count a finding that test code is made of, and say whether it is one."""
    if finding.exposure != "test" or finding.rule not in EXPECTED_IN_TESTS:
        return False
    if finding.severity not in {"low", "info"}:
        return False
    expected[finding.rule] += 1
    return True


def _is_kept(finding: Finding, kept: Counter[tuple[str, str]]) -> bool:
    """Count a finding by rule and file, and say whether it is among those to keep."""
    if finding.severity not in {"low", "info"}:
        return True
    key = (finding.rule, finding.location.path)
    kept[key] += 1
    return kept[key] <= MOST_PER_RULE


def _notes(kept: Counter[tuple[str, str]], expected: Counter[str]) -> tuple[str, ...]:
    left_out: Counter[str] = Counter()
    for (rule, _), count in kept.items():
        left_out[rule] += max(0, count - MOST_PER_RULE)
    in_tests = tuple(
        f"bandit: {count} places of {rule} in test code are not listed: tests are made of them"
        for rule, count in sorted(expected.items())
    )
    return in_tests + tuple(
        f"bandit: {count} more findings of {rule} below medium were left out: at most "
        f"{MOST_PER_RULE} per file"
        for rule, count in sorted(left_out.items())
        if count
    )


def _findings(
    root: Path, rows: list[tuple[SourceFile, Row]], redactor: Redactor, version: str
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
    row: Row,
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
    nosec = _NOSEC.search(line)
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


def _record(run: BanditRun, tool: Tool, files: int, findings: int, seconds: float) -> ToolRun:
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
