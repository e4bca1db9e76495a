"""Which names a Python scope binds, and what a dotted expression refers to.

A deliberately small model of Python's scoping: enough to follow import aliases, to tell a module
from a parameter of the same name, and to see through a variable that is assigned exactly once.
Whatever it cannot decide it leaves unresolved; rules then stay silent or lower their confidence.
"""

from __future__ import annotations

import ast
import builtins
from collections.abc import Iterator
from dataclasses import dataclass, field

FunctionNode = ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda
ClassNode = ast.ClassDef

#: How many single assignments are followed from a name to its value.
MAX_HOPS = 6

BUILTINS = frozenset(dir(builtins)) | {"unicode", "raw_input", "execfile", "reload", "file"}

#: Old and vendored spellings of a module, by its canonical name.
CANONICAL = {
    "cPickle": "pickle",
    "_pickle": "pickle",
    "six.moves.cPickle": "pickle",
    "six.moves.urllib": "urllib",
    "urllib2.urlopen": "urllib.request.urlopen",
    "urllib.urlopen": "urllib.request.urlopen",
    "urllib.urlretrieve": "urllib.request.urlretrieve",
    "xml.etree.cElementTree": "xml.etree.ElementTree",
    "Cryptodome": "Crypto",
    "commands": "subprocess",
    "os.popen2": "os.popen",
    "os.popen3": "os.popen",
    "requests.packages.urllib3": "urllib3",
    "requests.sessions.Session": "requests.Session",
    "requests.session": "requests.Session",
    "requests.api": "requests",
    "flask.app.Flask": "flask.Flask",
    "ruamel.yaml": "ruamel_yaml",
}


@dataclass(slots=True)
class Scope:
    """The names bound directly in one module, class or function.

    `imports` maps a local name to what it was imported from (relative imports keep their dots),
    `values` maps it to every expression assigned to it (None: bound in a way we do not follow),
    `attributes` of a class does the same for `self.name`. `texts` remembers the text of names
    already worked out, so that hostile chains of assignments cost no more than their length.
    """

    node: ast.AST
    parent: Scope | None
    imports: dict[str, str] = field(default_factory=dict)
    values: dict[str, list[ast.expr | None]] = field(default_factory=dict)
    parameters: set[str] = field(default_factory=set)
    attributes: dict[str, list[ast.expr | None]] = field(default_factory=dict)
    star_modules: list[str] = field(default_factory=list)
    texts: dict[str, str | None] = field(default_factory=dict)

    def owner(self, name: str) -> Scope | None:
        """The scope that binds `name` as seen from here, or None."""
        scope: Scope | None = self
        while scope is not None:
            visible = scope is self or not isinstance(scope.node, ast.ClassDef)
            if visible and (
                name in scope.imports or name in scope.values or name in scope.parameters
            ):
                return scope
            scope = scope.parent
        return None

    def single_value(self, name: str) -> tuple[ast.expr, Scope] | None:
        """The only expression ever assigned to `name`, with the scope to read it in."""
        owner = self.owner(name)
        if owner is None or name in owner.parameters or name in owner.imports:
            return None
        values = owner.values.get(name, [])
        if len(values) == 1 and values[0] is not None:
            return values[0], owner
        return None

    def every_value(self, name: str) -> list[tuple[ast.expr, Scope]]:
        """All expressions assigned to `name`; empty when one of them cannot be followed."""
        owner = self.owner(name)
        if owner is None or name in owner.parameters or name in owner.imports:
            return []
        values = owner.values.get(name, [])
        return [] if None in values else [(value, owner) for value in values if value is not None]

    def is_parameter(self, name: str) -> bool:
        """Whether `name` is a parameter of an enclosing function."""
        owner = self.owner(name)
        return owner is not None and name in owner.parameters

    def qualified(self, node: ast.AST, hops: int = MAX_HOPS) -> str:
        """The dotted name `node` refers to, or "" when that cannot be told.

        A call is written with `()`, so a method of a fresh object reads
        `tarfile.open().extractall`. Names of Python itself are prefixed `builtins.`.
        """
        return canonical(self._qualified(node, hops))

    def _qualified(self, node: ast.AST, hops: int) -> str:
        if isinstance(node, ast.Attribute):
            own = self._own_attribute(node, hops)
            base = own or self._qualified(node.value, hops)
            return own or (f"{base}.{node.attr}" if base else "")
        if isinstance(node, ast.Call):
            called = self._qualified(node.func, hops)
            return f"{canonical(called)}()" if called else ""
        if isinstance(node, ast.Await):
            return self._qualified(node.value, hops)
        return self._name(node.id, hops) if isinstance(node, ast.Name) else ""

    def _name(self, name: str, hops: int) -> str:
        owner = self.owner(name)
        if owner is None:
            if name in BUILTINS:
                return f"builtins.{name}"
            stars = self._stars()
            return f"{stars[0]}.{name}" if len(stars) == 1 else ""
        if name in owner.imports:
            return owner.imports[name]
        known = self.single_value(name)
        if known is None or not hops:
            return ""
        value, scope = known
        return scope._qualified(value, hops - 1)

    def _own_attribute(self, node: ast.Attribute, hops: int) -> str:
        """What `self.attr` was set to, if the class sets it exactly once."""
        if not (isinstance(node.value, ast.Name) and node.value.id == "self" and hops):
            return ""
        scope: Scope | None = self
        while scope is not None and not isinstance(scope.node, ast.ClassDef):
            scope = scope.parent
        values = scope.attributes.get(node.attr, []) if scope else []
        if scope is None or len(values) != 1 or values[0] is None:
            return ""
        return scope._qualified(values[0], hops - 1)

    def _stars(self) -> list[str]:
        scope: Scope = self
        while scope.parent is not None:
            scope = scope.parent
        return scope.star_modules


