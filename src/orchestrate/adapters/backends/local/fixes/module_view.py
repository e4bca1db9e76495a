"""A Python file as a concrete syntax tree, and what its names stand for.

Stricter than the rules that find flaws: a name counts as a module only if everything ever bound to
it, as seen from that place, is an import of that module. A fallback of `None` beside the import is
let pass. What cannot be told is left alone.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import dataclass
from typing import Any, TypeAlias

import libcst as cst
from libcst import metadata

from orchestrate.adapters.backends.local.python_scopes import MAX_HOPS, canonical

ImportNode: TypeAlias = cst.Import | cst.ImportFrom


class Unchangeable(Exception):
    """The file cannot be read as Python or would not come out as it went in."""


@dataclass(frozen=True, slots=True)
class Reference:
    """What an expression refers to: a dotted name, calls written `()`.

    `binding` is the import its first name comes from and `base` that name where it stands;
    `indirect` says that a variable or attribute stands between.
    """

    name: str
    base: cst.Name | None = None
    binding: metadata.ImportAssignment | None = None
    indirect: bool = False

    @property
    def statement(self) -> ImportNode:
        """The import statement of `binding`."""
        assert self.binding is not None
        return statement_of(self.binding)


class ModuleView:
    """One module. `path` is relative to the repository; `oldest` is the oldest Python the project
    says it runs on, None if it says nothing."""

    def __init__(self, path: str, data: bytes, oldest: tuple[int, int] | None = None) -> None:
        """Raises Unchangeable."""
        self.path = path
        self.oldest = oldest
        try:
            module = cst.parse_module(data)
            if module.bytes != data:
                raise Unchangeable(f"{path}: its encoding or line ends cannot be kept")
            # Nothing of a freshly parsed tree is shared, which is all a copy would be for.
            wrapper = metadata.MetadataWrapper(module, unsafe_skip_copy=True)
            self.module = wrapper.module
            self.positions = wrapper.resolve(metadata.PositionProvider)
            self.parents = wrapper.resolve(metadata.ParentNodeProvider)
            self.scopes = wrapper.resolve(metadata.ScopeProvider)
        except Unchangeable:
            raise
        except (cst.ParserSyntaxError, UnicodeError, LookupError, SyntaxError) as error:
            reason = str(error).split("\n", 1)[0]
            raise Unchangeable(f"{path}: cannot be parsed as Python: {reason}") from None
        except RecursionError:
            raise Unchangeable(f"{path}: is nested too deeply") from None
        self.calls: tuple[cst.Call, ...] = tuple(self.nodes(cst.Call))

    def code(self, node: cst.CSTNode) -> str:
        """The text of a node."""
        return self.module.code_for_node(node)

    def ancestors(self, node: cst.CSTNode) -> Iterator[cst.CSTNode]:
        """What is around `node`, innermost first; the module is the last."""
        current: cst.CSTNode | None = self.parents.get(node)
        while current is not None:
            yield current
            current = self.parents.get(current)

    def symbol(self, node: cst.CSTNode) -> str:
        """The function or class around a node, `Class.method`; "" at module level.

        Decorators and defaults count as part of what they belong to.
        """
        names = [
            each.name.value
            for each in self.ancestors(node)
            if isinstance(each, cst.FunctionDef | cst.ClassDef)
        ]
        return ".".join(reversed(names))

    def function(self, node: cst.CSTNode) -> cst.CSTNode:
        """The innermost function around a node, or the module."""
        around = (n for n in self.ancestors(node) if isinstance(n, cst.FunctionDef))
        return next(around, self.module)

    def nodes(self, kind: type[Any], within: cst.CSTNode | None = None) -> Iterator[Any]:
        """All nodes of a kind, in the module or in a part of it, in source order."""
        found = [
            node
            for node in self.parents
            if isinstance(node, kind) and (within is None or within in self.ancestors(node))
        ]
        yield from sorted(found, key=self._place)

    def _place(self, node: cst.CSTNode) -> tuple[int, int]:
        start = self.positions[node].start
        return start.line, start.column

    def assignments(self, node: cst.CSTNode, name: str) -> Collection[metadata.BaseAssignment]:
        """Everything bound to `name` as seen from `node`."""
        scope = self.scopes.get(node)
        return tuple(scope[name]) if scope is not None else ()

    def refers(self, node: cst.CSTNode, hops: int = MAX_HOPS) -> Reference | None:
        """What an expression refers to, None if that is not certain."""
        found = self._refers(node, hops)
        if found is None:
            return None
        return Reference(canonical(found.name), found.base, found.binding, found.indirect)

    def _refers(self, node: cst.CSTNode, hops: int) -> Reference | None:
        if isinstance(node, cst.Attribute):
            owner = self._own_attribute(node, hops) or self._refers(node.value, hops)
            if owner is None:
                return None
            if _is_self(node.value):
                return owner
            return _extended(owner, f"{owner.name}.{node.attr.value}")
        if isinstance(node, cst.Call):
            called = self._refers(node.func, hops)
            return _extended(called, f"{canonical(called.name)}()") if called else None
        return self._name(node, hops) if isinstance(node, cst.Name) else None

    def _name(self, node: cst.Name, hops: int) -> Reference | None:
        bound = self.assignments(node, node.value)
        imports = [each for each in bound if isinstance(each, metadata.ImportAssignment)]
        names = {
            found.name for each in imports for found in each.get_qualified_names_for(node.value)
        }
        others = [each for each in bound if not isinstance(each, metadata.ImportAssignment)]
        if imports and len(names) == 1 and all(map(self._is_fallback, others)):
            return Reference(names.pop(), node, imports[0])
        if not imports and len(others) == 1 and hops:
            if isinstance(others[0], metadata.BuiltinAssignment):
                return Reference(f"builtins.{node.value}")
            value = self._assigned(others[0])
            found = self._refers(value, hops - 1) if value is not None else None
            return _indirect(found)
        return None

    def _assigned(self, assignment: metadata.BaseAssignment) -> cst.CSTNode | None:
        """The expression of `name = expression` or `with expression as name`."""
        if not isinstance(assignment, metadata.Assignment):
            return None
        target = self.parents.get(assignment.node)
        around = self.parents.get(target) if target is not None else None
        if isinstance(target, cst.AssignTarget) and isinstance(around, cst.Assign):
            return around.value
        if isinstance(target, cst.AnnAssign) and target.target is assignment.node:
            return target.value
        if isinstance(target, cst.AsName) and isinstance(around, cst.WithItem):
            return around.item
        return None

    def _is_fallback(self, assignment: metadata.BaseAssignment) -> bool:
        value = self._assigned(assignment)
        return isinstance(value, cst.Name) and value.value == "None"

    def _own_attribute(self, node: cst.Attribute, hops: int) -> Reference | None:
        """What `self.name` was set to, if its class sets it exactly once."""
        if not (_is_self(node.value) and hops):
            return None
        owner = next((n for n in self.ancestors(node) if isinstance(n, cst.ClassDef)), None)
        if owner is None:
            return None
        values = [
            assign.value
            for assign in self.nodes(cst.Assign, owner)
            for target in assign.targets
            if isinstance(target.target, cst.Attribute)
            and _is_self(target.target.value)
            and target.target.attr.value == node.attr.value
        ]
        if len(values) != 1:
            return None
        return _indirect(self._refers(values[0], hops - 1))


def statement_of(assignment: metadata.ImportAssignment) -> ImportNode:
    """The import statement that binds a name."""
    node = assignment.node
    assert isinstance(node, cst.Import | cst.ImportFrom)
    return node


def _is_self(node: cst.CSTNode) -> bool:
    return isinstance(node, cst.Name) and node.value == "self"


def _extended(owner: Reference, name: str) -> Reference:
    return Reference(name, owner.base, owner.binding, owner.indirect)


def _indirect(found: Reference | None) -> Reference | None:
    return None if found is None else Reference(found.name, indirect=True)
