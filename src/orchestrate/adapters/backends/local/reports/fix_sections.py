"""The fixes on the page: cards with checks and diff by what became of them, and what has none."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from orchestrate.adapters.backends.local.reports.markup import (
    code,
    left_out,
    section,
    severity_sign,
    table,
)
from orchestrate.adapters.backends.local.reports.visible import html_text as h
from orchestrate.adapters.backends.local.reports.visible import one_line
from orchestrate.core.sharing.remediation import (
    FixCheck,
    FixOutcome,
    NotFixed,
    Reason,
    Remediation,
    Standing,
    behaviour,
    check_of,
    reasons,
)

MOST_FIXES = 200
_MOST_ROWS = 300
_MOST_DIFF_LINES = 400
_LONGEST_LINE = 300
#: Anchor, title, lead and standings of each section, in the order of the page.
_SECTIONS: tuple[tuple[str, str, str, frozenset[Standing]], ...] = (
    (
        "fixed",
        "Fixed and proven",
        "Each in a commit of its own. The security test fails without the fix and passes with it, a"
        " second scan finds neither the flaw nor a new one, and no test that passed before fails.",
        frozenset({"merged"}),
    ),
    (
        "unverified",
        "Fixed, but not verified",
        "Whether these are right could not be found out. They stay off the branch unless"
        " --include-unverified is given; each is a commit of its own, to be looked at with"
        " “git show” and taken with “git cherry-pick”.",
        frozenset({"unverified", "kept off"}),
    ),
    (
        "taken-back",
        "Tried and taken back",
        "Made, and then a check failed. They are not on the branch.",
        frozenset({"taken back"}),
    ),
    (
        "not-made",
        "Could not be made",
        "A fix was planned, and nothing came of it that could be merged.",
        frozenset({"failed", "unfinished"}),
    ),
)


def fix_sections(found: Remediation) -> dict[str, str]:
    """Anchor -> section, for each that has something to say."""
    numbered = list(enumerate(found.fixes, start=1))
    made = {}
    for name, title, lead, standings in _SECTIONS:
        chosen = [(number, fix) for number, fix in numbered if fix.standing in standings]
        cards = "".join(_card(number, fix) for number, fix in chosen[:MOST_FIXES])
        cards += left_out(len(chosen), MOST_FIXES, "fixes")
        made[name] = section(name, title, cards, lead)
    made["not-fixed"] = section(
        "not-fixed",
        "No automatic fix",
        "".join(_reason(each) for each in reasons(found.not_fixed)),
        "Findings nobody tried to fix, by the reason.",
    )
    return made


def counts(found: Remediation) -> dict[str, tuple[str, int]]:
    """Anchor -> what the contents call the section, and how much it holds."""
    short = {
        "fixed": "Fixed",
        "unverified": "Not verified",
        "taken-back": "Taken back",
        "not-made": "Not made",
    }
    listed = {
        name: (short.get(name, title), len(found.standing(*standings)))
        for name, title, _, standings in _SECTIONS
    }
    return {**listed, "not-fixed": ("No fix", len(found.not_fixed))}


def _card(number: int, fix: FixOutcome) -> str:
    state = fix.standing.replace(" ", "-")
    facts = "".join(f"<dt>{name}</dt><dd>{body}</dd>" for name, body in _facts(fix) if body)
    why = f"<p>{h(fix.why)}</p>" if fix.why else ""
    return (
        f'<details class="fix {state}" id="fix-{number}">'
        f'<summary><span class="rank">{number}</span>{severity_sign(fix.severity)}'
        f'<span class="title">{h(one_line(fix.title, 160))}</span>'
        f'<span class="where">{code(f"{fix.path}:{fix.line}")}</span>'
        f'<span class="tag">{fix.standing}</span></summary>'
        f'<div class="detail">{why}{_checks(fix)}{_diff(fix)}<dl>{facts}</dl></div></details>\n'
    )


def _facts(fix: FixOutcome) -> Iterable[tuple[str, str]]:
    yield "Commit", code(fix.commit) if fix.commit else ""
    yield "On the branch as", code(fix.merged) if fix.merged and fix.merged != fix.commit else ""
    yield "Rule", code(fix.rule)
    yield "In", code(fix.symbol) if fix.symbol else ""
    yield (
        "Security test",
        code(fix.test) if fix.test else "Not kept: the project has no tests.",
    )
    yield "Behaves differently", "<br>".join(h(behaviour(note)) for note in fix.notes)
    yield "Fingerprints", " ".join(code(mark) for mark in fix.fingerprints)


def _checks(fix: FixOutcome) -> str:
    rows = (
        (h(_name(check)), _verdict(check), h(check.before), h(check.summary), _command(check))
        for check in fix.checks
    )
    headers = ("_Check", "_Verdict", "Before the fix", "With the fix", "_Command")
    listed = table(f"Checks of {one_line(fix.title, 120)}", headers, rows)
    if check_of(fix, "tests") is None and fix.standing in ("kept off", "unverified", "taken back"):
        listed += '<p class="lead">The tests of the repository were not run for it.</p>'
    return listed


def _name(check: FixCheck) -> str:
    known = {"proof": "Security test", "re-scan": "Second scan", "tests": "Tests"}
    return known.get(check.kind, check.name)


def _verdict(check: FixCheck) -> str:
    kind = {"passed": "ran", "failed": "bad", "unknown": "not"}[check.verdict]
    return f'<span class="status {kind}">{check.verdict}</span>'


def _command(check: FixCheck) -> str:
    return code(check.command) if check.command else ""


def _diff(fix: FixOutcome) -> str:
    """The changed lines; a sign at the front of each says the same as the colour."""
    if not fix.diff:
        return ""
    lines = fix.diff.rstrip("\n").split("\n")
    rows = "".join(
        f'<span class="line{_side(text)}">{h(_cut(text))}\n</span>'
        for text in lines[:_MOST_DIFF_LINES]
    )
    label = h(f"What {fix.title} changes")
    return (
        f'<pre class="source diff" tabindex="0" role="region" aria-label="{label}">{rows}</pre>'
        + left_out(len(lines), _MOST_DIFF_LINES, "lines")
    )


def _side(text: str) -> str:
    if text.startswith(("---", "+++", "@@")):
        return " about"
    return {"+": " added", "-": " removed"}.get(text[:1], "")


def _cut(text: str) -> str:
    return text if len(text) <= _LONGEST_LINE else text[:_LONGEST_LINE] + "…"


def _reason(reason: Reason) -> str:
    counted = ", ".join(f"{count} {level}" for level, count in reason.counts.items())
    rows = [_row(each) for each in reason.findings[:_MOST_ROWS]]
    listed = table(one_line(reason.reason, 200), ("Severity", "Finding", "Where", "Rule"), rows)
    listed += left_out(len(reason.findings), _MOST_ROWS, "findings")
    said = h(one_line(reason.reason, 200))
    head = f'<summary>{said} <span class="count">{counted}</span></summary>'
    return f"<details>{head}{listed}</details>"


def _row(each: NotFixed) -> Sequence[str]:
    place = code(f"{each.path}:{each.line}")
    return severity_sign(each.severity), h(one_line(each.title, 160)), place, code(each.rule)
