"""Rules about data that becomes code: shell commands, Python, SQL and imports."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator

from orchestrate.adapters.backends.local.python_scopes import Scope
from orchestrate.adapters.backends.local.python_source import Site
from orchestrate.adapters.backends.local.python_values import (
    argument,
    constancy,
    outside_source,
    text_of,
    uses_parameter,
)
from orchestrate.adapters.backends.local.rule import Hit, Rule, RuleSet

SHELL_VARIABLE = Rule(
    "ORC-PY-101",
    "Shell command put together at run time",
    78,
    "high",
    "medium",
    "Pass a list of arguments without a shell, or quote every part with shlex.quote.",
    remarks="confidence high when the text is visibly formatted or comes from outside; "
    "medium severity with low confidence when its parts are named like constants",
)
SHELL_CONSTANT = Rule(
    "ORC-PY-102",
    "Fixed command run through a shell",
    78,
    "low",
    "high",
    "Pass a list of arguments without a shell; the shell adds PATH and quoting surprises.",
)
EVAL = Rule(
    "ORC-PY-103",
    "Python code evaluated from a value",
    95,
    "medium",
    "medium",
    "Use ast.literal_eval for data, a dispatch table for choices, or a real parser.",
    remarks="high when the value comes from outside the program, is a parameter or is formatted; "
    "low when it is the text of a file with a fixed name",
)
SQL = Rule(
    "ORC-PY-104",
    "SQL statement built from strings",
    89,
    "high",
    "medium",
    "Pass the values as query parameters; check table and column names against a fixed set.",
    remarks="confidence high when the value comes from outside; medium severity with low "
    "confidence when all parts are named like constants",
)
DYNAMIC_IMPORT = Rule(
    "ORC-PY-108",
    "Module chosen by a value is imported",
    470,
    "low",
    "low",
    "Check the name against a fixed set before importing.",
    remarks="medium when the name comes from outside the program, info when not from a parameter",
)

_ALWAYS_SHELL = {
    "os.system",
    "os.popen",
    "subprocess.getoutput",
    "subprocess.getstatusoutput",
    "asyncio.create_subprocess_shell",
}
_MAYBE_SHELL = {f"subprocess.{n}" for n in ("run", "call", "check_call", "check_output", "Popen")}
_EVALUATORS = {"builtins.eval", "builtins.exec", "builtins.execfile"}
_SQL_METHODS = {"execute", "executemany", "executescript", "raw", "mogrify"}
_SQL_CALLS = {"sqlalchemy.text", "django.db.models.expressions.RawSQL"}
#: A statement verb followed by what such a statement goes on with; prose rarely does.
_SQL_TEXT = re.compile(
    r"^\W*(select\b.+\bfrom\b|select\s+\{|insert\s+(or\s+\w+\s+)?into\b|replace\s+into\b|"
    r"update\b.+\bset\b|delete\s+from\b|(create|drop|alter|truncate)\s+(temp\w*\s+)?"
    r"(table|database|index|user|view|schema)\b|with\b.+\bselect\b|merge\s+into\b|"
    r"(grant|revoke)\b.+\b(to|from)\b|exec(ute)?\s+\w|call\s+\w|attach\s)",
    re.IGNORECASE | re.DOTALL,
)
_IMPORTERS = {"builtins.__import__", "importlib.import_module"}


def check_shell(site: Site) -> Iterator[Hit]:
    """`os.system(...)` and `subprocess.run(..., shell=True)`."""
    call, name = site.call, site.called
    if name in _MAYBE_SHELL:
        shell = argument(call, None, "shell")
        if shell is None or (isinstance(shell, ast.Constant) and not shell.value):
            return
    elif name not in _ALWAYS_SHELL:
        return
    command = argument(call, 0, "args", "cmd", "command")
    if command is None:
        return
    short = name.removeprefix("builtins.")
    fixed = constancy(command, site.scope)
    if fixed == "constant":
        yield Hit(SHELL_CONSTANT, call, f"{short} runs a fixed command through a shell.")
        return
    source = outside_source(command, site.scope)
    message = f"{short} passes a command to the shell that is put together at run time"
    message += f" and contains {source}." if source else "."
    if fixed == "presumed":
        yield Hit(SHELL_VARIABLE, call, message, "medium", "low")
    else:
        sure = bool(source) or _is_formatted(command, site.scope)
        yield Hit(SHELL_VARIABLE, call, message, None, "high" if sure else "medium")


def check_eval(site: Site) -> Iterator[Hit]:
    """`eval` and `exec` of anything but text written in the source."""
    call, name = site.call, site.called
    if name not in _EVALUATORS or not call.args:
        return
    code = call.args[0]
    if constancy(code, site.scope) == "constant":
        return
    short = name.removeprefix("builtins.")
    source = outside_source(code, site.scope)
    if source:
        yield Hit(EVAL, call, f"{short} runs code that contains {source}.", "high", "high")
    elif _reads_fixed_file(code, site.scope):
        message = f"{short} runs the text of a file with a fixed name."
        yield Hit(EVAL, call, message, "low", "high")
    elif isinstance(code, ast.Call) and site.scope.qualified(code.func) == "builtins.compile":
        yield Hit(EVAL, call, f"{short} runs code compiled at run time.")
    elif uses_parameter(code, site.scope) or _is_formatted(code, site.scope):
        message = f"{short} runs text that callers or other values determine."
        yield Hit(EVAL, call, message, "high", "medium")
    else:
        yield Hit(EVAL, call, f"{short} runs a value that is not fixed in the source.")


def check_sql(site: Site) -> Iterator[Hit]:
    """`cursor.execute` and relatives with a statement built by formatting or concatenation."""
    call, name = site.call, site.called
    method = call.func.attr if isinstance(call.func, ast.Attribute) else ""
    if (method not in _SQL_METHODS and name not in _SQL_CALLS) or not call.args:
        return
    statement = call.args[0]
    if isinstance(statement, ast.Call) and site.scope.qualified(statement.func) in _SQL_CALLS:
        return  # reported at the inner call
    fixed = constancy(statement, site.scope)
    text = text_of(statement, site.scope)
    if fixed == "constant" or text is None or not _SQL_TEXT.match(text):
        return
    if not _is_formatted(statement, site.scope):
        return
    source = outside_source(statement, site.scope)
    message = f"The statement given to {method or name} is built from strings"
    message += f" and contains {source}." if source else "."
    if fixed == "presumed":
        yield Hit(SQL, call, message, "medium", "low")
    else:
        yield Hit(SQL, call, message, None, "high" if source else "medium")


def check_import(site: Site) -> Iterator[Hit]:
    """`__import__(name)` and `importlib.import_module(name)`."""
    call, name = site.call, site.called
    if name not in _IMPORTERS or not call.args:
        return
    if constancy(call.args[0], site.scope) == "variable":
        source = outside_source(call.args[0], site.scope)
        message = "A value decides which module is imported, and with it which code runs."
        known = uses_parameter(call.args[0], site.scope)
        yield Hit(DYNAMIC_IMPORT, call, message, "medium" if source else None if known else "info")


def _is_formatted(node: ast.expr, scope: Scope) -> bool:
    """Whether a string is visibly put together: f-string, `%`, `+`, `.format`, `.join`."""
    if isinstance(node, ast.Name):
        known = scope.single_value(node.id)
        return known is not None and not isinstance(known[0], ast.Name) and _is_formatted(*known)
    if isinstance(node, ast.JoinedStr):
        return True
    if isinstance(node, ast.BinOp):
        return isinstance(node.op, ast.Mod | ast.Add)
    return (
        isinstance(node, ast.Call)
        and isinstance(node.func, ast.Attribute)
        and node.func.attr in {"format", "join", "replace", "format_map"}
    )


def _reads_fixed_file(node: ast.expr, scope: Scope) -> bool:
    """Whether code is the text of a file whose name is written in the program.

    The usual way a setup.py learns its version without importing the package.
    """
    names = list(_opened_paths(node, scope))
    return bool(names) and all(constancy(path, where) != "variable" for path, where in names)


def _opened_paths(node: ast.expr, scope: Scope) -> Iterator[tuple[ast.expr, Scope]]:
    """The names of the files an expression reads, also through `with open(...) as f`."""
    for inner in ast.walk(node):
        if isinstance(inner, ast.Call):
            yield from _opened_here(inner, scope)
        for value, where in scope.every_value(inner.id) if isinstance(inner, ast.Name) else ():
            if isinstance(value, ast.Call):
                yield from _opened_here(value, where)


def _opened_here(call: ast.Call, scope: Scope) -> Iterator[tuple[ast.expr, Scope]]:
    if scope.qualified(call.func) in {"builtins.open", "io.open", "codecs.open"} and call.args:
        yield call.args[0], scope
    elif isinstance(call.func, ast.Attribute) and call.func.attr in {"read_text", "read_bytes"}:
        yield call.func.value, scope
    elif isinstance(call.func, ast.Attribute) and isinstance(call.func.value, ast.Call):
        yield from _opened_here(call.func.value, scope)


RULES = RuleSet(
    rules=(
        SHELL_VARIABLE,
        SHELL_CONSTANT,
        EVAL,
        SQL,
        DYNAMIC_IMPORT,
    ),
    checks={ast.Call: (check_shell, check_eval, check_sql, check_import)},
)
