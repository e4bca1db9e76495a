"""The documentation site has every page in its navigation, and loads nothing from other hosts."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parents[2]
DOCS = ROOT / "docs"
PAGES = sorted(DOCS.rglob("*.md"))
PROJECT: dict[str, Any] = tomllib.loads((ROOT / "zensical.toml").read_text("utf-8"))["project"]
_LOADED = re.compile(
    r"!\[[^\]]*\]\((?:https?:)?//|<(?:script|link|img|iframe|video|source)\b[^>]*\bhttps?:", re.I
)


def _targets(entry: Any) -> Iterator[str]:
    if isinstance(entry, str):
        yield entry
    elif isinstance(entry, dict):
        for value in entry.values():
            yield from _targets(value)
    else:
        for value in entry:
            yield from _targets(value)


def test_navigation_has_every_page_once() -> None:
    pages = [page.relative_to(DOCS).as_posix() for page in PAGES]
    assert sorted(_targets(PROJECT["nav"])) == sorted(pages)


def test_site_is_set_up_to_load_nothing_from_elsewhere() -> None:
    assert PROJECT["theme"]["font"] is False
    assert not {"extra_javascript", "extra_css"} & PROJECT.keys()
    # The theme fetches what draws these from another host.
    assert "custom_fences" not in PROJECT["markdown_extensions"]["pymdownx"]["superfences"]


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.relative_to(DOCS).as_posix())
def test_page_loads_nothing_from_elsewhere(page: Path) -> None:
    assert _LOADED.findall(page.read_text(encoding="utf-8")) == []


@pytest.mark.parametrize(
    "text",
    ["![a](https://h.example/a.png)", '<img alt="" src="http://h.example/a">', "![a](//h/a)"],
)
def test_loading_from_elsewhere_is_noticed(text: str) -> None:
    assert _LOADED.search(text)


@pytest.mark.parametrize("picture", sorted((DOCS / "images").glob("*.svg")), ids=lambda p: p.name)
def test_pictures_load_nothing_from_elsewhere(picture: Path) -> None:
    text = picture.read_text(encoding="utf-8")
    assert "@font-face" not in text
    assert not re.search(r"""(?:href|src)=["']https?:|url\(["']?https?:|@import""", text)
