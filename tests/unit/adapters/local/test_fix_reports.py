"""The fixes in every report: told in order, counted, escaped, and valid for other programs."""

from __future__ import annotations

import json
from typing import Any

import jsonschema
import msgspec
import pytest
from markdown_it import MarkdownIt
from msgspec.structs import replace

from orchestrate.adapters.backends.local.reports.document import render_json
from orchestrate.adapters.backends.local.reports.fix_sections import MOST_FIXES
from orchestrate.adapters.backends.local.reports.markdown import MAX_CHARACTERS, render_markdown
from orchestrate.adapters.backends.local.reports.page import render_html
from orchestrate.adapters.backends.local.reports.pull_request import (
    MAX_TITLE,
    render_pull_request,
)
from orchestrate.adapters.backends.local.reports.sarif import render_sarif
from orchestrate.core.sharing.remediation import (
    NO_FIXES,
    Remediation,
    Replacement,
    remediation,
    sentence,
)
from orchestrate.core.sharing.summary import ReportDocument
from tests.packages import fetch_sdist
from tests.unit.adapters.local.hostile import PAYLOAD, hostile
from tests.unit.adapters.local.remediation_sample import (
    ABOUT,
    BRANCH,
    fix,
    fixed,
    hostile_fixes,
    not_fixed,
)
from tests.unit.adapters.local.report_sample import TIMELINE, sample
from tests.unit.adapters.local.test_report_html import Page
from tests.unit.adapters.local.test_report_markdown import kinds

HEADINGS = (
    "Findings",
    "Fixed and proven",
    "Fixed, but not verified",
    "Tried and taken back",
    "Could not be made",
    "No automatic fix",
)


def markdown(found: Remediation) -> str:
    return render_markdown(sample(), TIMELINE, version="0.1.0", fixes=found).decode("utf-8")


def page(found: Remediation) -> str:
    return render_html(sample(), TIMELINE, version="0.1.0", fixes=found).decode("utf-8")


def pull_request(found: Remediation) -> str:
    return render_pull_request(sample(), found, version="0.1.0").decode("utf-8")


def results(found: Remediation) -> dict[str, dict[str, Any]]:
    """SARIF results by rule."""
    document = json.loads(render_sarif(sample(), TIMELINE, version="0.1.0", fixes=found))
    return {each["ruleId"]: each for each in document["runs"][0]["results"]}


def many(count: int) -> Remediation:
    fixes = [replace(fix("merged", "ORC-PY-303", f"Fix {n}"), key=str(n)) for n in range(count)]
    return remediation(fixes, (), sample().findings, branch=BRANCH)


# -- both reports for people ---------------------------------------------------------------------


def test_markdown_tells_what_was_found_fixed_unproven_taken_back_and_left() -> None:
    text = markdown(fixed())

    places = [text.index(f"\n## {heading}\n") for heading in HEADINGS]
    assert places == sorted(places)
    assert text.index("5 fixes") < places[0]
    assert "before 118 passed, after 119 passed" in text
    assert f"`{BRANCH}`" in text
    unproven = text[places[2] : places[3]]
    assert "--include-unverified" in unproven
    assert "kept off\\: because of B301" in unproven
    assert f"`{fix(*ABOUT[2]).commit[:12]}`" in unproven
    assert "- 1 info: there is no codemod for this rule (`src/shop/orders.py:88`)" in text
    assert "only shuffles advertisements" not in text[places[5] :].partition("\n## ")[0]


def test_the_page_tells_the_same_in_the_same_order() -> None:
    shown = Page(page(fixed()))
    text = shown.text()
    titles = [text.index(heading) for heading in HEADINGS[1:]]

    assert shown.unbalanced == []
    assert shown.open == []
    assert titles == sorted(titles)
    assert sentence(fixed()) in text
    for each in fixed().fixes:
        assert each.title in text
        assert each.why in text
        assert each.commit in text
        for check in each.checks:
            assert check.summary in text
            assert check.command in text
    assert "-    return requests.post(URL, verify=False)" in text


def test_a_finding_on_the_page_leads_to_its_fix() -> None:
    shown = Page(page(fixed()))

    links = [value for tag, name, value in shown.attributes if (tag, name) == ("a", "href")]
    ids = [value for _, name, value in shown.attributes if name == "id"]
    assert len(ids) == len(set(ids))
    to_fixes = [link[1:] for link in links if link.startswith("#fix-")]
    assert sorted(to_fixes) == [f"fix-{n}" for n in range(1, 6)]
    assert all(link[1:] in ids for link in links if link.startswith("#"))


def test_without_fixes_asked_for_no_report_speaks_of_any() -> None:
    assert "fix" not in markdown(NO_FIXES).partition("\n## ")[0].lower()
    assert not any(f"\n## {heading}\n" in markdown(NO_FIXES) for heading in HEADINGS[1:])
    assert 'class="fix' not in page(NO_FIXES)
    assert pull_request(NO_FIXES) == ""


def test_a_plan_that_was_not_made_is_said() -> None:
    found = remediation((), (), (), branch=BRANCH, problem="the plan of fixes was not made")

    assert "No fix was tried\\: the plan of fixes was not made" in markdown(found)
    assert "No fix was tried: the plan of fixes was not made" in page(found)


def test_long_lists_are_cut_and_it_is_said() -> None:
    found = many(MOST_FIXES + 5)
    text = markdown(found)

    assert len(text) <= MAX_CHARACTERS
    assert "more in `report.html`" in text.partition("## Fixed and proven")[2]
    assert page(found).count('<details class="fix ') == MOST_FIXES
    assert "5 more fixes are in" in page(found)
    assert len(pull_request(found)) <= MAX_CHARACTERS


# -- the pull request ----------------------------------------------------------------------------


