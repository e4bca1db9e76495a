"""Referring to something else where a name stands, and what has to be imported for it."""

from __future__ import annotations

import libcst as cst
from libcst import metadata

from orchestrate.adapters.backends.local.fixes.flaw import Change, NewImport, Refused
from orchestrate.adapters.backends.local.fixes.module_view import (
    ImportNode,
    ModuleView,
    statement_of,
)


def importing(
    view: ModuleView, node: cst.CSTNode, module: str, change: Change, beside: ImportNode
) -> str:
    """The local name of `module` at `node`; has it imported beside `beside` if need be.

    Raises:
        Refused: the name means something else there.
    """
    scope: metadata.Scope | None = view.scopes.get(node)
    while scope is not None:
        for assignment in scope.assignments:
            if _is_plainly(view, assignment, module, node):
                return assignment.name
        scope = None if isinstance(scope, metadata.GlobalScope) else scope.parent
    bound = view.assignments(node, module)
    if any(not isinstance(each, metadata.ImportAssignment) for each in bound) or any(
        found.name != module
        for each in bound
        if isinstance(each, metadata.ImportAssignment)
        for found in each.get_qualified_names_for(module)
    ):
        raise Refused(f"the name {module} means something else there")
    change.imports.append(NewImport(module, beside))
    return module


def _is_plainly(
    view: ModuleView, assignment: metadata.BaseAssignment, module: str, node: cst.CSTNode
) -> bool:
    """Whether it imports `module` whenever its scope runs, and before `node` is reached."""
    if not isinstance(assignment, metadata.ImportAssignment):
        return False
    names = assignment.get_qualified_names_for(assignment.name)
    if {each.name for each in names} != {module} or "." in assignment.name:
        return False
    if len(view.assignments(node, assignment.name)) != 1:
        return False
    statement = statement_of(assignment)
    for around in view.ancestors(statement):
        if isinstance(around, cst.If | cst.Try | cst.With | cst.For | cst.While):
            return False
        if isinstance(around, cst.FunctionDef):
            break
    return view.positions[statement].start.line < view.positions[node].start.line


def sibling(view: ModuleView, node: cst.CSTNode, name: str, change: Change) -> None:
    """Have `node`, which refers to a member of a module, refer to the member `name` instead.

    Raises:
        Refused: `name` means something else there.
    """
    if isinstance(node, cst.Attribute):
        change.replace(node, lambda new: new.with_changes(attr=cst.Name(name)))
        return
    reference = view.refers(node)
    if not isinstance(node, cst.Name) or reference is None or reference.binding is None:
        raise Refused("it is called through a variable")
    statement = statement_of(reference.binding)
    wanted = f"{reference.name.rpartition('.')[0]}.{name}"
    scope = view.scopes.get(node)
    local = next(
        (
            each.name
            for each in (scope.assignments if scope is not None else ())
            if isinstance(each, metadata.ImportAssignment)
            and {q.name for q in each.get_qualified_names_for(each.name)} == {wanted}
        ),
        "",
    )
    if not local:
        if not _all_import(view, node, name, wanted):
            raise Refused(f"the name {name} means something else there")
        if not view.assignments(node, name):
            change.imports.append(NewImport(wanted.rpartition(".")[0], statement, name))
        local = name
    change.replace(node, lambda _: cst.Name(local))
    change.released.add(node)


def _all_import(view: ModuleView, node: cst.CSTNode, name: str, wanted: str) -> bool:
    """Whether `name`, if it is bound at all, stands for `wanted` and nothing else."""
    return all(
        isinstance(each, metadata.ImportAssignment)
        and {found.name for found in each.get_qualified_names_for(name)} == {wanted}
        for each in view.assignments(node, name)
    )
