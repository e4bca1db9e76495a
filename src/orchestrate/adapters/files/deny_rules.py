"""What the user has forbidden agents, from the settings of Claude Code.

The settings are kept away from an agent's own program, so that nothing in a repository can widen
what it may do; the rules that narrow it have to be carried over. `permissions.ask` counts as
denied: nobody is there to be asked. Whatever cannot be understood stops: no rule is lost silently.
"""

from __future__ import annotations

import errno
import os
import posixpath
import stat
from collections.abc import Iterator
from pathlib import Path

import msgspec

from orchestrate.adapters.files.json_places import BrokenJsonError, JsonValue, values
from orchestrate.core.agents.permissions import Rule, denials, distinct
from orchestrate.errors import ConfigurationError

MAX_BYTES = 1024 * 1024
#: Rules of whoever administers the machine.
MANAGED = Path("/etc/claude-code")
_LISTS = ("deny", "ask")


def deny_rules(
    root: Path, home: Path, *, user: Path | None = None, managed: Path = MANAGED
) -> tuple[Rule, ...]:
    """The rules that hold in the repository at `root` for the user whose home is `home`.

    Args:
        root: the top of the repository, absolute.
        home: the user's home, absolute.
        user: the user's folder for Claude Code's settings; by default `.claude` in `home`.
        managed: the folder with the machine's own settings.

    Returns:
        Each rule with `source` as `path:line`. Path patterns are relative to a workspace of the
        repository; those that begin with `//` or `~/` are places outside.

    Raises:
        ConfigurationError: a file is there and cannot be read or understood, at which line.
    """
    user = user or home / ".claude"
    return distinct(
        placed
        for path in _files(root, user, managed)
        for rule in _rules_in(path)
        for placed in _placed(rule, root, home, path.parent)
    )


def _files(root: Path, user: Path, managed: Path) -> Iterator[Path]:
    yield managed / "managed-settings.json"
    try:
        yield from sorted((managed / "managed-settings.d").glob("*.json"))
    except OSError as error:
        raise _unreadable(managed / "managed-settings.d", error) from None
    yield user / "settings.json"
    yield root / ".claude" / "settings.json"
    yield root / ".claude" / "settings.local.json"


def _rules_in(path: Path) -> Iterator[Rule]:
    text = _read(path)
    if text is None:
        return
    try:
        found = list(values(text))
    except BrokenJsonError as error:
        raise _wrong(path, error.line, f"not valid JSON: {error}", error.column) from None
    if found[0].kind != "object":
        raise _wrong(path, found[0].line, "settings are an object")
    for value in found:
        yield from _rules_of(path, value)


def _rules_of(path: Path, value: JsonValue) -> Iterator[Rule]:
    """The rules that one value is, if it stands where rules do."""
    where = value.path
    if where[:1] != ("permissions",) or (_is_null(value) and len(where) < 3):
        return
    if len(where) == 1 and value.kind != "object":
        raise _wrong(path, value.line, "`permissions` is an object")
    if len(where) < 2 or where[1] not in _LISTS or (len(where) == 2 and value.kind == "array"):
        return
    if value.kind != "string" or not value.text.strip():
        raise _wrong(path, value.line, f"`permissions.{where[1]}` is a list of rules, each a text")
    try:
        value.text.encode()
    except UnicodeEncodeError:
        raise _wrong(path, value.line, "half of a character (a lone surrogate) in a rule") from None
    source = f"{path}:{value.line}" + (" (ask)" if where[1] == "ask" else "")
    yield from denials(value.text, source)


def _is_null(value: JsonValue) -> bool:
    return value.kind == "other" and value.text == "null"


def _placed(rule: Rule, root: Path, home: Path, folder: Path) -> Iterator[Rule]:
    """`rule`, from settings in `folder`, with its path pattern relative to a workspace.

    A workspace is a copy: what is denied at its place in the user's repository is denied at its
    place in the copy, too.
    """
    if rule.ability not in ("read", "write") or not rule.translated or rule.pattern == "*":
        yield rule
        return
    for pattern in _patterns(rule.pattern, root, home, folder):
        yield msgspec.structs.replace(rule, pattern=pattern)


def _patterns(written: str, root: Path, home: Path, folder: Path) -> Iterator[str]:
    if written.startswith(("//", "~/")):
        yield written
        # Either may be reached through a link; what is the same is found twice and counts once.
        for start in (home, home.resolve()):
            place = written[1:] if written.startswith("//") else f"{start}/{written[2:]}"
            for top in (root, root.resolve()):
                yield from _inside(posixpath.relpath(posixpath.normpath(place), top))
        return
    if written.startswith("/") and folder != root / ".claude":
        # Relative to the settings file or to the repository: it depends on the version.
        yield f"/{folder}{written}"
    # A normalised path has no trailing slash, and the slash says that a folder is meant.
    ending = "/" if written.endswith("/") else ""
    plain = posixpath.normpath(written.lstrip("/")) + ending
    if plain.startswith("../"):
        yield "/" + posixpath.normpath(f"{root}/{plain}") + ending
    else:
        yield "**" if plain in (".", "./") else plain


def _inside(relative: str) -> Iterator[str]:
    """What a pattern `relative` to the repository names in it, if anything."""
    parts = relative.split("/")
    above = parts.count("..")
    if not above:
        yield relative if relative != "." else "**"
    elif parts[above : above + 1] == ["**"]:
        yield "/".join(parts[above:])


def _read(path: Path) -> str | None:
    """The text of a settings file; None if there is none."""
    try:
        # Without O_NONBLOCK, opening a named pipe would wait for a writer.
        handle = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
        with open(handle, "rb") as file:
            if not stat.S_ISREG(os.fstat(handle).st_mode):
                raise OSError(errno.EINVAL, "it is not a regular file")
            data = file.read(MAX_BYTES + 1)
    except (FileNotFoundError, NotADirectoryError) as error:
        if path.is_symlink():
            raise _unreadable(path, error) from None
        return None
    except OSError as error:
        raise _unreadable(path, error) from None
    if len(data) > MAX_BYTES:
        raise ConfigurationError(f"{path} is larger than {MAX_BYTES} bytes", remedy=_REMEDY)
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise _wrong(path, line, f"byte 0x{data[error.start]:02x} is not UTF-8") from None


_REMEDY = "correct the file: what it denies could not be kept from agents otherwise"


def _unreadable(path: Path, error: OSError) -> ConfigurationError:
    return ConfigurationError(f"{path} cannot be read: {error.strerror}", remedy=_REMEDY)


def _wrong(path: Path, line: int, what: str, column: int = 0) -> ConfigurationError:
    place = f"{path}:{line}:{column}" if column else f"{path}:{line}"
    return ConfigurationError(f"{place}: {what}", remedy=_REMEDY)
