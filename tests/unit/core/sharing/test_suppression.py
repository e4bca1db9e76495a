from __future__ import annotations

import pytest

from orchestrate.core.sharing.findings import Finding, Location, Source
from orchestrate.core.sharing.suppression import (
    NO_REASON_RULE,
    UNKNOWN_RULE,
    apply_ignores,
    parse_ignore,
    wanted_lines,
)

CALL = "subprocess.run(command, shell=True)"


def finding(line: int = 5, rule: str = "ORC-PY-101") -> Finding:
    return Finding(
        rule=rule,
        title="t",
        message="m",
        category="code",
        severity="high",
        confidence="high",
        location=Location("src/app.py", line),
        exposure="build",
        sources=(Source("bandit", "B602"),),
        fingerprint=f"f{line}",
    )


def lines(**numbered: str) -> dict[str, dict[int, str]]:
    return {"src/app.py": {int(key.lstrip("l")): text for key, text in numbered.items()}}


@pytest.mark.parametrize("rule", ["ORC-PY-101", "B602", "bandit:B602", "B101, B602"])
def test_a_reasoned_comment_on_the_line_suppresses(rule: str) -> None:
    source = lines(l5=f"{CALL}  # orchestrate: ignore[{rule}] fixed string, see ADR 4")

    standing, suppressed = apply_ignores((finding(),), source)

    assert standing == ()
    assert suppressed[0].suppressed == "inline: fixed string, see ADR 4 (src/app.py:5)"


def test_a_comment_alone_on_the_line_above_suppresses() -> None:
    source = lines(l4="    # orchestrate: ignore[B602] fixed string", l5=CALL)

    assert len(apply_ignores((finding(),), source)[1]) == 1


def test_a_comment_behind_the_previous_statement_is_not_about_the_next_one() -> None:
    source = lines(l4=f"{CALL}  # orchestrate: ignore[B602] fixed string", l5=CALL)

    standing, suppressed = apply_ignores((finding(5),), source)

    assert (len(standing), suppressed) == (1, ())


@pytest.mark.parametrize("reason", ["", "   ", " -- ", " ."])
def test_a_comment_without_a_reason_does_not_suppress_and_is_reported(reason: str) -> None:
    source = lines(l5=f"{CALL}  # orchestrate: ignore[B602]{reason}")

    standing, suppressed = apply_ignores((finding(),), source)

    assert suppressed == ()
    assert [each.rule for each in standing] == ["ORC-PY-101", NO_REASON_RULE]
    fault = standing[1]
    assert (fault.severity, fault.exposure, fault.location.line) == ("low", "build", 5)


def test_an_unknown_rule_is_reported_once_and_a_known_other_one_is_not() -> None:
    source = lines(l5=f"{CALL}  # orchestrate: ignore[B999, B101, ORC-PY-9] reason")

    standing, suppressed = apply_ignores(
        (finding(), finding(rule="other")), source, rules=("ORC-PY-9",)
    )

    assert suppressed == ()
    assert [each.rule for each in standing] == ["ORC-PY-101", "other", UNKNOWN_RULE]
    assert "'B999'" in standing[-1].message


def test_a_comment_that_names_no_rule_suppresses_nothing() -> None:
    source = lines(l5=f"{CALL}  # orchestrate: ignore[] everything")

    standing, suppressed = apply_ignores((finding(),), source)

    assert suppressed == ()
    assert standing[-1].rule == UNKNOWN_RULE


@pytest.mark.parametrize(
    "text", ["# orchestrate: ignore B602 reason", "orchestrate: ignore[B602] reason", "# noqa", ""]
)
def test_other_text_is_not_an_ignore_comment(text: str) -> None:
    assert parse_ignore(text, 1) is None


def test_only_the_line_and_the_one_above_are_needed() -> None:
    assert wanted_lines((finding(1), finding(5))) == {"src/app.py": {1, 4, 5}}
