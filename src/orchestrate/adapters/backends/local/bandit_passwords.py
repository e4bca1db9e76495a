"""Whether a text beside a name such as password looks like a real one."""

from __future__ import annotations

import ast
import re
from dataclasses import replace

from orchestrate.adapters.backends.local.bandit_context import Judgement, Result, rank
from orchestrate.adapters.backends.local.python_values import last_name
from orchestrate.adapters.backends.local.review_words import names_password, names_secret, words

_PLACEHOLDER = re.compile(
    r"^[<{%\[$]|x{3,}|\*{3,}|\.{3}|^(your|my|the|some|any|enter|insert)\b|"
    r"^(none|null|true|false|test|testing|example|dummy|fake|placeholder|todo|changeme|default|"
    r"redacted|secret|password|passwd|token|foo|bar|baz|string|str|bearer|basic)$",
    re.IGNORECASE,
)
_PATTERN_OR_PROSE = re.compile(r"[\[\](){}|\\^]|://|\s\S+\s")


def judge_password(result: Result) -> Judgement:
    """For results about a password in the source."""
    values = list(_named_texts(result))
    if result.entry is not None:
        key, value = result.entry
        if not _text(value):
            return Judgement("info", "low", "The value is not a text.")
        values = [(_text(key), _text(value))]
    judgements = [_password_text(name, text) for name, text in values]
    if not judgements:
        return Judgement("low", "low")
    worst = max(judgements, key=lambda judgement: rank(judgement.severity))
    if result.exposure in {"docs", "example"}:
        return replace(worst, severity=min(worst.severity, "low", key=rank))
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
