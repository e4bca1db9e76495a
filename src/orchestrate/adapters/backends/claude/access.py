"""How Claude Code reaches its provider: with which variables, login or key, and whose folder.

Keys and logins stay where they are. A key of the environment is handed to the program through a
pipe, so that it is in the environment of no command the agent runs. With a key (or a token) the
program gets a configuration folder of its own; a login can only be used in the user's folder.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import msgspec

from orchestrate.adapters.backends.agents.account import Account
from orchestrate.ports.performer import AttemptRequest

#: Variable with a secret -> the variable that names the file descriptor to read it from instead.
PIPED = {
    "ANTHROPIC_API_KEY": "CLAUDE_CODE_API_KEY_FILE_DESCRIPTOR",
    "CLAUDE_CODE_OAUTH_TOKEN": "CLAUDE_CODE_OAUTH_TOKEN_FILE_DESCRIPTOR",
}
#: Secrets that the program takes from its environment only.
UNPIPED = (
    "ANTHROPIC_AUTH_TOKEN",
    "ANTHROPIC_CUSTOM_HEADERS",
    "ANTHROPIC_FOUNDRY_API_KEY",
    "AWS_ACCESS_KEY_ID",
    "AWS_BEARER_TOKEN_BEDROCK",
    "AWS_SECRET_ACCESS_KEY",
    "AWS_SESSION_TOKEN",
)
#: Switches to a cloud's own access, which has its own logins below HOME.
CLOUDS = ("CLAUDE_CODE_USE_BEDROCK", "CLAUDE_CODE_USE_VERTEX", "CLAUDE_CODE_USE_FOUNDRY")
#: Everything of the user's environment that decides who is asked, and as whom.
VARIABLES = (
    *PIPED,
    *UNPIPED,
    *CLOUDS,
    "ANTHROPIC_BASE_URL",
    "ANTHROPIC_BEDROCK_BASE_URL",
    "ANTHROPIC_FOUNDRY_BASE_URL",
    "ANTHROPIC_FOUNDRY_RESOURCE",
    "ANTHROPIC_VERTEX_BASE_URL",
    "ANTHROPIC_VERTEX_PROJECT_ID",
    "AWS_CONFIG_FILE",
    "AWS_PROFILE",
    "AWS_REGION",
    "AWS_SHARED_CREDENTIALS_FILE",
    "CLAUDE_CONFIG_DIR",
    "CLAUDE_CODE_SKIP_BEDROCK_AUTH",
    "CLAUDE_CODE_SKIP_VERTEX_AUTH",
    "CLOUD_ML_REGION",
    "GOOGLE_APPLICATION_CREDENTIALS",
    "GOOGLE_CLOUD_PROJECT",
)
_OFF = ("", "0", "false", "no", "off")


class Access(msgspec.Struct, frozen=True):
    """What there is to reach the provider with.

    `config` is the user's own configuration folder. `private_home`: nothing below the user's HOME
    is needed. `private_config`: nothing in that folder is needed.
    """

    account: Account
    config: str
    private_home: bool = False
    private_config: bool = False

    def config_of(self, request: AttemptRequest) -> str:
        """The configuration folder of an attempt; sessions are kept there."""
        return f"{own_home(request)}/.claude" if self.private_config else self.config

    def variables(self, request: AttemptRequest) -> dict[str, str]:
        """What tells the program its folder; nothing for the user's, whose files lie beside it."""
        return {"CLAUDE_CONFIG_DIR": self.config_of(request)} if self.private_config else {}


def own_home(request: AttemptRequest) -> str:
    """A HOME that the attempts at a task share and nobody else has."""
    return f"{request.sessions_dir or request.folder}/claude-home"


def found_access(environ: Mapping[str, str]) -> Access:
    """What the program would use, in its own order: a cloud, a token or key, the user's login."""
    home = environ.get("HOME") or str(Path("~").expanduser())
    config = environ.get("CLAUDE_CONFIG_DIR") or f"{home}/.claude"
    for name in CLOUDS:
        if environ.get(name, "").lower() not in _OFF:
            return Access(Account("api", name), config, private_config=True)
    for name in ("ANTHROPIC_AUTH_TOKEN", "ANTHROPIC_API_KEY", "CLAUDE_CODE_OAUTH_TOKEN"):
        if environ.get(name):
            billed = name != "CLAUDE_CODE_OAUTH_TOKEN"
            account = Account("api" if billed else "subscription", name)
            return Access(account, config, private_home=True, private_config=True)
    own = Path(environ["CLAUDE_CONFIG_DIR"]) if environ.get("CLAUDE_CONFIG_DIR") else Path(home)
    return Access(_login(Path(config), own / ".claude.json"), config)


def _login(config: Path, state: Path) -> Account:
    """The login in the user's files: only whether it is there is looked at."""
    credentials = config / ".credentials.json"
    if "claudeAiOauth" in _keys(credentials):
        return Account("subscription", str(credentials))
    keys = _keys(state)
    if "primaryApiKey" in keys:
        return Account("api", str(state))
    if "oauthAccount" in keys:
        # The login itself is where only the program can look (a keychain), or it has expired.
        return Account("unknown", str(state))
    return Account()


def _keys(path: Path) -> frozenset[str]:
    """Names at the top of a JSON file that have a value; its values are not kept."""
    try:
        found = msgspec.json.decode(path.read_bytes(), type=dict[str, Any])
    except (OSError, ValueError):
        return frozenset()
    return frozenset(name for name, value in found.items() if value)


def through_pipe(
    argv: tuple[str, ...], env: Mapping[str, str]
) -> tuple[tuple[str, ...], dict[str, str]]:
    """`argv` and `env` such that no command of the agent's inherits a key that `env` holds.

    A shell writes the key into a pipe, forgets it, and becomes the program, which reads the pipe to
    its end before the agent does anything.
    """
    name = next((each for each in PIPED if env.get(each)), "")
    if not name:
        return argv, dict(env)
    others = " ".join(PIPED)
    script = f'exec 3<<END_OF_KEY\n${name}\nEND_OF_KEY\nunset {others}\nexec "$@"\n'
    return ("/bin/sh", "-c", script, "sh", *argv), {**env, PIPED[name]: "3"}
