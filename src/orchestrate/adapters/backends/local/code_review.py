"""The code-reviewer: risky patterns, complexity and dead code, file by file.

Three tools look at every Python file in turn: our own rules (docs/reference/review-rules.md), radon
and vulture. A file's text and tree are dropped before the next one is read. A tool that fails on
some file is *partial*, with the file named; what could not be parsed is listed as not examined.
"""

from __future__ import annotations

import ast
import itertools
import sys
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import orchestrate
from orchestrate.adapters.backends.local import (
    review_complexity,
    review_crypto,
    review_dead_code,
    review_deserialisation,
    review_files,
    review_hashes,
    review_injection,
    review_logic,
    review_markup,
    review_regex,
    review_secrets,
    review_transport,
    review_web,
)
from orchestrate.adapters.backends.local.artifacts import write_report
from orchestrate.adapters.backends.local.progress import ReportProgress, silent
from orchestrate.adapters.backends.local.python_source import PythonSource, Site, Unparsable, parse
from orchestrate.adapters.backends.local.repository import SourceFile, read_text, survey
from orchestrate.adapters.backends.local.review_dead_code import DeadCode
from orchestrate.adapters.backends.local.review_findings import (
    MOST_PER_RULE,
    FileFindings,
    Located,
)
from orchestrate.adapters.backends.local.rule import Check, Hit, Rule
from orchestrate.adapters.backends.local.tool_record import ToolRecord
from orchestrate.core.sharing.findings import (
    SEVERITY_ORDER,
    Finding,
    NotExamined,
    Severity,
    SpecialistReport,
    ToolRun,
)
from orchestrate.ports.performer import AttemptRequest, AttemptResult

_SETS = (
    review_injection.RULES,
    review_markup.RULES,
    review_deserialisation.RULES,
    review_hashes.RULES,
    review_crypto.RULES,
    review_transport.RULES,
    review_web.RULES,
    review_secrets.RULES,
    review_files.RULES,
    review_logic.RULES,
    review_regex.RULES,
    review_complexity.RULES,
    review_dead_code.RULES,
)
RULES: tuple[Rule, ...] = tuple(rule for rule_set in _SETS for rule in rule_set.rules)
OWN_TOOL = "orchestrate-review"
#: Paths shown per reason; the count beside them is complete.
_SHOWN_PATHS = 20


def _checks() -> dict[type[ast.AST], tuple[Check, ...]]:
    table: dict[type[ast.AST], tuple[Check, ...]] = {}
    for rule_set in _SETS:
        for kind, checks in rule_set.checks.items():
            table[kind] = table.get(kind, ()) + checks
    return table


_CHECKS = _checks()


def run(request: AttemptRequest, report_progress: ReportProgress) -> AttemptResult:
    """Review `request.repository` and leave `findings.json` in `request.outputs_dir`."""
    started = time.monotonic()
    report = review(Path(request.repository), request.agent, request.action, report_progress)
    write_report(Path(request.outputs_dir), report)
    counts = Counter(finding.severity for finding in report.findings)
    metrics = {f"findings.{severity}": float(counts[severity]) for severity in SEVERITY_ORDER}
    return AttemptResult(
        ok=True,
        summary=_summary(report, counts),
        metrics={"findings": float(len(report.findings)), **metrics},
        duration_s=time.monotonic() - started,
    )


def review(
    root: Path, agent: str, action: str, report_progress: ReportProgress = silent
) -> SpecialistReport:
    """Everything the code-reviewer has to say about the folder `root`."""
    surveyed = survey(root)
    state = _Review()
    total = len(surveyed.files)
    for number, file in enumerate(surveyed.files):
        report_progress(number, total, "reviewing Python files")
        state.examine(root, file)
    report_progress(total, total, "reviewing Python files")
    state.finish(root, surveyed.files)
    return SpecialistReport(
        agent=agent,
        action=action,
        findings=tuple(sorted(state.findings, key=_order)),
        tools=state.tools(),
        not_examined=(*surveyed.not_examined, *state.unparsable()),
        inventory=surveyed.inventory,
        notes=state.notes(),
    )


def hits_of(source: PythonSource) -> Iterator[tuple[Hit, str]]:
    """What our own rules say about one file, in source order, each with its enclosing symbol."""
    for site in source.sites():
        for check in _CHECKS.get(type(site.node), ()):
            for hit in check(site):
                yield hit, _symbol(site)


