"""What licences names mean: SPDX expressions, loose names, and how far they oblige.

Expressions are read with license-expression; its index (the ScanCode licence data) says to which
category a licence belongs. A name that stands for a family ("BSD") stays a name: which member is
meant is unknown.
"""

from __future__ import annotations

import functools
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Literal, TypeAlias

from orchestrate.adapters.backends.local.manifests.declared import Project

#: How much a licence asks of those who use the code; "unknown" stays unknown.
Obligation: TypeAlias = Literal["permissive", "weak copyleft", "copyleft", "other", "unknown"]

_BY_CATEGORY: dict[str, Obligation] = {
    "Permissive": "permissive",
    "Public Domain": "permissive",
    "CLA": "permissive",
    "Copyleft Limited": "weak copyleft",
    "Copyleft": "copyleft",
}
#: From least to most obliging: of alternatives the least counts, of parts the most.
_ORDER: tuple[Obligation, ...] = ("permissive", "weak copyleft", "copyleft", "other", "unknown")

#: Last part of a trove classifier, or a loose name in lower case -> SPDX expression. Only names
#: that can mean one thing; "BSD License" and "GNU General Public License (GPL)" cannot.
_NAMES: dict[str, str] = {
    "mit license": "MIT",
    "mit": "MIT",
    "the mit license": "MIT",
    "the mit license (mit)": "MIT",
    "expat license": "MIT",
    "mit no attribution license (mit-0)": "MIT-0",
    "apache software license": "Apache-2.0",
    "apache 2.0": "Apache-2.0",
    "apache 2": "Apache-2.0",
    "apache-2": "Apache-2.0",
    "apache license 2.0": "Apache-2.0",
    "apache license, version 2.0": "Apache-2.0",
    "apache license version 2.0": "Apache-2.0",
    "apache2": "Apache-2.0",
    "3-clause bsd": "BSD-3-Clause",
    "bsd 3-clause": "BSD-3-Clause",
    "bsd-3": "BSD-3-Clause",
    "new bsd": "BSD-3-Clause",
    "new bsd license": "BSD-3-Clause",
    "modified bsd": "BSD-3-Clause",
    "bsd 2-clause": "BSD-2-Clause",
    "simplified bsd": "BSD-2-Clause",
    "isc license (iscl)": "ISC",
    "isc license": "ISC",
    "mozilla public license 2.0 (mpl 2.0)": "MPL-2.0",
    "mpl 2.0": "MPL-2.0",
    "python software foundation license": "PSF-2.0",
    "psf": "PSF-2.0",
    "the unlicense (unlicense)": "Unlicense",
    "zope public license": "ZPL-2.1",
    "gnu affero general public license v3": "AGPL-3.0-only",
    "gnu affero general public license v3 or later (agplv3+)": "AGPL-3.0-or-later",
    "gnu general public license v2 (gplv2)": "GPL-2.0-only",
    "gnu general public license v2 or later (gplv2+)": "GPL-2.0-or-later",
    "gnu general public license v3 (gplv3)": "GPL-3.0-only",
    "gnu general public license v3 or later (gplv3+)": "GPL-3.0-or-later",
    "gplv2": "GPL-2.0-only",
    "gplv3": "GPL-3.0-only",
    "gplv3+": "GPL-3.0-or-later",
    "gnu lesser general public license v2 (lgplv2)": "LGPL-2.0-only",
    "gnu lesser general public license v2 or later (lgplv2+)": "LGPL-2.0-or-later",
    "gnu lesser general public license v3 (lgplv3)": "LGPL-3.0-only",
    "gnu lesser general public license v3 or later (lgplv3+)": "LGPL-3.0-or-later",
}
#: Families whose members all oblige alike.
_FAMILIES: dict[str, Obligation] = {
    "bsd license": "permissive",
    "bsd": "permissive",
    "bsd-like": "permissive",
    "bsd style": "permissive",
    "public domain": "permissive",
    "gnu general public license (gpl)": "copyleft",
    "gpl": "copyleft",
    "gnu library or lesser general public license (lgpl)": "weak copyleft",
    "lgpl": "weak copyleft",
}


@dataclass(frozen=True, slots=True)
class Licence:
    """A licence as far as it is known. `expression` is SPDX or "", `written` what the file says.

    `invalid` says that the file claims an SPDX expression which is none; `others` are further
    expressions the files state that differ from this one.
    """

    expression: str = ""
    written: str = ""
    obligation: Obligation = "unknown"
    invalid: bool = False
    others: tuple[str, ...] = ()


def licence_of(project: Project) -> Licence:
    """The licence that a distribution's metadata states.

    An SPDX expression counts first, then other wording, then classifiers. Classifiers that share
    nothing with the wording are `others`; several classifiers alone name alternatives or parts,
    which one is not said, so the first one stands.
    """
    claimed = project.expression
    if claimed and not _expression(claimed) and "LicenseRef-" not in claimed:
        return Licence(written=claimed, invalid=True)
    short = [text for text in project.licences if len(text) < 200]
    worded = [text for text in short if "::" not in text]
    classified = [_last_part(text) for text in short if "::" in text]
    written = [*([claimed] if claimed else []), *worded, *classified]
    stated = [each for each in map(_expression, written) if each]
    if stated:
        others = [each for each in map(_expression, classified) if each]
        known = {key for each in others for key in _keys(each)}
        differ = bool(known) and not known & _keys(stated[0])
        return Licence(
            stated[0],
            written[0],
            obligation_of(stated[0]),
            others=tuple(dict.fromkeys(others)) if differ else (),
        )
    families = [_FAMILIES[text.lower()] for text in written if text.lower() in _FAMILIES]
    shown = written[0] if written else ""
    return Licence(written=shown, obligation=families[0] if families else "unknown")


def _keys(expression: str) -> set[str]:
    return {str(symbol.key) for symbol in _licensing().license_symbols(expression)}


def obligation_of(expression: str) -> Obligation:
    """How much an SPDX expression obliges: the least of alternatives, the most of parts."""
    parsed = _licensing().parse(expression, validate=True)
    return _obligation(parsed)


def _obligation(node: Any) -> Obligation:
    operator = getattr(node, "operator", "").strip()
    if operator in {"OR", "AND"}:
        parts = [_obligation(part) for part in node.args]
        choose = min if operator == "OR" else max
        return choose(parts, key=_ORDER.index)
    # An exception (WITH) only ever loosens; the licence it is attached to decides.
    symbol = getattr(node, "license_symbol", node)
    category = _categories().get(str(symbol.key), "")
    return _BY_CATEGORY.get(category, "other" if category else "unknown")


def _expression(text: str) -> str:
    """The normalised SPDX expression that `text` is or names, "" if it is neither."""
    text = text.strip()
    named = _NAMES.get(text.lower())
    if named:
        return named
    if text.lower() in _FAMILIES:
        return ""
    info = _licensing().validate(text)
    return str(info.normalized_expression) if text and not info.errors else ""


def _last_part(text: str) -> str:
    return text.rsplit("::", 1)[-1].strip()


@functools.cache
def _licensing() -> Any:
    import license_expression

    return license_expression.get_spdx_licensing()


@functools.cache
def _categories() -> dict[str, str]:
    import license_expression

    index: Iterable[dict[str, Any]] = license_expression.get_license_index()
    return {each["spdx_license_key"]: each["category"] for each in index if "category" in each}
