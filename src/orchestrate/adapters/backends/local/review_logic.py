"""Rules about control flow that hides failures or lets checks disappear."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from orchestrate.adapters.backends.local.python_scopes import own_nodes
from orchestrate.adapters.backends.local.python_source import Site
from orchestrate.adapters.backends.local.python_values import identifiers, last_name
from orchestrate.adapters.backends.local.review_words import (
    names_authorisation,
    names_security_step,
)
from orchestrate.adapters.backends.local.rule import Hit, Rule, RuleSet

ASSERTED = Rule(
    "ORC-PY-701",
    "Permission checked with assert",
    617,
    "medium",
    "medium",
    "Raise an exception: python -O removes assert statements.",
    in_tests=False,
)
SWALLOWED_CHECK = Rule(
    "ORC-PY-702",
    "Failure of a security check is ignored",
    390,
    "medium",
    "medium",
    "Catch the one exception that is expected, and refuse when the check fails.",
)
SWALLOWED = Rule(
    "ORC-PY-703",
    "Every exception is swallowed",
    390,
    "low",
    "high",
    "Catch the exceptions that are expected, and log or re-raise the others.",
    remarks="high confidence concerns the shape; whether it matters depends on the place",
    in_tests=False,
)
MUTABLE_DEFAULT = Rule(
    "ORC-PY-704",
    "Default value that changes between calls",
    665,
    "low",
    "high",
    "Use None as the default and create the object inside the function.",
    remarks="reported only when the function changes, stores or returns the object",
    in_tests=False,
)

_BROAD = {"builtins.Exception", "builtins.BaseException"}
_MUTABLE_CALLS = {"builtins.list", "builtins.dict", "builtins.set", "collections.defaultdict"}
_MUTATORS = {
    "append", "extend", "insert", "add", "update", "setdefault", "pop", "popitem", "remove",
    "discard", "clear", "sort", "reverse",
}  # fmt: skip


def check_assert(site: Site) -> Iterator[Hit]:
    """`assert user.is_admin`."""
    node = site.node
    assert isinstance(node, ast.Assert)
    test = node.test
    if isinstance(test, ast.Compare) and any(isinstance(op, ast.Is | ast.IsNot) for op in test.ops):
        return  # `assert token is not None` narrows a type
    if isinstance(test, ast.Call) and site.scope.qualified(test.func) == "builtins.isinstance":
        return
    name = next((n for n in identifiers(test) if names_authorisation(n)), "")
    if name:
        message = f"The check of {name!r} disappears when Python runs with -O."
        yield Hit(ASSERTED, node, message)


def check_swallow(site: Site) -> Iterator[Hit]:
    """`except Exception: pass`, and worse, around a verification."""
    node = site.node
    assert isinstance(node, ast.Try)
    for handler in node.handlers:
        if not _is_broad(handler, site) or not _does_nothing(handler):
            continue
        step = next((n for n in _calls(node.body) if names_security_step(n)), "")
        if step:
            message = f"When {step!r} fails for whatever reason, the program goes on."
            yield Hit(SWALLOWED_CHECK, handler, message)
        elif not _is_import_probe(node):
            yield Hit(SWALLOWED, handler, "Failures of every kind disappear here.")


def _is_broad(handler: ast.ExceptHandler, site: Site) -> bool:
    if handler.type is None:
        return True
    kinds = handler.type.elts if isinstance(handler.type, ast.Tuple) else [handler.type]
    return any(site.scope.qualified(kind) in _BROAD for kind in kinds)


def _does_nothing(handler: ast.ExceptHandler) -> bool:
    """Whether the handler only passes, goes on, or claims success."""
    for statement in handler.body:
        if isinstance(statement, ast.Pass | ast.Continue):
            continue
        if isinstance(statement, ast.Expr) and isinstance(statement.value, ast.Constant):
            continue
        claims = isinstance(statement, ast.Return) and isinstance(statement.value, ast.Constant)
        if not (claims and statement.value.value is True):  # type: ignore[attr-defined]
            return False
    return True


def _calls(body: list[ast.stmt]) -> Iterator[str]:
    for statement in body:
        for inner in ast.walk(statement):
            if isinstance(inner, ast.Call):
                yield last_name(inner.func)


def _is_import_probe(node: ast.Try) -> bool:
    return all(isinstance(statement, ast.Import | ast.ImportFrom) for statement in node.body)


def check_default(site: Site) -> Iterator[Hit]:
    """`def f(items=[])` where the function lets the list live on."""
    node = site.node
    assert isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
    positional = [*node.args.posonlyargs, *node.args.args]
    start = len(positional) - len(node.args.defaults)
    pairs = [
        *zip(positional[start:], node.args.defaults, strict=True),
        *zip(node.args.kwonlyargs, node.args.kw_defaults, strict=True),
    ]
    for parameter, default in pairs:
        if default is None or not _is_mutable(default, site):
            continue
        use = _lasting_use(node, parameter.arg)
        if use:
            message = f"{parameter.arg!r} is shared by all calls, and the function {use} it."
            yield Hit(MUTABLE_DEFAULT, default, message)


def _is_mutable(node: ast.expr, site: Site) -> bool:
    if isinstance(node, ast.List | ast.Dict | ast.Set | ast.ListComp | ast.DictComp | ast.SetComp):
        return True
    return isinstance(node, ast.Call) and site.scope.qualified(node.func) in _MUTABLE_CALLS


def _lasting_use(function: ast.AST, name: str) -> str:
    """What the function does with the parameter that outlives the call, "" if nothing."""
    inside = list(own_nodes(function))
    if any(
        isinstance(n, ast.Name) and n.id == name and isinstance(n.ctx, ast.Store) for n in inside
    ):
        return ""  # rebound, so what follows need not be the default
    for node in inside:
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
            if node.func.attr in _MUTATORS and _is_name(node.func.value, name):
                return "changes"
        elif isinstance(node, ast.Subscript) and isinstance(node.ctx, ast.Store | ast.Del):
            if _is_name(node.value, name):
                return "changes"
        elif isinstance(node, ast.Return) and _is_name(node.value, name):
            return "returns"
        elif _stores(node, name):
            return "stores"
    return ""


def _stores(node: ast.AST, name: str) -> bool:
    return (
        isinstance(node, ast.Assign)
        and _is_name(node.value, name)
        and any(isinstance(target, ast.Attribute) for target in node.targets)
    )


def _is_name(node: ast.expr | None, name: str) -> bool:
    return isinstance(node, ast.Name) and node.id == name


RULES = RuleSet(
    rules=(ASSERTED, SWALLOWED_CHECK, SWALLOWED, MUTABLE_DEFAULT),
    checks={
        ast.Assert: (check_assert,),
        ast.Try: (check_swallow,),
        ast.FunctionDef: (check_default,),
        ast.AsyncFunctionDef: (check_default,),
    },
)
