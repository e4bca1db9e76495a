"""Repository text made safe to show in a report: `visible`, and escaped for HTML or Markdown."""

from __future__ import annotations

import re
from html import escape

from orchestrate.core.sharing.findings import Finding
from orchestrate.core.sharing.visible import one_line as one_line
from orchestrate.core.sharing.visible import visible as visible

_MARKDOWN = re.compile(r"([\\`*_{}\[\]()#+\-.!|<>~@&$:])")


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
