"""Looking at the code behind one of bandit's results: how bad it is, and how sure that is.

Bandit judges a call by its name. Whether the argument is fixed in the source, comes from outside
the program, or sits beside the word "password" decides how much a reader should care.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Callable
from dataclasses import dataclass, replace

from orchestrate.adapters.backends.local.bandit_rules import BanditRule
from orchestrate.adapters.backends.local.python_source import PythonSource, Site
from orchestrate.adapters.backends.local.python_values import (
    argument,
    constancy,
    identifiers,
    is_literal,
    last_name,
    outside_source,
)
from orchestrate.adapters.backends.local.review_words import (
    names_authorisation,
    names_password,
    names_secret,
    words,
)
from orchestrate.core.sharing.findings import SEVERITY_ORDER, Confidence, Exposure, Severity

LEVELS: dict[str, Severity] = {"LOW": "low", "MEDIUM": "medium", "HIGH": "high"}
CONFIDENCES: dict[str, Confidence] = {"LOW": "low", "MEDIUM": "medium", "HIGH": "high"}

_PLACEHOLDER = re.compile(
    r"^[<{%\[$]|x{3,}|\*{3,}|\.{3}|^(your|my|the|some|any|enter|insert)\b|"
    r"^(none|null|true|false|test|testing|example|dummy|fake|placeholder|todo|changeme|default|"
    r"redacted|secret|password|passwd|token|foo|bar|baz|string|str|bearer|basic)$",
    re.IGNORECASE,
)
_PATTERN_OR_PROSE = re.compile(r"[\[\](){}|\\^]|://|\s\S+\s")
_LISTENING = re.compile(r"bind|host|addr|listen|\brun\b|serve|interface", re.IGNORECASE)
_HASHED_SECRET = re.compile(r"passw|passphrase|\bpwd|_pwd|credential|secret|\bpin\b", re.IGNORECASE)
_SIGNED = re.compile(r"sign|hmac|\bmac\b|auth|token|verif|integrity|session|nonce", re.IGNORECASE)
_UNGUESSABLE = re.compile(
    r"token|secret|passw|nonce|salt|session|otp|\bkey|_key|csrf|captcha|\biv\b|verification|reset",
    re.IGNORECASE,
)
_SQL_CALLS = {"execute", "executemany", "executescript", "raw", "query", "text", "RawSQL"}


@dataclass(frozen=True, slots=True)
class Result:
    """One result of bandit with the code around it.

    `site` is the node bandit points at (None if it cannot be found), `line_sites` all nodes that
    begin on its line, `entry` the key and value of a dictionary if it points at a key.
    """

    test: str
    level: str
    certainty: str
    rule: BanditRule
    exposure: Exposure
    line: str
    site: Site | None = None
    line_sites: tuple[Site, ...] = ()
    entry: tuple[ast.expr, ast.expr] | None = None

    @property
    def call(self) -> ast.Call | None:
        """The call bandit points at, if it is one."""
        node = self.site.node if self.site else None
        return node if isinstance(node, ast.Call) else None

    @property
    def symbol(self) -> str:
        """The function or class around the result."""
        site = self.site or (self.line_sites[0] if self.line_sites else None)
        return site.symbol if site else ""

    @property
    def words_near(self) -> str:
        """Names that tell what a value is for."""
        return f"{self.symbol} {self.line}"


@dataclass(frozen=True, slots=True)
class Judgement:
    """What the finding will say. `remark` is a sentence added to the rule's message."""

    severity: Severity
    confidence: Confidence
    remark: str = ""


class SourceIndex:
    """The nodes of one file by where they begin."""

    def __init__(self, source: PythonSource) -> None:
        self._by_line: dict[int, list[Site]] = {}
        self._entries: dict[tuple[int, int], tuple[ast.expr, ast.expr]] = {}
        for site in source.sites():
            line = getattr(site.node, "lineno", None)
            if line is not None:
                self._by_line.setdefault(line, []).append(site)
            if isinstance(site.node, ast.Dict):
                for key, value in zip(site.node.keys, site.node.values, strict=True):
                    if key is not None:
                        self._entries[key.lineno, key.col_offset] = (key, value)

    def entry(self, line: int, column: int) -> tuple[ast.expr, ast.expr] | None:
        """The dictionary entry whose key begins at a place."""
        return self._entries.get((line, column))

    def on_line(self, line: int) -> tuple[Site, ...]:
        """All nodes that begin on `line`, outermost first."""
        return tuple(self._by_line.get(line, ()))

    def at(self, line: int, column: int) -> Site | None:
        """The call beginning at a place (column in bytes from 0), else the innermost node."""
        here = [s for s in self.on_line(line) if getattr(s.node, "col_offset", -1) == column]
        calls = [site for site in here if isinstance(site.node, ast.Call)]
        return calls[0] if calls else (here[-1] if here else None)


