"""Rules about secrets written into the source or into logs.

The excerpt of every finding here hides string literals: a report must not spread what it found.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator

from orchestrate.adapters.backends.local.python_source import Site
from orchestrate.adapters.backends.local.python_values import last_name
from orchestrate.adapters.backends.local.review_words import names_password, names_secret, words
from orchestrate.adapters.backends.local.rule import Hit, Rule, RuleSet

HARDCODED = Rule(
    "ORC-PY-501",
    "Secret written in the source",
    798,
    "medium",
    "medium",
    "Read it from the environment or a secret store, and replace the one that was published.",
    remarks="confidence low when the value is made of plain words",
)
KNOWN_FORMAT = Rule(
    "ORC-PY-502",
    "Credential of a known service in the source",
    798,
    "high",
    "high",
    "Revoke it at the service, then read its successor from the environment.",
)
LOGGED = Rule(
    "ORC-PY-503",
    "Secret written to a log",
    532,
    "medium",
    "medium",
    "Log that it was used, not what it is.",
    remarks="low with low confidence for print()",
)

#: Formats that providers document for their credentials; the length keeps prose out.
_FORMATS = re.compile(
    r"(?P<aws>\bAKIA[0-9A-Z]{16}\b)|(?P<github>\bgh[pousr]_[A-Za-z0-9]{36}\b)|"
    r"(?P<slack>\bxox[abprs]-[0-9A-Za-z-]{20,})|(?P<stripe>\b[sr]k_live_[0-9A-Za-z]{20,})|"
    r"(?P<google>\bAIza[0-9A-Za-z_-]{35}\b)|"
    r"(?P<key>-----BEGIN (RSA |EC |DSA |OPENSSH )?PRIVATE KEY-----\s+[A-Za-z0-9+/=]{20})"
)
_FORMAT_NAMES = {
    "aws": "an AWS access key",
    "github": "a GitHub token",
    "slack": "a Slack token",
    "stripe": "a Stripe live key",
    "google": "a Google API key",
    "key": "a private key",
}
_PLACEHOLDER = re.compile(
    r"^$|^[<{%\[$].*[>}%\]]?$|x{3,}|\*{3,}|\.{3}|^(your|my|the|some|any|enter|insert|put)\b|"
    r"^(none|null|true|false|test|tests|testing|example|dummy|fake|mock|placeholder|todo|"
    r"changeme|change[-_ ]me|redacted|unset|default|foo|bar|baz|string|str|bytes|bearer|basic)$",
    re.IGNORECASE,
)
_REGEX = re.compile(r"\(\?[:i=!P<]|\\[bdswBDSW]|\[\^?[A-Za-z0-9]-[A-Za-z0-9]")
_PLAIN_WORDS = re.compile(r"^[A-Za-z]+([ _.:-][A-Za-z]+)*$")
_LEAST_LENGTH = 4
_MOST_LENGTH = 400
_LOG_METHODS = {"debug", "info", "warning", "warn", "error", "critical", "exception", "log"}


def check_assignment(site: Site) -> Iterator[Hit]:
    """`PASSWORD = "..."`, also on attributes, subscripts and annotated names."""
    node = site.node
    if isinstance(node, ast.Assign):
        for target in node.targets:
            yield from _judge(_target_name(target), node.value)
    elif isinstance(node, ast.AnnAssign):
        yield from _judge(_target_name(node.target), node.value)


def _target_name(target: ast.expr) -> str:
    if isinstance(target, ast.Subscript) and isinstance(target.slice, ast.Constant):
        return str(target.slice.value)
    return last_name(target)


def check_arguments(site: Site) -> Iterator[Hit]:
    """`connect(password="...")`, parameter defaults and dictionary entries."""
    node = site.node
    if isinstance(node, ast.Call):
        for keyword in node.keywords:
            yield from _judge(keyword.arg or "", keyword.value)
    elif isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
        positional = [*node.args.posonlyargs, *node.args.args]
        defaults = node.args.defaults
        named = list(zip(positional[len(positional) - len(defaults) :], defaults, strict=True))
        named += [
            (name, value)
            for name, value in zip(node.args.kwonlyargs, node.args.kw_defaults, strict=True)
            if value is not None
        ]
        for parameter, default in named:
            yield from _judge(parameter.arg, default)
    elif isinstance(node, ast.Dict):
        for key, entry in zip(node.keys, node.values, strict=True):
            if isinstance(key, ast.Constant) and isinstance(key.value, str):
                yield from _judge(key.value, entry)


def check_comparison(site: Site) -> Iterator[Hit]:
    """`if password == "..."`."""
    node = site.node
    assert isinstance(node, ast.Compare)
    if (
        len(node.ops) == 1
        and isinstance(node.ops[0], ast.Eq)
        and names_password(last_name(node.left))
    ):
        yield from _judge(last_name(node.left), node.comparators[0])


def _judge(name: str, value: ast.expr | None) -> Iterator[Hit]:
    text = _literal(value)
    if (
        value is None
        or text is None
        or not names_secret(name)
        or not _LEAST_LENGTH <= len(text) <= _MOST_LENGTH
    ):
        return
    if (
        any(pattern.search(text) for pattern in (_PLACEHOLDER, _FORMATS, _REGEX))
        or "://" in text
        or "\n" in text
    ):
        return
    if set(words(text)) <= {*words(name), "the", "a", "my", "new", "old", "value"}:
        return  # a field called "password" with the text "password" names itself
    plain = _PLAIN_WORDS.match(text) is not None
    if plain and not (names_password(name) or words(name)[-2:] == ["secret", "key"]):
        return  # `token_type = "access"`: an identifier, not a secret
    if text.count(" ") > 2:
        return  # a sentence
    message = f"The value of {name!r} can be read by everyone who can read the source."
    yield Hit(HARDCODED, value, message, None, "low" if plain else None, secret=True)


def _literal(value: ast.expr | None) -> str | None:
    if not isinstance(value, ast.Constant):
        return None
    if isinstance(value.value, bytes):
        return value.value.decode("latin-1")
    return value.value if isinstance(value.value, str) else None


def check_format(site: Site) -> Iterator[Hit]:
    """String literals in the documented format of some service's credentials."""
    text = _literal(site.node) if isinstance(site.node, ast.Constant) else None
    if text is None or len(text) < 20:
        return
    found = _FORMATS.search(text)
    if found and "EXAMPLE" not in found.group():
        kind = _FORMAT_NAMES[found.lastgroup or "key"]
        yield Hit(KNOWN_FORMAT, site.node, f"The text looks like {kind}.", secret=True)


