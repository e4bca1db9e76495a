"""Every relative link in the documentation leads somewhere, to the heading it names."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from urllib.parse import unquote, urlsplit

import pytest
from markdown_it import MarkdownIt
from markdown_it.token import Token

ROOT = Path(__file__).resolve().parents[2]
PAGES = sorted(
    [*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md"), *(ROOT / "changelog.d").glob("*.md")]
)
_ANCHOR = re.compile(r"""<a\s+(?:id|name)=["']([^"']+)["']""")


@cache
def _tokens(page: Path) -> tuple[Token, ...]:
    parser = MarkdownIt("commonmark").enable("table")
    return tuple(parser.parse(page.read_text(encoding="utf-8")))


def _targets(page: Path) -> Iterator[tuple[int, str]]:
    """Line and target of each link and image of a page."""
    for block in _tokens(page):
        for token in block.children or ():
            target = token.attrGet("href") or token.attrGet("src")
            if target:
                yield (block.map[0] + 1 if block.map else 0), str(target)


@cache
def _anchors(page: Path) -> frozenset[str]:
    """Anchors a code host gives the headings of a page, and those written by hand."""
    anchors = set(_ANCHOR.findall(page.read_text(encoding="utf-8")))
    seen: Counter[str] = Counter()
    tokens = _tokens(page)
    for at, token in enumerate(tokens):
        if token.type == "heading_open":
            slug = _slug(tokens[at + 1])
            anchors.add(f"{slug}-{seen[slug]}" if seen[slug] else slug)
            seen[slug] += 1
    return frozenset(anchors)


def _slug(heading: Token) -> str:
    text = "".join(part.content for part in heading.children or () if part.type != "html_inline")
    return re.sub(r"[^\w\- ]", "", text.strip().lower()).replace(" ", "-")


def _broken(page: Path) -> Iterator[str]:
    for line, target in _targets(page):
        parts = urlsplit(target)
        if parts.scheme or parts.netloc:
            continue
        linked = (page.parent / unquote(parts.path)).resolve() if parts.path else page
        where = f"{page.relative_to(ROOT)}:{line}: {target}"
        if not linked.is_relative_to(ROOT) or not linked.exists():
            yield f"{where} leads nowhere"
        elif parts.fragment and linked.suffix == ".md" and parts.fragment not in _anchors(linked):
            yield f"{where} names no heading; there are {sorted(_anchors(linked))}"


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.relative_to(ROOT).as_posix())
def test_relative_links_and_anchors_resolve(page: Path) -> None:
    assert list(_broken(page)) == []


def test_anchors_follow_the_code_hosts_rule(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text("# One, `two` & three\n## Again\n## Again\n<a id='by-hand'></a>\n")
    assert _anchors(page) == {"one-two--three", "again", "again-1", "by-hand"}
