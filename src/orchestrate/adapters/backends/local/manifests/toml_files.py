"""pyproject.toml, Pipfile and the lock files of today's resolvers."""

from __future__ import annotations

import re
import tomllib
from typing import Any

import msgspec

from orchestrate.adapters.backends.local.manifests.declared import (
    Lines,
    Manifest,
    Project,
    Scope,
    group_scope,
)

_NUMBERS = re.compile(r"^\d+(\.\d+)*$")


def read_pyproject(text: str, path: str) -> Manifest:
    """PEP 621 metadata, dependency groups (PEP 735), build requirements, and Poetry's own table."""
    manifest = Manifest(path)
    data = _load(text, manifest)
    lines = Lines(text)
    project = _table(data, "project")
    poetry = _table(_table(data, "tool"), "poetry")
    manifest.project = _project(project, poetry, path, lines)
    for entry in _strings(project.get("dependencies")):
        manifest.require(entry, "runtime", _line_of(lines, entry))
    for name, entries in _table(project, "optional-dependencies").items():
        for entry in _strings(entries):
            manifest.require(entry, group_scope(name), _line_of(lines, entry))
    for entries in _table(data, "dependency-groups").values():
        for entry in _strings(entries):
            manifest.require(entry, "development", _line_of(lines, entry))
    for entry in _strings(_table(data, "build-system").get("requires")):
        manifest.require(entry, "build", _line_of(lines, entry))
    for entry in _strings(_table(_table(data, "tool"), "uv").get("dev-dependencies")):
        manifest.require(entry, "development", _line_of(lines, entry))
    _poetry(manifest, poetry, lines)
    return manifest


def read_pipfile(text: str, path: str) -> Manifest:
    """Pipfile: `[packages]` and `[dev-packages]`."""
    manifest = Manifest(path)
    data, lines = _load(text, manifest), Lines(text)
    for section, scope in (("packages", "runtime"), ("dev-packages", "development")):
        for name, value in _table(data, section).items():
            _versioned(manifest, name, value, scope, lines.key(name))  # type: ignore[arg-type]
    return manifest


def read_lock(text: str, path: str) -> Manifest:
    """poetry.lock, uv.lock, pdm.lock and pylock.toml (PEP 751): arrays of exact packages."""
    manifest = Manifest(path)
    data, lines = _load(text, manifest), Lines(text)
    packages = [*_list(data.get("package")), *_list(data.get("packages"))]
    runtime = _runtime_names(packages)
    after = 0
    for package in packages:
        name, version = str(package.get("name", "")), str(package.get("version", ""))
        line = lines.key("name", name, after=after)
        after = max(after, line)
        own = _table(package, "source").keys() & {"editable", "virtual"}
        if name and version and not own:
            outside = runtime is not None and name not in runtime
            scope = "development" if outside else _lock_scope(package)
            manifest.lock(name, version, scope, line)
        elif name and not own:
            manifest.troubles.append(f"{path}:{line}: {name} has no version")
    return manifest


def read_pipfile_lock(text: str, path: str) -> Manifest:
    """Pipfile.lock, which is JSON."""
    manifest, lines = Manifest(path), Lines(text)
    try:
        data = msgspec.json.decode(text)
    except msgspec.DecodeError as error:
        manifest.troubles.append(f"{path}: {error}")
        return manifest
    for section, scope in (("default", "runtime"), ("develop", "development")):
        start = lines.find(f'"{section}"')
        for name, value in _table(data, section).items():
            version = str(value.get("version", "")) if isinstance(value, dict) else ""
            line = lines.key(name, after=start)
            if version.startswith("=="):
                manifest.lock(name, version.lstrip("="), scope, line)  # type: ignore[arg-type]
            else:
                manifest.troubles.append(f"{path}:{line}: {name} has no version")
    return manifest


def _project(project: dict[str, Any], poetry: dict[str, Any], path: str, lines: Lines) -> Project:
    source = project or poetry
    licence = source.get("license")
    text = ""
    if isinstance(licence, dict):
        text = str(licence.get("text", ""))
    written = text if isinstance(licence, dict) else str(licence or "")
    classifiers = tuple(
        each for each in _strings(source.get("classifiers")) if each.startswith("License ::")
    )
    return Project(
        name=str(source.get("name", "")),
        version=str(source.get("version", "")),
        licences=tuple(each for each in (written, *classifiers) if each),
        expression=licence if isinstance(licence, str) and project else "",
        path=path,
        line=lines.key("version") if source.get("version") else lines.key("name"),
    )


