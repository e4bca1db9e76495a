"""Whatever the code: what has no flaw is not changed, and what comes out is Python."""

from __future__ import annotations

import ast

from hypothesis import given
from hypothesis import strategies as st

from orchestrate.adapters.backends.local.fixes.code_fix import BY_NAME, CODEMODS
from orchestrate.adapters.backends.local.fixes.flaw import Codemod
from orchestrate.adapters.backends.local.fixes.module_view import ModuleView
from tests.unit.adapters.local.fixes.fixing import fixed_everywhere

_IMPORTS = st.sampled_from([
    "import yaml", "import yaml as y", "from yaml import load", "from yaml import *",
    "import hashlib", "from hashlib import md5, sha1", "import tempfile, os", "import os",
    "from tempfile import (\n    mktemp,  # why\n)", "import subprocess as sp", "import ssl",
    "from os import system", "import requests", "from .yaml import load", "import re",
    "try:\n    import yaml\nexcept ImportError:\n    yaml = None",
])  # fmt: skip
_SOUND_CALLS = [
    "yaml.safe_load(x)", "yaml.load(x, Loader=yaml.SafeLoader)", "self.yaml.load(x)", "loads(x)",
    "hashlib.sha256(x)", "hashlib.md5(x, usedforsecurity=False)", "tempfile.mkstemp()",
    "requests.get(x, timeout=1)", "sp.run(['ls'])", "os.getcwd()", "ssl.create_default_context()",
]  # fmt: skip
_FLAWED_CALLS = [
    "yaml.load(x)", "y.load(x, Loader=y.FullLoader,)", "load(x)", "hashlib.md5(x)", "md5( x )",
    "sha1(\n    x,  # all\n)", "tempfile.mktemp('.a')", "mktemp()", "sp.run('ls -l', shell=True)",
    "os.system('make')", "system('make')", "os.popen('ls').read()", "requests.get(x, verify=False)",
    "ssl._create_unverified_context()", "sp.call('a | b', shell=True)",
]  # fmt: skip


def _statements(calls: list[str]) -> st.SearchStrategy[str]:
    call = st.sampled_from(calls)
    pair = st.tuples(call, call)
    return st.one_of(
        call.map("value = {}  # note".format),
        call.map("print({})".format),
        call.map("other(f'x', *[{} for x in y])".format),
        call.map("later = lambda x: {}".format),
        call.map("if {}:\n    pass".format),
        call.map("def f(x, yaml=None, load=None):\n    return {}".format),
        call.map("def g(x):\n    import os, yaml\n\n    with open({}) as h:\n        h()".format),
        call.map("class C:\n    a = {}\n\n    def m(self):\n        self.a = 1".format),
        pair.map(lambda two: f"both = [{two[0]}, {two[1]}]"),
        pair.map(lambda two: f"def h(x):\n    a = {two[0]}\n    return a, {two[1]}"),
    )


def _modules(calls: list[str]) -> st.SearchStrategy[bytes]:
    parts = st.tuples(st.lists(_IMPORTS, max_size=5), st.lists(_statements(calls), max_size=5))
    text = parts.map(lambda both: "\n".join([*both[0], *both[1]]) + "\n")
    ends = st.sampled_from(["\n", "\r\n"])
    return st.builds(lambda source, end: source.replace("\n", end).encode(), text, ends)


@given(codemod=st.sampled_from(CODEMODS), source=_modules(_SOUND_CALLS))
def test_module_without_the_flaw_is_not_changed(codemod: Codemod, source: bytes) -> None:
    assert list(codemod.find(ModuleView("m.py", source, (3, 9)))) == []
    assert fixed_everywhere(codemod.name, source) == source


@given(
    codemod=st.sampled_from(CODEMODS),
    source=_modules(_SOUND_CALLS + _FLAWED_CALLS),
    oldest=st.sampled_from([(3, 6), (3, 9)]),
)
def test_fixed_module_is_python_without_the_flaws_that_could_be_fixed(
    codemod: Codemod, source: bytes, oldest: tuple[int, int]
) -> None:
    after = fixed_everywhere(codemod.name, source, oldest)
    ast.parse(after)
    left = [f for f in BY_NAME[codemod.name].find(ModuleView("m.py", after, oldest)) if f.change]
    assert left == []
    assert fixed_everywhere(codemod.name, after, oldest) == after
