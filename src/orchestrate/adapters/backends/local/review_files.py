"""Rules about temporary files, permissions and paths that callers choose."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from orchestrate.adapters.backends.local.python_scopes import Scope
from orchestrate.adapters.backends.local.python_source import Site
from orchestrate.adapters.backends.local.python_values import (
    argument,
    identifiers,
    outside_source,
)
from orchestrate.adapters.backends.local.review_words import words
from orchestrate.adapters.backends.local.rule import Hit, Rule, RuleSet

MKTEMP = Rule(
    "ORC-PY-601",
    "Temporary file name without a file",
    377,
    "medium",
    "high",
    "Use tempfile.mkstemp or NamedTemporaryFile, which create the file at once.",
)
WORLD_WRITABLE = Rule(
    "ORC-PY-602",
    "File that every user may change",
    732,
    "medium",
    "high",
    "Give write permission to the owner only, for example 0o644 or 0o600.",
)
TRAVERSAL = Rule(
    "ORC-PY-603",
    "File path taken from a caller",
    22,
    "low",
    "low",
    "Resolve the path and check that it stays inside the folder (Path.is_relative_to).",
    remarks="high with medium confidence when the path comes from a web request or a socket",
)

_MKTEMP = {"tempfile.mktemp", "os.tempnam", "os.tmpnam"}
_OPENERS = {
    "builtins.open", "io.open", "os.remove", "os.unlink", "shutil.rmtree", "shutil.copy",
    "os.open", "flask.send_file", "codecs.open",
}  # fmt: skip
_OTHERS_WRITE = 0o002
_MODE_BITS = {"S_IWOTH": 0o002, "S_IRWXO": 0o007}
#: Parameter names that say the value was chosen by a user rather than by other code.
_USER_WORDS = {"user", "username", "upload", "uploaded", "requested", "request", "param", "query"}
_FROM_NETWORK = ("request.", "recv")


def check_mktemp(site: Site) -> Iterator[Hit]:
    """`tempfile.mktemp()`."""
    if site.called in _MKTEMP:
        message = f"Another process can create the file between {site.called} and its use."
        yield Hit(MKTEMP, site.call, message)


def check_mode(site: Site) -> Iterator[Hit]:
    """`chmod(path, 0o777)`, world-writable `os.open`/`makedirs` modes and `umask(0)`."""
    call, name = site.call, site.called
    mode: ast.expr | None = None
    if name in {"os.chmod", "os.fchmod", "os.lchmod"}:
        mode = argument(call, 1, "mode")
    elif isinstance(call.func, ast.Attribute) and call.func.attr == "chmod" and not name:
        mode = argument(call, 0, "mode")
    elif isinstance(call.func, ast.Attribute) and call.func.attr == "chmod":
        mode = argument(call, 0, "mode") if name.startswith("pathlib.") else None
    elif name == "os.umask" and call.args:
        # `mask = os.umask(0)` followed by `os.umask(mask)` is how the mask is read.
        kept = not isinstance(site.statement, ast.Expr)
        if not kept and isinstance(call.args[0], ast.Constant) and call.args[0].value == 0:
            yield Hit(WORLD_WRITABLE, call, "Files created from now on are open to every user.")
        return
    bits = _bits(mode) if mode is not None else 0
    if bits & _OTHERS_WRITE:
        yield Hit(WORLD_WRITABLE, call, f"Mode {bits:#o} lets every user change the file.")


def _bits(mode: ast.expr) -> int:
    if isinstance(mode, ast.Constant):
        return mode.value if isinstance(mode.value, int) else 0
    if isinstance(mode, ast.BinOp) and isinstance(mode.op, ast.BitOr):
        return _bits(mode.left) | _bits(mode.right)
    return next((_MODE_BITS[n] for n in identifiers(mode) if n in _MODE_BITS), 0)


def check_path(site: Site) -> Iterator[Hit]:
    """Files opened or removed under a path that comes from outside."""
    if site.called not in _OPENERS:
        return
    path = argument(site.call, 0, "file", "path", "path_or_file", "filename", "src")
    source = outside_source(path, site.scope)
    if source.startswith(_FROM_NETWORK):
        message = f"The path contains {source}; '..' in it leads out of the folder."
        yield Hit(TRAVERSAL, site.call, message, "high", "medium")
    elif path is not None and _joins_user_name(path, site.scope):
        message = "A user-chosen name is joined to a folder; '..' in it leads out of the folder."
        yield Hit(TRAVERSAL, site.call, message)


def _joins_user_name(path: ast.expr, scope: Scope) -> bool:
    """`os.path.join(base, user_file)` or `base + user_file` with a parameter named like that."""
    if isinstance(path, ast.Name):
        known = scope.single_value(path.id)
        return (
            known is not None
            and not isinstance(known[0], ast.Name)
            and (_joins_user_name(known[0], known[1]))
        )
    joined: list[ast.expr] = []
    if isinstance(path, ast.Call) and scope.qualified(path.func) == "os.path.join":
        joined = path.args[1:]
    elif isinstance(path, ast.BinOp) and isinstance(path.op, ast.Add | ast.Div):
        joined = [path.right]
    elif isinstance(path, ast.JoinedStr):
        joined = [v.value for v in path.values[1:] if isinstance(v, ast.FormattedValue)]
    return any(
        isinstance(part, ast.Name)
        and scope.is_parameter(part.id)
        and _USER_WORDS & set(words(part.id))
        for part in joined
    )


RULES = RuleSet(
    rules=(MKTEMP, WORLD_WRITABLE, TRAVERSAL),
    checks={ast.Call: (check_mktemp, check_mode, check_path)},
)
