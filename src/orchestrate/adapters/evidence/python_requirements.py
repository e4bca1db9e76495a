"""What a Python project says its tests need. Reads files, executes nothing of the project.

Sources whose name says tests come first; those that say development (linters, documentation tools
and, often enough, test tools) are used only where nothing says tests: they are large, and their
pins are the first to break on another Python.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

import msgspec

from orchestrate.adapters.evidence.poetry_requirements import poetry_requirements
from orchestrate.adapters.evidence.setup_files import (
    declared_extras,
    read_ini,
    setup_argument,
    tests_require,
)

TEST_NAMES = ("test", "tests", "testing")
DEVELOPMENT_NAMES = ("dev", "develop", "development")

#: Found in pytest's own configuration -> the package that makes pytest understand it.
_PLUGINS = (
    (r"--cov\b", "pytest-cov"),
    (r"(^|\s)-n[ =\d]|--numprocesses", "pytest-xdist"),
    (r"--timeout\b|^\s*timeout\s*=", "pytest-timeout"),
    (r"asyncio_mode", "pytest-asyncio"),
    (r"--benchmark-", "pytest-benchmark"),
    (r"--strict-data-files|--doctest-plus", "pytest-doctestplus"),
    (r"--mypy\b", "pytest-mypy"),
    (r"--randomly-", "pytest-randomly"),
)
_INCLUDE = re.compile(r"^-(?:r|-requirement)[ =]?\s*(?P<path>\S+)")
_SELF = re.compile(
    r"^((-e|--editable)[ =]?\s*)?(file:)?\.{1,2}/?(?P<extras>\[[^\]]*\])?\s*([;#].*)?$"
)


class Requirements(msgspec.Struct, frozen=True, omit_defaults=True):
    """What to install besides the project.

    `files` are requirement files relative to the project, `lines` single requirements, `extras`
    names of the project's own extras. `package` tells whether the project can be built at all.
    `name` is its distribution's name if a file states it.
    """

    files: tuple[str, ...] = ()
    lines: tuple[str, ...] = ()
    extras: tuple[str, ...] = ()
    package: bool = False
    name: str = ""


def read_requirements(folder: Path) -> Requirements:
    """Everything `folder` says about what its tests need, in the files named above."""
    project = _toml(folder / "pyproject.toml")
    chosen = _named(folder, project, TEST_NAMES)
    tox = _tox(folder, project)
    lines = chosen[1] + tox.lines + tests_require(folder)
    chosen = (chosen[0] + tox.files, lines, chosen[2] + tox.extras)
    if not any(chosen):
        chosen = _named(folder, project, DEVELOPMENT_NAMES)
    package = _is_package(folder, project)
    files, lines, extras = chosen
    if (folder / "requirements.txt").is_file() and (not package or not any(chosen)):
        files = ("requirements.txt", *files)
    if not package:
        lines += tuple(project.get("project", {}).get("dependencies", ()))
        lines += poetry_requirements(project, ("",))
    lines += _plugins(folder, project)
    return Requirements(
        files=tuple(dict.fromkeys(files)),
        lines=tuple(dict.fromkeys(line for line in lines if not _SELF.match(line))),
        extras=tuple(dict.fromkeys(extras)),
        package=package,
        name=_name(folder, project),
    )


def without_self(text: str) -> str:
    """A requirement file without the lines that install the project itself.

    They would install it a second time, from a copy that is about to be removed.
    """
    lines = text.splitlines(keepends=True)
    return "".join(line for line in lines if not _SELF.match(line.strip()))


def own_extras(text: str) -> tuple[str, ...]:
    """Extras of the project itself that a requirement file asks for (`-e .[test]`)."""
    matches = (_SELF.match(line.strip()) for line in text.splitlines() if line.strip())
    return tuple(
        extra.strip()
        for match in matches
        if match and match["extras"]
        for extra in match["extras"].strip("[]").split(",")
        if extra.strip()
    )


Chosen = tuple[tuple[str, ...], tuple[str, ...], tuple[str, ...]]


def _named(folder: Path, project: Mapping[str, Any], names: tuple[str, ...]) -> Chosen:
    """Files, lines and extras whose name is one of `names`."""
    files = tuple(_files(folder, names))
    groups = project.get("dependency-groups", {})
    lines = tuple(line for name in names for line in _group(groups, name, ()))
    lines += poetry_requirements(project, names)
    declared = project.get("project", {}).get("optional-dependencies", {})
    declared = {*declared, *project.get("tool", {}).get("poetry", {}).get("extras", {})}
    declared |= declared_extras(folder)
    return files, lines, tuple(name for name in names if name in declared)


def _files(folder: Path, names: Iterable[str]) -> Iterator[str]:
    for name in names:
        for pattern in (
            f"requirements/{name}.txt",
            f"requirements/requirements-{name}.txt",
            f"requirements-{name}.txt",
            f"requirements_{name}.txt",
            f"{name}-requirements.txt",
            f"{name}_requirements.txt",
            f"{name}/requirements.txt",
            f"requirements.{name}.txt",
        ):
            if (folder / pattern).is_file():
                yield pattern


def _group(groups: Mapping[str, Any], name: str, seen: tuple[str, ...]) -> Iterator[str]:
    """The requirements of a dependency group (PEP 735), included groups followed once."""
    if name in seen:
        return
    for entry in groups.get(name, ()):
        if isinstance(entry, str):
            yield entry
        elif isinstance(entry, dict) and isinstance(entry.get("include-group"), str):
            yield from _group(groups, entry["include-group"], (*seen, name))


def _tox(folder: Path, project: Mapping[str, Any]) -> Requirements:
    """`deps` and `extras` of tox's plain environment; those under a condition are left out."""
    settings = project.get("tool", {}).get("tox", {})
    base = settings.get("env_run_base", {})
    raw = [line for line in base.get("deps", ()) if isinstance(line, str)]
    extras = [name for name in base.get("extras", ()) if isinstance(name, str)]
    parser = read_ini((folder / "tox.ini"), settings.get("legacy_tox_ini", ""))
    if parser.has_section("testenv"):
        raw += parser.get("testenv", "deps", fallback="").splitlines()
        extras += re.split(r"[\s,]+", parser.get("testenv", "extras", fallback=""))
    files, lines = [], []
    for line in (entry.partition("#")[0].replace("{toxinidir}/", "").strip() for entry in raw):
        include = _INCLUDE.match(line)
        if include and (folder / include["path"]).is_file():
            files.append(include["path"])
        elif (
            line and not line.startswith("-") and "{" not in line and ":" not in line.split("@")[0]
        ):
            lines.append(line)
    return Requirements(tuple(files), tuple(lines), tuple(name for name in extras if name))


