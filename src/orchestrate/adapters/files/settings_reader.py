"""Reads `settings.yaml` files."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from orchestrate.errors import ConfigurationError

#: A settings file is a handful of lines; anything larger is not one.
MAX_BYTES = 64 * 1024


def read_settings(path: Path) -> Mapping[str, Any]:
    """The mapping in `path`; empty when the file does not exist or says nothing.

    Raises:
        ConfigurationError: unreadable, too large, not YAML, or not a mapping; with the line.
    """
    if not path.is_file():
        return {}
    from ruamel.yaml import YAML
    from ruamel.yaml.error import MarkedYAMLError, YAMLError

    try:
        data = path.read_bytes()
        if len(data) > MAX_BYTES:
            raise ConfigurationError(f"{path} is larger than {MAX_BYTES} bytes")
        if b"&" in data and b"*" in data:
            raise ConfigurationError(f"{path}: anchors and aliases are not used in settings")
        loaded = YAML(typ="safe", pure=True).load(data.decode("utf-8"))
    except MarkedYAMLError as error:
        line = error.problem_mark.line + 1 if error.problem_mark else 1
        raise ConfigurationError(
            f"{path}:{line}: not valid YAML: {error.problem}", remedy="correct this line"
        ) from None
    except (OSError, UnicodeDecodeError, YAMLError) as error:
        raise ConfigurationError(f"{path} cannot be read: {error}") from None
    if loaded is None:
        return {}
    if not isinstance(loaded, dict):
        raise ConfigurationError(
            f"{path}:1: settings are a mapping of names to values", remedy="write `name: value`"
        )
    return {str(name): value for name, value in loaded.items()}