def judge(result: Result) -> Judgement:
    """Severity and confidence of a result; the rule's own where nothing is known better."""
    refined = _REFINEMENTS.get(result.test, _as_listed)(result)
    if result.exposure != "test":
        return refined
    if result.test in _HARMLESS_IN_TESTS:
        return replace(refined, severity=min(refined.severity, "low", key=_rank), confidence="low")
    if refined.severity == "high":
        remark = f"{refined.remark} It stands in a test, which users do not run.".strip()
        return replace(refined, severity="medium", remark=remark)
    return refined


def _rank(severity: Severity) -> int:
    return -SEVERITY_ORDER.index(severity)


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


def _password(result: Result) -> Judgement:
    values = list(_named_texts(result))
    if result.entry is not None:
        key, value = result.entry
        if not _text(value):
            return Judgement("info", "low", "The value is not a text.")
        values = [(_text(key), _text(value))]
    judgements = [_password_text(name, text) for name, text in values]
    if not judgements:
        return Judgement("low", "low")
    worst = max(judgements, key=lambda judgement: _rank(judgement.severity))
    if result.exposure in {"docs", "example"}:
        return replace(worst, severity=min(worst.severity, "low", key=_rank))
    return worst


def _password_text(name: str, text: str) -> Judgement:
    if len(text) < 4 or _PLACEHOLDER.search(text) or set(words(text)) <= set(words(name)):
        return Judgement("info", "low", "The value looks like a placeholder.")
    if not names_secret(name) or (_PATTERN_OR_PROSE.search(text) and not names_password(name)):
        return Judgement("info", "low", "The value does not look like a secret.")
    if re.fullmatch(r"[A-Za-z]+([ _.:-][A-Za-z]+)*", text):
        return Judgement("low", "low", "The value is made of plain words.")
    return Judgement("high", "medium")


def _named_texts(result: Result) -> list[tuple[str, str]]:
    """Names and the strings given to them, as far as they are on the result's line."""
    found: list[tuple[str, str]] = []
    for site in result.line_sites:
        node = site.node
        pairs: list[tuple[str, ast.expr | None]] = []
        if isinstance(node, ast.Assign):
            pairs = [(_target(target), node.value) for target in node.targets]
        elif isinstance(node, ast.AnnAssign):
            pairs = [(_target(node.target), node.value)]
        elif isinstance(node, ast.Call):
            pairs = [(keyword.arg or "", keyword.value) for keyword in node.keywords]
        elif isinstance(node, ast.Compare) and len(node.comparators) == 1:
            pairs = [(last_name(node.left), node.comparators[0])]
        elif isinstance(node, ast.Dict):
            pairs = [(_text(key), value) for key, value in zip(node.keys, node.values, strict=True)]
        elif isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            pairs = _defaults(node)
        found += [(name, _text(value)) for name, value in pairs if name and _text(value)]
    return [(name, text) for name, text in found if names_secret(name) or "pass" in name.lower()]


def _defaults(node: ast.FunctionDef | ast.AsyncFunctionDef) -> list[tuple[str, ast.expr | None]]:
    positional = [*node.args.posonlyargs, *node.args.args]
    names = positional[len(positional) - len(node.args.defaults) :]
    pairs: list[tuple[str, ast.expr | None]] = [
        (name.arg, value) for name, value in zip(names, node.args.defaults, strict=True)
    ]
    only = zip(node.args.kwonlyargs, node.args.kw_defaults, strict=True)
    return pairs + [(name.arg, value) for name, value in only]


def _target(target: ast.expr) -> str:
    if isinstance(target, ast.Subscript):
        return _text(target.slice)
    return last_name(target)


def _text(node: ast.expr | None) -> str:
    return node.value if isinstance(node, ast.Constant) and isinstance(node.value, str) else ""


_HARMLESS_IN_TESTS = {
    "B101", "B105", "B106", "B107", "B108", "B110", "B112", "B113", "B311", "B608",
}  # fmt: skip
_XML_TESTS = tuple(f"B{number}" for number in range(313, 320))
_REFINEMENTS: dict[str, Callable[[Result], Judgement]] = {
    "B101": _asserted,
    "B102": _evaluated,
    "B104": _listening,
    "B105": _password,
    "B106": _password,
    "B107": _password,
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
