"""A copy of a checkout to build from, so that building leaves nothing in the checkout."""

from __future__ import annotations

import shutil
from pathlib import Path

from orchestrate.adapters.evidence.environment import BuildError

#: Made from the rest by the project's tools; some are large.
_NOT_COPIED = {".venv", "venv", "node_modules", ".tox", ".nox", "target", "__pycache__"}


def copy_source(checkout: Path, target: Path) -> Path:
    """Copy `checkout` to `target`, which must not exist; returns `target`.

    Raises:
        BuildError: something cannot be read.
    """

    def left_out(folder: str, names: list[str]) -> set[str]:
        del folder
        return _NOT_COPIED & set(names)

    try:
        shutil.copytree(checkout, target, symlinks=True, ignore=left_out)
    except (shutil.Error, OSError) as error:
        reason = _first(error)
        raise BuildError(f"the project could not be copied to build it: {reason}") from error
    return target


def _first(error: Exception) -> str:
    """The first of the problems that copytree collects in one error."""
    listed = error.args[0] if isinstance(error, shutil.Error) else None
    return str(listed[0][2]) if isinstance(listed, list) and listed else str(error)
