"""Which commands a repository has to test, measure, lint, build and time itself.

Reads files only. A repository is cut into projects: the root, and every folder below with a
manifest of its own. Commands are listed by project, outermost first, and within one by how sure
they are (detect_found.Rank), so that the first of a kind is the one to use.
"""

from __future__ import annotations

import re
from pathlib import Path, PurePosixPath

from orchestrate.adapters.evidence.detect_compiled import (
    detect_cargo_checks,
    detect_go_checks,
    in_workspace,
)
from orchestrate.adapters.evidence.detect_found import Project, Rank, folders_of
from orchestrate.adapters.evidence.detect_node import detect_node_checks
from orchestrate.adapters.evidence.detect_python import detect_python_checks
from orchestrate.adapters.evidence.detect_python_lint import detect_python_lint
from orchestrate.adapters.evidence.detect_python_needs import detect_python_setup
from orchestrate.adapters.evidence.detect_recipes import make_targets
from orchestrate.adapters.evidence.detect_sources import Sources
from orchestrate.core.sharing.evidence import EvidenceKind
from orchestrate.ports.evidence import Detection

#: Files that make a folder a project of its own.
_MANIFESTS = frozenset(
    ["pyproject.toml", "setup.py", "setup.cfg", "package.json", "go.mod", "Cargo.toml", "manage.py"]
)
_SETUP = re.compile(r"^\s*(?:import|from)\s+(?:setuptools|distutils)\b", re.M)
#: Projects below these are material of tests or examples.
_MATERIAL = frozenset(
    [
        "tests",
        "test",
        "testing",
        "testdata",
        "test_data",
        "fixtures",
        "__fixtures__",
        "examples",
        "example",
        "docs",
        "doc",
        "templates",
        "samples",
    ]
)
#: Projects beyond this number are noted and left out; monorepos with more run them from the root.
MAX_PROJECTS = 50
#: Make target -> what it is for.
_TARGETS: dict[str, EvidenceKind] = {
    "test": "test",
    "tests": "test",
    "check": "test",
    "coverage": "coverage",
    "cov": "coverage",
    "lint": "lint",
    "build": "build",
    "bench": "benchmark",
    "benchmark": "benchmark",
}


def detect(folder: Path) -> Detection:
    """What the files in `folder` say can be run. Executes nothing and never raises for a file.

    A file that cannot be read or made out gives a note `path:line: why`.
    """
    sources = Sources(folder)
    projects = _projects(sources)
    for project in projects.values():
        _detect(project, projects)
    found = [
        (index, each.rank, number, each.command)
        for index, project in enumerate(projects.values())
        for number, each in enumerate(project.found)
    ]
    return Detection(
        commands=tuple(command for *_, command in sorted(found, key=lambda row: row[:3])),
        setup=tuple(dict.fromkeys(step for each in projects.values() for step in each.setup)),
        notes=tuple(sources.notes),
    )


def _projects(sources: Sources) -> dict[str, Project]:
    """Folder -> project, outermost first; each file belongs to the innermost."""
    roots = {"": None} | {
        folder: None
        for folder in (_parent(path) for path in sources.paths if _is_manifest(sources, path))
        if not _MATERIAL & set(folders_of(f"{folder}/."))
    }
    kept = tuple(roots)[:MAX_PROJECTS]
    if len(roots) > len(kept):
        sources.note(f".:1: {len(roots) - len(kept)} nested projects are left out")
    owned: dict[str, list[str]] = {folder: [] for folder in kept}
    for path in sources.paths:
        parents = PurePosixPath(path).parents
        owner = next(p for p in ("" if str(x) == "." else str(x) for x in parents) if p in owned)
        owned[owner].append(path)
    return {folder: Project(sources, folder, tuple(paths)) for folder, paths in owned.items()}


def _parent(path: str) -> str:
    return path.rpartition("/")[0]


def _is_manifest(sources: Sources, path: str) -> bool:
    """A module may be called setup.py too; the manifest of a project names a build system."""
    name = PurePosixPath(path).name
    if name == "setup.py":
        return _SETUP.search(sources.text(path) or "") is not None
    return name in _MANIFESTS


def _detect(project: Project, projects: dict[str, Project]) -> None:
    if any(path.endswith(".py") for path in project.paths):
        detect_python_checks(project)
        detect_python_lint(project)
        detect_python_setup(project)
    detect_node_checks(project)
    detect_go_checks(project)
    if not (project.folder and in_workspace(project, projects)):
        detect_cargo_checks(project)
    targets = {recipe.name: recipe.source for recipe in make_targets(project)}
    for name, kind in _TARGETS.items():
        if name in targets:
            project.add(Rank.WRAPPED, kind, "make", ("make", name), targets[name])
