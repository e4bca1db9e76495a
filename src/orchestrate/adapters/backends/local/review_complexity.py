"""Cyclomatic complexity and maintainability, measured with radon.

Thresholds. McCabe's limit is 10, and NIST SP 500-235 (section 2.5) reports good results up to 15;
both are advice for writing code. To report a finding in existing code we wait for what radon's
manual ranks D, "more than moderate risk" (from 21, info), and E, "high risk, alarming" (from 31,
low). A module's maintainability index is reported at radon's rank C (9 or less of 100), and only
from 100 lines up, because the index says little about short files.
"""

from __future__ import annotations

import ast
import io
import tokenize
from collections.abc import Iterator
from typing import Any

from orchestrate.adapters.backends.local.python_source import PythonSource
from orchestrate.adapters.backends.local.rule import Hit, Lines, Rule, RuleSet

COMPLEX = Rule(
    "ORC-PY-801",
    "Function with many independent paths",
    1121,
    "info",
    "high",
    "Split it by decision, or replace branches with a table.",
    category="complexity",
    remarks="low from 31 paths",
    in_tests=False,
)
UNMAINTAINABLE = Rule(
    "ORC-PY-802",
    "Module that is hard to maintain",
    1120,
    "info",
    "medium",
    "Split the module, starting with its most complex functions.",
    category="complexity",
    in_tests=False,
)

REPORTED_FROM = 21
ALARMING_FROM = 31
INDEX_AT_MOST = 9.0
INDEX_FROM_LINES = 100
_LAYOUT = {
    tokenize.NL,
    tokenize.NEWLINE,
    tokenize.INDENT,
    tokenize.DEDENT,
    tokenize.ENDMARKER,
    tokenize.ENCODING,
}

RULES = RuleSet(rules=(COMPLEX, UNMAINTAINABLE))


def radon_version() -> str:
    """The installed radon's version. Raises ImportError when there is none."""
    import radon

    return str(radon.__version__)


def measure(source: PythonSource) -> Iterator[tuple[Hit, str]]:
    """Findings of one file, each with the symbol it is about."""
    from radon.visitors import ComplexityVisitor

    visitor = ComplexityVisitor.from_ast(source.tree)
    for function, prefix in _functions(visitor):
        if function.complexity < REPORTED_FROM:
            continue
        symbol = f"{prefix}{function.name}"
        message = f"{symbol} has a cyclomatic complexity of {function.complexity}."
        where = Lines(function.lineno, function.lineno)
        alarming = function.complexity >= ALARMING_FROM
        yield Hit(COMPLEX, where, message, "low" if alarming else None), symbol
    lines = source.text.count("\n")
    if lines >= INDEX_FROM_LINES:
        yield from _index(source, visitor.total_complexity, lines)


def _index(source: PythonSource, complexity: int, lines: int) -> Iterator[tuple[Hit, str]]:
    from radon.metrics import h_visit_ast, mi_compute

    volume = h_visit_ast(source.tree).total.volume
    statements = sum(isinstance(node, ast.stmt) for node in ast.walk(source.tree))
    index = mi_compute(volume, complexity, statements, _comment_percent(source))
    if index <= INDEX_AT_MOST:
        message = f"The maintainability index of {lines} lines is {index:.0f} of 100."
        yield Hit(UNMAINTAINABLE, Lines(1, 1), message), ""


def _comment_percent(source: PythonSource) -> float:
    """Lines of comments and docstrings for each hundred lines of code.

    Radon counts lines itself, but in time that grows with the square of a statement's length, which
    a large table in the source turns into minutes.
    """
    code: set[int] = set()
    comments = 0
    for token in tokenize.generate_tokens(io.StringIO(source.text).readline):
        if token.type == tokenize.COMMENT:
            comments += 1
        elif token.type not in _LAYOUT:
            code.update(range(token.start[0], token.end[0] + 1))
    for node in ast.walk(source.tree):
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant):
            span = range(node.lineno, (node.end_lineno or node.lineno) + 1)
            if len(span) > 1:
                comments += len(span)
                code.difference_update(span)
    return 100.0 * comments / len(code) if code else 0.0


def _functions(visitor: Any) -> Iterator[tuple[Any, str]]:
    """Every function and method radon measured, with the prefix of its qualified name."""
    work: list[tuple[Any, str]] = [(function, "") for function in visitor.functions]
    classes: list[tuple[Any, str]] = [(each, "") for each in visitor.classes]
    while classes:
        each, prefix = classes.pop()
        inside = f"{prefix}{each.name}."
        work += [(method, inside) for method in each.methods]
        classes += [(inner, inside) for inner in each.inner_classes]
    while work:
        function, prefix = work.pop()
        yield function, prefix
        work += [(inner, f"{prefix}{function.name}.") for inner in function.closures]
