"""Entry points, packaging files and the attack surface."""

from __future__ import annotations

from textwrap import dedent

import pytest

from orchestrate.adapters.backends.local.arch_entry_points import entry_points_of
from orchestrate.adapters.backends.local.arch_manifests import (
    ManifestError,
    from_pyproject,
    from_setup_cfg,
    from_setup_py,
)
from orchestrate.adapters.backends.local.arch_modules import ModuleTable
from orchestrate.adapters.backends.local.arch_surface import surface_of
from orchestrate.adapters.backends.local.python_source import parse
from orchestrate.core.sharing.findings import EntryPoint

SURFACE = """
import hashlib, os, pickle, socket, subprocess as sp
import requests
from pathlib import Path
from urllib.parse import urlparse


def fetch(url, thing):
    session = requests.Session()
    session.get(url)
    sock = socket.socket()
    sock.connect(url)
    sp.run(["ls"])
    pickle.loads(thing)
    open("a").read()
    Path("a").unlink()
    thing.read_text()
    hashlib.sha256(thing).hexdigest()
    os.environ["HOME"]
    os.environ.get("HOME")
    os.getenv("HOME")
    eval(thing)
    urlparse(url)
    os.path.join("a", "b")
    thing.open()
    socket.gethostname()
"""


def test_every_call_that_touches_the_outside_is_a_point() -> None:
    points = [
        (p.location.line, p.kind, p.call, p.symbol) for p in surface_of(parse("m.py", SURFACE))
    ]
    assert points == [
        (9, "network", "requests.Session", "fetch"),
        (10, "network", "requests.Session().get", "fetch"),
        (11, "network", "socket.socket", "fetch"),
        (12, "network", "socket.socket().connect", "fetch"),
        (13, "subprocess", "subprocess.run", "fetch"),
        (14, "deserialisation", "pickle.loads", "fetch"),
        (15, "files", "open", "fetch"),
        (16, "files", "pathlib.Path().unlink", "fetch"),
        (17, "files", "(…).read_text", "fetch"),
        (18, "crypto", "hashlib.sha256", "fetch"),
        (19, "environment", "os.environ", "fetch"),
        (20, "environment", "os.environ", "fetch"),
        (21, "environment", "os.getenv", "fetch"),
        (22, "dynamic-code", "eval", "fetch"),
    ]


def ways_in(source: str, path: str = "pkg/web.py") -> list[tuple[str, str, str, int]]:
    module = ModuleTable([path, "pkg/__init__.py"]).by_path[path]
    return [
        (e.kind, e.name, e.target, e.location.line if e.location else 0)
        for e in entry_points_of(parse(path, dedent(source)), module)
    ]


def test_web_routes() -> None:
    source = """\
    from django.urls import path
    from fastapi import APIRouter
    from flask import Flask

    site = Flask(__name__)
    users = APIRouter()

    @site.route("/home")
    def home(): pass

    class Views:
        @users.get("/users/{id}")
        async def user(self): pass

    site.add_url_rule("/late", view_func=home)
    urlpatterns = [path("admin/", home)]

    @cache.get("/nothing")
    def nothing(): pass
    """
    assert ways_in(source) == [
        ("route", "/home", "pkg.web:home", 9),
        ("route", "/users/{id}", "pkg.web:Views.user", 13),
        ("route", "/late", "pkg.web", 15),
        ("route", "admin/", "pkg.web", 16),
    ]


def test_command_lines_and_scripts() -> None:
    source = """\
    import argparse, click, socket

    @click.group()
    def cli(): pass

    @cli.command("list")
    def show(): pass

    def main():
        argparse.ArgumentParser(prog="tool")
        server = socket.socket()
        server.listen()

    if __name__ == "__main__":
        main()
    if __name__ == "pkg.web":
        main()
    """
    assert ways_in(source) == [
        ("command", "cli", "pkg.web:cli", 4),
        ("command", "list", "pkg.web:show", 7),
        ("command-line", "tool", "pkg.web:main", 10),
        ("listener", "socket.socket().listen", "pkg.web:main", 12),
        ("script", "pkg/web.py", "pkg.web", 14),
    ]


def test_main_module() -> None:
    assert ways_in("", "pkg/__main__.py") == [("main-module", "python -m pkg", "pkg.__main__", 1)]


def summary(points: object) -> list[tuple[str, str, str, int]]:
    return [
        (e.kind, e.name, e.target, e.location.line if e.location else 0)
        for e in points  # type: ignore[attr-defined]
        if isinstance(e, EntryPoint)
    ]


def test_pyproject_declares_scripts_and_plugins() -> None:
    text = dedent("""\
    [project.scripts]
    tool = "pkg.cli:main"
    [project.gui-scripts]
    window = "pkg.gui:main"
    [project.entry-points."pytest11"]
    plug = "pkg.plugin"
    [tool.poetry.scripts]
    old = "pkg.old:main [extra]"
    """)
    assert summary(from_pyproject("pyproject.toml", text)) == [
        ("console-script", "tool", "pkg.cli:main", 2),
        ("gui-script", "window", "pkg.gui:main", 4),
        ("plugin:pytest11", "plug", "pkg.plugin", 6),
        ("console-script", "old", "pkg.old:main", 8),
    ]


def test_setup_cfg_declares_scripts() -> None:
    text = "[options.entry_points]\nconsole_scripts =\n    tool = pkg.cli:main\n    b = pkg:b\n"
    assert summary(from_setup_cfg("setup.cfg", text)) == [
        ("console-script", "tool", "pkg.cli:main", 3),
        ("console-script", "b", "pkg:b", 4),
    ]


@pytest.mark.parametrize(
    "given",
    [
        '{"console_scripts": ["tool = pkg.cli:main"]}',
        '"""\n    [console_scripts]\n    tool = pkg.cli:main\n    """',
        '{"console_scripts": "tool = pkg.cli:main"}',
    ],
)
def test_setup_py_is_read_without_running_it(given: str) -> None:
    text = f"from setuptools import setup\nsetup(entry_points={given}, scripts=['bin/run'])\n"
    points = summary(from_setup_py(parse("setup.py", text)))
    assert [point[:3] for point in points] == [
        ("console-script", "tool", "pkg.cli:main"),
        ("console-script", "run", "bin/run"),
    ]


def test_computed_entry_points_are_left_out_rather_than_guessed() -> None:
    text = "from setuptools import setup\nsetup(entry_points=read(), scripts=glob('bin/*'))\n"
    assert summary(from_setup_py(parse("setup.py", text))) == []


@pytest.mark.parametrize("text", ["[project", "a = 1\na = 2", "project = 3\nx = '"])
def test_broken_pyproject_is_an_error_with_a_reason(text: str) -> None:
    with pytest.raises(ManifestError, match=r"\w"):
        list(from_pyproject("pyproject.toml", text))


@pytest.mark.parametrize(
    "text", ["project = 3\n", "[project]\nscripts = ['a']\n", "[tool]\npoetry=1\n"]
)
def test_unexpected_shapes_in_pyproject_declare_nothing(text: str) -> None:
    assert list(from_pyproject("pyproject.toml", text)) == []


def test_broken_setup_cfg_is_an_error_with_a_reason() -> None:
    with pytest.raises(ManifestError, match="section"):
        list(from_setup_cfg("setup.cfg", "no section\n"))
