"""What names refer to: imports, aliases, shadowing, single assignments."""

from __future__ import annotations

import ast
from textwrap import dedent

import pytest

from orchestrate.adapters.backends.local.python_scopes import Scope
from orchestrate.adapters.backends.local.python_source import Unparsable, parse
from orchestrate.adapters.backends.local.python_values import (
    constancy,
    outside_source,
    text_of,
)


def called(source: str) -> list[str]:
    """The names of all calls, in source order, as the scopes resolve them."""
    return [
        site.called
        for site in parse("m.py", dedent(source)).sites()
        if isinstance(site.node, ast.Call)
    ]


@pytest.mark.parametrize(
    ("source", "names"),
    [
        ("import os\nos.system('x')", ["os.system"]),
        ("import os.path as p\np.join('x')", ["os.path.join"]),
        ("from os import system as s\ns('x')", ["os.system"]),
        ("from .a import b\nb()", [".a.b"]),
        ("from .. import b\nb()", ["..b"]),
        ("import cPickle\ncPickle.loads(x)", ["pickle.loads"]),
        ("from six.moves import cPickle as p\np.load(x)", ["pickle.load"]),
        ("try:\n    import cPickle as p\nexcept ImportError:\n    import pickle as p\np.load(x)",
         ["pickle.load"]),
        ("eval(x)", ["builtins.eval"]),
        ("def eval(x): pass\neval(x)", [""]),
        ("def f(os):\n    os.system(x)", [""]),
        ("import os\ndef f():\n    os = other()\n    os.system(x)", ["", ""]),
        ("import os\ndef f():\n    os.system(x)\nos = None", ["os.system"]),
        ("from requests import *\nget(x)", ["requests.get"]),
        ("from requests import *\nfrom httpx import *\nget(x)", [""]),
        ("import tarfile\nt = tarfile.open(x)\nt.extractall()",
         ["tarfile.open", "tarfile.open().extractall"]),
        ("import tarfile\nwith tarfile.open(x) as t:\n    t.close()",
         ["tarfile.open", "tarfile.open().close"]),
        ("import tarfile\nt = tarfile.open(x)\nt = other(t)\nt.close()", ["tarfile.open", "", ""]),
        ("import tarfile\nfor t in x:\n    t.close()", [""]),
        ("import ssl\nclass A:\n    def a(self):\n        self.c = ssl.create_default_context()\n"
         "    def b(self):\n        self.c.wrap_socket(x)",
         ["ssl.create_default_context", "ssl.create_default_context().wrap_socket"]),
        ("class A:\n    import os\n    def f(self):\n        os.system(x)", [""]),
        ("import os\nx = lambda os: os.system(1)", [""]),
        ("import a\nb = a.c\nd = b\nd.e()", ["a.c.e"]),
        ("a = b\nb = a\na.c()", [""]),
    ],
)  # fmt: skip
def test_calls_are_resolved_as_python_would_or_not_at_all(source: str, names: list[str]) -> None:
    assert called(source) == names


def test_symbols_name_the_enclosing_function_and_class() -> None:
    source = (
        "class A:\n    def f(self, x=g()):\n        def h():\n            k()\n        l()\nm()"
    )
    sites = [s for s in parse("m.py", source).sites() if isinstance(s.node, ast.Call)]
    assert {s.node.func.id: s.symbol for s in sites if isinstance(s.call.func, ast.Name)} == {  # type: ignore[attr-defined]
        "g": "A.f",
        "k": "A.f.h",
        "l": "A.f",
        "m": "",
    }


def last_value(source: str) -> tuple[ast.expr, Scope]:
    module = parse("m.py", dedent(source))
    site = [s for s in module.sites() if isinstance(s.node, ast.Expr)][-1]
    assert isinstance(site.node, ast.Expr)
    return site.node.value, site.scope


@pytest.mark.parametrize(
    ("source", "verdict"),
    [
        ("'a'", "constant"),
        ("x = 'a'\nx + 'b'", "constant"),
        ("x = 1\nf'{x}'", "constant"),
        ("x = 1\nx = 2\nx", "variable"),
        ("x = 1\nx += 2\nx", "variable"),
        ("NAME", "presumed"),
        ("'a' + config.NAME", "presumed"),
        ("'a' + NAME + name", "variable"),
        ("f(1)", "variable"),
        ("import sys\n[sys.executable, '-m']", "constant"),
        ("import shlex\nshlex.quote(name)", "constant"),
        ("from pathlib import Path\nPath(__file__).parent / 'a'", "constant"),
        ("'?' * n", "constant"),
        ("x = 1\ndef f():\n    global x\n    x = 2\nx", "variable"),
        ("def f(x):\n    x", "variable"),
    ],
)
def test_constancy(source: str, verdict: str) -> None:
    node, scope = last_value(source)
    assert constancy(node, scope) == verdict


@pytest.mark.parametrize(
    ("source", "text"),
    [
        ("'a' 'b'", "ab"),
        ("f'a{x}b'", "a{}b"),
        ("'a %s b' % x", "a {} b"),
        ("'a' + x", "a{}"),
        ("'a{}b{c}'.format(x, c=1)", "a{}b{}"),
        ("q = 'a'\nq + 'b'", "ab"),
        ("q = q + 'b'\nq", "{}b"),
        ("x", None),
        ("1 + 2", None),
    ],
)
def test_text_of(source: str, text: str | None) -> None:
    node, scope = last_value(source)
    assert text_of(node, scope) == text


@pytest.mark.parametrize(
    ("source", "origin"),
    [
        ("input()", "input()"),
        ("import sys\nx = sys.argv[1]\n'a' + x", "sys.argv"),
        ("flask.request.args['a']", "request.args"),
        ("data = sock.recv(10)\ndata.decode()", "recv()"),
        ("import os\nos.environ['HOME']", ""),
        ("response.json", ""),
    ],
)
def test_outside_sources(source: str, origin: str) -> None:
    node, scope = last_value(source)
    assert outside_source(node, scope) == origin


def test_a_hostile_chain_of_assignments_takes_no_exponential_time() -> None:
    lines = ["x0 = input"] + [f"x{n} = x{n - 1} + x{n - 1} + x{n - 1}" for n in range(1, 60)]
    node, scope = last_value("\n".join([*lines, "x59"]))
    assert constancy(node, scope) == "variable"
    assert outside_source(node, scope) == ""
    assert text_of(node, scope) is None


@pytest.mark.parametrize("text", ["def f(:", "print 'x'", "x = '\0'", "(" * 5000])
def test_what_is_not_python_is_unparsable_with_a_reason(text: str) -> None:
    with pytest.raises(Unparsable, match=r"\w"):
        parse("m.py", text)
