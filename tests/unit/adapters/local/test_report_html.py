"""The page: complete, honest, self-contained, and deaf to what the repository says."""

from __future__ import annotations

import json
import re
import unicodedata
from base64 import b64encode
from collections import Counter
from hashlib import sha256
from html.parser import HTMLParser

import msgspec
import pytest

from orchestrate.adapters.backends.local.reports.findings_list import MOST_CARDS, MOST_LISTED
from orchestrate.adapters.backends.local.reports.page import render_html
from orchestrate.core.sharing.findings import Analysis, ToolRun
from tests.unit.adapters.local.hostile import PAYLOAD, hostile
from tests.unit.adapters.local.report_sample import TIMELINE, many, sample


class Page(HTMLParser):
    """Elements, attributes and text of a page, as a parser that is not ours sees them."""

    VOID = frozenset({"meta", "input", "img", "br", "link"})

    def __init__(self, html: str) -> None:
        super().__init__(convert_charrefs=True)
        self.elements: Counter[str] = Counter()
        self.attributes: list[tuple[str, str, str]] = []
        self.texts: dict[str, list[str]] = {}
        self.open: list[str] = []
        self.unbalanced: list[str] = []
        self.feed(html)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements[tag] += 1
        self.attributes += [(tag, name, value or "") for name, value in attrs]
        if tag not in self.VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements[tag] += 1
        self.attributes += [(tag, name, value or "") for name, value in attrs]

    def handle_endtag(self, tag: str) -> None:
        if not self.open or self.open.pop() != tag:
            self.unbalanced.append(tag)

    def handle_data(self, data: str) -> None:
        self.texts.setdefault(self.open[-1] if self.open else "", []).append(data)

    def text(self) -> str:
        """All text but code and style."""
        return " ".join(
            part for tag, parts in self.texts.items() if tag not in {"script", "style"}
            for part in parts
        )  # fmt: skip


def html_of(analysis: Analysis) -> str:
    return render_html(analysis, TIMELINE, version="0.1.0").decode("utf-8")


def test_every_element_is_closed_in_order() -> None:
    page = Page(html_of(sample()))

    assert page.unbalanced == []
    assert page.open == []


def test_hostile_text_adds_no_element_and_no_attribute() -> None:
    harmless, spoiled = Page(html_of(sample())), Page(html_of(hostile(sample())))

    assert spoiled.unbalanced == []
    assert set(spoiled.elements) <= set(harmless.elements) | {"details"}
    assert spoiled.elements["script"] == harmless.elements["script"] == 1
    assert {name for _, name, _ in spoiled.attributes} <= {n for _, n, _ in harmless.attributes}
    assert not [name for _, name, _ in spoiled.attributes if name.startswith("on")]


def test_hostile_text_is_shown_as_it_is_with_hidden_characters_named() -> None:
    page = Page(html_of(hostile(sample())))

    assert "<img src=x onerror=alert(2)>" in page.text()
    assert "⟨U+202E⟩desrever⟨U+2066⟩⟨U+200B⟩⟨U+FEFF⟩⟨U+001B⟩[31m⟨U+0000⟩" in page.text()
    assert "{{style}}" in page.text()


def test_no_control_or_bidirectional_character_is_in_the_page() -> None:
    page = html_of(hostile(sample()))

    hidden = {c for c in page if unicodedata.category(c) in {"Cc", "Cf", "Cs", "Zl", "Zp"}}
    assert hidden <= {"\n", "\t"}


def test_links_are_only_https_and_only_to_where_weaknesses_are_described() -> None:
    spoiled = Page(html_of(hostile(sample())))

    links = [value for tag, name, value in spoiled.attributes if (tag, name) == ("a", "href")]
    away = [value for value in links if not value.startswith("#")]
    assert away
    assert all(url.startswith("https://cwe.mitre.org/data/definitions/") for url in away)
    loaded = {"src", "srcset", "data", "poster", "action", "style", "xlink:href"}
    assert not [entry for entry in spoiled.attributes if entry[1] in loaded]


