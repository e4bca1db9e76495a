"""The real agent programs for tests: where they are, and an environment that is nobody's.

Tests that use them carry `@pytest.mark.agents`. `make test` installs them; see
`scripts/agent_programs.py`.
"""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from scripts.agent_programs import programs_folder

# Taken at import, before any fixture isolates HOME: the cache is the developer's.
_USER_ENVIRONMENT = dict(os.environ)

#: What tests send as a key; no provider has ever issued it.
DUMMY_KEY = "sk-scripted-0000"


def program(name: str) -> Path:
    """The program called "claude" or "codex"; skips the test when it is not installed."""
    found = programs_folder(_USER_ENVIRONMENT) / name
    if not found.exists():
        pytest.skip(f"needs {name} at {found}. Remedy: python scripts/agent_programs.py")
    return found


def environment(home: Path, **extra: str) -> dict[str, str]:
    """All the variables an agent program gets: nothing of the developer's but PATH and language.

    Makes `home` and, in it, the folders TMPDIR and CODEX_HOME. Keys and addresses are the caller's,
    in `extra`.
    """
    kept = {name: os.environ[name] for name in ("PATH", "LANG") if name in os.environ}
    folders = {"HOME": home, "TMPDIR": home / "tmp", "CODEX_HOME": home / ".codex"}
    for folder in folders.values():
        folder.mkdir(parents=True, exist_ok=True)
    return {**kept, **{name: str(folder) for name, folder in folders.items()}, **extra}
