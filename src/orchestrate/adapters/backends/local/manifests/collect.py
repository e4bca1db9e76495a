"""All manifests of a repository, put together: the project, its dependencies, bundled packages."""

from __future__ import annotations

import ast
import posixpath
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from pathlib import PurePosixPath

from packaging.utils import canonicalize_name

from orchestrate.adapters.backends.local.languages import exposure_of
from orchestrate.adapters.backends.local.manifests.declared import Declared, Manifest, Project
from orchestrate.adapters.backends.local.manifests.metadata_files import (
    read_metadata,
    read_requires,
)
from orchestrate.adapters.backends.local.manifests.requirements_txt import (
    read_environment,
    read_requirements,
)
from orchestrate.adapters.backends.local.manifests.setup_files import (
    read_setup_cfg,
    read_setup_py,
)
from orchestrate.adapters.backends.local.manifests.toml_files import (
    read_lock,
    read_pipfile,
    read_pipfile_lock,
    read_pyproject,
)
from orchestrate.adapters.backends.local.python_source import Unparsable, parse
from orchestrate.adapters.backends.local.repository import SourceFile, Survey, read_text

Reader = Callable[[str, str], Manifest]

#: Patterns of paths and their readers, the most telling description of a dependency first.
_READERS: tuple[tuple[re.Pattern[str], Reader], ...] = tuple(
    (re.compile(pattern), reader)
    for pattern, reader in (
        (r"(^|/)pyproject\.toml$", read_pyproject),
        (r"(^|/)setup\.cfg$", read_setup_cfg),
        (r"(^|/)setup\.py$", read_setup_py),
        (r"(^|/)[^/]*requirements?[^/]*\.(txt|in|pip)$", read_requirements),
        (r"(^|/)requirements/[^/]+\.(txt|in|pip)$", read_requirements),
        (r"(^|/)Pipfile$", read_pipfile),
        (r"(^|/)(poetry|uv|pdm)\.lock$", read_lock),
        (r"(^|/)pylock(\.[^/]+)?\.toml$", read_lock),
        (r"(^|/)Pipfile\.lock$", read_pipfile_lock),
        (r"(^|/)environment[^/]*\.ya?ml$", read_environment),
        (r"(^|/)PKG-INFO$", read_metadata),
        (r"\.dist-info/METADATA$", read_metadata),
        (r"\.egg-info/requires\.txt$", read_requires),
    )
)
_VERSION_FILE = re.compile(r"(^|/)(__init__|_version|__version__|version|__about__)\.py$")
_METADATA = re.compile(r"(^|/)(PKG-INFO|METADATA)$")
_NOT_SHIPPED = {"test", "docs", "example"}


@dataclass(slots=True)
class Collected:
    """What the manifests say together.

    `declared` holds each requirement once, where it is described best. `bundled` are packages whose
    metadata lies in the repository without being the project. `manifests` are the paths read.
    """

    project: Project | None = None
    declared: list[Declared] = field(default_factory=list)
    bundled: list[Project] = field(default_factory=list)
    troubles: list[str] = field(default_factory=list)
    manifests: list[str] = field(default_factory=list)


def collect(survey: Survey) -> Collected:
    """Read every manifest that `survey` found. Nothing is run, and nothing outside it is read."""
    collected = Collected()
    manifests = list(_manifests(survey))
    collected.manifests = sorted({manifest.path for manifest in manifests})
    collected.troubles = _troubles(manifests)
    collected.project = _project(survey, manifests)
    name = canonicalize_name(collected.project.name) if collected.project else ""
    collected.bundled = _bundled(manifests, name)
    bundled = {project.path for project in collected.bundled}
    seen: set[tuple[str, str, str]] = set()
    for declared in (d for m in manifests if m.path not in bundled for d in m.declared):
        declared = _in_its_place(declared)
        key = (declared.name, declared.specifier, declared.scope)
        if declared.name != name and key not in seen:
            seen.add(key)
            collected.declared.append(declared)
    return collected


