"""The environment variables that what we run for a project gets, and no other ones."""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping
from pathlib import Path

#: Of the user's variables. Keys, tokens and addresses of agents stay behind.
PASSED = ("PATH", "LANG", "LC_ALL", "LC_CTYPE", "TZ", "USER", "LOGNAME", "SHELL")
#: pip's own that say where or whether to install, which is ours to decide.
_PIP_KEPT_BACK = frozenset(
    f"PIP_{name}"
    for name in (
        "DRY_RUN",
        "IGNORE_INSTALLED",
        "LOG",
        "NO_DEPS",
        "PREFIX",
        "PYTHON",
        "QUIET",
        "REPORT",
        "REQUIRE_VIRTUALENV",
        "REQUIREMENT",
        "ROOT",
        "ROOT_USER_ACTION",
        "TARGET",
        "USER",
        "VERBOSE",
    )
)


def scrubbed(environ: Mapping[str, str], home: Path, tmp: Path) -> dict[str, str]:
    """The little of `environ` that is no secret, with `home` as HOME and `tmp` as TMPDIR."""
    passed = {name: environ[name] for name in PASSED if name in environ}
    return {
        "LANG": "C.UTF-8",
        "PATH": os.defpath,
        **passed,
        "HOME": str(home),
        "TMPDIR": str(tmp),
        "XDG_CACHE_HOME": str(home / ".cache"),
        "XDG_CONFIG_HOME": str(home / ".config"),
        "XDG_DATA_HOME": str(home / ".local/share"),
        "XDG_STATE_HOME": str(home / ".local/state"),
        "GIT_CONFIG_NOSYSTEM": "1",
        "GIT_TERMINAL_PROMPT": "0",
    }


def pip_settings(environ: Mapping[str, str], cache: Path) -> dict[str, str]:
    """How the user's pip reaches its index: PIP_* variables and the file it is configured with.

    HOME is another one while an environment is built, so that file is named; what it says of an
    installed user's own is left to pip. Downloads are kept in `cache` unless the user says where.
    """
    found = {
        name: value
        for name, value in environ.items()
        if name.startswith("PIP_") and name not in _PIP_KEPT_BACK
    }
    found.setdefault("PIP_CACHE_DIR", str(cache))
    if "PIP_CONFIG_FILE" not in found and (file := _pip_configuration(environ)) is not None:
        found["PIP_CONFIG_FILE"] = str(file)
    return {**found, "PIP_DISABLE_PIP_VERSION_CHECK": "1", "PIP_NO_INPUT": "1"}


def _pip_configuration(environ: Mapping[str, str]) -> Path | None:
    home = Path(environ.get("HOME", "/nonexistent"))
    places = [Path(environ.get("XDG_CONFIG_HOME") or home / ".config") / "pip/pip.conf"]
    if sys.platform == "darwin":
        places.insert(0, home / "Library/Application Support/pip/pip.conf")
    places.append(home / ".pip/pip.conf")
    return next((place for place in places if place.is_file()), None)


def with_first(variable: str, folders: tuple[str, ...], env: Mapping[str, str]) -> dict[str, str]:
    """`env` with `folders` in front of the list of paths in `variable`."""
    rest = env.get(variable, "")
    return {**env, variable: os.pathsep.join([*folders, *([rest] if rest else [])])}