def _plugins(folder: Path, project: Mapping[str, Any]) -> tuple[str, ...]:
    """Plugins without which pytest would refuse the project's own options for it."""
    options = project.get("tool", {}).get("pytest", {}).get("ini_options", {})
    texts = [f"{key} = {value}" for key, value in options.items()]
    for name, section in (
        ("pytest.ini", "pytest"),
        ("tox.ini", "pytest"),
        ("setup.cfg", "tool:pytest"),
    ):
        parser = read_ini(folder / name)
        if parser.has_section(section):
            texts += [f"{key} = {value}" for key, value in parser.items(section)]
    text = "\n".join(text for text in texts if not text.startswith(("filterwarnings", "markers")))
    return tuple(package for pattern, package in _PLUGINS if re.search(pattern, text, re.MULTILINE))


def _is_package(folder: Path, project: Mapping[str, Any]) -> bool:
    if project.get("tool", {}).get("poetry", {}).get("package-mode") is False:
        return False
    if (
        (folder / "setup.py").is_file()
        or "build-system" in project
        or "name" in project.get("project", {})
    ):
        return True
    return read_ini(folder / "setup.cfg").has_option("metadata", "name")


def _name(folder: Path, project: Mapping[str, Any]) -> str:
    stated = project.get("project", {}).get("name") or project.get("tool", {}).get(
        "poetry", {}
    ).get("name")
    stated = stated or read_ini(folder / "setup.cfg").get("metadata", "name", fallback="")
    stated = stated or setup_argument(folder, "name")
    return stated if isinstance(stated, str) else ""


def _toml(path: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(path.read_text("utf-8"))
    except (OSError, ValueError):
        return {}  # the build says what is wrong with it
