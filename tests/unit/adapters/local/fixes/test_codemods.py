"""What each codemod makes of flawed code, and what it leaves alone."""

from __future__ import annotations

import ast

import pytest

from orchestrate.adapters.backends.local.fixes.code_fix import BY_NAME, fix_code
from orchestrate.adapters.backends.local.fixes.flaw import Refused
from orchestrate.adapters.backends.local.fixes.module_view import ModuleView, Unchangeable
from tests.unit.adapters.local.fixes.code_cases import CASES, REFUSED, SHELL, YAML, Case
from tests.unit.adapters.local.fixes.fixing import fixed_everywhere


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_flaw_is_replaced_and_nothing_else_changes(case: Case) -> None:
    after = fixed_everywhere(case.codemod, case.before.encode(), case.oldest)
    assert after.decode() == case.after
    ast.parse(after)


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_fixing_again_changes_nothing(case: Case) -> None:
    again = fixed_everywhere(case.codemod, case.after.encode(), case.oldest)
    assert again.decode() == case.after


@pytest.mark.parametrize(("codemod", "source", "said"), REFUSED)
def test_what_is_not_certain_is_refused_with_the_reason(
    codemod: str, source: str, said: str
) -> None:
    flaws = list(BY_NAME[codemod].find(ModuleView("package/module.py", source.encode(), (3, 9))))
    assert [flaw.change for flaw in flaws] == [None]
    assert said in flaws[0].refusal


def test_old_python_without_the_parameter_is_refused() -> None:
    source = b"import hashlib\n\ndef key(data):\n    return hashlib.md5(data)\n"
    view = ModuleView("package/module.py", source, (2, 7))
    (flaw,) = BY_NAME["hash-not-for-security"].find(view)
    assert "Python 2.7" in flaw.refusal


@pytest.mark.parametrize(
    "source",
    [
        b"import yaml\r\n\r\ndef f(s):\r\n    return yaml.load(s)\r\n",
        b"\xef\xbb\xbfimport yaml\n\ndef f(s):\n    return yaml.load(s)\n",
        "# -*- coding: latin-1 -*-\nimport yaml\nNAME = 'é'\nX = yaml.load(NAME)\n".encode(
            "latin-1"
        ),
        b"import yaml\n\ndef f(s):\n\treturn yaml.load(s)",
        b"import yaml\n\x0c\nX = yaml.load( s )  \\\n    ;Y = 1\n",
    ],
    ids=["CRLF", "byte-order mark", "Latin-1", "tabs, no end of line", "form feed, odd layout"],
)
def test_encoding_line_ends_and_layout_survive(source: bytes) -> None:
    after = fixed_everywhere(YAML, source)
    assert after == source.replace(b"yaml.load(", b"yaml.safe_load(")


def test_new_lines_end_as_the_others_do() -> None:
    source = (
        b"import tempfile\r\n\r\ndef f():\r\n    name = tempfile.mktemp()\r\n    return name\r\n"
    )
    after = fixed_everywhere("temporary-file-created", source)
    assert after.count(b"\r\n") == after.count(b"\n") == 7


def test_import_that_others_may_use_stays() -> None:
    source = b"from yaml import load\nX = load(open('x'))\n"
    view = ModuleView("package/__init__.py", source)
    (flaw,) = BY_NAME[YAML].find(view)
    after = fix_code(BY_NAME[YAML], view, source, "", {flaw.digest}).after
    assert after == b"from yaml import load, safe_load\nX = safe_load(open('x'))\n"


def test_comment_of_an_import_that_nothing_uses_stays() -> None:
    source = b"# needed early\nimport os\nimport sys\n\n\ndef f():\n    os.system('ls')\n"
    after = fixed_everywhere(SHELL, source)
    assert after.startswith(b"# needed early\nimport subprocess\nimport sys\n")


def test_flaw_that_is_not_in_the_file_is_said_to_be_uncommitted() -> None:
    source = b"import yaml\nX = yaml.safe_load('a')\n"
    with pytest.raises(Refused, match="committed"):
        fix_code(BY_NAME[YAML], ModuleView("m.py", source), source, "", {"0" * 16})


@pytest.mark.parametrize("source", [b"def f(:\n", b"\xff\xfe\x00", b"# coding: no-such\nx = 1\n"])
def test_file_that_is_not_python_is_refused(source: bytes) -> None:
    with pytest.raises(Unchangeable, match=r"m\.py"):
        ModuleView("m.py", source)
