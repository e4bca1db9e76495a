"""The text of a security test as it is written into a project: standard library only.

It finds the calls of one symbol in the file's syntax tree and makes each of them with stand-ins for
everything they name: a watched module notes what it is asked for, anything else is a mock. So what
is judged is what the code asks of the module, however that is written. Nothing of the project is
imported and no call reaches a real module.

Kept to what Python 3.8 understands, because it runs on the project's interpreter. The parts are
joined by `proof.py`, which fills in the names with a dollar sign.
"""

from __future__ import annotations

HEAD = '''\
"""Security test: $place in $path
must be free of this: $flaw.

Every call there is made with stand-ins for whatever it names, and what it asks
of $listed is judged.
Neither the program nor those modules are imported.
"""

import ast
import pathlib
import tokenize
import types
import unittest
import warnings
from unittest import mock

ROOT = $root
PATH = $path_text
SYMBOL = $symbol_text
WATCHED = $watched
# Known flaws that stay, once for each, without their white space.
LEFT = $left

SCOPES = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)
INNER = (ast.Lambda, ast.ListComp, ast.SetComp, ast.DictComp, ast.GeneratorExp)


class Asked:
    """A watched module or a part of it: all it knows is its own dotted name."""

    def __init__(self, name):
        self.name = name

    def __getattr__(self, attribute):
        if attribute.startswith("__"):
            raise AttributeError(attribute)
        return Asked(self.name + "." + attribute)

    def __call__(self, *args, **kwargs):
        return Asked(self.name + "()")


'''

VALUES = '''\
def value(node, names):
    """What an expression gives when every name not watched is a mock."""
    used = {each.id for each in ast.walk(node) if isinstance(each, ast.Name)}
    known = {name: names.get(name) or mock.MagicMock() for name in used}
    known["__builtins__"] = {}
    try:
        code = compile(ast.Expression(node), PATH, "eval")
        return types.FunctionType(code, known)()
    except Exception:
        return mock.MagicMock()


def watched(node, names):
    """Whether an expression begins with a name that is watched."""
    while isinstance(node, (ast.Attribute, ast.Call)):
        node = node.func if isinstance(node, ast.Call) else node.value
    return isinstance(node, ast.Name) and node.id in names


def own(node):
    """The nodes of a function, class or module without those nested in it."""
    for child in ast.iter_child_nodes(node):
        yield child
        if not isinstance(child, SCOPES):
            yield from own(child)


def imported(node):
    """The local names of an import that are watched, with what they are."""
    for alias in node.names:
        module = alias.name if isinstance(node, ast.Import) else node.module or ""
        first = module.split(".")[0]
        if first not in WATCHED or getattr(node, "level", 0):
            continue
        if isinstance(node, ast.ImportFrom):
            yield alias.asname or alias.name, Asked(module + "." + alias.name)
        elif alias.asname:
            yield alias.asname, Asked(module)
        else:
            yield first, Asked(first)


def bound(nodes):
    """Names bound by anything but an import."""
    for node in nodes:
        if isinstance(node, ast.Name) and not isinstance(node.ctx, ast.Load):
            yield node.id
        elif isinstance(node, ast.arg):
            yield node.arg
        elif isinstance(node, SCOPES + (ast.ExceptHandler,)) and node.name:
            yield node.name


def names_in(scope, outer):
    """What is watched in a scope; an import wins over a fallback beside it."""
    nodes = list(own(scope))
    inner = {id(n) for each in nodes if isinstance(each, INNER) for n in ast.walk(each)}
    others = list(bound(node for node in nodes if id(node) not in inner))
    names = {name: known for name, known in outer.items() if name not in others}
    for node in nodes:
        if isinstance(node, (ast.Import, ast.ImportFrom)):
            names.update(imported(node))
$variables    return names


def places(node, names, symbol=""):
    """Every scope called SYMBOL, with what is watched there."""
    seen = names_in(node, names)
    if symbol == SYMBOL:
        yield node, seen
    for child in own(node):
        if isinstance(child, SCOPES):
            inner = symbol + "." + child.name if symbol else child.name
            yield from places(child, seen, inner)


def parts(node, names):
    """The nodes of a scope; names that a lambda or loop binds are not watched in it."""
    for child in ast.iter_child_nodes(node):
        if isinstance(child, SCOPES):
            continue
        seen = names
        if isinstance(child, INNER):
            hidden = set(bound(ast.walk(child)))
            seen = {name: names[name] for name in names if name not in hidden}
        yield child, seen
        yield from parts(child, seen)


'''

CALLS = '''\
def asked(node, names):
    """What a call asks of a watched module: a name, arguments, keyword arguments."""
    if not isinstance(node, ast.Call) or not watched(node.func, names):
        return None
    args = [value(a, names) for a in node.args if not isinstance(a, ast.Starred)]
    kwargs = {k.arg: value(k.value, names) for k in node.keywords if k.arg}
    return getattr(value(node.func, names), "name", ""), args, kwargs


'''

CASE = """\
class $case(unittest.TestCase):
    def test_$method(self):
        with tokenize.open(str(ROOT / PATH)) as file:
            source = file.read()
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            tree = ast.parse(source)
        found = list(places(tree, {}))
        if not found:
            self.fail("%s has no %s any more" % (PATH, SYMBOL))
        flaws, left = [], list(LEFT)
        for scope, names in found:
            for node, seen in parts(scope, names):
                request = asked(node, seen)
                said = judged(*request) if request else ""
                text = ast.get_source_segment(source, node) if said else ""
                text = "".join((text or "").split())
                if text in left:
                    left.remove(text)
                elif said:
                    flaws.append("%s:%d: %s" % (PATH, node.lineno, said))
        if flaws:
            self.fail("\\n".join(flaws))


if __name__ == "__main__":
    unittest.main()
"""
