"""Ways into a program that its Python code shows: scripts, web routes, command lines."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from orchestrate.adapters.backends.local.arch_modules import ModuleFile
from orchestrate.adapters.backends.local.python_source import PythonSource, Site
from orchestrate.adapters.backends.local.python_values import argument, text_of
from orchestrate.core.sharing.findings import EntryPoint, Location

#: Through these a stranger's data arrives.
NETWORK_ENTRIES = frozenset({"route", "listener"})

_WEB_APPS = (
    "flask.Flask()",
    "flask.Blueprint()",
    "fastapi.FastAPI()",
    "fastapi.APIRouter()",
    "starlette.applications.Starlette()",
    "sanic.Sanic()",
    "bottle.Bottle()",
    "quart.Quart()",
    "aiohttp.web.RouteTableDef()",
    "aiohttp.web.Application()",
)
_WEB_NAMES = {"app", "application", "bp", "blueprint", "api", "router", "routes"}
_ROUTE_METHODS = {"route", "get", "post", "put", "delete", "patch", "websocket", "api_route"}
_DJANGO = {"django.urls.path", "django.urls.re_path", "django.conf.urls.url"}
_COMMANDS = {"click.command", "click.group"}
_TYPER = ("typer.Typer()",)
_PARSERS = {"argparse.ArgumentParser", "optparse.OptionParser"}
_LISTENERS = {
    "socketserver.TCPServer", "socketserver.ThreadingTCPServer", "socketserver.UDPServer",
    "http.server.HTTPServer", "http.server.ThreadingHTTPServer", "asyncio.start_server",
    "wsgiref.simple_server.make_server", "xmlrpc.server.SimpleXMLRPCServer",
    "socket.create_server", "socket.socket().listen", "socket.socket().accept",
    "werkzeug.serving.run_simple", "uvicorn.run", "waitress.serve", "aiohttp.web.run_app",
}  # fmt: skip


def entry_points_of(source: PythonSource, module: ModuleFile) -> Iterator[EntryPoint]:
    """The ways into one file, in source order."""
    if module.path.rpartition("/")[2] == "__main__.py":
        name = f"python -m {module.package}" if module.package else module.path
        yield EntryPoint("main-module", name, module.name, Location(module.path))
    for site in source.sites():
        node = site.node
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            yield from _decorated(site, node, module)
        elif isinstance(node, ast.Call):
            yield from _called(site, module)
        elif isinstance(node, ast.If) and not site.symbol and _is_main_guard(node.test):
            where = Location(module.path, node.lineno)
            yield EntryPoint("script", module.path, module.name, where)


def _decorated(
    site: Site, function: ast.FunctionDef | ast.AsyncFunctionDef, module: ModuleFile
) -> Iterator[EntryPoint]:
    symbol = f"{site.symbol}.{function.name}" if site.symbol else function.name
    target = f"{module.name}:{symbol}"
    where = Location(module.path, function.lineno)
    for decorator in function.decorator_list:
        call = decorator if isinstance(decorator, ast.Call) else None
        func = call.func if call else decorator
        name = site.scope.qualified(func)
        if call and isinstance(func, ast.Attribute) and _is_route(func, name):
            path = text_of(argument(call, 0, "rule", "path"), site.scope)
            if path is not None:
                yield EntryPoint("route", path, target, where)
        elif name in _COMMANDS or name.startswith(_TYPER) or _is_subcommand(func, name):
            given = text_of(argument(call, 0, "name"), site.scope) if call else None
            yield EntryPoint("command", given or function.name, target, where)


def _is_route(func: ast.Attribute, name: str) -> bool:
    if func.attr not in _ROUTE_METHODS:
        return False
    by_name = isinstance(func.value, ast.Name) and func.value.id in _WEB_NAMES
    return name.startswith(_WEB_APPS) or by_name


def _is_subcommand(func: ast.expr, name: str) -> bool:
    """`@cli.command()`, where `cli` is itself a decorated function."""
    return isinstance(func, ast.Attribute) and func.attr in {"command", "group"} and not name


def _called(site: Site, module: ModuleFile) -> Iterator[EntryPoint]:
    call, name = site.call, site.called
    where = Location(module.path, call.lineno)
    target = f"{module.name}:{site.symbol}" if site.symbol else module.name
    if name in _DJANGO:
        path = text_of(argument(call, 0, "route", "regex"), site.scope)
        yield EntryPoint("route", path or "(computed)", target, where)
    elif isinstance(call.func, ast.Attribute) and call.func.attr in {"add_url_rule", "add_route"}:
        path = text_of(argument(call, 0, "rule", "path"), site.scope)
        if path is not None:
            yield EntryPoint("route", path, target, where)
    elif name in _PARSERS:
        given = text_of(argument(call, 0, "prog"), site.scope)
        yield EntryPoint("command-line", given or module.path, target, where)
    elif name in _LISTENERS:
        yield EntryPoint("listener", name, target, where)


def _is_main_guard(test: ast.expr) -> bool:
    if not isinstance(test, ast.Compare) or len(test.comparators) != 1:
        return False
    sides = (test.left, test.comparators[0])
    return any(isinstance(side, ast.Name) and side.id == "__name__" for side in sides) and any(
        isinstance(side, ast.Constant) and side.value == "__main__" for side in sides
    )
