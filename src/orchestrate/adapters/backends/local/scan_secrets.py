"""detect-secrets over every readable text file: where a secret is, never what it is."""

from __future__ import annotations

import ast
import re
import time
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from orchestrate.adapters.backends.local.fingerprint import Ordinals
from orchestrate.adapters.backends.local.languages import PYTHON
from orchestrate.adapters.backends.local.progress import ReportProgress
from orchestrate.adapters.backends.local.python_source import Unparsable, parse
from orchestrate.adapters.backends.local.redaction import Redactor
from orchestrate.adapters.backends.local.repository import SourceFile, Survey, read_text
from orchestrate.adapters.backends.local.secret_rules import SecretRule, rule_for, weigh
from orchestrate.adapters.backends.local.secret_search import TOOL, Hit, Search, search_files
from orchestrate.adapters.backends.local.toolrun import Tool
from orchestrate.core.sharing.findings import (
    Finding,
    Location,
    NotExamined,
    Source,
    ToolRun,
)

_LOCK_FILE = re.compile(
    r"(^|/)([^/]*\.lock|[^/]*-lock\.(json|yaml)|Pipfile\.lock|pylock[^/]*\.toml|go\.sum|"
    r"npm-shrinkwrap\.json|composer\.lock|[^/]*\.egg-info/.*|RECORD)$"
)
_KEY_BODY = re.compile(r"[A-Za-z0-9+/=]{16,}")


@dataclass(slots=True)
class SecretScan:
    """What came of it: findings in file order, the tool's record, and what it could not read."""

    findings: list[Finding]
    tool: ToolRun
    not_examined: tuple[NotExamined, ...]


def scan_secrets(
    survey: Survey,
    redactor: Redactor,
    *,
    scratch: Path,
    deadline: float,
    report_progress: ReportProgress,
    tool: Tool = TOOL,
) -> SecretScan:
    """Search all text files and teach `redactor` every place found.

    Args:
        survey: what there is.
        redactor: set to incomplete when some file could not be searched.
        scratch: private folder for staged copies, emptied afterwards.
        deadline: on the monotonic clock; what is not searched by then is unknown.
        report_progress: called after every batch.
        tool: what to run; tests put other programs here.
    """
    started = time.monotonic()
    files = survey.texts
    search = search_files(survey.root, files, scratch, deadline, report_progress, tool)
    for file, hit in search.hits:
        redactor.add(file.path, hit.line, hit.spans)
    findings = list(_findings(survey.root, search.hits, redactor, tool.version))
    run = _record(search, tool, len(files), len(findings), time.monotonic() - started)
    redactor.complete = run.conclusive
    return SecretScan(findings, run, _not_examined(search.failed))


def _findings(
    root: Path, hits: Iterable[tuple[SourceFile, Hit]], redactor: Redactor, version: str
) -> Iterator[Finding]:
    ordinals = Ordinals()
    place = _Place("", [], frozenset())
    for file, hit in hits:
        rule = rule_for(hit.types, lock_file=is_lock_file(file.path))
        if rule is not None:
            if place.path != file.path:
                place = _place(root, file)
            yield _finding(rule, file, hit, place, redactor, ordinals, version)


@dataclass(frozen=True, slots=True)
class _Place:
    """What matters about a file beside its hits."""

    path: str
    lines: list[str]
    docstrings: frozenset[int]

    def key_follows(self, line: int) -> bool:
        """Whether something like the body of a key stands on `line` or the next."""
        rest = self.lines[line - 1 : line + 1]
        return any(_KEY_BODY.search(re.sub(r".*PRIVATE KEY-*", "", each)) for each in rest)


def _place(root: Path, file: SourceFile) -> _Place:
    text = read_text(root, file)
    docstrings = _docstring_lines(file, text)
    return _Place(file.path, text.split("\n"), docstrings)


def _docstring_lines(file: SourceFile, text: str) -> frozenset[int]:
    """Lines of strings that stand alone as statements: prose, usually with examples."""
    if file.language != PYTHON:
        return frozenset()
    try:
        tree = parse(file.path, text).tree
    except Unparsable:
        return frozenset()
    return frozenset(
        line
        for node in ast.walk(tree)
        if isinstance(node, ast.Expr)
        and isinstance(node.value, ast.Constant)
        and isinstance(node.value.value, str)
        for line in range(node.lineno, (node.end_lineno or node.lineno) + 1)
    )


def _finding(
    rule: SecretRule,
    file: SourceFile,
    hit: Hit,
    place: _Place,
    redactor: Redactor,
    ordinals: Ordinals,
    version: str,
) -> Finding:
    shown, first = redactor.excerpt(file, hit.line)
    line = redactor.line(file, hit.line)
    prose = file.exposure in {"shipped", "build"} and hit.line in place.docstrings
    severity, confidence, remark = weigh(
        rule,
        "docs" if prose else file.exposure,
        line,
        key_body=place.key_follows(hit.line),
    )
    start, end = hit.spans[0] if hit.spans else (0, 0)
    where = PurePosixPath(file.path).name
    return Finding(
        rule=rule.id,
        title=rule.title,
        message=f"{rule.message.format(where=where)}{remark}",
        category="secret",
        severity=severity,
        confidence=confidence,
        location=Location(
            path=file.path,
            line=hit.line,
            end_line=hit.line,
            column=start + 1,
            end_column=end + 1,
            excerpt=shown,
            excerpt_line=first,
        ),
        exposure=file.exposure,
        cwe=rule.cwe,
        sources=tuple(Source(TOOL.name, kind, version) for kind in hit.types),
        fingerprint=ordinals.fingerprint(rule.id, file.path, line),
        remedy=rule.remedy,
        references=(f"https://cwe.mitre.org/data/definitions/{rule.cwe}.html",),
    )


def is_lock_file(path: str) -> bool:
    """Whether a file is made of digests, where randomness means nothing."""
    return _LOCK_FILE.search(path) is not None


def _record(search: Search, tool: Tool, files: int, findings: int, seconds: float) -> ToolRun:
    trouble = search.trouble
    if trouble is not None and (search.examined == 0 or trouble.status == "timeout"):
        return tool.record(
            trouble.status,
            reason=f"{trouble.reason}; {search.examined} of {files} files searched",
            remedy="" if trouble.status == "missing" else "run it again, or give it more time",
            duration_s=seconds,
            files=search.examined,
            findings=findings,
        )
    if search.failed:
        return tool.record(
            "partial",
            reason=f"{len(search.failed)} of {files} files could not be searched",
            remedy="look at the files listed as not examined by hand",
            duration_s=seconds,
            files=search.examined,
            findings=findings,
        )
    return tool.record("ran", duration_s=seconds, files=search.examined, findings=findings)


def _not_examined(failed: Sequence[tuple[str, str]]) -> tuple[NotExamined, ...]:
    if not failed:
        return ()
    paths = tuple(sorted(path for path, _ in failed))
    return (NotExamined("not searched for secrets", len(paths), paths[:20]),)
