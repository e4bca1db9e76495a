"""Reads `settings.yaml` files."""

from __future__ import annotations

import errno
import os
import stat
from pathlib import Path
from typing import TYPE_CHECKING, Any

from orchestrate.config import PATH_SETTINGS, Layer
from orchestrate.errors import ConfigurationError

if TYPE_CHECKING:
    from ruamel.yaml.nodes import MappingNode

#: A settings file is a handful of lines; anything larger is not one.
MAX_BYTES = 64 * 1024


def read_settings(path: Path, *, relative_to: Path, project: bool = False) -> Layer:
    """What `path` says, with the line of each setting; nothing when the file does not exist.

    Paths among the values are taken relative to the folder `relative_to`, not to where the command
    is called from. `project`: the file belongs to the repository and not to the user.

    Raises:
        ConfigurationError: unreadable, too large, not YAML, or not a mapping; with the line.
    """
    try:
        data = _read(path)
    except (FileNotFoundError, NotADirectoryError):
        return Layer(str(path), {}, project=project)
    except OSError as error:
        raise ConfigurationError(f"{path} cannot be read: {error.strerror}") from None
    if len(data) > MAX_BYTES:
        raise ConfigurationError(f"{path} is larger than {MAX_BYTES} bytes")
    values, lines = _parse(path, data)
    for name in PATH_SETTINGS & values.keys():
        value = values[name]
        if isinstance(value, str) and value:
            values[name] = str(relative_to / Path(value).expanduser())
    return Layer(str(path), values, lines, project)


def _read(path: Path) -> bytes:
    """At most one byte more than may be there. The file may be a stranger's: a pipe must not block,
    nor a device without end fill the memory."""
    handle = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    with open(handle, "rb") as file:
        if not stat.S_ISREG(os.fstat(handle).st_mode):
            raise OSError(errno.EINVAL, "it is not a regular file")
        return file.read(MAX_BYTES + 1)


def _parse(path: Path, data: bytes) -> tuple[dict[str, Any], dict[str, int]]:
    from ruamel.yaml import YAML
    from ruamel.yaml.error import MarkedYAMLError, YAMLError
    from ruamel.yaml.events import AliasEvent
    from ruamel.yaml.nodes import MappingNode

    yaml = YAML(typ="safe", pure=True)
    try:
        text = data.decode("utf-8")
        # Before anything is built: aliases of aliases grow without bound.
        for event in yaml.parse(text):
            if isinstance(event, AliasEvent):
                raise ConfigurationError(
                    f"{path}:{event.start_mark.line + 1}: aliases are not used in settings",
                    remedy="write the value itself",
                )
        node = yaml.compose(text)
        loaded = yaml.load(text)
    except MarkedYAMLError as error:
        line = error.problem_mark.line + 1 if error.problem_mark else 1
        raise ConfigurationError(
            f"{path}:{line}: not valid YAML: {error.problem}", remedy="correct this line"
        ) from None
    except (UnicodeDecodeError, YAMLError, ValueError) as error:
        raise ConfigurationError(f"{path} is not valid YAML: {error}") from None
    if loaded is None:
        return {}, {}
    if not isinstance(node, MappingNode):
        raise ConfigurationError(
            f"{path}:1: settings are a mapping of names to values", remedy="write `name: value`"
        )
    return {str(name): value for name, value in loaded.items()}, _lines(node)


def _lines(node: MappingNode) -> dict[str, int]:
    return {str(key.value): key.start_mark.line + 1 for key, _ in node.value}
