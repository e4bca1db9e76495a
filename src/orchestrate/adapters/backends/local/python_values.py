"""What can be told about an expression's value without running it.

Three questions rules ask: is it fixed in the source, what text is it, and does it come from
outside the program. Names are followed only where they are assigned exactly once.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from typing import Literal

from orchestrate.adapters.backends.local.python_scopes import Scope

#: `presumed`: named like a constant (CAPITALS) but defined where we do not look.
Constancy = Literal["constant", "presumed", "variable"]

_ORDER: tuple[Constancy, ...] = ("constant", "presumed", "variable")
_CAPITALS = re.compile(r"^_?[A-Z][A-Z0-9_]+$")
_FIXED_NAMES = {"sys.executable", "os.sep", "os.linesep", "os.devnull", "sys.platform", "os.name"}
#: Calls that keep a fixed value fixed, or make any value safe to place in a command line.
_PASSING_CALLS = {
    "builtins.str", "builtins.bytes", "os.path.join", "os.path.abspath", "os.path.dirname",
    "os.path.realpath", "os.path.normpath", "pathlib.Path", "pathlib.PurePath", "os.fspath",
}  # fmt: skip
_PASSING_METHODS = {
    "format", "join", "strip", "encode", "lower", "upper", "split", "replace", "joinpath",
    "resolve", "absolute", "with_name", "with_suffix",
}  # fmt: skip
_QUOTING_CALLS = {
    "shlex.quote",
    "pipes.quote",
    "shlex.join",
    "builtins.int",
    "builtins.float",
    "builtins.len",
}
_REQUEST_FIELDS = {
    "args", "form", "values", "json", "data", "files", "cookies", "headers", "GET", "POST",
    "params", "query_params", "body", "get_json", "query_string", "stream", "path_params",
}  # fmt: skip
_OUTSIDE_CALLS = {"builtins.input", "builtins.raw_input", "sys.stdin.read", "sys.stdin.readline"}
_OUTSIDE_NAMES = {"sys.argv", "sys.stdin"}
_RECEIVING = {"recv", "recvfrom", "recv_into", "recvmsg"}
#: Longest constant text that is put together; longer ones are cut, which no rule minds.
_LONGEST_TEXT = 20_000


def constancy(node: ast.expr | None, scope: Scope) -> Constancy:
    """Whether `node` always has the value written in the source."""
    verdict: Constancy = "constant"
    seen: set[tuple[int, str]] = set()
    work = [(node, scope)]
    while work and verdict != "variable":
        current, where = work.pop()
        if current is None or isinstance(current, ast.Constant):
            continue
        if isinstance(current, ast.Name):
            known = where.single_value(current.id)
            key = (id(known[1]), current.id) if known else None
            if known and key not in seen:
                seen.add((id(known[1]), current.id))
                work.append(known)
                continue
            if known:  # judged already
                continue
        parts = _parts(current, where)
        if parts is not None:
            work.extend((part, where) for part in parts)
        else:
            verdict = max(verdict, _named_constancy(current, where), key=_ORDER.index)
    return verdict


def _named_constancy(node: ast.expr, scope: Scope) -> Constancy:
    name = last_name(node) if isinstance(node, ast.Name | ast.Attribute) else ""
    if name == "__file__":
        return "constant"
    if isinstance(node, ast.Attribute) and scope.qualified(node) in _FIXED_NAMES:
        return "constant"
    return "presumed" if _CAPITALS.match(name) else "variable"


def _parts(node: ast.expr, scope: Scope) -> list[ast.expr] | None:
    """The sub-expressions a value is made of, None if it is not merely put together."""
    if isinstance(node, ast.JoinedStr):
        return [v.value for v in node.values if isinstance(v, ast.FormattedValue)]
    if isinstance(node, ast.BinOp):
        if isinstance(node.op, ast.Mult):  # "?" * n holds nothing but question marks
            texts = [side for side in (node.left, node.right) if isinstance(side, ast.Constant)]
            return [t for t in texts if isinstance(t.value, str)] or [node.left, node.right]
        return [node.left, node.right]
    if isinstance(node, ast.GeneratorExp | ast.ListComp):
        return [node.elt]
    if isinstance(node, ast.IfExp):
        return [node.body, node.orelse]
    if isinstance(node, ast.Tuple | ast.List | ast.Set):
        return list(node.elts)
    if isinstance(node, ast.Dict):
        return [*(k for k in node.keys if k is not None), *node.values]
    if isinstance(node, ast.Starred | ast.UnaryOp):
        return [node.value if isinstance(node, ast.Starred) else node.operand]
    if isinstance(node, ast.Attribute) and node.attr in {"parent", "name", "stem"}:
        return [node.value] if isinstance(node.value, ast.Call | ast.Attribute) else None
    return _call_parts(node, scope) if isinstance(node, ast.Call) else None


def _call_parts(node: ast.Call, scope: Scope) -> list[ast.expr] | None:
    arguments = [*node.args, *(keyword.value for keyword in node.keywords)]
    name = scope.qualified(node.func)
    if name in _QUOTING_CALLS:
        return []
    if name in _PASSING_CALLS:
        return arguments
    if isinstance(node.func, ast.Attribute):
        method = node.func.attr
        if method in _PASSING_METHODS:
            return [node.func.value, *arguments]
    return None


def text_of(node: ast.expr | None, scope: Scope) -> str | None:
    """The text of a string expression; parts that vary read `{}`. None if it is no string."""
    if isinstance(node, ast.Constant):
        value = node.value
        if isinstance(value, bytes):
            return value.decode("latin-1")[:_LONGEST_TEXT]
        return value[:_LONGEST_TEXT] if isinstance(value, str) else None
    if isinstance(node, ast.JoinedStr):
        return "".join(_piece(part, scope) for part in node.values)[:_LONGEST_TEXT]
    if isinstance(node, ast.Name):
        return _text_of_name(node.id, scope)
    if isinstance(node, ast.BinOp):
        return _combined(node, scope)
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
        return _formatted(node.func, scope)
    return None


def _text_of_name(name: str, scope: Scope) -> str | None:
    known = scope.single_value(name)
    if known is None:
        return None
    value, owner = known
    if name not in owner.texts:
        owner.texts[name] = None  # ends the recursion of a name defined by itself
        owner.texts[name] = text_of(value, owner)
    return owner.texts[name]


def _piece(part: ast.expr, scope: Scope) -> str:
    text = text_of(part.value if isinstance(part, ast.FormattedValue) else part, scope)
    return "{}" if text is None else text


def _combined(node: ast.BinOp, scope: Scope) -> str | None:
    left = text_of(node.left, scope)
    if isinstance(node.op, ast.Mod):
        return None if left is None else re.sub(r"%(\(\w*\))?[-#0 +]*\d*[srdif]", "{}", left)
    if not isinstance(node.op, ast.Add):
        return None
    right = text_of(node.right, scope)
    if left is None and right is None:
        return None
    return (("{}" if left is None else left) + ("{}" if right is None else right))[:_LONGEST_TEXT]


def _formatted(func: ast.Attribute, scope: Scope) -> str | None:
    if func.attr not in {"format", "strip", "encode", "lower", "upper", "join"}:
        return None
    text = text_of(func.value, scope)
    if text is None or func.attr != "format":
        return text
    return re.sub(r"(?<!\{)\{[^{}]*\}", "{}", text)


def outside_source(node: ast.AST | None, scope: Scope) -> str:
    """What outside the program the value of `node` comes from, "" if nothing we recognise.

    Recognised: `input()`, `sys.argv`, `sys.stdin`, the fields of a web request, and data received
    from a socket. The environment is not: who sets it can run code anyway.
    """
    seen: set[tuple[int, str]] = set()
    work: list[tuple[ast.AST | None, Scope]] = [(node, scope)]
    while work:
        current, where = work.pop()
        for inner in ast.walk(current) if current is not None else ():
            source = _direct_source(inner, where)
            if source:
                return source
            known = where.single_value(inner.id) if isinstance(inner, ast.Name) else None
            if known and isinstance(inner, ast.Name) and (id(known[1]), inner.id) not in seen:
                seen.add((id(known[1]), inner.id))
                work.append(known)
    return ""


def _direct_source(node: ast.AST, scope: Scope) -> str:
    if isinstance(node, ast.Call):
        name = scope.qualified(node.func)
        if name in _OUTSIDE_CALLS:
            return name.removeprefix("builtins.") + "()"
        if isinstance(node.func, ast.Attribute) and node.func.attr in _RECEIVING:
            return f"{node.func.attr}()"
    if isinstance(node, ast.Attribute):
        if scope.qualified(node) in _OUTSIDE_NAMES:
            return scope.qualified(node)
        if node.attr in _REQUEST_FIELDS and last_name(node.value) == "request":
            return f"request.{node.attr}"
    return ""


def uses_parameter(node: ast.AST | None, scope: Scope) -> bool:
    """Whether a parameter of an enclosing function takes part in the value of `node`."""
    names = (n for n in ast.walk(node) if isinstance(n, ast.Name)) if node is not None else ()
    return any(name.id not in {"self", "cls"} and scope.is_parameter(name.id) for name in names)


def last_name(node: ast.AST | None) -> str:
    """The identifier an expression ends in: `b` of `a.b`, of `a.b()` and of `b["x"]`."""
    while isinstance(node, ast.Call | ast.Subscript | ast.Await):
        node = node.func if isinstance(node, ast.Call) else node.value
    if isinstance(node, ast.Attribute):
        return node.attr
    return node.id if isinstance(node, ast.Name) else ""


def identifiers(node: ast.AST | None) -> Iterator[str]:
    """Every identifier and attribute name in an expression, and its string subscripts."""
    for inner in ast.walk(node) if node is not None else ():
        if isinstance(inner, ast.Name):
            yield inner.id
        elif isinstance(inner, ast.Attribute):
            yield inner.attr
        elif isinstance(inner, ast.Subscript) and isinstance(inner.slice, ast.Constant):
            yield str(inner.slice.value)


def argument(call: ast.Call, position: int | None, *names: str) -> ast.expr | None:
    """The argument at `position` (None: keyword only) or under one of the keyword `names`."""
    for keyword in call.keywords:
        if keyword.arg in names:
            return keyword.value
    if position is not None and position < len(call.args):
        found = call.args[position]
        return None if isinstance(found, ast.Starred) else found
    return None


def is_literal(node: ast.expr | None, value: object) -> bool:
    """Whether `node` is written as exactly this constant (`True` is not `1`)."""
    return isinstance(node, ast.Constant) and node.value is value


def has_spread(call: ast.Call) -> bool:
    """Whether `*args` or `**kwargs` may add arguments we cannot see."""
    return any(isinstance(a, ast.Starred) for a in call.args) or any(
        keyword.arg is None for keyword in call.keywords
    )
