"""Repository text made safe to show: escaped, and with nothing in it that hides or reorders.

Names and code come from people we do not know. Control characters can rewrite a terminal,
bidirectional ones reorder what a reviewer reads (CVE-2021-42574), invisible ones hide text. All of
them are shown by name instead of being rendered.
"""

from __future__ import annotations

import re
import unicodedata
from html import escape

from orchestrate.core.sharing.findings import Finding

#: Categories never rendered: control, format (bidi, zero width, tags), surrogate, private use,
#: unassigned, and the two separators that break lines.
_HIDDEN = frozenset({"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"})
_SUSPECT = re.compile(r"[^\x20-\x7e\n\t]")
_MARKDOWN = re.compile(r"([\\`*_{}\[\]()#+\-.!|<>~@&$:])")


def visible(text: str) -> str:
    """`text` with hidden characters as `⟨U+202E⟩`; line feeds and tabs stay."""
    return _SUSPECT.sub(_named, text)


def one_line(text: str, limit: int = 400) -> str:
    """`visible` text on one line of at most `limit` characters."""
    flat = visible(" ".join(text.split()))
    return flat if len(flat) <= limit else flat[: limit - 1] + "…"


def heading(finding: Finding) -> str:
    """A finding's title; one about a package names it."""
    package = finding.properties.get("package", "")
    version = finding.properties.get("version", "") or finding.properties.get("specifier", "")
    named = " ".join(part for part in (package, version) if part)
    return f"{finding.title}: {named}" if named else finding.title


def html_text(text: str) -> str:
    """Text for element content and quoted attributes."""
    return escape(visible(text), quote=True)


def markdown_text(text: str, limit: int = 400) -> str:
    """Text that renders as itself in a pull request: no markup, mentions, links or line breaks."""
    escaped = _MARKDOWN.sub(r"\\\1", one_line(text, limit))
    # Hosts look for mentions in the rendered text, where an escape no longer shows; an empty
    # comment parts the sign from the name.
    return escaped.replace(r"\&", "&amp;").replace(r"\<", "&lt;").replace(r"\@", "@<!-- -->")


def markdown_code(text: str, limit: int = 200) -> str:
    """An inline code span; its fence is longer than any run of backticks inside."""
    flat = one_line(text, limit).replace("|", "\\|")
    longest = max((len(run) for run in re.findall(r"`+", flat)), default=0)
    fence = "`" * (longest + 1)
    pad = " " if flat.startswith("`") or flat.endswith("`") or not flat else ""
    return f"{fence}{pad}{flat}{pad}{fence}"


def _named(match: re.Match[str]) -> str:
    character = match[0]
    if unicodedata.category(character) in _HIDDEN:
        return f"⟨U+{ord(character):04X}⟩"
    return character
