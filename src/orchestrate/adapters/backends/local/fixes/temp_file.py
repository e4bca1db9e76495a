"""A temporary name somebody else can take before it is used: create the file at once."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial

import libcst as cst

from orchestrate.adapters.backends.local.fixes.arguments import has_spread
from orchestrate.adapters.backends.local.fixes.flaw import (
    Change,
    Codemod,
    Flaw,
    Refused,
    flaw_at,
)
from orchestrate.adapters.backends.local.fixes.import_names import importing, sibling
from orchestrate.adapters.backends.local.fixes.module_view import ModuleView, Reference

_NAMING = {"tempfile.mktemp", "os.tempnam", "os.tmpnam"}
#: Uses of a path that fail when a file is there.
_NO_FILE = {"mkdir", "makedirs", "mkfifo", "mknod", "symlink", "link", "bind", "copytree"}
#: Around the call, these decide whether or how often it runs; a statement before cannot.
_CONDITIONAL = (
    cst.Lambda, cst.IfExp, cst.BooleanOperation, cst.BaseComp, cst.NamedExpr, cst.Comparison,
    cst.Decorator, cst.Param, cst.Annotation, cst.Yield,
)  # fmt: skip
_NOTE = "behaviour: the file exists from now on, empty and readable by its owner only"


def find(view: ModuleView) -> Iterator[Flaw]:
    """Calls that give a name and create nothing."""
    taken: dict[cst.CSTNode, set[str]] = {}
    for call in view.calls:
        called = view.refers(call.func)
        if called is not None and called.name in _NAMING:
            names = taken.setdefault(view.function(call), set())
            yield flaw_at(view, call, partial(_fix, view, call, called, names))


def _fix(
    view: ModuleView, call: cst.Call, called: Reference, taken: set[str], change: Change
) -> None:
    if called.indirect or called.binding is None:
        raise Refused("the function is called through a variable")
    if called.name != "tempfile.mktemp":
        raise Refused(f"{called.name} is of Python 2, which this fix does not write")
    if has_spread(call):
        raise Refused("arguments passed on with * or ** cannot be seen")
    used = {node.value for node in view.nodes(cst.Name, view.function(call))} & _NO_FILE
    if used:
        raise Refused(f"{min(used)} nearby may need a name that no file has yet")
    statement = _statement(view, call)
    local_os = importing(view, call, "os", change, called.statement)
    sibling(view, call.func, "mkstemp", change)
    descriptor = _free(view, call, "descriptor", taken)
    if _assigns(statement, call):
        _unpack(statement, descriptor, change)
        change.after.setdefault(statement, []).append(_close(local_os, descriptor))
    else:
        _hoist(call, statement, (descriptor, _free(view, call, "path", taken)), change)
        change.before[statement].append(_close(local_os, descriptor))
    change.notes.append(_NOTE)


def _statement(view: ModuleView, call: cst.Call) -> cst.BaseStatement:
    """The statement before which the file can be created.

    Raises:
        Refused: there is none.
    """
    inner: cst.CSTNode = call
    for around in view.ancestors(call):
        if isinstance(around, _CONDITIONAL):
            kind = type(around).__name__
            raise Refused(f"it stands in a {kind}, where there is no room to close the file")
        if isinstance(around, cst.SimpleStatementLine):
            if len(around.body) != 1:
                raise Refused("it shares its line with other statements")
            if isinstance(around.body[0], cst.Assert | cst.AugAssign):
                raise Refused("its statement is not a plain one")
            return around
        if isinstance(around, cst.With):
            if around.items[0] is not inner:
                raise Refused("other context managers are entered before it")
            return around
        if isinstance(around, cst.BaseCompoundStatement | cst.SimpleStatementSuite):
            break
        inner = around
    raise Refused("there is no place before it for a statement that creates the file")


def _assigns(statement: cst.BaseStatement, call: cst.Call) -> bool:
    """Whether the statement is `name = call`."""
    if not isinstance(statement, cst.SimpleStatementLine):
        return False
    only = statement.body[0]
    return (
        isinstance(only, cst.Assign)
        and only.value is call
        and len(only.targets) == 1
        and isinstance(only.targets[0].target, cst.Name | cst.Attribute)
    )


def _unpack(statement: cst.BaseStatement, descriptor: str, change: Change) -> None:
    """`name = …` as `descriptor, name = …`."""
    assert isinstance(statement, cst.SimpleStatementLine)
    assign = statement.body[0]
    assert isinstance(assign, cst.Assign)
    target = assign.targets[0].target
    change.replace(target, lambda node: _pair(descriptor, node))


def _hoist(
    call: cst.Call, statement: cst.BaseStatement, names: tuple[str, str], change: Change
) -> None:
    """Create the file in a statement before, and use its path where the call stood."""
    function = change.edits.pop(call.func, None)
    made = call if function is None else call.with_changes(func=function(call.func))
    pair = _pair(names[0], cst.Name(names[1]))
    assign = cst.Assign([cst.AssignTarget(pair)], made)
    change.before.setdefault(statement, []).append(cst.SimpleStatementLine([assign]))
    change.replace(call, lambda _: cst.Name(names[1]))


def _pair(descriptor: str, target: cst.CSTNode) -> cst.Tuple:
    assert isinstance(target, cst.BaseExpression)
    gap = cst.Comma(whitespace_after=cst.SimpleWhitespace(" "))
    return cst.Tuple(
        [cst.Element(cst.Name(descriptor), comma=gap), cst.Element(target)], lpar=[], rpar=[]
    )


def _close(local_os: str, descriptor: str) -> cst.SimpleStatementLine:
    function = cst.Attribute(cst.Name(local_os), cst.Name("close"))
    call = cst.Call(function, [cst.Arg(cst.Name(descriptor))])
    return cst.SimpleStatementLine([cst.Expr(call)])


def _free(view: ModuleView, node: cst.CSTNode, wanted: str, taken: set[str]) -> str:
    """A name that nothing at `node` uses; private where the module or a class would keep it."""
    scope = view.function(node)
    if scope is view.module:
        wanted = f"_{wanted}"
    used = {each.value for each in view.nodes(cst.Name, scope)} | taken
    name, number = wanted, 1
    while name in used:
        number += 1
        name = f"{wanted}_{number}"
    taken.add(name)
    return name


CODEMOD = Codemod(
    name="temporary-file-created",
    title="Create the temporary file together with its name",
    rules=frozenset({"ORC-SEC-601", "ORC-PY-601"}),
    watched=("tempfile", "os"),
    find=find,
)
