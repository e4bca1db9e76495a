"""Which of the user's environment variables a child process gets."""

from __future__ import annotations

from collections.abc import Mapping

#: Passed on when set. Everything else, keys and tokens above all, stays behind.
PASSED = ("PATH", "HOME", "USER", "LOGNAME", "SHELL", "LANG", "LC_ALL", "LC_CTYPE", "TZ", "TMPDIR")


def passed_environment(environ: Mapping[str, str]) -> dict[str, str]:
    """The part of `environ` that a user's own shell command may see."""
    return {name: environ[name] for name in PASSED if name in environ}
