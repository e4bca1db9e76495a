"""The security tests: red before the fix and green after it, and nothing for a scanner to say."""

from __future__ import annotations

import re
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest

from orchestrate.adapters.backends.local import code_review
from orchestrate.adapters.backends.local.fixes.code_fix import BY_NAME, fix_code
from orchestrate.adapters.backends.local.fixes.item import FixItem
from orchestrate.adapters.backends.local.fixes.module_view import ModuleView
from orchestrate.adapters.backends.local.fixes.proof import code_test
from orchestrate.adapters.backends.local.progress import silent
from orchestrate.adapters.backends.local.redaction import Redactor
from orchestrate.adapters.backends.local.repository import survey
from orchestrate.adapters.backends.local.scan_bandit import scan_bandit
from orchestrate.core.sharing.findings import Finding
from tests.unit.adapters.local.fixes.code_cases import CASES, YAML, Case
from tests.unit.adapters.local.fixes.fixing import fixed_everywhere

_OUTCOME = re.compile(r"^test_\w+ \((\w+)\.[^)]*\).* \.\.\. (ok|FAIL|ERROR)$", re.MULTILINE)


@dataclass(frozen=True)
class Proven:
    """Outcome and message of each test before and after; `tests` are their files."""

    before: dict[str, str]
    after: dict[str, str]
    messages: str
    folder: Path
    tests: dict[str, Case]


def item_for(path: str, codemod: str, symbol: str, test: str) -> FixItem:
    key = Path(test).stem.removeprefix("test_security_")
    return FixItem(
        key=key, title="A fix", rule="ORC-PY-000", fingerprint="f", path=path, line=1,
        symbol=symbol, codemod=codemod, severity="high", writes="", fingerprints="f",
        rules="", test=test,
    )  # fmt: skip


@pytest.fixture(scope="module")
def proven(tmp_path_factory: pytest.TempPathFactory) -> Proven:
    """Every case as a module, with the test of each of its symbols, run twice."""
    root = tmp_path_factory.mktemp("proofs")
    tests: dict[str, Case] = {}
    for number, case in enumerate(CASES):
        path = f"pkg/case_{number:02}.py"
        _write(root / path, case.before)
        codemod, data = BY_NAME[case.codemod], case.before.encode()
        flaws = [f for f in codemod.find(ModuleView(path, data, case.oldest)) if f.change]
        for index, symbol in enumerate(dict.fromkeys(flaw.symbol for flaw in flaws)):
            test = f"tests/test_security_case_{number:02}_{index}.py"
            calls = {flaw.digest for flaw in flaws if flaw.symbol == symbol}
            fix = fix_code(codemod, ModuleView(path, data, case.oldest), data, symbol, calls)
            item = item_for(path, case.codemod, symbol, test)
            _write(root / test, code_test(item, codemod, fix.left))
            tests[Path(test).stem] = case
    before, messages = _outcomes(root)
    for number, case in enumerate(CASES):
        _write(root / f"pkg/case_{number:02}.py", case.after)
    after, _ = _outcomes(root)
    return Proven(before, after, messages, root, tests)


def _write(path: Path, text: str) -> None:
    path.parent.mkdir(exist_ok=True)
    path.write_bytes(text.encode())


def _outcomes(root: Path) -> tuple[dict[str, str], str]:
    argv = [sys.executable, "-W", "error", "-m", "unittest", "discover", "-v", "-s", "tests"]
    done = subprocess.run(argv, cwd=root, capture_output=True, text=True, check=False)
    found = re.findall(r"\((test_security_\w+?)\.", done.stderr)
    outcomes = re.findall(r"^test_\w+ \((test_\w+)\..*?\.\.\. (\w+)$", done.stderr, re.M | re.S)
    assert found, done.stderr
    return dict(outcomes), done.stderr


def test_every_test_fails_before_and_passes_after(proven: Proven) -> None:
    assert proven.before == dict.fromkeys(proven.tests, "FAIL")
    assert proven.after == dict.fromkeys(proven.tests, "ok")


def test_message_names_the_place_and_the_flaw(proven: Proven) -> None:
    said = [line for line in proven.messages.splitlines() if line.startswith("AssertionError")]
    assert len(said) == len(proven.tests)
    assert all(re.match(r"AssertionError: pkg/case_\d+\.py:\d+: \w", line) for line in said)
    assert "pkg/case_00.py:4: yaml.load is called without a safe loader" in proven.messages


