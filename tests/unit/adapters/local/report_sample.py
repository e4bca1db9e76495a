"""An analysis with something in every field, for the tests of the reports."""

from __future__ import annotations

from msgspec.structs import replace

from orchestrate.core.sharing.findings import (
    Analysis,
    Component,
    EntryPoint,
    Exposure,
    Finding,
    Inventory,
    Location,
    Module,
    NotExamined,
    Severity,
    Source,
    SpecialistReport,
    SurfacePoint,
    TimelineEntry,
    ToolRun,
)
from orchestrate.core.sharing.ranking import analyse, rank

STARTED = 1_740_830_400.0

_SHELL = """\
def thumbnail(path, size):
    command = f"convert {path} -resize {size} out.png"
    subprocess.run(command, shell=True, check=True)
    return Path("out.png")
"""
_PICKLE = """\
    with open(cache, "rb") as stream:
        return pickle.load(stream)"""


def _finding(
    rule: str,
    title: str,
    severity: Severity,
    path: str,
    line: int,
    *,
    cwe: int | None = None,
    tool: str = "bandit",
    tool_rule: str = "",
    exposure: Exposure = "shipped",
    excerpt: str = "",
    excerpt_line: int | None = None,
    **more: object,
) -> Finding:
    return Finding(
        rule=rule,
        title=title,
        message=f"{title} in {path}.",
        category=more.get("category", "code"),  # type: ignore[arg-type]
        severity=severity,
        confidence=more.get("confidence", "medium"),  # type: ignore[arg-type]
        location=Location(
            path,
            line,
            column=5,
            end_column=40,
            excerpt=excerpt,
            excerpt_line=excerpt_line,
        ),
        exposure=exposure,
        cwe=cwe,
        sources=(Source(tool, tool_rule or rule, "1.9.4" if tool == "bandit" else "0.1.0"),),
        fingerprint=f"{rule}-{line}".lower(),
        symbol=str(more.get("symbol", "")),
        remedy=str(more.get("remedy", "")),
    )


