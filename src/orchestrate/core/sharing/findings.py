"""Security and quality findings, and the report of one specialist.

These values are the contract between specialists, the analysis that merges them, and the report.
They are written as JSON artifacts (`msgspec.json`); unknown is a status of its own everywhere.
"""

from __future__ import annotations

from typing import Literal

import msgspec

Severity = Literal["critical", "high", "medium", "low", "info"]
Confidence = Literal["high", "medium", "low"]
Exposure = Literal["shipped", "build", "test", "docs", "example"]
Category = Literal[
    "code", "secret", "dependency", "licence", "complexity", "dead-code", "architecture"
]
#: `ran`: it looked and the findings are all it found. Everything else means *unknown*.
ToolStatus = Literal["ran", "partial", "missing", "crashed", "timeout", "unreachable", "not-run"]

SEVERITY_ORDER: tuple[Severity, ...] = ("critical", "high", "medium", "low", "info")


class Location(msgspec.Struct, frozen=True, omit_defaults=True):
    """Where: `path` relative to the repository root, `/`-separated; lines and columns from 1.

    `excerpt` holds source lines beginning at `excerpt_line`, already redacted if secret.
    """

    path: str
    line: int = 1
    end_line: int | None = None
    column: int | None = None
    end_column: int | None = None
    excerpt: str = ""
    excerpt_line: int | None = None


class Source(msgspec.Struct, frozen=True, omit_defaults=True):
    """The tool that said it, under its own rule name."""

    tool: str
    rule: str
    version: str = ""


class Finding(msgspec.Struct, frozen=True, omit_defaults=True):
    """One flaw. `rule` is our stable rule id, `cwe` a number such as 78 or None.

    `fingerprint` survives moved lines: it is derived from rule, path and the normalised source
    text, plus an ordinal among equals. `symbol` is the enclosing function or class, if known.
    `score` and `why` are filled by the analysis.
    """

    rule: str
    title: str
    message: str
    category: Category
    severity: Severity
    confidence: Confidence
    location: Location
    exposure: Exposure = "shipped"
    cwe: int | None = None
    sources: tuple[Source, ...] = ()
    fingerprint: str = ""
    symbol: str = ""
    remedy: str = ""
    references: tuple[str, ...] = ()
    properties: dict[str, str] = {}
    agents: tuple[str, ...] = ()
    score: float = 0.0
    why: str = ""
    suppressed: str = ""


class ToolRun(msgspec.Struct, frozen=True, omit_defaults=True):
    """What one tool did. `reason` is required unless `status` is "ran"; `sent` says what left
    the machine (empty: nothing did)."""

    tool: str
    version: str
    status: ToolStatus
    purpose: str = ""
    reason: str = ""
    remedy: str = ""
    duration_s: float = 0.0
    files: int = 0
    findings: int = 0
    sent: str = ""

    @property
    def conclusive(self) -> bool:
        """Whether the absence of findings means anything."""
        return self.status == "ran"


class NotExamined(msgspec.Struct, frozen=True, omit_defaults=True):
    """Files nobody looked at, grouped by reason; `paths` holds the first few."""

    reason: str
    count: int
    paths: tuple[str, ...] = ()


class Component(msgspec.Struct, frozen=True, omit_defaults=True):
    """A package the repository is or depends on.

    `pinned` is whether `version` is exact; `declared_in` is `path:line`.
    """

    name: str
    version: str = ""
    specifier: str = ""
    ecosystem: str = "PyPI"
    licence: str = ""
    scope: Literal["self", "runtime", "development", "build", "optional"] = "runtime"
    declared_in: str = ""
    pinned: bool = False


class Module(msgspec.Struct, frozen=True, omit_defaults=True):
    """A node of the module graph. `imports` are names of other modules of the repository."""

    name: str
    path: str
    lines: int = 0
    exposure: Exposure = "shipped"
    imports: tuple[str, ...] = ()
    surface: tuple[str, ...] = ()


class SurfacePoint(msgspec.Struct, frozen=True, omit_defaults=True):
    """One place where the code touches the outside world.

    `kind` is one of network, subprocess, deserialisation, files, crypto, environment, dynamic-code.
    """

    kind: str
    call: str
    location: Location
    symbol: str = ""


class EntryPoint(msgspec.Struct, frozen=True, omit_defaults=True):
    """A way in: console script, `__main__`, web route, public package."""

    kind: str
    name: str
    target: str
    location: Location | None = None


class Inventory(msgspec.Struct, frozen=True, omit_defaults=True):
    """What was there to look at. `languages` maps a language to [files, lines]."""

    files: int = 0
    lines: int = 0
    python_files: int = 0
    python_lines: int = 0
    languages: dict[str, tuple[int, int]] = {}


class SpecialistReport(msgspec.Struct, frozen=True, omit_defaults=True):
    """Everything one specialist found, and everything it could not look at."""

    agent: str
    action: str
    findings: tuple[Finding, ...] = ()
    tools: tuple[ToolRun, ...] = ()
    not_examined: tuple[NotExamined, ...] = ()
    inventory: Inventory = Inventory()
    components: tuple[Component, ...] = ()
    modules: tuple[Module, ...] = ()
    cycles: tuple[tuple[str, ...], ...] = ()
    entry_points: tuple[EntryPoint, ...] = ()
    surface: tuple[SurfacePoint, ...] = ()
    notes: tuple[str, ...] = ()


class TimelineEntry(msgspec.Struct, frozen=True, omit_defaults=True):
    """One attempt on the run's timeline; times are Unix seconds."""

    task: str
    phase: str
    agent: str
    number: int
    started_at: float
    finished_at: float | None = None
    outcome: str = ""


class Analysis(msgspec.Struct, frozen=True, omit_defaults=True):
    """The merged view of a scan: what the report renders.

    `findings` are ranked, most urgent first, suppressed ones excluded; `suppressed` holds those
    with an inline ignore or in the baseline, each with its reason. `unknown` lists what the scan
    could not confirm; a scan with entries there is never called clean. `revision` is the commit
    HEAD names and `origin` the remote's URL without credentials; both "" when not known. `merged`
    counts reported findings that were folded into others.
    """

    subject: str
    request: str = ""
    revision: str = ""
    findings: tuple[Finding, ...] = ()
    suppressed: tuple[Finding, ...] = ()
    tools: tuple[ToolRun, ...] = ()
    unknown: tuple[str, ...] = ()
    not_examined: tuple[NotExamined, ...] = ()
    inventory: Inventory = Inventory()
    components: tuple[Component, ...] = ()
    modules: tuple[Module, ...] = ()
    cycles: tuple[tuple[str, ...], ...] = ()
    entry_points: tuple[EntryPoint, ...] = ()
    surface: tuple[SurfacePoint, ...] = ()
    notes: tuple[str, ...] = ()
    merged: int = 0
    origin: str = ""
