"""Which findings speak of the same flaw, whatever tool and rule name they come under.

Two findings can be one flaw only within one *family*. A family is looked up by the tool's own
rule first, because tools file the same flaw under different CWEs (bandit calls `eval` CWE-78 and
`yaml.load` CWE-20), then by the CWE, and is else the rule itself. Findings of categories where a
rule is already precise (a dependency, a licence, a dead function) are their own family.
"""

from __future__ import annotations

from orchestrate.core.sharing.findings import Category, Finding, Source

#: Categories in which several tools look for the same flaws, so that a CWE identifies a flaw.
SHARED_CATEGORIES: frozenset[Category] = frozenset({"code", "secret", "architecture"})

#: Rules that say who can reach a flaw or what stands beside it, not that there is one: what they
#: add must not disappear in the finding they are about.
CONTEXT_RULES: frozenset[str] = frozenset({"ORC-ARCH-002", "ORC-ARCH-004"})

#: family -> bandit test ids. Ids and their meaning as listed by bandit 1.9.
_BANDIT: dict[str, tuple[str, ...]] = {
    "command-injection": ("B601", "B602", "B603", "B604", "B605", "B606", "B607", "B609"),
    "code-injection": ("B102", "B307", "B612"),
    "deserialisation": ("B301", "B302", "B506", "B614"),
    "sql-injection": ("B608", "B610", "B611"),
    "path-traversal": ("B202",),
    "cross-site-scripting": ("B308", "B701", "B702", "B703", "B704"),
    "xml-entities": ("B313", "B314", "B315", "B316", "B317", "B318", "B319"),
    "weak-cryptography": ("B303", "B304", "B305", "B324", "B502", "B503", "B504", "B505"),
    "weak-randomness": ("B311",),
    "certificate-validation": ("B323", "B501", "B507"),
    "cleartext-transmission": ("B312", "B321", "B508", "B509"),
    "hardcoded-secret": ("B105", "B106", "B107"),
    "temporary-file": ("B108", "B306"),
    "permissions": ("B103",),
    "bind-all-interfaces": ("B104",),
    "debug-enabled": ("B201",),
    "swallowed-exception": ("B110", "B112"),
    "assertion": ("B101",),
    "missing-timeout": ("B113",),
    "url-open": ("B310",),
    "unverified-download": ("B615",),
    "hidden-characters": ("B613",),
    "risky-import": (
        *("B401", "B402", "B403", "B404", "B405", "B406", "B407", "B408", "B409"),
        *("B411", "B412", "B413", "B415"),
    ),
}

#: family -> CWE numbers. Broad ones (20, 200, 284, 400, 703) are left out on purpose: two findings
#: that share only "improper input validation" are not the same flaw.
_CWE: dict[str, tuple[int, ...]] = {
    "command-injection": (77, 78, 88, 155),
    "code-injection": (94, 95, 96, 470),
    "deserialisation": (502,),
    "sql-injection": (89, 564, 943),
    "path-traversal": (22, 23, 24, 36, 73),
    "cross-site-scripting": (79, 80, 116, 1336),
    "xml-entities": (611, 776, 827),
    "weak-cryptography": (326, 327, 328, 329, 757, 759, 760, 780, 916, 1204, 1240),
    "weak-randomness": (330, 331, 335, 337, 338),
    "certificate-validation": (295, 296, 297, 322, 347),
    "cleartext-transmission": (319, 523),
    "hardcoded-secret": (259, 312, 321, 522, 540, 798),
    "temporary-file": (377, 378, 379),
    "permissions": (276, 279, 732),
    "bind-all-interfaces": (605, 1327),
    "debug-enabled": (215, 489),
    "swallowed-exception": (390, 391, 396, 755),
    "assertion": (617,),
    "missing-timeout": (1088,),
    "url-open": (918, 939),
    "open-redirect": (601,),
    "race": (362, 367),
    "regular-expression": (185, 625, 1333),
    "unverified-download": (494, 829),
    "hidden-characters": (838, 1007),
    "timing": (208, 385),
}

_FAMILY_OF_SOURCE = {
    ("bandit", rule): family for family, rules in _BANDIT.items() for rule in rules
}
_FAMILY_OF_CWE = {cwe: family for family, numbers in _CWE.items() for cwe in numbers}


def family_of(finding: Finding) -> str:
    """The family of `finding`; equal for findings that may be one flaw.

    A merged finding has the family of each of its parts (tested), so merging twice changes
    nothing. Sources are looked at in sorted order.
    """
    if finding.category not in SHARED_CATEGORIES or finding.rule in CONTEXT_RULES:
        return f"{finding.category}:{finding.rule}:{_subject(finding)}"
    for source in sorted(finding.sources, key=source_order):
        family = _FAMILY_OF_SOURCE.get((source.tool, source.rule))
        if family is not None:
            return family
    if finding.cwe in _FAMILY_OF_CWE:
        return _FAMILY_OF_CWE[finding.cwe]
    return f"rule:{finding.rule}"


def source_order(source: Source) -> tuple[str, str, str]:
    """Sort key of a source."""
    return (source.tool, source.rule, source.version)


def known_rules() -> frozenset[str]:
    """Tool rule names the tables know, in addition to the rules seen in a scan."""
    return frozenset(rule for _, rule in _FAMILY_OF_SOURCE)


def _subject(finding: Finding) -> str:
    """What a finding with an own family is about: an advisory, a package, a symbol."""
    named = (finding.properties.get(key, "") for key in ("advisory", "package"))
    subject = " ".join(part for part in named if part)
    return subject or finding.symbol or finding.title