def _poetry(manifest: Manifest, poetry: dict[str, Any], lines: Lines) -> None:
    tables: list[tuple[str, Scope, dict[str, Any]]] = [
        ("dependencies", "runtime", _table(poetry, "dependencies")),
        ("dev-dependencies", "development", _table(poetry, "dev-dependencies")),
    ]
    for name, group in _table(poetry, "group").items():
        if isinstance(group, dict):
            header = f"group.{name}.dependencies"
            tables.append((header, "development", _table(group, "dependencies")))
    for header, scope, table in tables:
        start = lines.find(f"{header}]") - 1
        for name, value in table.items():
            if name.lower() != "python":
                _versioned(manifest, name, value, scope, lines.key(name, after=start))


def _versioned(manifest: Manifest, name: str, value: object, scope: Scope, line: int) -> None:
    """`name = "^1.2"` or `name = {version = "^1.2"}` or a list of such, in Poetry's syntax."""
    if isinstance(value, list):
        for each in value:
            _versioned(manifest, name, each, scope, line)
        return
    if isinstance(value, dict) and "version" not in value:
        if value.keys() & {"path", "workspace", "editable"}:
            return
        manifest.troubles.append(f"{manifest.path}:{line}: {name}: its version cannot be told")
        return
    constraint = str(value["version"] if isinstance(value, dict) else value)
    specifier = poetry_specifier(constraint)
    if specifier is None:
        manifest.troubles.append(f"{manifest.path}:{line}: {name}: cannot read {constraint!r}")
    else:
        manifest.require_version(name, specifier, scope, line)


def poetry_specifier(constraint: str) -> str | None:
    """Poetry's constraint as a PEP 440 set; None for alternatives, which PEP 440 cannot say.

    Caret and tilde as Poetry documents them: `^` keeps the first number that is not zero, `~` the
    minor version if one is given.
    """
    if "|" in constraint:
        return None
    parts = [_poetry_part(part.strip()) for part in re.split(r"[,\s](?=\s*[<>=!~^\d])", constraint)]
    return ",".join(part for part in parts if part)


def _poetry_part(part: str) -> str:
    sign, rest = part[:1], part[1:].strip()
    if part in {"", "*"}:
        return ""
    if sign in {"^", "~"} and not part.startswith("~=") and _NUMBERS.match(rest):
        numbers = [int(each) for each in rest.split(".")]
        if sign == "^":
            kept = next((i for i, number in enumerate(numbers) if number), len(numbers) - 1)
        else:
            kept = min(1, len(numbers) - 1)
        upper = [*numbers[:kept], numbers[kept] + 1]
        return f">={rest},<{'.'.join(map(str, upper))}"
    return f"=={part}" if part[0].isdigit() else part


def _runtime_names(packages: list[dict[str, Any]]) -> set[str] | None:
    """What uv's project package needs at run time, extras for users included; None without one."""
    needs: dict[str, set[str]] = {}
    waiting: list[str] = []
    rooted = False
    for package in packages:
        entries = _list(package.get("dependencies"))
        for name, extra in _table(package, "optional-dependencies").items():
            if group_scope(name) != "development":
                entries += _list(extra)
        names = {str(entry.get("name", "")) for entry in entries}
        needs.setdefault(str(package.get("name", "")), set()).update(names)
        if _table(package, "source").keys() & {"editable", "virtual"}:
            rooted = True
            waiting += names
    seen: set[str] = set()
    while waiting:
        name = waiting.pop()
        if name not in seen:
            seen.add(name)
            waiting += needs.get(name, ())
    return seen if rooted else None


def _lock_scope(package: dict[str, Any]) -> Scope:
    groups = _strings(package.get("groups")) or _strings(package.get("category"))
    if groups and not {"main", "default"}.intersection(groups):
        return "development"
    return "runtime"


def _load(text: str, manifest: Manifest) -> dict[str, Any]:
    try:
        return tomllib.loads(text)
    except (tomllib.TOMLDecodeError, RecursionError) as error:
        manifest.troubles.append(f"{manifest.path}: {error}")
        return {}


def _table(data: Any, key: str) -> dict[str, Any]:
    value = data.get(key) if isinstance(data, dict) else None
    return value if isinstance(value, dict) else {}


def _list(value: object) -> list[dict[str, Any]]:
    return [each for each in value if isinstance(each, dict)] if isinstance(value, list) else []


def _strings(value: object) -> list[str]:
    if isinstance(value, str):
        return [value]
    return [each for each in value if isinstance(each, str)] if isinstance(value, list) else []


def _line_of(lines: Lines, entry: str) -> int:
    """Where a requirement stands; only the part before its markers, whatever quotes they need."""
    part = re.split(r"[\"';]", entry)[0].strip()
    double, single = lines.find(f'"{part}'), lines.find(f"'{part}")
    return double if double > 1 else single
