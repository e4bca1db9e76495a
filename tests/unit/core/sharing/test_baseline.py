from __future__ import annotations

import json

import msgspec
import pytest

from orchestrate.core.sharing.baseline import (
    Baseline,
    BaselineEntry,
    apply_baseline,
    encode_baseline,
    parse_baseline,
    stale_entries,
    updated_baseline,
)
from orchestrate.core.sharing.findings import Analysis, Finding, Location
from orchestrate.errors import DefinitionError


def finding(fingerprint: str, *others: str) -> Finding:
    listed = {"fingerprints": " ".join((fingerprint, *others))} if others else {}
    return Finding(
        rule="R",
        title="t",
        message="m",
        category="code",
        severity="high",
        confidence="high",
        location=Location("a.py", 3),
        fingerprint=fingerprint,
        properties=listed,
    )


def entry(*fingerprints: str, reason: str = "accepted") -> BaselineEntry:
    return BaselineEntry(fingerprints, "R", "a.py", reason, "2025-03-01")


def test_a_matching_entry_suppresses_with_its_reason_and_date() -> None:
    standing, suppressed = apply_baseline(
        (finding("aa"), finding("bb")), Baseline(entries=(entry("aa"),))
    )

    assert [each.fingerprint for each in standing] == ["bb"]
    assert suppressed[0].suppressed == "baseline: accepted (2025-03-01)"


def test_a_merged_finding_matches_by_any_of_its_fingerprints() -> None:
    merged = finding("aa", "bb", "cc")

    assert apply_baseline((merged,), Baseline(entries=(entry("xx", "cc"),)))[0] == ()
    assert stale_entries(Baseline(entries=(entry("cc"), entry("dd"))), [merged]) == (entry("dd"),)


def test_update_accepts_what_stands_keeps_what_matches_and_drops_what_is_stale() -> None:
    known = msgspec.structs.replace(finding("aa"), suppressed="baseline: accepted (2025-03-01)")
    analysis = Analysis(subject="s", findings=(finding("bb"),), suppressed=(known,))

    update = updated_baseline(
        Baseline(entries=(entry("aa"), entry("gone"))), analysis, reason="new", date="2025-04-01"
    )

    assert update.baseline.entries == (
        entry("aa"),
        BaselineEntry(("bb",), "R", "a.py", "new", "2025-04-01"),
    )
    assert update.stale == (entry("gone"),)
    assert [each.date for each in update.added] == ["2025-04-01"]


def test_update_does_not_list_a_finding_twice_when_the_baseline_was_not_applied() -> None:
    analysis = Analysis(subject="s", findings=(finding("aa"),))

    update = updated_baseline(
        Baseline(entries=(entry("aa"),)), analysis, reason="again", date="2025-04-01"
    )

    assert update.baseline.entries == (entry("aa"),)
    assert update.added == ()


def test_update_keeps_stale_entries_when_something_is_unknown() -> None:
    analysis = Analysis(subject="s", unknown=("bandit: crashed",))

    update = updated_baseline(
        Baseline(entries=(entry("aa"),)), analysis, reason="r", date="2025-04-01"
    )

    assert update.baseline.entries == (entry("aa"),)
    assert update.stale == (entry("aa"),)


def test_what_is_written_can_be_read_and_does_not_depend_on_order() -> None:
    one = Baseline(entries=(entry("aa"), entry("bb")))
    other = Baseline(entries=(entry("bb"), entry("aa")))

    assert encode_baseline(one) == encode_baseline(other)
    assert parse_baseline(encode_baseline(one), "b.json") == one
    assert json.loads(encode_baseline(Baseline())) == {"version": 1, "entries": []}


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (b"", "not a baseline file"),
        (b"[]", "not a baseline file"),
        (b'{"version": 2, "entries": []}', "version"),
        (b'{"version": 1, "entries": [{"fingerprints": ["a"]}]}', "entries[0]"),
        (b'{"version": 1, "entrys": []}', "entrys"),
        (b"\xff\xfe", "not a baseline file"),
    ],
)
def test_a_wrong_file_is_refused_with_its_name_and_the_fault(data: bytes, said: str) -> None:
    with pytest.raises(DefinitionError) as caught:
        parse_baseline(data, "base.json")

    assert caught.value.message.startswith("base.json: ")
    assert said in caught.value.message
    assert "--update-baseline" in caught.value.remedy


@pytest.mark.parametrize("wrong", [entry("aa", reason=" "), entry(), entry("")])
def test_an_entry_without_reason_or_fingerprint_is_refused(wrong: BaselineEntry) -> None:
    with pytest.raises(DefinitionError, match="entry 1"):
        parse_baseline(encode_baseline(Baseline(entries=(wrong,))), "base.json")
