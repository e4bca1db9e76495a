"""The base score of a CVSS version 3 vector.

Metrics, weights and equations: "Common Vulnerability Scoring System v3.1: Specification Document",
FIRST, sections 7.1 (base equations), 7.4 (metric values), 5 (rating scale) and appendix A
(rounding up); for `CVSS:3.0` vectors the same equations with 3.0's rounding.
"""

from __future__ import annotations

import math

from orchestrate.core.sharing.findings import Severity

_ATTACK_VECTOR = {"N": 0.85, "A": 0.62, "L": 0.55, "P": 0.2}
_COMPLEXITY = {"L": 0.77, "H": 0.44}
_PRIVILEGES = {"U": {"N": 0.85, "L": 0.62, "H": 0.27}, "C": {"N": 0.85, "L": 0.68, "H": 0.5}}
_INTERACTION = {"N": 0.85, "R": 0.62}
_IMPACT = {"H": 0.56, "L": 0.22, "N": 0.0}


def base_score(vector: str) -> float:
    """The base score, 0.0 to 10.0.

    Raises:
        ValueError: not a version 3.0 or 3.1 vector with all eight base metrics.
    """
    head, *parts = vector.strip().split("/")
    if head not in {"CVSS:3.0", "CVSS:3.1"}:
        raise ValueError(f"not a CVSS version 3 vector: {vector!r}")
    metrics = dict(part.split(":", 1) for part in parts if ":" in part)
    try:
        scope = metrics["S"]
        exploitability = (
            8.22
            * _ATTACK_VECTOR[metrics["AV"]]
            * _COMPLEXITY[metrics["AC"]]
            * _PRIVILEGES[scope][metrics["PR"]]
            * _INTERACTION[metrics["UI"]]
        )
        loss = 1.0 - math.prod(1.0 - _IMPACT[metrics[name]] for name in ("C", "I", "A"))
    except KeyError as error:
        raise ValueError(f"{vector!r}: metric or value {error} is missing or unknown") from None
    if scope == "U":
        impact = 6.42 * loss
    else:
        impact = 7.52 * (loss - 0.029) - 3.25 * (loss - 0.02) ** 15
    if impact <= 0:
        return 0.0
    total = impact + exploitability if scope == "U" else 1.08 * (impact + exploitability)
    return _rounded_up(min(total, 10.0), exact=head == "CVSS:3.1")


def rating(score: float) -> Severity:
    """The qualitative rating of a base score; "none" is our "info"."""
    if score >= 9.0:
        return "critical"
    if score >= 7.0:
        return "high"
    if score >= 4.0:
        return "medium"
    return "low" if score > 0 else "info"


def _rounded_up(value: float, *, exact: bool) -> float:
    """Up to one decimal; version 3.1 avoids what floating point adds (its appendix A)."""
    if not exact:
        return math.ceil(value * 10) / 10
    whole = round(value * 100_000)
    return whole / 100_000 if whole % 10_000 == 0 else (whole // 10_000 + 1) / 10