def _manifests(survey: Survey) -> Iterator[Manifest]:
    """The manifests, best descriptions first; included requirement files once."""
    texts = {file.path: file for file in survey.texts}
    read: set[str] = set()
    for pattern, reader in _READERS:
        for path in sorted(p for p in texts if pattern.search(p) and p not in read):
            waiting = [path]
            while waiting:
                current = waiting.pop(0)
                if current in read:
                    continue
                read.add(current)
                manifest = reader(read_text(survey.root, texts[current]), current)
                for include in manifest.includes:
                    target = posixpath.normpath(posixpath.join(posixpath.dirname(current), include))
                    if target in texts:
                        waiting.append(target)
                    else:
                        manifest.troubles.append(f"{current}: cannot follow -r {include}")
                yield manifest


def _troubles(manifests: list[Manifest]) -> list[str]:
    """All troubles, except those of a setup.py whose result the build tools wrote down."""
    written = any(m.path.endswith(".egg-info/requires.txt") for m in manifests)
    return [
        text
        for manifest in manifests
        for text in manifest.troubles
        if not (written and manifest.path == "setup.py")
    ]


def _in_its_place(declared: Declared) -> Declared:
    """A requirement of the tests, documents or examples is one of development."""
    if declared.scope == "runtime" and exposure_of(declared.path) in _NOT_SHIPPED:
        return replace(declared, scope="development")
    return declared


def _project(survey: Survey, manifests: list[Manifest]) -> Project | None:
    """The project at the root, put together from its manifests."""
    own = [m.project for m in manifests if m.project and "/" not in m.path]
    named = next((project for project in own if project.name), None)
    if named is None:
        return None
    same = [p for p in own if canonicalize_name(p.name or named.name) == _normal(named)]
    beside = [
        m.project
        for m in manifests
        if m.project and ".egg-info/" in m.path and _normal(m.project) == _normal(named)
    ]
    versioned = next((p for p in (*same, *beside) if p.version), None) or _by_source(survey, named)
    licences = dict.fromkeys(text for p in (*same, *beside) for text in p.licences)
    return Project(
        name=named.name,
        version=versioned.version if versioned else "",
        licences=tuple(licences),
        expression=next((p.expression for p in (*same, *beside) if p.expression), ""),
        path=versioned.path if versioned else named.path,
        line=versioned.line if versioned else named.line,
    )


def _by_source(survey: Survey, named: Project) -> Project | None:
    """The version in a plain `__version__ = "…"` of the project's own package."""
    package = _normal(named).replace("-", "_")
    for file in survey.files:
        folders = PurePosixPath(file.path).parts[:-1]
        if _VERSION_FILE.search(file.path) and folders and folders[-1].lower() == package:
            found = _literal_version(survey, file)
            if found:
                return replace(named, version=found[0], path=file.path, line=found[1])
    return None


def _literal_version(survey: Survey, file: SourceFile) -> tuple[str, int] | None:
    try:
        tree = parse(file.path, read_text(survey.root, file)).tree
    except Unparsable:
        return None
    for node in tree.body:
        value = node.value if isinstance(node, ast.Assign | ast.AnnAssign) else None
        targets = node.targets if isinstance(node, ast.Assign) else []
        targets = [node.target] if isinstance(node, ast.AnnAssign) else targets
        named = any(isinstance(t, ast.Name) and t.id == "__version__" for t in targets)
        if named and isinstance(value, ast.Constant) and isinstance(value.value, str):
            return value.value, node.lineno
    return None


def _bundled(manifests: list[Manifest], project: str) -> list[Project]:
    found: dict[tuple[str, str], Project] = {}
    for manifest in manifests:
        described = manifest.project
        if described is None or not described.name or "/" not in manifest.path:
            continue
        own = _normal(described) == project or exposure_of(manifest.path) in _NOT_SHIPPED
        if _METADATA.search(manifest.path) and not own:
            found.setdefault((_normal(described), described.version), described)
    return list(found.values())


def _normal(project: Project) -> str:
    return canonicalize_name(project.name)
