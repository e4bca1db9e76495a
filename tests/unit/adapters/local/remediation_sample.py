"""Fixes of every standing for the findings of `report_sample`."""

from __future__ import annotations

from typing import Any

import msgspec

from orchestrate.core.sharing.findings import Analysis
from orchestrate.core.sharing.remediation import (
    CheckKind,
    FixCheck,
    FixOutcome,
    NotFixed,
    Remediation,
    Replacement,
    Standing,
    remediation,
)
from tests.unit.adapters.local.hostile import PAYLOAD
from tests.unit.adapters.local.report_sample import sample

BRANCH = "orchestrate/k3v7m2qa"
DIFF = (
    "--- a/src/shop/pay.py\n"
    "+++ b/src/shop/pay.py\n"
    "@@ -28,4 +28,4 @@\n"
    " def charge(card):\n"
    "-    return requests.post(URL, verify=False)\n"
    "+    return requests.post(URL)\n"
    " \n"
    " \n"
)
PASSED = FixCheck("tests", "remediation/tests", "passed", "119 passed", "118 passed",
                  "python -m pytest tests", "a" * 64)  # fmt: skip
UNKNOWN = FixCheck("tests", "remediation/tests", "unknown",
                   "no test could be loaded: tests/test_shop.py: ModuleNotFoundError")  # fmt: skip
FAILED = FixCheck("tests", "remediation/tests", "failed",
                  "117 passed, 2 failed; newly failing: test_images, test_sizes",
                  "118 passed")  # fmt: skip
#: Standing -> the checks of a fix that stands so.
TESTS: dict[Standing, FixCheck | None] = {
    "merged": PASSED,
    "unverified": UNKNOWN,
    "kept off": UNKNOWN,
    "taken back": FAILED,
    "failed": None,
    "unfinished": None,
}
ABOUT: tuple[tuple[Standing, str, str], ...] = (
    ("merged", "ORC-PY-303", "Verify the certificate in charge"),
    ("taken back", "B602", "Call the program without a shell in thumbnail"),
    ("kept off", "B301", "Load plain data in cached"),
    ("unverified", "ORC-PY-302", "Say that the hash is not for security in sign"),
    ("failed", "DEP-1", "Raise Flask from 0.12.2 to 0.12.3"),
)


def _check(kind: CheckKind, name: str, said: str, command: str = "") -> FixCheck:
    return FixCheck(kind, name, "passed", said, command=command)


def fix(standing: Standing, rule: str, title: str, **changes: Any) -> FixOutcome:
    """The fix of the sample's finding under `rule`."""
    (finding,) = [f for f in sample().findings if rule in (f.rule, *(s.rule for s in f.sources))]
    place, tests = finding.location, TESTS[standing]
    test = f"tests/test_security_{rule.lower().replace('-', '_')}.py"
    made = standing not in ("failed", "unfinished")
    checks = (
        _check("proof", f"security test of {rule}", "failed before, passed after",
               f"python -I {test}"),
        _check("re-scan", "re-scan", "gone, and nothing new"),
        *((tests,) if tests is not None else ()),
    )  # fmt: skip
    outcome = FixOutcome(
        key=rule.lower(),
        task=f"fix.{rule.lower()}",
        rule=finding.rule,
        title=title,
        severity=finding.severity,
        path=place.path,
        line=place.line,
        standing=standing,
        symbol=finding.symbol,
        codemod="tls-verified",
        why="" if standing == "merged" else f"{standing}: because of {rule}",
        fingerprints=(finding.fingerprint,),
        paths=(place.path, test) if made else (),
        commit=f"{len(title):02x}" * 20 if made else "",
        merged="cd" * 20 if standing in ("merged", "unverified") else "",
        test=test,
        diff=DIFF.replace("src/shop/pay.py", place.path) if made else "",
        replacements=(Replacement(place.path, 30, 1, "    return requests.post(URL)\n"),)
        if made
        else (),
        checks=checks if made else (),
        notes=("behaviour: a wrong certificate is an error now",) if made else (),
    )
    return msgspec.structs.replace(outcome, **changes)


def not_fixed() -> tuple[NotFixed, ...]:
    """What the sample's plan left, a suppressed finding among it."""
    left = {"B101": "it stands in test code", "ORC-PY-702": "there is no codemod for this rule"}
    analysis = sample()
    return tuple(
        NotFixed(
            f.rule,
            f.fingerprint,
            f.location.path,
            f.location.line,
            f.severity,
            f.title,
            left.get(f.rule, f"suppressed: {f.suppressed}"),
        )
        for f in (*analysis.findings, *analysis.suppressed)
        if f.rule in left or f.suppressed
    )


def fixed(analysis: Analysis | None = None) -> Remediation:
    """One fix of each standing that a finished run has, and two findings without one."""
    fixes = [fix(*about) for about in ABOUT]
    findings = (analysis or sample()).findings
    return remediation(fixes, not_fixed(), findings, branch=BRANCH)


def hostile_fixes() -> Remediation:
    """`fixed()` with hostile text wherever a repository or its tests can put any."""

    def spoil(text: str) -> str:
        return f"{text} {PAYLOAD}" if text else text

    found = fixed()
    replace = msgspec.structs.replace
    return replace(
        found,
        fixes=tuple(
            replace(
                each,
                title=spoil(each.title),
                path=spoil(each.path),
                symbol=spoil(each.symbol or "f"),
                why=spoil(each.why),
                test=spoil(each.test),
                diff=each.diff and f"{each.diff}+{PAYLOAD}\n",
                notes=tuple(map(spoil, each.notes)),
                checks=tuple(
                    replace(
                        check,
                        summary=spoil(check.summary),
                        before=spoil(check.before),
                        command=spoil(check.command),
                    )
                    for check in each.checks
                ),
            )
            for each in found.fixes
        ),
        not_fixed=tuple(
            replace(each, path=spoil(each.path), title=spoil(each.title), reason=spoil(each.reason))
            for each in found.not_fixed
        ),
    )
