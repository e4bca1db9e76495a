"""Requirements in the notation of Poetry, which pip does not read, in the one that it does."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any


def poetry_requirements(project: Mapping[str, Any], groups: Iterable[str]) -> tuple[str, ...]:
    """Requirements of `groups` in `[tool.poetry]`; the group "" is the project's own.

    Those that name a path, a repository or an address are left out: they would not be the same
    place from where the environment is built.
    """
    poetry = project.get("tool", {}).get("poetry", {})
    found: list[str] = []
    for name in groups:
        table = poetry.get("group", {}).get(name, {}).get("dependencies", {}) if name else {}
        if name == "":
            table = poetry.get("dependencies", {})
        elif name == "dev":
            table = {**poetry.get("dev-dependencies", {}), **table}
        found += _lines(table)
    return tuple(found)


def _lines(table: Mapping[str, Any]) -> Iterator[str]:
    for package, value in table.items():
        constraint: Any = value if isinstance(value, dict) else {"version": value}
        version = constraint.get("version")
        if package.lower() == "python" or not isinstance(version, str):
            continue
        extras = ",".join(constraint.get("extras", ()))
        marker = constraint.get("markers", "")
        line = f"{package}{f'[{extras}]' if extras else ''}{_versions(version)}"
        yield f"{line} ; {marker}" if marker else line


def _versions(text: str) -> str:
    """`^1.2` is `>=1.2,<2`, `~1.2` is `>=1.2,<1.3`, a bare version is exact, `*` is anything."""
    parts = [part.strip() for part in text.split(",")]
    if "||" in text:  # one of several ranges: pip has no notation for that
        return ""
    return ",".join(converted for part in parts if (converted := _version(part)))


def _version(part: str) -> str:
    match = re.fullmatch(r"([\^~]?)(\d+(?:\.\d+)*)(.*)", part)
    if match is None:
        return "" if part == "*" else part.replace(" ", "")
    sign, release, rest = match.groups()
    numbers = [int(number) for number in release.split(".")]
    if sign == "^":
        at = next((at for at, number in enumerate(numbers) if number), len(numbers) - 1)
    elif sign == "~":
        at = min(1, len(numbers) - 1)
    else:
        return f"=={part}"
    ceiling = [*numbers[:at], numbers[at] + 1]
    return f">={release}{rest},<{'.'.join(map(str, ceiling))}"