def _symbol(site: Site) -> str:
    """The function a hit is about: for one found at a definition, the one being defined."""
    own = site.node.name if isinstance(site.node, ast.FunctionDef | ast.AsyncFunctionDef) else ""
    return f"{site.symbol}.{own}" if site.symbol and own else site.symbol or own


class _Review:
    """What one review has gathered so far."""

    def __init__(self) -> None:
        self.findings: list[Finding] = []
        self.rules = ToolRecord(OWN_TOOL, "risky patterns", orchestrate.__version__)
        self.radon = ToolRecord("radon", "complexity and maintainability of code outside tests")
        self.vulture = ToolRecord("vulture", "dead code")
        self._dead: DeadCode | None = None
        self._unparsable: dict[str, str] = {}
        self._left_out: Counter[str] = Counter()
        self._find_tools()

    def _find_tools(self) -> None:
        try:
            self.radon.version = review_complexity.radon_version()
        except ImportError as error:
            self.radon.missing(error)
        try:
            self.vulture.version = review_dead_code.vulture_version()
            self._dead = DeadCode()
        except ImportError as error:
            self.vulture.missing(error)

    def examine(self, root: Path, file: SourceFile) -> None:
        """Read, parse and review one file; only findings and names outlive the call."""
        text = read_text(root, file)
        try:
            source = parse(file.path, text)
        except Unparsable as error:
            self._unparsable[file.path] = str(error)
            return
        found: list[Located] = []
        with self.rules.looking_at(file.path):
            for hit, symbol in hits_of(source):
                found.append((hit, symbol, self.rules.source(hit.rule.id)))
        if self.radon.usable and file.exposure != "test":
            with self.radon.looking_at(file.path):
                for hit, symbol in review_complexity.measure(source):
                    found.append((hit, symbol, self.radon.source(hit.rule.id)))
        if self._dead is not None:
            with self.vulture.looking_at(file.path):
                self._dead.add(source, file.exposure)
        self._keep(file, text, found)

    def finish(self, root: Path, files: tuple[SourceFile, ...]) -> None:
        """Add the findings that need all files to have been seen."""
        if self._dead is None:
            return
        by_path = {file.path: file for file in files}
        for path, group in itertools.groupby(self._dead.findings(), key=lambda entry: entry[0]):
            found = [(hit, "", self.vulture.source(hit.rule.id)) for _, hit in group]
            self._keep(by_path[path], read_text(root, by_path[path]), found)

    def _keep(self, file: SourceFile, text: str, found: list[Located]) -> None:
        located = FileFindings(file, text, found)
        self.findings.extend(located)
        self._left_out.update(located.left_out)

    def tools(self) -> tuple[ToolRun, ...]:
        """What each tool did."""
        counts = Counter(source.tool for found in self.findings for source in found.sources)
        for tool in (self.rules, self.radon, self.vulture):
            tool.findings = counts[tool.name]
        return tuple(
            tool.outcome(len(self._unparsable)) for tool in (self.rules, self.radon, self.vulture)
        )

    def unparsable(self) -> tuple[NotExamined, ...]:
        """The files that are not Python as this interpreter reads it."""
        if not self._unparsable:
            return ()
        shown = sorted(self._unparsable.items())[:_SHOWN_PATHS]
        paths = tuple(f"{path} ({why})" for path, why in shown)
        version = f"Python {sys.version_info.major}.{sys.version_info.minor}"
        reason = f"cannot be parsed as {version}"
        return (NotExamined(reason, len(self._unparsable), paths),)

    def notes(self) -> tuple[str, ...]:
        """What was left out of the findings to keep the report readable."""
        return tuple(
            f"{count} more findings of {rule} were left out: at most {MOST_PER_RULE} per file"
            for rule, count in sorted(self._left_out.items())
        )


def _order(finding: Finding) -> tuple[str, int, str, int]:
    return finding.location.path, finding.location.line, finding.rule, finding.location.column or 0


def _summary(report: SpecialistReport, counts: Counter[Severity]) -> str:
    parts = [f"{counts[severity]} {severity}" for severity in SEVERITY_ORDER if counts[severity]]
    found = ", ".join(parts) or "no findings"
    text = f"Reviewed {report.inventory.python_files} Python files: {found}."
    unsure = [tool.tool for tool in report.tools if not tool.conclusive]
    return text + (f" Inconclusive: {', '.join(unsure)}." if unsure else "")
