"""What names tell: which ones speak of secrets, tokens, digests and permissions.

Name-based rules can be wrong, so none of them has high confidence.
"""

from __future__ import annotations

import itertools
import re

_SPLIT = re.compile(r"[_\W]+|(?<=[a-z0-9])(?=[A-Z])")

_PASSWORDS = {"password", "passwd", "passphrase", "pwd", "passcode"}
_SECRETS = {"secret", "token", "apikey", "credential", "credentials", "authtoken", "otp", "nonce"}
_SECRET_PAIRS = {
    ("api", "key"), ("secret", "key"), ("access", "key"), ("private", "key"), ("auth", "key"),
    ("signing", "key"), ("encryption", "key"), ("session", "id"), ("session", "key"),
    ("csrf", "token"), ("reset", "code"), ("verification", "code"),
}  # fmt: skip
_DIGESTS = {"hmac", "signature", "digest", "hexdigest", "mac", "sig", "checksum"}
#: Words after which a name speaks about a secret rather than holding one.
_ABOUT = {
    "file", "path", "name", "field", "label", "header", "url", "uri", "length", "len", "size",
    "type", "prefix", "suffix", "pattern", "regex", "re", "format", "prompt", "message", "error",
    "help", "hint", "env", "var", "variable", "id", "column", "param", "parameter", "class",
    "validator", "validators", "hasher", "hashers", "policy", "expiry", "ttl", "timeout", "count",
    "max", "min", "index", "kind", "status", "endpoint", "algorithm", "template", "form", "page",
    "required", "text", "title", "description", "key_name", "stream", "iterator", "list", "value",
}  # fmt: skip
#: Words before `token` that make it a credential; parsers have tokens of many other kinds.
_TOKEN_OF = {
    "access", "api", "app", "auth", "bearer", "bot", "client", "csrf", "deploy", "github", "gitlab",
    "id", "jwt", "login", "oauth", "password", "refresh", "registration", "request", "reset",
    "secret",
    "security", "service", "session", "slack", "user", "verification", "xsrf", "new", "my", "the",
}  # fmt: skip
_AUTHORISATION = {
    "admin", "auth", "authenticated", "authorised", "authorized", "permission", "permissions",
    "superuser", "login", "logged", "privileged", "credential", "credentials", "password",
}  # fmt: skip
#: Words that speak of permission only in a question, as in `is_owner` or `can_edit`.
_ASKED = {"allowed", "permitted", "owner", "role", "roles", "staff", "edit", "delete", "access"}
_ASKING = {"is", "has", "can", "may", "check"}
_SECURITY_VERBS = {
    "verify", "authenticate", "authorise", "authorize", "login", "decrypt", "validate", "sanitise",
    "sanitize", "permission", "certificate", "logout", "revoke",
}  # fmt: skip


def words(name: str) -> list[str]:
    """The lower-case words of an identifier, in order: `apiKeyFile` → api, key, file."""
    return [word.lower() for word in _SPLIT.split(name) if word]


def names_password(name: str) -> bool:
    """Whether an identifier holds a password."""
    parts = words(name)
    return bool(parts) and parts[-1] not in _ABOUT and any(part in _PASSWORDS for part in parts)


def names_secret(name: str) -> bool:
    """Whether an identifier holds a password, key, token or other secret."""
    parts = words(name)
    if not parts or (parts[-1] in _ABOUT and tuple(parts[-2:]) not in _SECRET_PAIRS):
        return False
    if "token" in parts[1:] and parts[parts.index("token", 1) - 1] not in _TOKEN_OF:
        return False
    if "token" in parts[:-1]:
        return False  # token_end, token_stream
    return any(part in _PASSWORDS | _SECRETS for part in parts) or any(
        pair in _SECRET_PAIRS for pair in itertools.pairwise(parts)
    )


def names_digest(name: str) -> bool:
    """Whether an identifier holds a digest or signature that is compared to decide something."""
    parts = words(name)
    return bool(parts) and parts[-1] not in _ABOUT and any(part in _DIGESTS for part in parts)


def names_authorisation(name: str) -> bool:
    """Whether an identifier speaks of who may do something."""
    parts = words(name)
    asked = bool(parts) and parts[0] in _ASKING and any(part in _ASKED for part in parts)
    return asked or any(part in _AUTHORISATION for part in parts)


def names_security_step(name: str) -> bool:
    """Whether a called function's name says that it decides about trust."""
    return any(part in _SECURITY_VERBS for part in words(name))