def canonical(name: str) -> str:
    """`name` with old or vendored module spellings replaced (table `CANONICAL`)."""
    head = name
    while head:
        if head in CANONICAL:
            return CANONICAL[head] + name[len(head) :]
        head = head.rpartition(".")[0]
    return name


def build_scope(node: ast.AST, parent: Scope | None) -> Scope:
    """Collect what `node` (a module, class, function or lambda) binds in its own scope."""
    scope = Scope(node, parent)
    if isinstance(node, FunctionNode):
        arguments = node.args
        every = [*arguments.posonlyargs, *arguments.args, *arguments.kwonlyargs]
        every += [a for a in (arguments.vararg, arguments.kwarg) if a is not None]
        scope.parameters = {argument.arg for argument in every}
    if not isinstance(node, ast.Lambda):
        elsewhere: set[str] = set()
        for inner in own_nodes(node):
            _bind(scope, inner)
            if isinstance(inner, ast.Global | ast.Nonlocal):
                elsewhere.update(inner.names)
        for name in elsewhere:
            scope.values.pop(name, None)
    if isinstance(node, ast.ClassDef):
        _bind_attributes(scope, node)
    if isinstance(node, ast.Module):
        for inner in ast.walk(node):
            if isinstance(inner, ast.Global):  # some function may rebind it: not followed
                for name in inner.names:
                    scope.values.setdefault(name, []).append(None)
    return scope


def own_nodes(node: ast.AST) -> Iterator[ast.AST]:
    """The nodes of a body, in source order, without those inside nested functions and classes."""
    stack: list[ast.AST] = list(reversed(getattr(node, "body", [])))
    while stack:
        inner = stack.pop()
        yield inner
        if not isinstance(inner, FunctionNode | ClassNode):
            stack.extend(reversed(list(ast.iter_child_nodes(inner))))


def _bind(scope: Scope, node: ast.AST) -> None:
    if isinstance(node, ast.Import):
        for alias in node.names:
            first = alias.name.partition(".")[0]
            scope.imports.setdefault(alias.asname or first, alias.name if alias.asname else first)
    elif isinstance(node, ast.ImportFrom):
        _bind_from(scope, node)
    elif isinstance(node, ast.Assign):
        for target in node.targets:
            _bind_target(scope.values, target, node.value)
    elif isinstance(node, ast.AnnAssign | ast.NamedExpr):
        _bind_target(scope.values, node.target, node.value)
    elif isinstance(node, ast.AugAssign | ast.For | ast.AsyncFor):
        _bind_target(scope.values, node.target, None)
    elif isinstance(node, ast.withitem) and node.optional_vars is not None:
        _bind_target(scope.values, node.optional_vars, node.context_expr)
    elif isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
        scope.values.setdefault(node.name, []).append(None)
    elif isinstance(node, ast.ExceptHandler):
        scope.values.setdefault(node.name or "_", []).append(None)


def _bind_from(scope: Scope, node: ast.ImportFrom) -> None:
    module = "." * node.level + (node.module or "")
    joint = "" if module.endswith(".") or not module else "."
    for alias in node.names:
        if alias.name == "*":
            scope.star_modules.append(module)
        else:
            scope.imports.setdefault(alias.asname or alias.name, f"{module}{joint}{alias.name}")


def _bind_target(
    values: dict[str, list[ast.expr | None]], target: ast.expr, value: ast.expr | None
) -> None:
    if isinstance(target, ast.Name):
        values.setdefault(target.id, []).append(value)
    elif isinstance(target, ast.Tuple | ast.List):
        for element in target.elts:
            _bind_target(values, element, None)
    elif isinstance(target, ast.Starred):
        _bind_target(values, target.value, None)


def _bind_attributes(scope: Scope, node: ast.ClassDef) -> None:
    for inner in ast.walk(node):
        if isinstance(inner, ast.Assign):
            for target in inner.targets:
                if _is_own(target):
                    name = target.attr  # type: ignore[attr-defined]
                    scope.attributes.setdefault(name, []).append(inner.value)


def _is_own(target: ast.expr) -> bool:
    return (
        isinstance(target, ast.Attribute)
        and isinstance(target.value, ast.Name)
        and target.value.id == "self"
    )
