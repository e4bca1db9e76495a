"""Rules about connections: certificates, host keys, time-outs and schemes."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from orchestrate.adapters.backends.local.python_source import Site
from orchestrate.adapters.backends.local.python_values import (
    argument,
    constancy,
    has_spread,
    is_literal,
    outside_source,
    text_of,
)
from orchestrate.adapters.backends.local.rule import Hit, Rule, RuleSet

CERTIFICATES = Rule(
    "ORC-PY-401",
    "Certificate check switched off",
    295,
    "high",
    "high",
    "Leave verification on; give a private authority's certificate file with verify= or cafile=.",
    remarks="medium with medium confidence when only the mode of a connection object is set, "
    "as libraries do to offer the choice",
)
HOST_KEYS = Rule(
    "ORC-PY-402",
    "Unknown SSH host keys are accepted",
    295,
    "high",
    "high",
    "Load known hosts and use paramiko.RejectPolicy.",
)
NO_TIMEOUT = Rule(
    "ORC-PY-403",
    "HTTP request without a time-out",
    1088,
    "low",
    "high",
    "Pass timeout=; requests waits for ever otherwise.",
    in_tests=False,
)
CLEARTEXT = Rule(
    "ORC-PY-406",
    "Protocol without encryption",
    319,
    "low",
    "high",
    "Use SFTP, FTP_TLS, SSH or HTTPS.",
)
ANY_SCHEME = Rule(
    "ORC-PY-407",
    "URL opened without checking its scheme",
    939,
    "low",
    "low",
    "Accept only http and https; file: URLs read local files.",
    remarks="medium with medium confidence when the URL comes from outside the program",
)

_HTTP_VERBS = ("get", "post", "put", "patch", "delete", "head", "options", "request")
_REQUESTS = {f"requests.{verb}" for verb in _HTTP_VERBS} | {
    f"requests.Session().{verb}" for verb in _HTTP_VERBS
}
_HTTPX = {f"httpx.{verb}" for verb in (*_HTTP_VERBS, "stream", "Client", "AsyncClient")}
_AIOHTTP = {"aiohttp.TCPConnector", *(f"aiohttp.ClientSession().{verb}" for verb in _HTTP_VERBS)}
_POLICIES = {"AutoAddPolicy", "WarningPolicy"}


def check_certificates(site: Site) -> Iterator[Hit]:
    """Calls that switch certificate verification off."""
    call, name = site.call, site.called
    if name == "ssl._create_unverified_context":
        yield Hit(CERTIFICATES, call, "The context accepts any certificate.")
    elif name in _REQUESTS | _HTTPX and is_literal(argument(call, None, "verify"), False):
        yield Hit(CERTIFICATES, call, f"{name} accepts any certificate because of verify=False.")
    elif (
        name in _AIOHTTP
        and (
            is_literal(argument(call, None, "ssl"), False)
            or is_literal(argument(call, None, "verify_ssl"), False)
        )
    ) or (name.startswith("urllib3.") and _is_no_check(argument(call, None, "cert_reqs"), site)):
        yield Hit(CERTIFICATES, call, f"{name} accepts any certificate.")
    elif not name and is_literal(argument(call, None, "verify"), False) and _is_verb(call):
        message = "A request is sent with verify=False."
        yield Hit(CERTIFICATES, call, message, None, "medium")


def check_certificate_settings(site: Site) -> Iterator[Hit]:
    """Assignments that switch certificate verification off."""
    node = site.node
    assert isinstance(node, ast.Assign)
    for target in node.targets:
        if not isinstance(target, ast.Attribute):
            if site.scope.qualified(node.value) == "ssl._create_unverified_context":
                yield Hit(CERTIFICATES, node, "The unverified context becomes the default.")
            continue
        owner = site.scope.qualified(target.value)
        certain = owner.startswith(("ssl.", "requests.Session()", "urllib3."))
        if target.attr == "_create_default_https_context":
            if "unverified" in site.scope.qualified(node.value):
                yield Hit(CERTIFICATES, node, "Every HTTPS request of the process is unverified.")
        elif target.attr == "check_hostname" and is_literal(node.value, False):
            yield _setting(node, "The certificate's host name is not compared.", certain)
        elif target.attr in {"verify_mode", "cert_reqs"} and _is_no_check(node.value, site):
            yield _setting(node, "Any certificate is accepted.", certain)
        elif target.attr == "verify" and is_literal(node.value, False) and certain:
            yield Hit(CERTIFICATES, node, "Every request of the session is unverified.")


def _setting(node: ast.AST, message: str, certain: bool) -> Hit:
    return Hit(
        CERTIFICATES, node, message, None if certain else "medium", None if certain else "medium"
    )


def _is_no_check(node: ast.expr | None, site: Site) -> bool:
    if node is None:
        return False
    return site.scope.qualified(node) == "ssl.CERT_NONE" or (
        isinstance(node, ast.Constant) and node.value in ("CERT_NONE", "NONE")
    )


def _is_verb(call: ast.Call) -> bool:
    return isinstance(call.func, ast.Attribute) and call.func.attr in _HTTP_VERBS


def check_host_keys(site: Site) -> Iterator[Hit]:
    """`client.set_missing_host_key_policy(paramiko.AutoAddPolicy())`."""
    call = site.call
    if not (
        isinstance(call.func, ast.Attribute)
        and call.func.attr == "set_missing_host_key_policy"
        and call.args
    ):
        return
    policy = call.args[0].func if isinstance(call.args[0], ast.Call) else call.args[0]
    name = site.scope.qualified(policy).removesuffix("()").rpartition(".")[2]
    if name in _POLICIES:
        yield Hit(HOST_KEYS, call, f"{name} accepts a server whose key nobody has seen before.")


def check_timeout(site: Site) -> Iterator[Hit]:
    """`requests.get(url)` without `timeout`."""
    if site.called not in _REQUESTS or has_spread(site.call):
        return
    timeout = argument(site.call, None, "timeout")
    if timeout is None or is_literal(timeout, None):
        message = f"{site.called} waits for ever when the other side says nothing."
        yield Hit(NO_TIMEOUT, site.call, message)


def check_cleartext(site: Site) -> Iterator[Hit]:
    """`ftplib.FTP` and `telnetlib.Telnet`."""
    if site.called in {"ftplib.FTP", "telnetlib.Telnet"}:
        message = f"{site.called} sends passwords and data in the clear."
        yield Hit(CLEARTEXT, site.call, message)


def check_scheme(site: Site) -> Iterator[Hit]:
    """`urllib.request.urlopen(value)`."""
    if site.called not in {"urllib.request.urlopen", "urllib.request.urlretrieve"}:
        return
    url = argument(site.call, 0, "url")
    if constancy(url, site.scope) != "variable":
        return
    text = text_of(url, site.scope) or ""
    if text.startswith(("http://", "https://")):
        return
    source = outside_source(url, site.scope)
    message = f"{site.called} also opens file: and ftp: URLs."
    yield Hit(ANY_SCHEME, site.call, message, *(("medium", "medium") if source else (None, None)))


RULES = RuleSet(
    rules=(
        CERTIFICATES,
        HOST_KEYS,
        NO_TIMEOUT,
        CLEARTEXT,
        ANY_SCHEME,
    ),
    checks={
        ast.Call: (
            check_certificates,
            check_host_keys,
            check_timeout,
            check_cleartext,
            check_scheme,
        ),
        ast.Assign: (check_certificate_settings,),
    },
)