def check_logging(site: Site) -> Iterator[Hit]:
    """`logger.info("... %s", password)` and `print(token)`."""
    call = site.call
    printed = site.called == "builtins.print"
    if not printed and not _is_log_call(site):
        return
    for given in [*call.args, *(k.value for k in call.keywords)]:
        name = next((n for n in _shown_names(given) if names_secret(n)), "")
        if name:
            message = f"The value of {name!r} ends up in the {'output' if printed else 'log'}."
            yield Hit(LOGGED, call, message, *(("low", "low") if printed else (None, None)))
            return


def _is_log_call(site: Site) -> bool:
    func = site.call.func
    if not (isinstance(func, ast.Attribute) and func.attr in _LOG_METHODS):
        return False
    if site.called.startswith("logging."):
        return True
    owner = last_name(func.value).lower()
    return owner in {"log", "logger", "logging", "_log", "_logger"} or owner.endswith("logger")


def _shown_names(node: ast.expr) -> Iterator[str]:
    """Names whose value is part of the text; not those that are only measured or hidden."""
    if isinstance(node, ast.Name):
        yield node.id
    elif isinstance(node, ast.Attribute):
        yield node.attr
    elif isinstance(node, ast.Subscript) and isinstance(node.slice, ast.Constant):
        yield str(node.slice.value)
    elif isinstance(node, ast.JoinedStr):
        for part in node.values:
            if isinstance(part, ast.FormattedValue):
                yield from _shown_names(part.value)
    elif isinstance(node, ast.BinOp):
        yield from _shown_names(node.left)
        yield from _shown_names(node.right)
    elif isinstance(node, ast.Tuple):
        for element in node.elts:
            yield from _shown_names(element)
    elif isinstance(node, ast.Call) and last_name(node.func) in {"format", "str", "repr", "decode"}:
        inner = [node.func.value] if isinstance(node.func, ast.Attribute) else []
        for given in [*inner, *node.args, *(k.value for k in node.keywords)]:
            yield from _shown_names(given)


RULES = RuleSet(
    rules=(HARDCODED, KNOWN_FORMAT, LOGGED),
    checks={
        ast.Assign: (check_assignment,),
        ast.AnnAssign: (check_assignment,),
        ast.Call: (check_arguments, check_logging),
        ast.FunctionDef: (check_arguments,),
        ast.AsyncFunctionDef: (check_arguments,),
        ast.Dict: (check_arguments,),
        ast.Compare: (check_comparison,),
        ast.Constant: (check_format,),
    },
)
