"""Which files of a repository say what it depends on, and which tools look at nothing else."""

from __future__ import annotations

import re
from collections.abc import Iterable

#: What these say follows from dependencies alone: with the same ones it is the same.
DEPENDENCY_TOOLS = frozenset({"advisory-audit", "licence-audit"})
_FILES = re.compile(
    r"(?:^|/)(?:pyproject\.toml|setup\.(?:cfg|py)|Pipfile(?:\.lock)?|PKG-INFO|METADATA"
    r"|pylock(?:\.[^/]+)?\.toml|[^/]+\.lock|[^/]*requirements?[^/]*\.(?:txt|in|pip)"
    r"|requirements/[^/]+|requires\.txt|environment[^/]*\.ya?ml|go\.(?:mod|sum)"
    r"|Cargo\.toml|package(?:-lock)?\.json|npm-shrinkwrap\.json|pnpm-lock\.yaml|pom\.xml"
    r"|build\.gradle(?:\.kts)?|Gemfile|composer\.json)$"
)


def touches_dependencies(paths: Iterable[str]) -> bool:
    """Whether one of `paths` can change what the repository depends on."""
    return any(_FILES.search(path) for path in paths)