def test_the_pull_request_has_a_title_evidence_and_commands() -> None:
    text = pull_request(fixed())
    title, _, body = text.partition("\n")

    assert title == "Fix 2 security findings"
    assert len(title) <= MAX_TITLE
    for each in fixed().standing("merged", "unverified"):
        assert f"`{each.commit[:12]}`" in body
        assert f"`{each.test}`" in body
        assert f"    python -I {each.test}\n" in body
    assert "before 118 passed, after 119 passed" in body
    assert "    python -m pytest tests\n" in body
    assert f"    git switch {BRANCH}\n" in body
    assert (
        "Tests of the repository, compared with those before the fix: 1 passed, 1 unknown" in body
    )
    left = body.partition("## What is not fixed")[2]
    assert "(taken back): taken back\\: because of B602" in left
    assert "1 finding (1 info): there is no codemod for this rule" in left


def test_one_fix_gives_the_pull_request_its_own_title() -> None:
    def titled(title: str) -> str:
        found = replace(fixed(), fixes=(fix("merged", "ORC-PY-303", title),))
        return pull_request(found).partition("\n")[0]

    assert titled("Verify the certificate in pay_now") == "Verify the certificate in pay_now"
    assert len(titled("word " * 40)) <= MAX_TITLE
    assert titled("Ask @team <b>") == "Fix a security finding"


@pytest.mark.parametrize("standing", ["kept off", "taken back", "failed", "unfinished"])
def test_without_a_fix_on_the_branch_there_is_no_pull_request(standing: Any) -> None:
    found = replace(fixed(), fixes=(fix(standing, "ORC-PY-303", "Verify"),))
    assert pull_request(found) == ""


# -- hostile repositories ------------------------------------------------------------------------


def test_hostile_fixes_add_no_markup_to_markdown() -> None:
    for render in (markdown, pull_request):
        harmless, spoiled = kinds(render(fixed())), kinds(render(hostile_fixes()))
        # The comment that parts a mention is ours.
        assert spoiled - harmless <= {"html_inline"}
        assert "link_open" not in spoiled
    tokens = MarkdownIt("commonmark").parse(pull_request(hostile_fixes()))
    code = [token.content for token in tokens if token.type == "code_block"]
    assert any("onerror" in text for text in code), "what is shown as a command is code"


def test_hostile_fixes_add_no_element_and_no_attribute_to_the_page() -> None:
    harmless, spoiled = Page(page(fixed())), Page(page(hostile_fixes()))

    assert spoiled.unbalanced == []
    assert set(spoiled.elements) == set(harmless.elements)
    assert spoiled.elements["script"] == harmless.elements["script"] == 1
    names = {name for _, name, _ in harmless.attributes}
    assert {name for _, name, _ in spoiled.attributes} <= names
    assert "⟨U+202E⟩" in spoiled.text()
    assert "\u202e" not in page(hostile_fixes())


# -- reports for programs ------------------------------------------------------------------------


def test_json_holds_the_fixes_and_their_totals() -> None:
    data = render_json(sample(), TIMELINE, version="0.1.0", fixes=fixed())
    read = json.loads(data)

    assert read["remediation"]["totals"] == {
        "merged": 1,
        "unverified": 1,
        "kept off": 1,
        "taken back": 1,
        "failed": 1,
        "unfinished": 0,
    }
    assert len(read["remediation"]["fixes"]) == 5
    assert msgspec.json.decode(data, type=ReportDocument).remediation == fixed()


def test_sarif_offers_what_may_be_applied_and_nothing_that_failed() -> None:
    found = results(fixed())

    offered = {rule for rule, result in found.items() if "fixes" in result}
    assert offered == {"ORC-PY-303", "B301", "ORC-PY-302"}
    (offer,) = found["ORC-PY-303"]["fixes"]
    (change,) = offer["artifactChanges"]
    assert change["artifactLocation"] == {"uri": "src/shop/pay.py", "uriBaseId": "SRCROOT"}
    assert change["replacements"] == [
        {
            "deletedRegion": {"startLine": 30, "startColumn": 1, "endLine": 31, "endColumn": 1},
            "insertedContent": {"text": "    return requests.post(URL)\n"},
        }
    ]
    assert "proven and merged" in offer["description"]["text"]


def test_sarif_says_nothing_of_a_fix_whose_place_is_not_known() -> None:
    unplaced = tuple(replace(each, replacements=()) for each in fixed().fixes)
    assert not any(
        "fixes" in result for result in results(replace(fixed(), fixes=unplaced)).values()
    )


@pytest.mark.packages
@pytest.mark.parametrize("found", [fixed(), hostile_fixes()], ids=["sample", "hostile"])
def test_sarif_with_fixes_is_valid_by_the_schema_of_the_standard(found: Remediation) -> None:
    schema = json.loads(
        (fetch_sdist("sarif-om", "1.0.4") / "sarif-2.1.0-rtm.4.json").read_text("utf-8")
    )
    removed = replace(
        found.fixes[0],
        replacements=(Replacement("a b/ü.py", 1, 2, ""), Replacement("z.py", 3, 0, "x\n")),
    )
    found = replace(found, fixes=(removed, *found.fixes[1:]))
    analysis = hostile(sample()) if PAYLOAD in found.fixes[1].title else sample()
    document = json.loads(render_sarif(analysis, TIMELINE, version="0.1.0", fixes=found))
    validator = jsonschema.Draft4Validator(schema, format_checker=jsonschema.FormatChecker())

    assert [error.message for error in validator.iter_errors(document)] == []


def test_the_same_fixes_give_the_same_bytes() -> None:
    assert page(fixed()) == page(fixed())
    assert len(not_fixed()) == 3, "the sample leaves a suppressed one as well"
