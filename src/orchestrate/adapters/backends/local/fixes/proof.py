"""Writing the security test of a fix, and saying how it is run."""

from __future__ import annotations

import re
from collections.abc import Iterable
from string import Template

import libcst as cst

from orchestrate.adapters.backends.local.fixes.flaw import Codemod, Flaw
from orchestrate.adapters.backends.local.fixes.item import FixItem
from orchestrate.adapters.backends.local.fixes.proof_frame import CASE, HEAD, VALUES
from orchestrate.adapters.backends.local.fixes.proof_judges import JUDGES

#: `-I` keeps the test's folder off the import path, where a project may have a `types.py`.
PROOF_ARGV = ("{python}", "-I")
#: Where a test outside of the repository looks: it is run from the root of the checkout.
_FROM_WORKING_FOLDER = "pathlib.Path.cwd()"


def code_test(item: FixItem, codemod: Codemod, left: Iterable[Flaw]) -> str:
    """The text of the test for a fix in Python code, `\\n` line ends.

    `left` are flaws of the same symbol and kind that the fix does not touch.
    """
    judge = JUDGES[item.codemod]
    place = item.symbol or "the module's own code"
    values = Template(VALUES).substitute(variables=judge.variables)
    names = {
        "place": place,
        "path": item.path,
        "flaw": judge.flaw,
        "listed": _listed(codemod.watched),
        "root": root_expression(item.test),
        "path_text": quoted(item.path),
        "symbol_text": quoted(item.symbol),
        "watched": "{" + ", ".join(map(quoted, codemod.watched)) + "}",
        "left": _list(sorted(_bare(flaw.node) for flaw in left)),
    }
    case = Template(CASE).substitute(case=case_name(item), method=_identifier(codemod.name))
    return Template(HEAD).substitute(names) + judge.text + values + judge.asked + case


def root_expression(test: str) -> str:
    """How a test at `test` (relative to the root, or "") finds the root of the repository."""
    if not test:
        return _FROM_WORKING_FOLDER
    return f"pathlib.Path(__file__).resolve().parents[{test.count('/')}]"


def case_name(item: FixItem) -> str:
    """The name of the test case: the rule and enough of the fingerprint to be unique."""
    return "Security" + "".join(part.capitalize() for part in re.split(r"\W", item.key))


def quoted(text: str) -> str:
    """A Python literal in double quotes."""
    if '"' not in text and "\\" not in text and text.isprintable():
        return f'"{text}"'
    return repr(text)


def _listed(names: tuple[str, ...]) -> str:
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}"


def _list(texts: Iterable[str]) -> str:
    parts = [f"    {quoted(text)},\n" for text in texts]
    return "[\n" + "".join(parts) + "]" if parts else "[]"


def _bare(node: cst.CSTNode) -> str:
    """A flaw's text as the test compares it: without white space and outer parentheses."""
    if isinstance(node, cst.BaseExpression):
        node = node.with_changes(lpar=(), rpar=())
    return "".join(cst.Module([]).code_for_node(node).split())


def _identifier(name: str) -> str:
    return name.replace("-", "_")
