"""Writing TOML: the settings of the program, as a file or as overrides on its command line."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping

Value = str | int | bool | list["Value"] | dict[str, "Value"]

_BARE = re.compile(r"[A-Za-z0-9_-]+")


def inline(value: Value) -> str:
    """`value` on one line; a mapping becomes an inline table."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str):
        return _string(value)
    if isinstance(value, list):
        return f"[{', '.join(inline(each) for each in value)}]"
    if isinstance(value, dict):
        return f"{{{', '.join(f'{_key(key)} = {inline(each)}' for key, each in value.items())}}}"
    return str(value)


def document(settings: Mapping[str, Value]) -> str:
    """A whole file."""
    return "".join(f"{_key(key)} = {inline(value)}\n" for key, value in settings.items())


def overrides(settings: Mapping[str, Value]) -> Iterator[str]:
    """`key=value` for each top-level key, as the option `-c` takes them."""
    for key, value in settings.items():
        yield f"{_key(key)}={inline(value)}"


def _key(key: str) -> str:
    return key if _BARE.fullmatch(key) else _string(key)


def _string(text: str) -> str:
    """A basic string. JSON's escapes are TOML's, but TOML wants DEL escaped, and no surrogates."""
    whole = text.encode("utf-8", "replace").decode("utf-8")
    return json.dumps(whole, ensure_ascii=False).replace("\x7f", "\\u007f")
