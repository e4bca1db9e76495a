"""Module names, import resolution, cycles and reachability."""

from __future__ import annotations

import ast

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orchestrate.adapters.backends.local.arch_graph import (
    cyclic_components,
    path_between,
    shortest_cycle,
    shortest_paths,
)
from orchestrate.adapters.backends.local.arch_imports import imports_of
from orchestrate.adapters.backends.local.arch_modules import ModuleTable


@pytest.mark.parametrize(
    ("path", "others", "name"),
    [
        ("pkg/a.py", ["pkg/__init__.py"], "pkg.a"),
        ("pkg/__init__.py", [], "pkg"),
        ("src/pkg/sub/a.py", ["src/pkg/__init__.py", "src/pkg/sub/__init__.py"], "pkg.sub.a"),
        ("src/space/pkg/a.py", ["src/space/pkg/__init__.py"], "space.pkg.a"),
        ("lib3/yaml/__init__.py", [], "yaml"),
        ("packages/one/src/one/__init__.py", [], "one"),
        ("tools/run.py", [], "tools.run"),
        ("setup.py", [], "setup"),
        ("work/pkg/a.py", ["work/pkg/__init__.py"], "pkg.a"),
        ("bin/tool", [], "bin.tool"),
    ],
)
def test_modules_are_named_as_they_are_imported(path: str, others: list[str], name: str) -> None:
    assert ModuleTable([path, *others]).by_path[path].name == name


def test_one_name_under_two_roots_stays_two_modules() -> None:
    table = ModuleTable(["lib/y/__init__.py", "lib/y/a.py", "lib3/y/__init__.py", "lib3/y/a.py"])
    assert sorted(m.name for m in table.by_path.values()) == [
        "y", "y (lib3)", "y.a", "y.a (lib3)",
    ]  # fmt: skip
    targets = table.targets(table.by_path["lib3/y/__init__.py"], "y.a", (), 0)
    assert [t.path for t in targets] == ["lib3/y/a.py"]


FILES = [
    "src/pkg/__init__.py", "src/pkg/a.py", "src/pkg/b.py", "src/pkg/sub/__init__.py",
    "src/pkg/sub/c.py", "src/pkg/os.py", "src/space/part/__init__.py", "tests/test_a.py",
    "tests/helper.py",
]  # fmt: skip


@pytest.mark.parametrize(
    ("importer", "statement", "targets"),
    [
        ("src/pkg/a.py", "import pkg.b", ["src/pkg/b.py"]),
        ("src/pkg/a.py", "import pkg.sub.c as c", ["src/pkg/sub/c.py"]),
        ("src/pkg/a.py", "from pkg import b, thing", ["src/pkg/b.py", "src/pkg/__init__.py"]),
        ("src/pkg/a.py", "from pkg.b import f", ["src/pkg/b.py"]),
        ("src/pkg/a.py", "from . import b", ["src/pkg/b.py"]),
        ("src/pkg/a.py", "from .sub import c", ["src/pkg/sub/c.py"]),
        ("src/pkg/a.py", "from .b import *", ["src/pkg/b.py"]),
        ("src/pkg/sub/c.py", "from .. import a", ["src/pkg/a.py"]),
        ("src/pkg/sub/c.py", "from ..b import f", ["src/pkg/b.py"]),
        ("src/pkg/sub/__init__.py", "from . import c", ["src/pkg/sub/c.py"]),
        ("src/pkg/sub/__init__.py", "from .. import thing", ["src/pkg/__init__.py"]),
        ("src/pkg/a.py", "import os", []),
        ("src/pkg/a.py", "import json.decoder", []),
        ("src/pkg/a.py", "from ... import a", []),
        ("src/pkg/a.py", "import pkg.a", []),
        ("src/pkg/a.py", "import space.part", ["src/space/part/__init__.py"]),
        ("src/pkg/a.py", "import pkg.sub.missing", ["src/pkg/sub/__init__.py"]),
        ("tests/test_a.py", "import pkg", ["src/pkg/__init__.py"]),
        ("tests/test_a.py", "import helper", ["tests/helper.py"]),
        ("tests/test_a.py", "from tests.helper import x", ["tests/helper.py"]),
    ],
)
def test_imports_find_the_file_that_python_would_load(
    importer: str, statement: str, targets: list[str]
) -> None:
    table = ModuleTable(FILES)
    module = table.by_path[importer]
    found = [
        target.path
        for each in imports_of(ast.parse(statement))
        for target in table.targets(module, each.module, each.names, each.level)
    ]
    assert found == targets


def test_imports_are_told_apart_by_when_they_take_effect() -> None:
    source = """
import a
from typing import TYPE_CHECKING
if TYPE_CHECKING:
    import b
else:
    import c
try:
    import d
except ImportError:
    import e
def f():
    import g
class H:
    import i
    def j(self):
        from k import l
"""
    assert {each.module: each.when for each in imports_of(ast.parse(source))} == {
        "a": "eager", "typing": "eager", "b": "typing", "c": "eager", "d": "eager", "e": "eager",
        "g": "lazy", "i": "eager", "k": "lazy",
    }  # fmt: skip


GRAPH = {
    "a": ["b"], "b": ["c", "x"], "c": ["a", "b"], "d": ["a", "e"], "e": ["f"], "f": ["e"], "x": [],
}  # fmt: skip


def test_cycles_are_found_with_their_shortest_path() -> None:
    components = cyclic_components(GRAPH)
    assert components == [("a", "b", "c"), ("e", "f")]
    assert [shortest_cycle(GRAPH, each) for each in components] == [("a", "b", "c"), ("e", "f")]


def test_paths_are_shortest_and_start_anywhere() -> None:
    assert path_between(GRAPH, ["d"], "x") == ("d", "a", "b", "x")
    assert path_between(GRAPH, ["d", "b"], "x") == ("b", "x")
    assert path_between(GRAPH, ["x"], "a") == ()
    assert shortest_paths(GRAPH, ["a"], {"a", "c"}) == {"a": ("a",), "c": ("a", "b", "c")}


def test_a_chain_of_100000_imports_needs_no_recursion() -> None:
    graph = {str(n): [str(n + 1)] for n in range(100_000)}
    graph["100000"] = ["0"]
    assert [len(component) for component in cyclic_components(graph)] == [100_001]


@given(st.dictionaries(st.sampled_from("abcdefg"), st.frozensets(st.sampled_from("abcdefg"))))
def test_a_component_is_a_set_of_nodes_that_reach_each_other(
    edges: dict[str, frozenset[str]],
) -> None:
    graph = {node: sorted(edges.get(node, ())) for node in "abcdefg"}
    components = cyclic_components(graph)
    together = {(a, b) for component in components for a in component for b in component if a != b}
    for a in "abcdefg":
        for b in "abcdefg":
            mutual = bool(path_between(graph, [a], b)) and bool(path_between(graph, [b], a))
            assert ((a, b) in together) == (a != b and mutual)
    for component in components:
        cycle = shortest_cycle(graph, component)
        assert cycle[0] == component[0]
        assert all(b in graph[a] for a, b in zip(cycle, (*cycle[1:], cycle[0]), strict=True))
