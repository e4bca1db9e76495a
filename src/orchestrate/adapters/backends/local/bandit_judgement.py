"""Looking at the code behind one of bandit's results: how bad it is, and how sure that is.

Bandit judges a call by its name. Whether the argument is fixed in the source, comes from outside
the program, or sits beside the word "password" decides how much a reader should care.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Callable
from dataclasses import replace

from orchestrate.adapters.backends.local.bandit_context import Judgement, Result, rank
from orchestrate.adapters.backends.local.bandit_passwords import judge_password
from orchestrate.adapters.backends.local.python_source import Site
from orchestrate.adapters.backends.local.python_values import (
    argument,
    constancy,
    identifiers,
    is_literal,
    last_name,
    outside_source,
)
from orchestrate.adapters.backends.local.review_words import names_authorisation
from orchestrate.core.sharing.findings import Confidence, Severity

#: Bandit's levels in our words.
LEVELS: dict[str, Severity] = {"LOW": "low", "MEDIUM": "medium", "HIGH": "high"}
CONFIDENCES: dict[str, Confidence] = {"LOW": "low", "MEDIUM": "medium", "HIGH": "high"}

_LISTENING = re.compile(r"bind|host|addr|listen|\brun\b|serve|interface", re.IGNORECASE)
_HASHED_SECRET = re.compile(r"passw|passphrase|\bpwd|_pwd|credential|secret|\bpin\b", re.IGNORECASE)
_SIGNED = re.compile(r"sign|hmac|\bmac\b|auth|token|verif|integrity|session|nonce", re.IGNORECASE)
_UNGUESSABLE = re.compile(
    r"token|secret|passw|nonce|salt|session|otp|\bkey|_key|csrf|captcha|\biv\b|verification|reset",
    re.IGNORECASE,
)
_SQL_CALLS = {"execute", "executemany", "executescript", "raw", "query", "text", "RawSQL"}


def judge(result: Result) -> Judgement:
    """Severity and confidence of a result; the rule's own where nothing is known better."""
    refined = _REFINEMENTS.get(result.test, _as_listed)(result)
    if result.exposure != "test":
        return refined
    if result.test in _HARMLESS_IN_TESTS:
        return replace(refined, severity=min(refined.severity, "low", key=rank), confidence="low")
    if refined.severity == "high":
        remark = f"{refined.remark} It stands in a test, which users do not run.".strip()
        return replace(refined, severity="medium", remark=remark)
    return refined


def _as_listed(result: Result) -> Judgement:
    severity = result.rule.severity or LEVELS.get(result.level, "low")
    return Judgement(severity, result.rule.confidence or CONFIDENCES.get(result.certainty, "low"))


def _first_argument(result: Result) -> tuple[ast.expr, Site] | None:
    call, site = result.call, result.site
    if call is None or site is None:
        return None
    value = argument(call, 0, "args", "command", "cmd", "stream", "url", "source")
    return (value, site) if value is not None else None


def _shell(result: Result) -> Judgement:
    given = _first_argument(result)
    if given is None:
        return _as_listed(result)
    value, site = given
    fixed = constancy(value, site.scope)
    if fixed == "constant":
        return Judgement("low", "high", "The command is fixed in the source.")
    if fixed == "presumed":
        return Judgement("medium", "low", "It is made of names that look like constants.")
    source = outside_source(value, site.scope)
    high: Severity = "medium" if result.test == "B604" else "high"
    return Judgement(high, "high" if source else "medium", f"It contains {source}." * bool(source))


def _evaluated(result: Result) -> Judgement:
    given = _first_argument(result)
    if given is None:
        return _as_listed(result)
    value, site = given
    source = outside_source(value, site.scope)
    if source:
        return Judgement("high", "high", f"The text contains {source}.")
    if constancy(value, site.scope) == "constant":
        return Judgement("low", "high", "The text is fixed in the source.")
    if _reads_file(value, site):
        remark = "The text is that of a file the program chooses."
        return Judgement("low" if result.exposure == "build" else "medium", "medium", remark)
    return _as_listed(result)


def _reads_file(value: ast.expr, site: Site) -> bool:
    """Whether the code is `something.read()`, perhaps compiled first: a loader, not an input."""
    name = site.scope.qualified(value.func) if isinstance(value, ast.Call) else ""
    if isinstance(value, ast.Call) and name == "builtins.compile" and value.args:
        return True
    if isinstance(value, ast.Name):
        known = site.scope.single_value(value.id)
        return known is not None and _is_read(known[0])
    return _is_read(value)


def _is_read(value: ast.expr) -> bool:
    return (
        isinstance(value, ast.Call)
        and isinstance(value.func, ast.Attribute)
        and value.func.attr in {"read", "read_text"}
    )


def _sql(result: Result) -> Judgement:
    if result.test != "B608":
        return Judgement("medium", "low")
    if result.certainty == "LOW":
        return Judgement("medium", "low", "Nothing shows that the text is executed.")
    for site in result.line_sites:
        node = site.node
        if isinstance(node, ast.Call) and last_name(node.func) in _SQL_CALLS and node.args:
            fixed = constancy(node.args[0], site.scope)
            if fixed != "variable":
                return Judgement("low", "low", "It is put together from fixed parts.")
    return Judgement("high", "medium")


