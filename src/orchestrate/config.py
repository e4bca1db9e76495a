"""Settings: which there are, and which source wins.

Flags beat the environment, which beats the project's `.orchestrate/settings.yaml`, which beats the
user's `settings.yaml`. Some are not taken from a project at all: whoever wrote a repository decides
neither what may be known about it nor what it may do to this machine. Every setting here has a
reader in the program and a line in docs/reference/settings.md.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Annotated, Any, Literal, NamedTuple

import msgspec

from orchestrate.errors import ConfigurationError

#: A day: no check that anybody waits for lasts longer.
MAX_TEST_TIMEOUT_S = 86_400
#: The largest budget, as in workflow files; "infinite" is said by setting none.
MAX_BUDGET_USD = 1_000_000


class Settings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """All settings with their defaults.

    max_parallel: attempts of one run at once; None leaves it to the workflow.
    memory_floor_mb: hold new attempts back while less memory (MiB) is available and others run.
    advisories: folder of OSV advisories for the dependency audit; empty for none. In the
        user's settings it is relative to the folder of that file. Not taken from a project's
        settings: a repository does not decide who vouches for it.
    advisory_service: address of an OSV service to ask; empty for none. Names and versions of
        dependencies are sent there. Not taken from a project's settings.
    setup: shell command that builds the environment in a checkout, before tests run there; empty:
        detected. One that a project names runs only in a repository that is trusted.
    test_command: shell command that runs the tests; empty: detected. One that a project names runs
        only in a repository that is trusted.
    test_timeout: seconds that one run of the tests, or of another check, may take.
    evidence_network: whether tests and other checks may reach more than the loopback. Not taken
        from a project's settings.
    base: what writing tasks start from when files are changed and not committed: `head` leaves the
        changes out, `working-tree` includes them; empty: ask, and leave them out where nobody can
        be asked.
    workspace_quota_mb: most space (MiB) that the workspaces of this repository may take together.
        Not taken from a project's settings.
    keep_days: days that transcripts and artifacts of ended runs are kept from `purge`.
    backend: who performs tasks that are for an agent, `claude` or `codex`; empty: the first that
        can be used here.
    claude_model: the model Claude Code is asked for; empty: its own choice. A profile or task that
        names one wins.
    codex_model: the model Codex is asked for; empty: its own choice. A profile or task that names
        one wins.
    budget_usd: the most a run may cost, in US dollars; None for no limit. Not taken from a
        project's settings: a repository does not decide what you spend.
    attempt_budget_usd: the most one attempt of an agent may cost, in US dollars. Not taken from a
        project's settings.
    script: file that says what agents do where `--backend scripted` or a task asks for that; empty
        for none. Not taken from a project's settings.
    """

    max_parallel: Annotated[int, msgspec.Meta(ge=1)] | None = None
    memory_floor_mb: Annotated[int, msgspec.Meta(ge=0)] = 256
    advisories: str = ""
    advisory_service: str = ""
    setup: str = ""
    test_command: str = ""
    test_timeout: Annotated[int, msgspec.Meta(ge=1, le=MAX_TEST_TIMEOUT_S)] = 1800
    evidence_network: bool = False
    base: Literal["", "head", "working-tree"] = ""
    workspace_quota_mb: Annotated[int, msgspec.Meta(ge=1)] = 20480
    keep_days: Annotated[int, msgspec.Meta(ge=0)] = 30
    backend: Literal["", "claude", "codex"] = ""
    claude_model: str = ""
    codex_model: str = ""
    budget_usd: Annotated[float, msgspec.Meta(gt=0, le=MAX_BUDGET_USD)] | None = None
    attempt_budget_usd: Annotated[float, msgspec.Meta(gt=0, le=MAX_BUDGET_USD)] = 2.0
    script: str = ""


ENVIRONMENT_PREFIX = "ORCHESTRATE_"

#: Settings that name a file or folder. In a settings file they are relative to the folder of that
#: file, elsewhere to the current folder.
PATH_SETTINGS = frozenset({"advisories", "script"})

#: Settings that a project's file may not make; what it says about them is left out and named.
NOT_FROM_PROJECT = frozenset(
    {
        "advisories",
        "advisory_service",
        "attempt_budget_usd",
        "budget_usd",
        "evidence_network",
        "script",
        "workspace_quota_mb",
    }
)
#: Settings that are true or false. YAML's truth values are taken for no other, as 1 or 0 would be.
SWITCHES = frozenset({"evidence_network"})
_TRUTHS = {"true": True, "false": False}


class Layer(NamedTuple):
    """One source of settings: where it is, for messages, and what it says.

    `lines` maps a setting to its line, counted from 1, where the source is a file. `project` marks
    the file of the repository, whose author is not the user.
    """

    source: str
    values: Mapping[str, Any]
    lines: Mapping[str, int] = {}
    project: bool = False

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

    What a project may not set is passed over; `passed_over` names it.

    Raises:
        ConfigurationError: an unknown setting, or a value of the wrong type; names the place.
    """
    chosen: dict[str, Any] = {}
    origin = dict.fromkeys(Settings.__struct_fields__, "default")
    for layer in layers:
        for name, value in layer.values.items():
            if name not in origin:
                raise _unknown(layer.where(name), name, tuple(origin))
            if _is_passed_over(layer, name):
                continue
            chosen[name] = _value(layer, name, value)
            origin[name] = layer.where(name)
    return Settings(**chosen), origin


def passed_over(layers: Sequence[Layer]) -> dict[str, str]:
    """Settings that a project makes and may not make, and where it does."""
    return {
        name: layer.where(name)
        for layer in layers
        for name in layer.values
        if _is_passed_over(layer, name)
    }


def _is_passed_over(layer: Layer, name: str) -> bool:
    return layer.project and name in NOT_FROM_PROJECT


def _value(layer: Layer, name: str, value: object) -> object:
    if name in SWITCHES:
        truth = _TRUTHS.get(str(value).lower()) if isinstance(value, bool | str) else None
        if truth is not None:
            return truth
        reason = f"it is true or false, not {value!r}"
    elif isinstance(value, bool):
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
