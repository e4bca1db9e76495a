"""Lint and build commands of a Python project, where it has settings for them."""

from __future__ import annotations

from orchestrate.adapters.evidence.detect_found import Project, Rank, strings, table
from orchestrate.adapters.evidence.detect_python_needs import dependency

#: Tool -> files of its own, tables of pyproject.toml, sections of INI files.
_SETTINGS: dict[str, tuple[tuple[str, ...], str, tuple[tuple[str, str], ...]]] = {
    "ruff": (("ruff.toml", ".ruff.toml"), "ruff", ()),
    "flake8": ((".flake8",), "flake8", (("setup.cfg", "flake8"), ("tox.ini", "flake8"))),
    "mypy": (("mypy.ini", ".mypy.ini"), "mypy", (("setup.cfg", "mypy"),)),
    "pylint": ((".pylintrc", "pylintrc"), "pylint", ()),
    "black": ((), "black", ()),
}


def detect_python_lint(project: Project) -> None:
    """Add a lint command for each linter that is set up, and the build of a package."""
    for tool in _SETTINGS:
        source = _configured(project, tool)
        if source:
            project.add(Rank.CONFIGURED, "lint", tool, _argv(project, tool), source)
    _add_build(project)


def _configured(project: Project, tool: str) -> str:
    files, name, sections = _SETTINGS[tool]
    own = project.first(files)
    if own:
        return f"{project.at(own)}:1"
    tools = table(project.sources.toml(project.at("pyproject.toml")), "tool")
    if name in tools:
        return project.line("pyproject.toml", rf"^\s*\[+tool\.{name}\b")
    for file, section in sections:
        if project.sources.ini(project.at(file)).has_section(section):
            return project.line(file, rf"^\[{section}\]")
    return ""


def _argv(project: Project, tool: str) -> tuple[str, ...]:
    """The call that only looks: settings such as ruff's `fix = true` would change the files."""
    start = ("{python}", "-m", tool)
    if tool == "ruff":
        return (*start, "check", "--no-fix", "--no-cache", "--output-format=concise", ".")
    if tool == "flake8":
        return (*start, ".")
    if tool == "black":
        return (*start, "--check", "--quiet", ".")
    if tool == "mypy":
        cached = (*start, "--no-color-output", "--cache-dir={report}/mypy")
        return cached if _mypy_files(project) else (*cached, *(_packages(project) or (".",)))
    return (*start, "--reports=n", *(_packages(project) or (".",)))


def _mypy_files(project: Project) -> bool:
    """Whether mypy's own settings say what it looks at."""
    own = table(project.sources.toml(project.at("pyproject.toml")), "tool", "mypy")
    if any(strings(own.get(key)) for key in ("files", "packages", "modules")):
        return True
    for file in ("mypy.ini", ".mypy.ini", "setup.cfg"):
        settings = project.sources.ini(project.at(file))
        if settings.has_section("mypy"):
            return any(settings.has_option("mypy", key) for key in ("files", "packages", "modules"))
    return False


def _packages(project: Project) -> tuple[str, ...]:
    """Outermost packages in the project's folder or its `src`, without tests."""
    found: dict[str, None] = {}
    for path in project.paths:
        parts = project.within(path).split("/")
        depth = 1 if parts[0] != "src" else 2
        outermost = len(parts) == depth + 1 and parts[-1] == "__init__.py"
        if outermost and parts[depth - 1] not in ("tests", "test"):
            found.setdefault("/".join(parts[:depth]))
    return tuple(found)


def _add_build(project: Project) -> None:
    settings = project.sources.toml(project.at("pyproject.toml"))
    if "build-system" in settings:
        source = project.line("pyproject.toml", r"^\s*\[build-system\]")
    elif project.has("setup.py"):
        source = project.line("setup.py", r"\bsetup\s*\(")
    else:
        return
    argv: tuple[str, ...]
    if dependency(project, "build"):
        argv = ("{python}", "-m", "build", "--outdir", "{report}/dist", ".")
    else:
        argv = ("{python}", "-m", "pip", "wheel", "--no-deps", "-w", "{report}/dist", ".")
    project.add(Rank.CONFIGURED, "build", "python", argv, source)
