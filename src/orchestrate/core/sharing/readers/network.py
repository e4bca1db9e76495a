"""Recognising that a command was refused the network, by what it printed."""

from __future__ import annotations

import re
from collections.abc import Mapping

from orchestrate.core.sharing.outcomes import MAX_QUOTE

# What the resolver and the sockets of libc, Python, node, Go, Rust, git, pip and curl say without a
# network. A refused connection is not among them: it also means that a server was not running.
_REFUSED = re.compile(
    r"Temporary failure in name resolution|Name or service not known|nodename nor servname"
    r"|Network is unreachable|No route to host|\bENETUNREACH\b|\bEAI_AGAIN\b|\bENOTFOUND\b"
    r"|\bEHOSTUNREACH\b|Could not resolve (?:host|proxy)|Couldn't resolve host"
    r"|network is unreachable|dial tcp: lookup [^\n]{0,200}|failed to lookup address information"
    r"|Failed to resolve '|NameResolutionError|dns error:|No address associated with hostname"
    r"|getaddrinfo failed|spurious network error|Could not fetch URL"
)


def refusal(text: str) -> str:
    """The line of `text` that shows a refused network, cut to length; empty if none does."""
    found = _REFUSED.search(text)
    if found is None:
        return ""
    start = text.rfind("\n", 0, found.start()) + 1
    end = text.find("\n", found.end())
    line = text[max(start, found.start() - MAX_QUOTE // 2) : end if end >= 0 else None]
    return " ".join(line.split())[:MAX_QUOTE]


def refused_tests(texts: Mapping[str, str]) -> tuple[str, ...]:
    """Of failing tests and what they said, those that were refused the network, in order."""
    return tuple(name for name, text in texts.items() if refusal(text))
