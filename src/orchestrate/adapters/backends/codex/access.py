"""How the user reaches OpenAI: a key in the environment, or a login the program keeps itself.

Of a login only the names of what is stored are looked at, never a value, and nothing is copied: a
program that needs it is run with the user's own configuration folder.
"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal

import msgspec

from orchestrate.adapters.backends.agents.account import Account

#: The only variable whose key the program itself takes when it is not run by hand.
OWN_KEY = "CODEX_API_KEY"
#: Taken when there is no login, as other programs use it for other things.
SHARED_KEY = "OPENAI_API_KEY"
BASE_URL = "OPENAI_BASE_URL"
DEFAULT_BASE_URL = "https://api.openai.com/v1"
#: Headers of the provider -> variables they come from, as the program's own provider has them.
HEADERS = {"OpenAI-Organization": "OPENAI_ORGANIZATION", "OpenAI-Project": "OPENAI_PROJECT"}


class Access(msgspec.Struct, frozen=True, omit_defaults=True):
    """What is used. `variable` holds the key of way "key"; `home` is the user's CODEX_HOME.

    `store` is where the program keeps the login, in its own word; empty for its default.
    """

    way: Literal["key", "login", "none"]
    account: Account
    home: str
    variable: str = ""
    base_url: str = DEFAULT_BASE_URL
    store: str = ""

    @property
    def own_provider(self) -> bool:
        """Whether calls go to an address we name; a subscription's go where the program says."""
        return self.way == "key" or (self.way == "login" and self.account.kind == "api")


def find_access(environ: Mapping[str, str]) -> Access:
    """A key named for this program, else its login, else the key that others use as well."""
    folder = environ.get("CODEX_HOME") or str(Path(environ.get("HOME", "/"), ".codex"))
    base_url = environ.get(BASE_URL) or DEFAULT_BASE_URL
    if environ.get(OWN_KEY):
        return Access("key", Account("api", OWN_KEY), folder, OWN_KEY, base_url)
    login, store = _login(Path(folder))
    if login.kind != "none":
        return Access("login", login, folder, base_url=base_url, store=store)
    if environ.get(SHARED_KEY):
        return Access("key", Account("api", SHARED_KEY), folder, SHARED_KEY, base_url)
    return Access("none", Account(), folder, base_url=base_url)


def _login(folder: Path) -> tuple[Account, str]:
    """What is stored in `folder`, and the store that its configuration names."""
    said = user_configuration(folder).get("cli_auth_credentials_store")
    store = said if isinstance(said, str) else ""
    path = folder / "auth.json"
    kind = _stored_kind(path)
    if kind is not None:
        return Account(kind, str(path)), store
    if store in ("keyring", "auto"):
        return Account("unknown", f"the keyring, as {folder / 'config.toml'} says"), store
    return Account(), store


def _stored_kind(path: Path) -> Literal["subscription", "api"] | None:
    try:
        stored = msgspec.json.decode(path.read_bytes(), type=dict[str, Any])
    except (OSError, msgspec.DecodeError):
        return None
    # The order in which the program itself looks.
    if stored.get("auth_mode") in ("apikey", "api_key") or stored.get(SHARED_KEY):
        return "api"
    return "subscription" if stored.get("tokens") else None


def user_configuration(folder: Path) -> dict[str, Any]:
    """The user's own `config.toml`; empty if there is none or it cannot be read."""
    try:
        return tomllib.loads((folder / "config.toml").read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
