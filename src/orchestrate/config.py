"""Settings: which there are, and which source wins.

Flags beat the environment, which beats the project's `.orchestrate/settings.yaml`, which beats the
user's `settings.yaml`. Every setting here has a reader in the program and a line in
docs/reference/settings.md.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Annotated, Any, NamedTuple

import msgspec

from orchestrate.errors import ConfigurationError


class Settings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """All settings with their defaults.

    max_parallel: attempts of one run at once; None leaves it to the workflow.
    memory_floor_mb: hold new attempts back while less memory (MiB) is available and others run.
    advisories: folder of OSV advisories for the dependency audit; empty for none. In the
        user's settings it is relative to the folder of that file. Not taken from a project's
        settings: a repository does not decide who vouches for it.
    advisory_service: address of an OSV service to ask; empty for none. Names and versions of
        dependencies are sent there. Not taken from a project's settings.
    """

    max_parallel: Annotated[int, msgspec.Meta(ge=1)] | None = None
    memory_floor_mb: Annotated[int, msgspec.Meta(ge=0)] = 256
    advisories: str = ""
    advisory_service: str = ""


ENVIRONMENT_PREFIX = "ORCHESTRATE_"

#: Settings that name a file or folder. In a settings file they are relative to the repository (or
#: to the user's configuration folder), elsewhere to the current folder.
PATH_SETTINGS = frozenset({"advisories"})


class Layer(NamedTuple):
    """One source of settings: where it is, for messages, and what it says.

    `lines` maps a setting to its line, counted from 1, where the source is a file.
    """

    source: str
    values: Mapping[str, Any]
    lines: Mapping[str, int] = {}

    def where(self, name: str) -> str:
        """The place of a setting, as `file:line` where there is a line."""
        line = self.lines.get(name)
        return self.source if line is None else f"{self.source}:{line}"


def environment_layer(environ: Mapping[str, str]) -> Layer:
    """Settings given as ORCHESTRATE_<NAME>; other variables with the prefix are not settings."""
    values = {
        name: environ[ENVIRONMENT_PREFIX + name.upper()]
        for name in Settings.__struct_fields__
        if environ.get(ENVIRONMENT_PREFIX + name.upper())
    }
    return Layer("environment", values)


def merge(layers: Sequence[Layer]) -> tuple[Settings, dict[str, str]]:
    """Settings from `layers`, later ones winning, and where each value came from.

    Raises:
        ConfigurationError: an unknown setting, or a value of the wrong type; names the place.
    """
    chosen: dict[str, Any] = {}
    origin = dict.fromkeys(Settings.__struct_fields__, "default")
    for layer in layers:
        for name, value in layer.values.items():
            if name not in origin:
                raise _unknown(layer.where(name), name, tuple(origin))
            chosen[name] = _value(layer, name, value)
            origin[name] = layer.where(name)
    return Settings(**chosen), origin


def _value(layer: Layer, name: str, value: object) -> object:
    if isinstance(value, bool):  # it would pass for the number 1 or 0, and no setting is a switch
        reason = f"{str(value).lower()} is not a value for it"
    else:
        try:
            return getattr(msgspec.convert({name: value}, Settings, strict=False), name)
        except msgspec.ValidationError as error:
            reason = str(error).partition(" - at ")[0]
    raise ConfigurationError(
        f"{layer.where(name)}: setting {name}: {reason}", remedy="correct its value"
    )


def _unknown(where: str, name: str, known: tuple[str, ...]) -> ConfigurationError:
    from difflib import get_close_matches

    near = get_close_matches(name, known, n=1)
    hint = f"did you mean {near[0]!r}? " if near else ""
    return ConfigurationError(
        f"{where}: there is no setting {name!r}",
        remedy=f"{hint}known settings: {', '.join(known)}",
    )
