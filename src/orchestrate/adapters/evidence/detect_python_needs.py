"""What a Python project says it needs, and the steps that would install it."""

from __future__ import annotations

import re
from collections.abc import Iterator

from orchestrate.adapters.evidence.detect_found import Project, table

_MANIFESTS = frozenset(
    ("pyproject.toml", "setup.py", "setup.cfg", "tox.ini", "noxfile.py", "Pipfile")
)
_REQUIREMENTS = re.compile(r"^(?:requirements/[\w.-]+|[\w.-]*requirements[\w.-]*)\.(?:txt|in)$")
_FOR_TESTS = re.compile(r"test|dev|ci\b", re.I)
#: Extras and groups under which test dependencies are usually listed.
_TEST_GROUPS = ("test", "tests", "testing", "dev", "develop", "development")
#: Lock file -> the step that installs what it locks.
_LOCKS = {
    "uv.lock": "uv sync --frozen",
    "poetry.lock": "poetry install",
    "pdm.lock": "pdm install --frozen-lockfile",
    "Pipfile.lock": "pipenv sync --dev",
}


def dependency(project: Project, name: str) -> str:
    """Where the project declares that it needs the distribution `name`, as `path:line`, or empty.

    A textual search in the files that declare dependencies: where it stands is all that is asked.
    """
    # In code and TOML a requirement is quoted, unless it is a key (Poetry); elsewhere it is a word.
    own = rf"{re.escape(name)}(?![\w-])"
    quoted = rf"(?i)^(?:[ \t]*|[^#\n]*['\"]){own}"
    plain = rf"(?i)^(?:[^#\n]*[ \t=,])?{own}"
    for path in project.paths:
        inside = project.within(path)
        if not (inside in _MANIFESTS or _REQUIREMENTS.match(inside)):
            continue
        pattern = quoted if inside.endswith((".py", ".toml", "Pipfile")) else plain
        if re.search(pattern, project.sources.text(path) or "", re.M):
            return project.sources.line(path, pattern)
    return ""


def detect_python_setup(project: Project) -> None:
    """Add the steps that would build the environment, as a person would type them."""
    lock = project.first(_LOCKS)
    if lock:
        project.prepare(_LOCKS[lock])
        return
    for path in project.paths:
        inside = project.within(path)
        wanted = inside.endswith("requirements.txt") or _FOR_TESTS.search(inside)
        if wanted and _REQUIREMENTS.match(inside) and inside.endswith(".txt"):
            project.prepare(f"python -m pip install -r {inside}")
    if project.first(("setup.py", "setup.cfg")) or _has_metadata(project):
        extras = ",".join(_test_extras(project))
        project.prepare(f"python -m pip install -e .{f'[{extras}]' if extras else ''}")
    groups = table(project.sources.toml(project.at("pyproject.toml")), "dependency-groups")
    for group in (name for name in _TEST_GROUPS if name in groups):
        project.prepare(f"python -m pip install --group {group}")


def _has_metadata(project: Project) -> bool:
    settings = project.sources.toml(project.at("pyproject.toml"))
    return "project" in settings or bool(table(settings, "tool", "poetry"))


def _test_extras(project: Project) -> Iterator[str]:
    settings = project.sources.toml(project.at("pyproject.toml"))
    declared = {
        *table(settings, "project", "optional-dependencies"),
        *table(settings, "tool", "poetry", "extras"),
    }
    older = project.sources.ini(project.at("setup.cfg"))
    if older.has_section("options.extras_require"):
        declared |= set(older.options("options.extras_require"))
    yield from (name for name in _TEST_GROUPS if name in declared)
