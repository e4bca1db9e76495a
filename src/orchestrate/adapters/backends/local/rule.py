"""What a rule is, and what a check that found something says."""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import TypeAlias

from orchestrate.adapters.backends.local.python_source import Site
from orchestrate.core.sharing.findings import Category, Confidence, Severity


@dataclass(frozen=True, slots=True)
class Rule:
    """One kind of flaw, as listed in docs/reference/review-rules.md.

    `severity` and `confidence` are the usual ones; a check may state others where the table's
    remarks say so. `cwe` is a number of the Common Weakness Enumeration, None where none fits.
    """

    id: str
    title: str
    cwe: int | None
    severity: Severity
    confidence: Confidence
    remedy: str
    category: Category = "code"
    #: Whether the rule means anything in tests. Hits of low confidence never do.
    in_tests: bool = True
    #: When a check departs from the usual severity or confidence.
    remarks: str = ""


@dataclass(frozen=True, slots=True)
class Lines:
    """A range of lines, both ends included, where a tool gives no columns."""

    first: int
    last: int


@dataclass(frozen=True, slots=True)
class Hit:
    """One place where a rule applies. `secret`: no excerpt may show the node's strings.

    What is None is as the rule has it.
    """

    rule: Rule
    node: ast.AST | Lines
    message: str
    severity: Severity | None = None
    confidence: Confidence | None = None
    secret: bool = False
    cwe: int | None = None


Check: TypeAlias = Callable[[Site], Iterator[Hit]]


@dataclass(frozen=True, slots=True)
class RuleSet:
    """The rules of one file and their checks by the kind of node they look at."""

    rules: tuple[Rule, ...]
    checks: dict[type[ast.AST], tuple[Check, ...]] = field(default_factory=dict)
