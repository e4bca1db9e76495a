"""detect-secrets over every readable text file: where a secret is, never what it is."""

from __future__ import annotations

import ast
import re
import time
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath

import msgspec

from orchestrate.adapters.backends.local.fingerprint import Ordinals
from orchestrate.adapters.backends.local.languages import PYTHON
from orchestrate.adapters.backends.local.progress import ReportProgress
from orchestrate.adapters.backends.local.python_source import Unparsable, parse
from orchestrate.adapters.backends.local.redaction import Redactor
from orchestrate.adapters.backends.local.repository import SourceFile, Survey, read_text
from orchestrate.adapters.backends.local.secret_rules import SecretRule, rule_for, weigh
from orchestrate.adapters.backends.local.staging import Staged, batches, plain_suffix, stage
from orchestrate.adapters.backends.local.toolrun import (
    Tool,
    ToolOutput,
    python_module,
    run_tool,
)
from orchestrate.core.sharing.findings import (
    Finding,
    Location,
    NotExamined,
    Source,
    ToolRun,
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
_LOCK_FILE = re.compile(
    r"(^|/)([^/]*\.lock|[^/]*-lock\.(json|yaml)|Pipfile\.lock|pylock[^/]*\.toml|go\.sum|"
    r"npm-shrinkwrap\.json|composer\.lock|[^/]*\.egg-info/.*|RECORD)$"
)
_KEY_BODY = re.compile(r"[A-Za-z0-9+/=]{16,}")
_FAILED = "search for secrets failed"


class _Hit(msgspec.Struct):
    file: str = ""
    line: int = 0
    types: tuple[str, ...] = ()
    spans: tuple[tuple[int, int], ...] = ()
    done: str = ""
    error: str = ""


@dataclass(slots=True)
class SecretScan:
    """What came of it: findings in file order, the tool's record, and what it could not read."""

    findings: list[Finding]
    tool: ToolRun
    not_examined: tuple[NotExamined, ...]


@dataclass(slots=True)
class _Search:
    """State of one search over all batches."""

    hits: list[tuple[SourceFile, _Hit]] = field(default_factory=list)
    failed: list[tuple[str, str]] = field(default_factory=list)
    examined: int = 0
    trouble: ToolOutput | None = None


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
    search = _Search()
    files = survey.texts
    for batch in batches(files):
        report_progress(search.examined, len(files), tool.name)
        _search_batch(search, survey.root, batch, scratch, deadline, tool)
        if search.trouble is not None and search.trouble.status in {"missing", "timeout"}:
            break
    report_progress(len(files), len(files), tool.name)
    for file, hit in search.hits:
        redactor.add(file.path, hit.line, hit.spans)
    findings = list(_findings(survey.root, search.hits, redactor, tool.version))
    run = _record(search, tool, len(files), len(findings), time.monotonic() - started)
    redactor.complete = run.conclusive
    return SecretScan(findings, run, _not_examined(search.failed))


def _search_batch(
    search: _Search,
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


def _take(search: _Search, waiting: dict[str, Staged], stdout: bytes) -> int:
    """Move what the tool says it has finished from `waiting` into `search`."""
    pending: dict[str, list[_Hit]] = {}
    done = 0
    for line in stdout.splitlines():
        try:
            hit = msgspec.json.decode(line, type=_Hit)
        except msgspec.DecodeError:
            continue  # the last line of a process that was killed
        if hit.file:
            pending.setdefault(hit.file, []).append(hit)
        elif hit.done in waiting:
            file = waiting.pop(hit.done).file
            done += 1
            search.hits += [(file, each) for each in pending.pop(hit.done, [])]
            if hit.error:
                search.failed.append((file.path, f"{_FAILED} ({hit.error})"))
            else:
                search.examined += 1
    return done


def _findings(
    root: Path, hits: Iterable[tuple[SourceFile, _Hit]], redactor: Redactor, version: str
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
    hit: _Hit,
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


def _suffix(file: SourceFile) -> str:
    if _CONFIGURATION.search(file.path):
        return ".properties"
    suffix = plain_suffix(file)
    return ".txt" if suffix in _REFUSED else suffix


def _record(search: _Search, tool: Tool, files: int, findings: int, seconds: float) -> ToolRun:
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


def _empty(folder: Path) -> None:
    """Staged copies hold the secrets: they go as soon as they have been read."""
    for each in folder.iterdir():
        each.unlink(missing_ok=True)