def test_policy_allows_exactly_the_style_and_script_in_the_page() -> None:
    html = html_of(sample())
    page = Page(html)
    style, script = "".join(page.texts["style"]), "".join(page.texts["script"])
    (policy,) = [v for _, n, v in page.attributes if n == "content" and "default-src" in v]

    def digest(text: str) -> str:
        return b64encode(sha256(text.encode("utf-8")).digest()).decode("ascii")

    assert policy.startswith("default-src 'none'; ")
    assert f"style-src 'sha256-{digest(style)}'" in policy
    assert f"script-src 'sha256-{digest(script)}'" in policy
    assert "unsafe" not in policy


def test_everything_in_the_analysis_is_on_the_page() -> None:
    text = Page(html_of(sample())).text()

    for finding in (*sample().findings, *sample().suppressed):
        assert finding.title in text
        assert f"{finding.location.path}:{finding.location.line}" in text
    for finding in sample().findings:
        assert finding.why in text
    for words in (
        *sample().unknown,
        "CWE-78: OS command injection",
        "shop.orders → shop.pay → shop.orders",
        "only shuffles advertisements",
        "JavaScript: no analysis for this language",
        "requests.get",
        "BSD-3-Clause",
        "console script",
        "2 imports could not be resolved.",
        "could not reach its data",
        "vulnerability-scan",
        "4 of 6",
    ):
        assert words in text, words


def test_the_line_of_a_finding_is_marked_in_its_code() -> None:
    html = html_of(sample())

    hits = re.findall(r'<span class="line hit" data-n="(\d+)">', html)
    assert hits == ["43", "18"]


@pytest.mark.parametrize(
    ("unknown", "tools", "outcome", "said"),
    [
        ((), 2, "none", "No findings; all 2 tools ran to the end."),
        (("audit: no data",), 2, "unknown", "this scan is not conclusive"),
        ((), 0, "unknown", "Nothing was looked at: no tool ran."),
    ],
)
def test_verdict_without_findings_is_clean_only_when_everything_looked(
    unknown: tuple[str, ...], tools: int, outcome: str, said: str
) -> None:
    runs = tuple(ToolRun(f"tool{n}", "1", "ran") for n in range(tools))

    page = Page(html_of(Analysis(subject="s", tools=runs, unknown=unknown)))

    assert ("p", "class", f"verdict {outcome}") in page.attributes
    assert said in page.text()


def test_charts_carry_the_counts_they_draw() -> None:
    html = html_of(sample())
    charts = re.findall(r'<svg class="chart".*?</svg>', html, re.DOTALL)

    numbers = [re.findall(r'class="number"[^>]*>([\d,]+)<', chart) for chart in charts]
    assert numbers == [["1", "2", "2", "1", "1"], ["5", "0", "1", "0", "1"]]


def test_five_thousand_findings_keep_the_page_small_and_all_of_them_listed() -> None:
    html = html_of(many(5_000))
    (data,) = re.findall(r'<script type="application/json" id="rest-data">(.*?)</script>', html)

    rest = json.loads(data)
    assert html.count('class="finding ') == MOST_CARDS
    assert [row[0] for row in rest] == list(range(MOST_CARDS + 1, 5_001))
    assert "4,600 less urgent findings have no card here" in Page(html).text()
    assert len(html.encode()) < 4_000_000


def test_what_is_beyond_the_list_is_said() -> None:
    html = html_of(many(MOST_CARDS + MOST_LISTED + 7))

    assert "7 more are only in" in Page(html).text()


def test_embedded_data_cannot_end_its_element() -> None:
    analysis = many(MOST_CARDS + 3)
    spoiled = tuple(msgspec.structs.replace(f, title=PAYLOAD) for f in analysis.findings)
    html = html_of(msgspec.structs.replace(analysis, findings=spoiled))

    (data,) = re.findall(r'<script type="application/json" id="rest-data">(.*?)</script>', html)
    assert json.loads(data)[0][5].startswith("</script></title>")
    assert Page(html).elements["script"] == 2


def test_the_same_analysis_gives_the_same_page() -> None:
    assert html_of(sample()) == html_of(sample())