def _loaded(result: Result) -> Judgement:
    given = _first_argument(result)
    if given is None or result.site is None or result.call is None:
        return _as_listed(result)
    value, site = given
    name = site.scope.qualified(result.call.func)
    source = outside_source(value, site.scope)
    if source:
        return Judgement("high", "high", f"The data contains {source}.")
    if isinstance(value, ast.Call) and last_name(value.func) == "dumps":
        return Judgement("info", "high", "The data was made by the same expression.")
    if constancy(value, site.scope) == "constant":
        return Judgement("low", "medium", "The data is fixed in the source.")
    if result.test in {"B302", "B614"} or name.startswith("shelve."):
        return Judgement("medium", "medium")
    return _as_listed(result)


def _yaml(result: Result) -> Judgement:
    given = _first_argument(result)
    if given is None or result.call is None:
        return _as_listed(result)
    value, site = given
    loader = argument(result.call, 1, "Loader")
    name = site.scope.qualified(loader) if loader is not None else ""
    if loader is not None and last_name(loader) == "FullLoader":
        return Judgement("medium", "medium", "FullLoader still creates some objects.")
    if loader is not None and not name.startswith("yaml"):
        return Judgement("medium", "low", "What its own loader class allows is not known here.")
    if constancy(value, site.scope) == "constant":
        return Judgement("medium", "medium", "The text is fixed in the source.")
    return _as_listed(result)


def _archive(result: Result) -> Judgement:
    level = LEVELS.get(result.level, "low")
    return Judgement(level, "medium" if level == "high" else "low")


def _constant_is_less(result: Result) -> Judgement:
    """For rules about the data given to a call: fixed data is of little concern."""
    listed = _as_listed(result)
    given = _first_argument(result)
    if given is None:
        return listed
    value, site = given
    if constancy(value, site.scope) == "constant":
        return Judgement("info", "low", "The value is fixed in the source.")
    source = outside_source(value, site.scope)
    if source:
        severity: Severity = "high" if listed.severity in {"medium", "high"} else "medium"
        return Judgement(severity, "medium", f"It contains {source}.")
    return listed


def _autoescape(result: Result) -> Judgement:
    call = result.call
    if call is not None and is_literal(argument(call, None, "autoescape"), False):
        return Judgement("medium", "high", "Escaping is switched off.")
    return Judgement("low", "low", "Escaping is off by default and is not switched on.")


def _hash(result: Result) -> Judgement:
    near = result.words_near
    if _HASHED_SECRET.search(near):
        return Judgement("high", "medium", "Names nearby speak of a password or secret.")
    if _SIGNED.search(near):
        return Judgement("medium", "medium", "Names nearby speak of signing or authentication.")
    return _as_listed(result)


def _random(result: Result) -> Judgement:
    if _UNGUESSABLE.search(result.words_near):
        return Judgement("medium", "medium", "Names nearby speak of something not to be guessed.")
    return _as_listed(result)


def _listening(result: Result) -> Judgement:
    return Judgement("medium", "medium" if _LISTENING.search(result.words_near) else "low")


def _debug(result: Result) -> Judgement:
    if result.symbol:
        return _as_listed(result)
    return Judgement("medium", "medium", "It runs only when the file itself is started.")


def _asserted(result: Result) -> Judgement:
    node = next((s.node for s in result.line_sites if isinstance(s.node, ast.Assert)), None)
    if node is None or _compares_identity(node.test):
        return _as_listed(result)
    if any(names_authorisation(name) for name in identifiers(node.test)):
        return Judgement("medium", "medium", "The condition speaks of permission.")
    return _as_listed(result)


def _compares_identity(test: ast.expr) -> bool:
    """`role is SERVER` states an invariant; a permission is not checked by identity."""
    return isinstance(test, ast.Compare) and any(
        isinstance(o, ast.Is | ast.IsNot) for o in test.ops
    )


_HARMLESS_IN_TESTS = {
    "B101", "B105", "B106", "B107", "B108", "B110", "B112", "B113", "B311", "B608",
}  # fmt: skip
_XML_TESTS = tuple(f"B{number}" for number in range(313, 320))
_REFINEMENTS: dict[str, Callable[[Result], Judgement]] = {
    "B101": _asserted,
    "B102": _evaluated,
    "B104": _listening,
    "B105": judge_password,
    "B106": judge_password,
    "B107": judge_password,
    "B201": _debug,
    "B202": _archive,
    "B301": _loaded,
    "B302": _loaded,
    "B303": _hash,
    "B307": _evaluated,
    "B308": _constant_is_less,
    "B310": _constant_is_less,
    "B311": _random,
    "B324": _hash,
    "B506": _yaml,
    "B601": _constant_is_less,
    "B602": _shell,
    "B604": _shell,
    "B605": _shell,
    "B608": _sql,
    "B609": _shell,
    "B610": _sql,
    "B611": _sql,
    "B614": _loaded,
    "B701": _autoescape,
    "B703": _constant_is_less,
    "B704": _constant_is_less,
    **dict.fromkeys(_XML_TESTS, _constant_is_less),
}
