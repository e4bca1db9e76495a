"""What manifests say: dependencies, the project itself, and what could not be understood."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Literal, TypeAlias

from packaging.requirements import InvalidRequirement, Requirement
from packaging.specifiers import InvalidSpecifier, SpecifierSet
from packaging.utils import canonicalize_name

Scope: TypeAlias = Literal["runtime", "development", "build", "optional"]

#: File and group names that speak of work on the project, not of using it.
_DEVELOPMENT = re.compile(
    r"dev|test|lint|doc|type|typing|mypy|ci\b|bench|build|tox|nox|style|format|release", re.I
)


@dataclass(frozen=True, slots=True)
class Declared:
    """One dependency. `name` is normalised (PEP 503), `specifier` a PEP 440 set, "" for any.

    `locked` says that a resolver recorded exactly this version; `url` that it is not taken from an
    index, so its version cannot be told.
    """

    name: str
    specifier: str
    scope: Scope
    path: str
    line: int
    locked: bool = False
    url: bool = False

    @property
    def version(self) -> str:
        """The only version allowed, or "" when there are several."""
        return pinned_version(self.specifier)


@dataclass(frozen=True, slots=True)
class Project:
    """A distribution described by metadata. `licences` are as written, `classifiers` included."""

    name: str = ""
    version: str = ""
    licences: tuple[str, ...] = ()
    expression: str = ""
    path: str = ""
    line: int = 1


@dataclass(slots=True)
class Manifest:
    """What one file says. `includes` names further requirement files, relative to this one's."""

    path: str
    declared: list[Declared] = field(default_factory=list)
    project: Project | None = None
    troubles: list[str] = field(default_factory=list)
    includes: list[str] = field(default_factory=list)

    def require(self, text: str, scope: Scope, line: int, *, locked: bool = False) -> None:
        """Note a PEP 508 requirement, or the trouble of reading it."""
        try:
            requirement = Requirement(text)
        except InvalidRequirement as error:
            self.troubles.append(f"{self.path}:{line}: {_one_line(error)}")
            return
        self.declared.append(
            Declared(
                name=canonicalize_name(requirement.name),
                specifier=str(requirement.specifier),
                scope=scope,
                path=self.path,
                line=line,
                locked=locked,
                url=requirement.url is not None,
            )
        )

    def require_version(self, name: str, specifier: str, scope: Scope, line: int) -> None:
        """Note a name with a PEP 440 specifier set, or the trouble of reading it."""
        try:
            known = SpecifierSet(specifier)
        except InvalidSpecifier as error:
            self.troubles.append(f"{self.path}:{line}: {name}: {_one_line(error)}")
            return
        self.declared.append(Declared(canonicalize_name(name), str(known), scope, self.path, line))

    def lock(self, name: str, version: str, scope: Scope, line: int) -> None:
        """Note an exact version that a resolver recorded."""
        self.declared.append(
            Declared(canonicalize_name(name), f"=={version}", scope, self.path, line, locked=True)
        )


class Lines:
    """Finds the line on which something is written."""

    def __init__(self, text: str) -> None:
        self._lines = text.split("\n")

    def find(self, *needles: str, after: int = 0) -> int:
        """Number (from 1) of the first line past `after` with all `needles`, else 1."""
        for number, line in enumerate(self._lines[after:], start=after + 1):
            if all(needle in line for needle in needles):
                return number
        return 1

    def key(self, name: str, value: str = "", after: int = 0) -> int:
        """Number of the first line past `after` that begins with `name`, and holds `value`."""
        wanted = rf"""\s*["']{re.escape(value)}["']""" if value else ""
        pattern = re.compile(rf"""\s*["']?{re.escape(name)}["']?\s*[=:]{wanted}""")
        for number, line in enumerate(self._lines[after:], start=after + 1):
            if pattern.match(line):
                return number
        return 1


def pinned_version(specifier: str) -> str:
    """The version in `==1.2` or `===1.2`, "" for everything else."""
    match = re.fullmatch(r"={2,3}\s*([^,*\s]+)", specifier.strip())
    return match[1] if match else ""


def group_scope(name: str) -> Scope:
    """The scope of an extra or dependency group by its name."""
    return "development" if _DEVELOPMENT.search(name) else "optional"


def file_scope(path: str) -> Scope:
    """The scope of a requirements file by its path."""
    return "development" if _DEVELOPMENT.search(path) else "runtime"


def _one_line(error: Exception) -> str:
    return " ".join(str(error).split("\n")[0].split())[:200]