def test_scanners_have_nothing_to_say_about_the_tests(proven: Proven, tmp_path: Path) -> None:
    one_of_each = {case.codemod: name for name, case in proven.tests.items()}
    for name in one_of_each.values():
        source = (proven.folder / "tests" / f"{name}.py").read_text()
        _write(tmp_path / "tests" / f"{name}.py", source)
        _write(tmp_path / "shipped" / f"{name[5:]}.py", source)  # where rules are stricter
    assert {(f.rule, f.location.line, f.message) for f in _findings(tmp_path)} == set()


def test_real_tools_report_every_case_before_and_none_after(tmp_path: Path) -> None:
    rules = {rule for codemod in BY_NAME.values() for rule in codemod.rules}
    for number, case in enumerate(CASES):
        _write(tmp_path / "before" / f"case_{number:02}.py", case.before)
        _write(tmp_path / "after" / f"case_{number:02}.py", case.after)
    before = {f.location.path for f in _findings(tmp_path / "before") if f.rule in rules}
    after = [f for f in _findings(tmp_path / "after") if f.rule in rules]
    assert before == {f"case_{number:02}.py" for number in range(len(CASES))}
    kept = {
        "shadowed names beside a real one",  # bandit goes by the name alone
        "one that can be fixed beside one that cannot, written alike",
    }
    assert {CASES[int(f.location.path[5:7])].name for f in after} == kept


def _findings(root: Path) -> list[Finding]:
    surveyed, scratch = survey(root), root.parent / f"{root.name}-scratch"
    scratch.mkdir(exist_ok=True)
    redactor = Redactor(root)
    scanned = scan_bandit(
        surveyed, redactor, scratch=scratch, deadline=float("inf"), report_progress=silent
    )
    assert scanned.tool.status == "ran"
    return [*scanned.findings, *code_review.review(root, "code-reviewer", "code-review").findings]


_SETTINGS = """\
import yaml


def read(stream):
    return yaml.load(stream)
"""


@pytest.mark.parametrize(
    ("edited", "outcome"),
    [
        ("'''Moved.'''\n\n\n" + _SETTINGS.replace("yaml.load", "yaml.safe_load"), 0),
        (_SETTINGS.replace("yaml.load", "yaml.safe_load") + "\n\ndef f(s):\n    yaml.load(s)\n", 0),
        (_SETTINGS.replace("(stream)\n", "(stream, yaml.SafeLoader)\n"), 0),
        (_SETTINGS.replace("return yaml.load(stream)", "return yaml.load(stream, Own)"), 0),
        (_SETTINGS.replace("return yaml.load(stream)", "return stream"), 0),
        (_SETTINGS.replace("import yaml", "from yaml import load").replace("yaml.load", "load"), 1),
        (_SETTINGS.replace("def read", "def load"), 1),
        ("", 1),
    ],
    ids=[
        "lines moved", "flaw in another function", "safe in another way", "own loader", "call gone",
        "flaw under another name", "function gone", "all gone",
    ],
)  # fmt: skip
def test_later_edits_are_judged_by_what_the_function_does(
    tmp_path: Path, edited: str, outcome: int
) -> None:
    item = item_for("settings.py", YAML, "read", "tests/test_security_x.py")
    _write(tmp_path / item.test, code_test(item, BY_NAME[YAML], ()))
    _write(tmp_path / "settings.py", edited)
    argv = [sys.executable, "-I", item.test]
    done = subprocess.run(argv, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == outcome, done.stderr
    assert outcome == 0 or "AssertionError: settings.py" in done.stderr


def test_calls_are_made_with_stand_ins_alone(tmp_path: Path) -> None:
    """Evaluating an argument must not reach the real world."""
    marker = tmp_path / "reached"
    source = (
        "import yaml, os\n\n\ndef read():\n"
        f"    return yaml.load(open({str(marker)!r}, 'w').write(os.sep), Loader=yaml.Loader)\n"
    )
    item = item_for("settings.py", YAML, "read", "tests/test_security_x.py")
    _write(tmp_path / item.test, code_test(item, BY_NAME[YAML], ()))
    _write(tmp_path / "settings.py", source)
    argv = [sys.executable, "-I", item.test]
    assert subprocess.run(argv, cwd=tmp_path, capture_output=True, check=False).returncode == 1
    assert not marker.exists()
    _write(tmp_path / "settings.py", fixed_everywhere(YAML, source.encode()).decode())
    assert subprocess.run(argv, cwd=tmp_path, capture_output=True, check=False).returncode == 0
    assert not marker.exists()
