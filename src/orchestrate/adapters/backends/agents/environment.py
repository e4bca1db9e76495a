"""The environment an agent's program gets, and with it everything the agent starts."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from pathlib import Path

from orchestrate.adapters.backends.environment import passed_environment
from orchestrate.errors import AgentError
from orchestrate.ports.evidence import Toolbox

#: How the network is reached from here; without them nothing works behind a proxy.
NETWORK = (
    *("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "NO_PROXY"),
    *("http_proxy", "https_proxy", "all_proxy", "no_proxy"),
    *("SSL_CERT_FILE", "SSL_CERT_DIR", "NODE_EXTRA_CA_CERTS"),
)
#: What programs on PATH that stand in front of a toolchain look for, and where below HOME it is
#: by default. Folders with logins to registries (`.cargo`, `.npmrc`) are not among them.
TOOLCHAINS = {"RUSTUP_HOME": ".rustup", "PYENV_ROOT": ".pyenv"}
#: Beginnings of names that a task may not set: they say who is asked with the user's key, or load
#: code into the agent's program.
RESERVED = (
    *("ANTHROPIC_", "CLAUDE", "OPENAI_", "CODEX_", "AWS_", "GOOGLE_", "AZURE_", "VERTEX_"),
    *("CLOUD_ML_", "API_TIMEOUT", "DISABLE_", "ORCHESTRATE_", "LD_", "DYLD_", "NODE_", "BUN_"),
    *("XDG_", "GIT_"),
)
_OWN = frozenset(
    {"PATH", "HOME", "USER", "LOGNAME", "SHELL", "TMPDIR", "BASH_ENV", "ENV", *NETWORK, *TOOLCHAINS}
)


def reserved_variables(names: Iterable[str]) -> tuple[str, ...]:
    """Those of `names` that a task may not set for an agent, sorted."""
    return tuple(
        sorted(name for name in names if name.upper().startswith(RESERVED) or name in _OWN)
    )


def agent_environment(
    environ: Mapping[str, str],
    *,
    scratch: str,
    home: str = "",
    access: Iterable[str] = (),
    task: Mapping[str, str] | None = None,
    toolbox: Toolbox | None = None,
) -> dict[str, str]:
    """The whole environment: what is no secret of `environ`, and those named in `access`.

    Args:
        environ: the user's own environment.
        scratch: private folder for temporary files; it exists when the program starts.
        home: private HOME; empty to keep the user's. Toolchains below the user's are named then.
        access: names of variables with which the provider is reached; passed on where set.
        task: what the task sets.
        toolbox: where the project's test environment is.

    Raises:
        AgentError: the task sets a variable that is not its to set.
    """
    refused = reserved_variables(task or {})
    if refused:
        raise AgentError(
            f"the task sets {', '.join(refused)}, which no task may set for an agent",
            remedy="take it out of the task's `env:`, and set it in your own environment",
        )
    names = (*NETWORK, *TOOLCHAINS, *access)
    found = passed_environment(environ) | {
        name: environ[name] for name in names if environ.get(name)
    }
    if home:
        found = _toolchains(environ) | found | {"HOME": home}
    own = {"TMPDIR": scratch, "GIT_TERMINAL_PROMPT": "0", "LANG": environ.get("LANG") or "C.UTF-8"}
    tools = toolbox or Toolbox()
    path = os.pathsep.join((*tools.path, found.get("PATH", os.defpath)))
    return found | own | tools.env | {"PATH": path} | dict(task or {})


def secrets(environ: Mapping[str, str], names: Iterable[str]) -> tuple[str, ...]:
    """The values of those variables, to be blanked in output."""
    return tuple(dict.fromkeys(environ[name] for name in names if environ.get(name)))


def _toolchains(environ: Mapping[str, str]) -> dict[str, str]:
    """Folders of the user's toolchains that are there: HOME will be another one."""
    home = environ.get("HOME")
    if not home:
        return {}
    folders = {name: Path(home, folder) for name, folder in TOOLCHAINS.items()}
    return {name: str(folder) for name, folder in folders.items() if folder.is_dir()}
