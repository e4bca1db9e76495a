"""Ignoring a finding on purpose, with a reason: comments in the source.

    subprocess.run(command, shell=True)  # orchestrate: ignore[B602] fixed string, see ADR 4

The comment stands on the finding's line, or alone on the line above it. A rule is our rule id or
the tool's own name for it; several are separated by commas. A comment without a reason does not
suppress; it becomes a finding itself, as does one that names a rule nobody knows. What is
suppressed stays in every report.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping

import msgspec

from orchestrate.core.sharing.equivalence import known_rules
from orchestrate.core.sharing.findings import Finding, Location, Source

#: path -> line number (from 1) -> text of the line, for the lines around findings.
Lines = Mapping[str, Mapping[int, str]]

NO_REASON_RULE = "orchestrate.ignore-without-reason"
UNKNOWN_RULE = "orchestrate.ignore-unknown-rule"
#: How `Finding.suppressed` begins; the reason follows.
INLINE_PREFIX = "inline: "

_COMMENT = re.compile(
    r"(?P<mark>#|//)\s*orchestrate:\s*ignore\s*\[(?P<rules>[^\]\n]{0,500})\](?P<reason>.*)"
)
_WORD = re.compile(r"\w")


class Ignore(msgspec.Struct, frozen=True):
    """One ignore comment. `alone` is whether nothing but the comment is on its line."""

    line: int
    rules: tuple[str, ...]
    reason: str
    alone: bool


def parse_ignore(text: str, line: int) -> Ignore | None:
    """The ignore comment in one source line, if there is one."""
    found = _COMMENT.search(text)
    if found is None:
        return None
    rules = (part.strip() for part in found["rules"].split(","))
    reason = found["reason"].strip().lstrip("-:").strip()
    return Ignore(
        line=line,
        rules=tuple(rule for rule in rules if rule),
        reason=reason if _WORD.search(reason) else "",
        alone=not text[: found.start()].strip(),
    )


def wanted_lines(findings: tuple[Finding, ...]) -> dict[str, set[int]]:
    """The lines `apply_ignores` needs: path -> line numbers."""
    wanted: dict[str, set[int]] = {}
    for finding in findings:
        line = finding.location.line
        wanted.setdefault(finding.location.path, set()).update({line, max(1, line - 1)})
    return wanted


def apply_ignores(
    findings: tuple[Finding, ...], lines: Lines, rules: Collection[str] = ()
) -> tuple[tuple[Finding, ...], tuple[Finding, ...]]:
    """Split into findings that stand and findings that are suppressed, each in the given order.

    Findings about faulty comments come last among those that stand; they carry no score yet.

    Args:
        rules: rule names that exist, besides those in `findings` and in the equivalence table.
    """
    standing: list[Finding] = []
    suppressed: list[Finding] = []
    faults: dict[tuple[str, int, str], Finding] = {}
    known = known_rules().union(rules, *(rule_names(finding) for finding in findings))
    for finding in findings:
        near = tuple(_ignores_near(finding, lines))
        match = next((i for i in near if i.reason and rule_names(finding) & {*i.rules}), None)
        if match is None:
            standing.append(finding)
        else:
            where = f"{finding.location.path}:{match.line}"
            reason = f"{INLINE_PREFIX}{match.reason} ({where})"
            suppressed.append(msgspec.structs.replace(finding, suppressed=reason))
        for ignore in near:
            for fault in _faults(ignore, finding, known):
                faults.setdefault((fault.location.path, ignore.line, fault.message), fault)
    return (*standing, *faults.values()), tuple(suppressed)


def rule_names(finding: Finding) -> frozenset[str]:
    """Names under which a comment may refer to `finding`: `B602`, `bandit:B602`, our rule id."""
    tools = {source.rule for source in finding.sources}
    qualified = {f"{source.tool}:{source.rule}" for source in finding.sources}
    return frozenset({finding.rule} | tools | qualified)


def _ignores_near(finding: Finding, lines: Lines) -> Iterator[Ignore]:
    around = lines.get(finding.location.path, {})
    line = finding.location.line
    here = parse_ignore(around.get(line, ""), line)
    if here is not None:
        yield here
    above = parse_ignore(around.get(line - 1, ""), line - 1)
    if above is not None and above.alone:
        yield above


def _faults(ignore: Ignore, finding: Finding, known: Collection[str]) -> Iterator[Finding]:
    if not ignore.reason:
        yield _fault(
            NO_REASON_RULE,
            "Ignore comment without a reason",
            "This ignore comment gives no reason, so it suppresses nothing.",
            "Write why the finding is acceptable after the closing bracket.",
            ignore,
            finding,
        )
    for rule in ignore.rules or ("",):
        if rule not in known:
            named = f"the rule {rule!r}, which no tool reports" if rule else "no rule"
            yield _fault(
                UNKNOWN_RULE,
                "Ignore comment for an unknown rule",
                f"This ignore comment names {named}.",
                "Name the rule as the report shows it, for example ignore[B602].",
                ignore,
                finding,
            )


def _fault(
    rule: str, title: str, message: str, remedy: str, ignore: Ignore, finding: Finding
) -> Finding:
    """A low finding at the comment, as reachable as the code it stands in."""
    return Finding(
        rule=rule,
        title=title,
        message=message,
        category="code",
        severity="low",
        confidence="high",
        location=Location(path=finding.location.path, line=ignore.line),
        exposure=finding.exposure,
        sources=(Source(tool="orchestrate", rule=rule),),
        remedy=remedy,
    )