SCOUT = SpecialistReport(
    agent="security-scout",
    action="security-scan",
    findings=(
        _finding(
            "B602", "Shell command put together at run time", "high", "src/shop/images.py", 43,
            cwe=78, excerpt=_SHELL, excerpt_line=41, symbol="thumbnail",
        ),
        _finding("B301", "Pickle of untrusted data", "medium", "src/shop/cache.py", 18, cwe=502,
                 excerpt=_PICKLE, excerpt_line=17),
        _finding("B101", "Assert used", "low", "tests/test_shop.py", 12, cwe=703, exposure="test"),
        _finding("DEP-1", "Flask 0.12.2 has a known vulnerability", "high", "requirements.txt", 3,
                 cwe=400, tool="advisories", category="dependency", confidence="high",
                 remedy="Upgrade Flask to 0.12.3 or later."),
    ),
    tools=(
        ToolRun("bandit", "1.9.4", "ran", "insecure calls", duration_s=2.31, files=41, findings=3),
        ToolRun("detect-secrets", "1.5.0", "ran", "secrets", duration_s=1.02, files=58),
        ToolRun("advisories", "", "unreachable", "dependency audit",
                "no advisory folder is set and no service answers",
                "set security.advisories to a folder of OSV records", 0.2),
    ),
    not_examined=(
        NotExamined("JavaScript: no analysis for this language", 14, ("static/shop.js",)),
        NotExamined("generated", 2, ("src/shop/api_pb2.py",)),
    ),
    inventory=Inventory(96, 8_412, 41, 6_120, {"Python": (41, 6_120), "JavaScript": (14, 1_900)}),
    components=(
        Component("shop", "2.1.0", licence="MIT", scope="self", declared_in="pyproject.toml:3",
                  pinned=True),
        Component("Flask", "0.12.2", licence="BSD-3-Clause", declared_in="requirements.txt:3",
                  pinned=True),
        Component("requests", "", ">=2.0", declared_in="requirements.txt:4"),
    ),
)  # fmt: skip
REVIEWER = SpecialistReport(
    agent="code-reviewer",
    action="code-review",
    findings=(
        _finding(
            "ORC-PY-101", "Shell command put together at run time", "high", "src/shop/images.py",
            43, cwe=78, tool="orchestrate-review", excerpt=_SHELL, excerpt_line=41,
            symbol="thumbnail",
            remedy="Pass a list of arguments without a shell, or quote every part.",
        ),
        _finding("ORC-PY-702", "Function with many independent paths", "info",
                 "src/shop/orders.py", 88, tool="radon", category="complexity",
                 confidence="high", cwe=1121),
        _finding("ORC-PY-302", "Broken hash", "medium", "examples/sign.py", 7, cwe=328,
                 tool="orchestrate-review", exposure="example"),
        _finding("ORC-PY-303", "Certificate check switched off", "critical", "src/shop/pay.py", 30,
                 cwe=295, tool="orchestrate-review", confidence="high",
                 remedy="Remove verify=False; give the private authority's file instead."),
    ),
    tools=(
        ToolRun("orchestrate-review", "0.1.0", "ran", "risky patterns", duration_s=1.7, files=41,
                findings=3),
        ToolRun("radon", "6.0.1", "partial", "complexity", "1 file could not be parsed",
                duration_s=0.9, files=40, findings=1),
    ),
)  # fmt: skip
_IMPORTS = {
    "shop": ("shop.web", "shop.config"),
    "shop.web": ("shop.orders", "shop.images", "shop.pay", "shop.cache"),
    "shop.orders": ("shop.db", "shop.pay", "shop.mail"),
    "shop.pay": ("shop.http", "shop.config", "shop.orders"),
    "shop.mail": ("shop.config", "shop.http"),
    "shop.images": ("shop.config",),
    "shop.cache": ("shop.config",),
    "shop.db": ("shop.config",),
    "shop.http": ("shop.config",),
    "shop.config": (),
    "shop.legacy": (),
}
_SURFACE = {"shop.http": ("network",), "shop.images": ("subprocess",), "shop.db": ("files",)}
ARCHITECT = SpecialistReport(
    agent="architect",
    action="architecture-assessment",
    tools=(ToolRun("orchestrate-architecture", "0.1.0", "ran", "module graph", files=41),),
    modules=tuple(
        Module(name, f"src/{name.replace('.', '/')}.py", 40 + 7 * n, imports=imports,
               surface=_SURFACE.get(name, ()))
        for n, (name, imports) in enumerate(_IMPORTS.items())
    ),
    cycles=(("shop.orders", "shop.pay"),),
    entry_points=(EntryPoint("console script", "shop", "shop.web:main"),),
    surface=(
        SurfacePoint("network", "requests.get", Location("src/shop/http.py", 12), "fetch"),
        SurfacePoint("subprocess", "subprocess.run", Location("src/shop/images.py", 43)),
    ),
    notes=("2 imports could not be resolved.",),
)  # fmt: skip
TIMELINE = (
    TimelineEntry("vulnerability-scan", "scanning", "security-scout", 1, STARTED, STARTED + 4.1,
                  "succeeded"),
    TimelineEntry("security-review", "scanning", "code-reviewer", 1, STARTED + 0.1, STARTED + 1.2,
                  "crash"),
    TimelineEntry("security-review", "scanning", "code-reviewer", 2, STARTED + 2.2, STARTED + 5.0,
                  "succeeded"),
    TimelineEntry("architecture", "scanning", "architect", 1, STARTED + 0.1, STARTED + 2.6,
                  "succeeded"),
    TimelineEntry("analysis", "analysis", "security-scout", 1, STARTED + 5.1, STARTED + 5.6,
                  "succeeded"),
    TimelineEntry("report", "analysis", "doc-scribe", 1, STARTED + 5.7),
)  # fmt: skip


def sample() -> Analysis:
    """The merged sample, with one suppressed finding."""
    merged = analyse(
        [SCOUT, REVIEWER, ARCHITECT],
        subject="shop",
        request="find what an attacker could use",
        revision="3f1c2a9b7d5e4f60718293a4b5c6d7e8f9012345",
    )
    accepted = Finding(
        rule="B311",
        title="Predictable random numbers",
        message="random.choice",
        category="code",
        severity="low",
        confidence="high",
        location=Location("src/shop/mail.py", 9),
        cwe=330,
        sources=(Source("bandit", "B311", "1.9.4"),),
        fingerprint="b311-9",
        suppressed="inline: only shuffles advertisements (src/shop/mail.py:9)",
    )
    return replace(
        merged, suppressed=rank((accepted,)), origin="https://code.invalid/team/shop.git"
    )


def many(count: int) -> Analysis:
    """`count` findings in as many places."""
    severities: tuple[Severity, ...] = ("high", "medium", "low", "info")
    findings = tuple(
        _finding("ORC-PY-101", f"Flaw number {n}", severities[n % 4], f"src/m{n % 97}.py", n + 1,
                 cwe=78, tool="orchestrate-review", excerpt=_SHELL, excerpt_line=n + 1)
        for n in range(count)
    )  # fmt: skip
    report = SpecialistReport("code-reviewer", "code-review", findings, REVIEWER.tools[:1])
    return analyse([report], subject="many")
