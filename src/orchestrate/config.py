"""Settings: which there are, and which source wins.

Flags beat the environment, which beats the project's `.orchestrate/settings.yaml`, which beats the
user's `settings.yaml`. Every setting here has a reader in the program and a line in
docs/reference/settings.md.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import msgspec

from orchestrate.errors import ConfigurationError


class Settings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """All settings with their defaults.

    max_parallel: attempts of one run at once; None leaves it to the workflow.
    memory_floor_mb: hold new attempts back while less memory (MiB) is available and others run.
    advisories: folder of OSV advisories for the dependency audit; empty for none.
    advisory_service: address of an OSV service to ask; empty for none. Names and versions of
        dependencies are sent there.
    """

    max_parallel: int | None = None
    memory_floor_mb: int = 256
    advisories: str = ""
    advisory_service: str = ""


ENVIRONMENT_PREFIX = "ORCHESTRATE_"


class Layer(NamedTuple):
    """One source of settings: where it is, for messages, and what it says."""

    source: str
    values: Mapping[str, Any]


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
        ConfigurationError: an unknown setting, or a value of the wrong type; names the source.
    """
    chosen: dict[str, Any] = {}
    origin = dict.fromkeys(Settings.__struct_fields__, "default")
    for layer in layers:
        for name, value in layer.values.items():
            if name not in origin:
                raise ConfigurationError(
                    f"{layer.source}: there is no setting {name!r}",
                    remedy=f"known settings: {', '.join(origin)}",
                )
            try:
                msgspec.convert({name: value}, Settings, strict=False)
            except msgspec.ValidationError as error:
                raise ConfigurationError(
                    f"{layer.source}: setting {name}: {error}", remedy="correct its value"
                ) from None
            chosen[name] = value
            origin[name] = layer.source
    settings = msgspec.convert(chosen, Settings, strict=False)
    if settings.max_parallel is not None and settings.max_parallel < 1:
        raise ConfigurationError(
            f"{origin['max_parallel']}: max_parallel must be at least 1", remedy="correct its value"
        )
    return settings, origin
