"""Detection on small repositories: which command is found, where, and in which order."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from orchestrate.adapters.evidence.detect import detect
from orchestrate.adapters.evidence.detect_sources import MAX_FILE_BYTES
from orchestrate.core.sharing.evidence import CheckCommand, EvidenceKind
from orchestrate.ports.evidence import Detection

PYTEST_TEST = "import pytest\n\ndef test_a():\n    pass\n"
UNITTEST = "import unittest\n\nclass A(unittest.TestCase):\n    def test_a(self): pass\n"


def repository(root: Path, files: dict[str, str]) -> Path:
    for name, text in files.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    return root


def found(root: Path, files: dict[str, str]) -> Detection:
    return detect(repository(root, files))


def first(detection: Detection, kind: EvidenceKind = "test") -> CheckCommand:
    command = detection.first(kind)
    assert command is not None
    return command


def last(command: CheckCommand, number: int = 1) -> tuple[str, ...]:
    return command.argv[-number:]


def test_empty_folder_has_nothing(tmp_path: Path) -> None:
    assert detect(tmp_path) == Detection()


@pytest.mark.parametrize(
    ("files", "source"),
    [
        ({"pytest.ini": "[pytest]\n"}, "pytest.ini:1"),
        (
            {"pyproject.toml": '[project]\nname="x"\n[tool.pytest.ini_options]\n'},
            "pyproject.toml:3",
        ),
        ({"tox.ini": "[tox]\n[pytest]\naddopts = -q\n"}, "tox.ini:2"),
        ({"setup.cfg": "[metadata]\n\n[tool:pytest]\naddopts = -q\n"}, "setup.cfg:3"),
        ({"conftest.py": ""}, "conftest.py:1"),
        ({"requirements-dev.txt": "flask\npytest>=7\n"}, "requirements-dev.txt:2"),
        ({"Makefile": "test:\n\tpython -m pytest tests\n"}, "Makefile:2"),
        (
            {"noxfile.py": "import nox\n@nox.session\ndef tests(s):\n    s.run('pytest')\n"},
            "noxfile.py:4",
        ),
    ],
)
def test_pytest_is_chosen_for_what_indicates_it(
    files: dict[str, str], source: str, tmp_path: Path
) -> None:
    command = first(found(tmp_path, {**files, "tests/test_a.py": UNITTEST}))
    assert (command.runner, command.source) == ("pytest", source)
    assert "--junit-xml={report}/junit.xml" in command.argv


@pytest.mark.parametrize(
    "place", ["tests/test_a.py", "test/test_a.py", "pkg/tests/test_a.py", "src/x/tests/a_test.py"]
)
def test_tests_are_found_wherever_they_lie(place: str, tmp_path: Path) -> None:
    command = first(found(tmp_path, {place: PYTEST_TEST}))
    assert (command.runner, command.source) == ("pytest", f"{place}:1")


def test_single_test_file_beside_the_module_is_found(tmp_path: Path) -> None:
    assert first(found(tmp_path, {"test_a.py": PYTEST_TEST})).source == "test_a.py:1"


def test_unittest_is_chosen_when_tests_import_nothing_else(tmp_path: Path) -> None:
    command = first(found(tmp_path, {"tests/test_a.py": UNITTEST}))
    assert (command.runner, command.source) == ("unittest", "tests/test_a.py:1")
    assert last(command, 4) == ("{report}/unittest.json", "discover", "-s", "tests")
    assert Path(command.argv[1]).is_file()


def test_every_folder_without_an_init_is_a_start_of_its_own(tmp_path: Path) -> None:
    command = first(
        found(
            tmp_path,
            {
                "tests/__init__.py": "",
                "tests/test_a.py": UNITTEST,
                "tests/unit/__init__.py": "",
                "tests/unit/test_b.py": UNITTEST,
                "tests/apart/test_c.py": UNITTEST,
            },
        )
    )
    assert last(command, 4) == ("-s", "tests", "-s", "tests/apart")


def test_recipe_says_where_unittest_starts(tmp_path: Path) -> None:
    make = "check:\n\t@python -m unittest discover -s lib/t -t lib --pattern 't*.py'\n"
    command = first(found(tmp_path, {"Makefile": make, "lib/t/test_a.py": UNITTEST}))
    assert last(command, 6) == ("-s", "lib/t", "-t", "lib", "-p", "t*.py")


def test_django_tests_are_run_by_manage_py(tmp_path: Path) -> None:
    app = "from django.test import TestCase\nclass A(TestCase):\n    def test_a(self): pass\n"
    command = first(found(tmp_path, {"manage.py": "", "shop/tests.py": app}))
    assert command.argv[1:3] == ("manage.py", "test")


def test_direct_call_comes_before_the_wrapper_and_takes_its_paths(tmp_path: Path) -> None:
    files = {
        "Makefile": "test: build\n\tpytest -k 'not slow' tests/ missing\n",
        "tests/test_a.py": PYTEST_TEST,
    }
    detection = found(tmp_path, files)
    assert [c.runner for c in detection.commands if c.kind == "test"] == ["pytest", "make"]
    assert last(first(detection)) == ("tests",)


def test_recipe_of_its_own_comes_before_a_guess(tmp_path: Path) -> None:
    files = {"Makefile": "test:\n\t./run.sh\n", "tests/test_a.py": "def test_a(): pass\n"}
    runners = [c.runner for c in found(tmp_path, files).commands if c.kind == "test"]
    assert runners == ["make", "pytest"]


def test_examples_are_not_tests_of_the_project(tmp_path: Path) -> None:
    files = {
        "pytest.ini": "[pytest]\n",
        "tests/test_a.py": PYTEST_TEST,
        "pkg/tests/test_b.py": PYTEST_TEST,
        "examples/shop/test_shop.py": PYTEST_TEST,
    }
    assert last(first(found(tmp_path, files)), 2) == ("tests", "pkg")


def test_configured_testpaths_are_left_to_pytest(tmp_path: Path) -> None:
    files = {
        "pytest.ini": "[pytest]\ntestpaths = tests\n",
        "tests/test_a.py": PYTEST_TEST,
        "examples/test_b.py": PYTEST_TEST,
    }
    assert last(first(found(tmp_path, files))) == ("--junit-xml={report}/junit.xml",)


def test_pytest_cov_measures_where_it_is_used(tmp_path: Path) -> None:
    files = {"pytest.ini": "[pytest]\naddopts = --cov=x\n", "tests/test_a.py": PYTEST_TEST}
    argv = first(found(tmp_path, files), "coverage").argv
    assert "--cov-report=xml:{report}/coverage.xml" in argv
    assert "--cov" not in argv


def test_coverage_py_measures_otherwise(tmp_path: Path) -> None:
    command = first(found(tmp_path, {"tests/test_a.py": PYTEST_TEST}), "coverage")
    assert Path(command.argv[1]).name == "coverage_record.py"
    assert command.argv[2:5] == ("{report}", "-m", "pytest")


def test_linters_only_look_and_keep_no_cache_in_the_tree(tmp_path: Path) -> None:
    files = {
        "pyproject.toml": '[tool.ruff]\nfix = true\n[tool.mypy]\nfiles = ["src"]\n',
        ".flake8": "[flake8]\n",
        "a.py": "",
    }
    lint = {c.runner: c for c in found(tmp_path, files).commands if c.kind == "lint"}
    assert list(lint) == ["ruff", "flake8", "mypy"]
    assert {"--no-fix", "--no-cache"} <= set(lint["ruff"].argv)
    assert last(lint["mypy"]) == ("--cache-dir={report}/mypy",)
    assert lint["mypy"].source == "pyproject.toml:3"


PACKAGE = '{"name": "x",\n "scripts": {\n  "test": "%s"\n }%s}'


@pytest.mark.parametrize(
    ("lock", "start"),
    [
        ("package-lock.json", ("npm", "run", "test", "--")),
        ("pnpm-lock.yaml", ("pnpm", "run", "test")),
        ("yarn.lock", ("yarn", "run", "test")),
    ],
)
def test_lock_file_decides_the_package_manager(
    lock: str, start: tuple[str, ...], tmp_path: Path
) -> None:
    files = {lock: "", "package.json": PACKAGE % ("tsc && jest src", "")}
    command = first(found(tmp_path, files))
    report = ("--ci", "--json", "--outputFile={report}/jest.json")
    assert (command.runner, command.argv) == ("jest", start + report)
    assert command.source == "package.json:3"


@pytest.mark.parametrize(
    ("script", "runner", "argument"),
    [
        ("vitest", "vitest", "--outputFile={report}/vitest.json"),
        ("cross-env A=1 mocha test", "mocha", "output={report}/mocha.xml"),
        ("react-scripts test", "jest", "--outputFile={report}/jest.json"),
        ("node --test test", "node", "--test-reporter-destination={report}/node.xml"),
        ("tape test/*.js", "npm", "test"),
    ],
)
def test_runner_of_a_script_is_recognised(
    script: str, runner: str, argument: str, tmp_path: Path
) -> None:
    command = first(found(tmp_path, {"package.json": PACKAGE % (script, "")}))
    assert command.runner == runner
    assert argument in command.argv


def test_node_test_with_a_hook_is_run_as_a_script(tmp_path: Path) -> None:
    package = '{"scripts": {"pretest": "tsc", "test": "node --test"}}'
    command = first(found(tmp_path, {"package.json": package}))
    assert command.argv == ("npm", "run", "test")
    assert command.env == {"NODE_OPTIONS": "--test-reporter=tap"}


def test_what_npm_init_writes_is_no_test(tmp_path: Path) -> None:
    script = 'echo \\"Error: no test specified\\" && exit 1'
    assert found(tmp_path, {"package.json": PACKAGE % (script, "")}).first("test") is None


def test_runner_without_a_script_is_called_by_itself(tmp_path: Path) -> None:
    files = {"package.json": '{\n"devDependencies": {"vitest": "1"}}', "pnpm-lock.yaml": ""}
    command = first(found(tmp_path, files))
    assert (command.argv[:3], command.source) == (("pnpm", "exec", "vitest"), "package.json:2")


def test_nested_project_runs_in_its_folder_after_the_root(tmp_path: Path) -> None:
    files = {
        "pyproject.toml": "[tool.pytest.ini_options]\naddopts = '-q'\n",
        "tests/test_a.py": PYTEST_TEST,
        "web/package.json": PACKAGE % ("jest", ""),
        "package-lock.json": "",
        "tests/fixtures/app/package.json": PACKAGE % ("jest", ""),
        "web/node_modules/x/package.json": PACKAGE % ("jest", ""),
    }
    detection = found(tmp_path, files)
    tests = [(c.folder, c.runner) for c in detection.commands if c.kind == "test"]
    assert tests == [(".", "pytest"), ("web", "jest")]
    assert "cd web && npm install" in detection.setup


def test_go_module(tmp_path: Path) -> None:
    test = "package a\n\nfunc BenchmarkA(b *testing.B) {}\n"
    detection = found(tmp_path, {"go.mod": "// x\nmodule a\n", "a/a_test.go": test})
    assert first(detection).argv == ("go", "test", "-json", "./...")
    assert first(detection).source == "go.mod:2"
    assert "-coverprofile={report}/cover.out" in first(detection, "coverage").argv
    assert first(detection, "benchmark").source == "a/a_test.go:3"


def test_members_of_a_cargo_workspace_are_run_from_its_root(tmp_path: Path) -> None:
    files = {"Cargo.toml": '[workspace]\nmembers = ["a"]\n', "a/Cargo.toml": "[package]\n"}
    detection = found(tmp_path, files)
    tests = [c for c in detection.commands if c.kind == "test"]
    assert [c.folder for c in tests] == ["."]
    assert "--workspace" in tests[0].argv


def test_make_targets_by_name(tmp_path: Path) -> None:
    make = "CC := cc\n.PHONY: test\nlint bench: a.c\n\ttrue\ntest: ; ./run\n"
    kinds = {(c.kind, c.argv[1]): c.source for c in found(tmp_path, {"Makefile": make}).commands}
    assert kinds == {
        ("test", "test"): "Makefile:5",
        ("lint", "lint"): "Makefile:3",
        ("benchmark", "bench"): "Makefile:3",
    }


def test_tox_and_nox_are_listed_as_wrappers(tmp_path: Path) -> None:
    files = {
        "tox.ini": "[tox]\n[testenv]\ncommands =\n    pytest {posargs} \\\n      checks\n",
        "noxfile.py": "import nox\n\n@nox.session(name='unit')\ndef a(session): pass\n",
        "checks/test_a.py": UNITTEST,
    }
    tests = [c for c in found(tmp_path, files).commands if c.kind == "test"]
    assert [c.runner for c in tests] == ["pytest", "tox", "nox"]
    assert last(tests[0]) == ("checks",)
    assert last(tests[2], 2) == ("-s", "unit")


def test_setup_steps_follow_the_lock_files(tmp_path: Path) -> None:
    files = {
        "pyproject.toml": '[project]\nname="x"\noptional-dependencies.test = ["pytest"]\n',
        "requirements/tests.txt": "pytest\n",
        "a.py": "",
    }
    assert found(tmp_path, files).setup == (
        "python -m pip install -r requirements/tests.txt",
        "python -m pip install -e .[test]",
    )
    assert found(tmp_path, {"uv.lock": ""}).setup == ("uv sync --frozen",)


@pytest.mark.parametrize(
    ("name", "content", "note"),
    [
        ("pyproject.toml", b"[tool\nx", "pyproject.toml:1: not read, it is no TOML"),
        ("pyproject.toml", b"a = 1\nb = = 2\n", "pyproject.toml:2: not read, it is no TOML"),
        ("package.json", b'{"scripts": {\n"test": }', "package.json:2: not read, it is no JSON"),
        ("package.json", b"[1]", "package.json:1: not read, it holds no object"),
        ("package.json", b"[" * 100_000, "package.json:1: not read"),
        ("setup.cfg", b"a = 1\n", "setup.cfg:1: not read, there is no section"),
        ("tox.ini", b"[tox]\n  ???\n=\n", "tox.ini:"),
        ("noxfile.py", b"import nox\ndef (:\n", "noxfile.py:2: not read, it is no Python"),
        ("Makefile", b"# x\n# \xff\ntest:\n\ttrue\n", "Makefile:2: it is not UTF-8"),
        ("setup.cfg", b"#" * (MAX_FILE_BYTES + 1), "setup.cfg:1: not read, it has more than"),
    ],
)
def test_malformed_file_gives_a_note_with_its_place(
    name: str, content: bytes, note: str, tmp_path: Path
) -> None:
    repository(tmp_path, {"test_a.py": PYTEST_TEST})
    (tmp_path / name).write_bytes(content)
    detection = detect(tmp_path)
    assert any(each.startswith(note) for each in detection.notes), detection.notes
    assert first(detection).runner in ("pytest", "make")


def test_links_pipes_and_loops_are_not_followed(tmp_path: Path) -> None:
    root = repository(tmp_path / "root", {"test_a.py": PYTEST_TEST})
    outside = repository(tmp_path / "outside", {"package.json": PACKAGE % ("jest", "")})
    (root / "loop").symlink_to(root)
    (root / "outside").symlink_to(outside)
    (root / "package.json").symlink_to(outside / "package.json")
    os.mkfifo(root / "Makefile")
    assert {c.runner for c in detect(root).commands if c.kind == "test"} == {"pytest"}


def test_nothing_of_the_repository_is_executed(tmp_path: Path) -> None:
    trap = f"open({str(tmp_path / 'trap')!r}, 'w')\n"
    names = ("setup.py", "noxfile.py", "conftest.py", "test_a.py", "manage.py")
    detection = found(tmp_path, dict.fromkeys(names, trap + PYTEST_TEST))
    assert first(detection).runner == "pytest"
    assert not (tmp_path / "trap").exists()
