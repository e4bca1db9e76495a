"""Rules about servers: what they listen on, debug mode, cookies."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from orchestrate.adapters.backends.local.python_source import Site
from orchestrate.adapters.backends.local.python_values import (
    argument,
    is_literal,
    text_of,
)
from orchestrate.adapters.backends.local.rule import Hit, Rule, RuleSet

ALL_INTERFACES = Rule(
    "ORC-PY-404",
    "Listens on every network interface",
    1327,
    "medium",
    "medium",
    "Bind to 127.0.0.1, or to an address that the operator configures.",
)
DEBUG = Rule(
    "ORC-PY-405",
    "Debug mode switched on",
    489,
    "medium",
    "medium",
    "Take the debug flag from the environment and leave it off by default.",
    remarks="high for a Flask server started inside a function: its debugger runs any code",
    in_tests=False,
)
COOKIE = Rule(
    "ORC-PY-408",
    "Cookie protection switched off",
    614,
    "low",
    "medium",
    "Leave Secure and HttpOnly on for cookies that carry a session.",
)

_EVERYWHERE = {"", "0.0.0.0", "::", "[::]"}  # noqa: S104  the addresses being looked for
_COOKIE_SETTINGS = {"SESSION_COOKIE_SECURE", "SESSION_COOKIE_HTTPONLY", "CSRF_COOKIE_SECURE"}
_SERVERS = {
    "socketserver.TCPServer",
    "socketserver.UDPServer",
    "socketserver.ThreadingTCPServer",
    "http.server.HTTPServer",
    "http.server.ThreadingHTTPServer",
    "wsgiref.simple_server.make_server",
    "asyncio.start_server",
    "socket.create_server",
    "uvicorn.run",
    "werkzeug.serving.run_simple",
    "waitress.serve",
    "aiohttp.web.run_app",
    "xmlrpc.server.SimpleXMLRPCServer",
}


def check_listener(site: Site) -> Iterator[Hit]:
    """Sockets and servers bound to every interface."""
    call, name = site.call, site.called
    method = call.func.attr if isinstance(call.func, ast.Attribute) else ""
    host: ast.expr | None = None
    if method == "bind" and len(call.args) == 1 and isinstance(call.args[0], ast.Tuple):
        host = call.args[0].elts[0] if len(call.args[0].elts) >= 2 else None
    elif name in _SERVERS:
        host = argument(call, None, "host") or _address_host(call, name)
    elif method == "run" and "host" in {k.arg for k in call.keywords}:
        host = argument(call, None, "host")
    if host is None or _has_port_zero(call):
        return
    address = text_of(host, site.scope)
    if address in _EVERYWHERE:
        message = f"The address {address!r} accepts connections from every network."
        yield Hit(ALL_INTERFACES, call, message)


def _has_port_zero(call: ast.Call) -> bool:
    """Port 0 asks for any free port, as clients do for an answer that they have announced."""
    return any(
        isinstance(given, ast.Tuple)
        and len(given.elts) >= 2
        and isinstance(given.elts[1], ast.Constant)
        and given.elts[1].value == 0
        for given in call.args
    )


def _address_host(call: ast.Call, name: str) -> ast.expr | None:
    position = 1 if name == "asyncio.start_server" else 0
    first = argument(call, position, "address", "server_address", "addr")
    if isinstance(first, ast.Tuple):
        return first.elts[0] if first.elts else None
    return first if name.endswith(("make_server", "run_simple", "start_server")) else None


def check_debug(site: Site) -> Iterator[Hit]:
    """`app.run(debug=True)` and `uvicorn.run(reload=True)`-like switches."""
    call = site.call
    if not (isinstance(call.func, ast.Attribute) and call.func.attr == "run"):
        return
    if not is_literal(argument(call, None, "debug"), True):
        return
    if site.called.startswith("asyncio"):
        return
    message = "The server's debugger lets visitors run code."
    app = call.func.value
    flask = site.called.startswith("flask.Flask()") or (
        isinstance(app, ast.Name) and app.id in {"app", "application"}
    )
    # At module level a server is started under `if __name__ == "__main__"` or not at all.
    yield Hit(DEBUG, call, message, "high" if flask and site.symbol else None)


def check_settings(site: Site) -> Iterator[Hit]:
    """`DEBUG = True` and cookie switches in settings modules."""
    node = site.node
    assert isinstance(node, ast.Assign)
    if site.symbol or not isinstance(node.targets[0], ast.Name):
        return
    name = node.targets[0].id
    settings = "settings" in site.path.lower() or "config" in site.path.lower()
    if name == "DEBUG" and settings and is_literal(node.value, True):
        yield Hit(DEBUG, node, "Debug pages show source and settings to visitors.")
    elif name in _COOKIE_SETTINGS and is_literal(node.value, False):
        yield Hit(COOKIE, node, f"{name} is switched off.")


def check_cookie(site: Site) -> Iterator[Hit]:
    """`response.set_cookie(..., httponly=False)`."""
    call = site.call
    if isinstance(call.func, ast.Attribute) and call.func.attr == "set_cookie":
        for flag in ("secure", "httponly"):
            if is_literal(argument(call, None, flag), False):
                yield Hit(COOKIE, call, f"The cookie is sent with {flag}=False.")


RULES = RuleSet(
    rules=(
        ALL_INTERFACES,
        DEBUG,
        COOKIE,
    ),
    checks={
        ast.Call: (
            check_listener,
            check_debug,
            check_cookie,
        ),
        ast.Assign: (check_settings,),
    },
)
