"""What manifests declare, read without running anything."""

from __future__ import annotations

from pathlib import Path

import pytest

from orchestrate.adapters.backends.local.manifests.collect import Collected, collect
from orchestrate.adapters.backends.local.manifests.toml_files import poetry_specifier
from orchestrate.adapters.backends.local.repository import survey


def _collect(root: Path, files: dict[str, str]) -> Collected:
    for name, text in files.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    return collect(survey(root))


def _declared(found: Collected) -> list[tuple[str, str, str, str]]:
    return [(d.name, d.specifier, d.scope, f"{d.path}:{d.line}") for d in found.declared]


def test_pyproject_with_groups_extras_and_build_requirements(tmp_path: Path) -> None:
    text = """\
[build-system]
requires = ["hatchling>=1.2"]

[project]
name = "My.Project"
version = "1.5"
license = "MIT"
dependencies = [
    "Jinja2 == 2.10",
    'tomli>=1; python_version < "3.11"',
]

[project.optional-dependencies]
fast = ["uvloop"]
test = ["pytest>=7"]

[dependency-groups]
dev = ["ruff==0.1", {include-group = "other"}]
"""
    found = _collect(tmp_path, {"pyproject.toml": text})
    assert found.project is not None
    assert (found.project.name, found.project.version) == ("My.Project", "1.5")
    assert (found.project.expression, found.project.line) == ("MIT", 6)
    assert _declared(found) == [
        ("jinja2", "==2.10", "runtime", "pyproject.toml:9"),
        ("tomli", ">=1", "runtime", "pyproject.toml:10"),
        ("uvloop", "", "optional", "pyproject.toml:14"),
        ("pytest", ">=7", "development", "pyproject.toml:15"),
        ("ruff", "==0.1", "development", "pyproject.toml:18"),
        ("hatchling", ">=1.2", "build", "pyproject.toml:2"),
    ]


def test_requirements_with_includes_hashes_and_continuations(tmp_path: Path) -> None:
    found = _collect(
        tmp_path,
        {
            "requirements.txt": "-r more/base.in\n"
            "--index-url https://index.invalid/\n"
            "flask==0.12.2 \\\n    --hash=sha256:00 \\\n    --hash=sha256:11\n"
            "requests[security]>=2.0  # comment\n"
            "-e .\n"
            "./local.whl\n"
            "git+https://host.invalid/x.git#egg=thing\n",
            "more/base.in": "urllib3<1.24\n-r ../requirements.txt\n",
        },
    )
    assert _declared(found) == [
        ("flask", "==0.12.2", "runtime", "requirements.txt:3"),
        ("requests", ">=2.0", "runtime", "requirements.txt:6"),
        ("thing", "", "runtime", "requirements.txt:9"),
        ("urllib3", "<1.24", "runtime", "more/base.in:1"),
    ]
    assert [d.url for d in found.declared] == [False, False, True, False]
    assert found.troubles == []


def test_an_include_outside_the_repository_is_not_read(tmp_path: Path) -> None:
    (tmp_path / "outside.txt").write_text("secret==1\n")
    found = _collect(tmp_path / "root", {"requirements.txt": "-r ../outside.txt\n-r /etc/passwd\n"})
    assert found.declared == []
    assert found.troubles == [
        "requirements.txt: cannot follow -r ../outside.txt",
        "requirements.txt: cannot follow -r /etc/passwd",
    ]


def test_setup_py_is_read_as_a_tree_and_never_run(tmp_path: Path) -> None:
    marker = tmp_path / "ran"
    text = f"""\
import pathlib
pathlib.Path({str(marker)!r}).touch()
from setuptools import setup
NAME = 'PyThing'
VERSION = '3.13'
requires = [
    'idna>=2.5,<2.8',
    'certifi',
]
setup(name=NAME, version=VERSION, install_requires=requires, license='MIT',
      extras_require={{'socks': ['PySocks>=1.5.6']}}, tests_require=open('t').read())
"""
    found = _collect(tmp_path, {"setup.py": text})
    assert not marker.exists()
    assert found.project is not None
    assert (found.project.name, found.project.version) == ("PyThing", "3.13")
    assert _declared(found) == [
        ("idna", "<2.8,>=2.5", "runtime", "setup.py:7"),
        ("certifi", "", "runtime", "setup.py:8"),
        ("pysocks", ">=1.5.6", "optional", "setup.py:11"),
    ]
    assert found.troubles == ["setup.py:11: tests_require is computed"]


def test_setup_cfg_and_poetry_and_pipfile(tmp_path: Path) -> None:
    found = _collect(
        tmp_path,
        {
            "setup.cfg": "[metadata]\nname = a\nversion = attr: a.v\n"
            "[options]\ninstall_requires =\n  six>=1.1\n"
            "[options.extras_require]\ndocs = sphinx<4\n",
            "sub/pyproject.toml": '[tool.poetry.dependencies]\npython = "^3.8"\n'
            'django = "^4.2"\nx = {version = "~1.4", extras = ["y"]}\nz = "1 || 2"\n'
            '[tool.poetry.group.dev.dependencies]\nblack = "*"\n',
            "Pipfile": '[packages]\nattrs = "==19.1"\n[dev-packages]\nmock = "*"\n',
        },
    )
    assert _declared(found) == [
        ("django", "<5,>=4.2", "runtime", "sub/pyproject.toml:3"),
        ("x", "<1.5,>=1.4", "runtime", "sub/pyproject.toml:4"),
        ("black", "", "development", "sub/pyproject.toml:7"),
        ("six", ">=1.1", "runtime", "setup.cfg:6"),
        ("sphinx", "<4", "development", "setup.cfg:8"),
        ("attrs", "==19.1", "runtime", "Pipfile:2"),
        ("mock", "", "development", "Pipfile:4"),
    ]
    assert found.troubles == ["sub/pyproject.toml:5: z: cannot read '1 || 2'"]


@pytest.mark.parametrize(
    ("constraint", "specifier"),
    [
        ("^1.2.3", ">=1.2.3,<2"),
        ("^0.2.3", ">=0.2.3,<0.3"),
        ("^0.0.3", ">=0.0.3,<0.0.4"),
        ("^0.0", ">=0.0,<0.1"),
        ("~1.2.3", ">=1.2.3,<1.3"),
        ("~1", ">=1,<2"),
        ("1.2.*", "==1.2.*"),
        ("1.2", "==1.2"),
        (">=1,<2", ">=1,<2"),
        (">=1 <2", ">=1,<2"),
        ("*", ""),
        ("~=1.4", "~=1.4"),
        ("^1 || ^2", None),
    ],
)
def test_poetry_constraints_become_specifiers(constraint: str, specifier: str | None) -> None:
    assert poetry_specifier(constraint) == specifier


def test_lock_files_give_exact_versions_with_their_lines(tmp_path: Path) -> None:
    found = _collect(
        tmp_path,
        {
            "uv.lock": 'version = 1\n[[package]]\nname = "me"\nversion = "1"\n'
            'source = { editable = "." }\ndependencies = [{ name = "a" }]\n'
            '[[package]]\nname = "a"\nversion = "1.0"\ndependencies = [{ name = "b" }]\n'
            '[[package]]\nname = "b"\nversion = "2.0"\n'
            '[[package]]\nname = "lint"\nversion = "3.0"\n',
            "Pipfile.lock": '{"default": {\n"c": {"version": "==4.0"},\n"d": {"git": "x"}},\n'
            ' "develop": {\n"e": {"version": "==5.0"}}}\n',
            "pylock.toml": '[[packages]]\nname = "f"\nversion = "6.0"\n',
        },
    )
    assert _declared(found) == [
        ("a", "==1.0", "runtime", "uv.lock:8"),
        ("b", "==2.0", "runtime", "uv.lock:12"),
        ("lint", "==3.0", "development", "uv.lock:15"),
        ("f", "==6.0", "runtime", "pylock.toml:2"),
        ("c", "==4.0", "runtime", "Pipfile.lock:2"),
        ("e", "==5.0", "development", "Pipfile.lock:5"),
    ]
    assert all(declared.locked for declared in found.declared)
    assert found.troubles == ["Pipfile.lock:3: d has no version"]


def test_metadata_of_an_unpacked_archive(tmp_path: Path) -> None:
    found = _collect(
        tmp_path,
        {
            "PKG-INFO": "Metadata-Version: 2.1\nName: Thing\nVersion: 3.13\nLicense: MIT\n"
            "Classifier: License :: OSI Approved :: MIT License\n"
            "Requires-Dist: idna<2.8,>=2.5\nRequires-Dist: x>1; extra == 'test'\n",
            "Thing.egg-info/PKG-INFO": "Name: thing\nVersion: 3.13\n",
            "Thing.egg-info/requires.txt": "idna<2.8,>=2.5\n\n[socks:python_version<'3']\nwin\n",
            "setup.py": "from setuptools import setup\nsetup(install_requires=f())\n",
            "libs/other-1.0.dist-info/METADATA": "Name: other\nVersion: 1.0\nLicense: GPLv3\n",
        },
    )
    assert found.project is not None
    assert (found.project.name, found.project.version) == ("Thing", "3.13")
    assert (found.project.path, found.project.line) == ("PKG-INFO", 3)
    assert _declared(found) == [
        ("idna", "<2.8,>=2.5", "runtime", "PKG-INFO:6"),
        ("x", ">1", "development", "PKG-INFO:7"),
        ("win", "", "optional", "Thing.egg-info/requires.txt:4"),
    ]
    assert [(each.name, each.version) for each in found.bundled] == [("other", "1.0")]
    assert found.troubles == []


def test_the_pip_list_of_an_environment_file(tmp_path: Path) -> None:
    text = "name: x\ndependencies:\n  - python=3.9\n  - pip:\n    - flask==1.0\n    # note\n"
    text += "    - 'six>=1'\n  - numpy\n"
    found = _collect(tmp_path, {"environment.yml": text})
    assert _declared(found) == [
        ("flask", "==1.0", "runtime", "environment.yml:5"),
        ("six", ">=1", "runtime", "environment.yml:7"),
    ]


def test_the_version_may_stand_in_the_package(tmp_path: Path) -> None:
    found = _collect(
        tmp_path,
        {
            "pyproject.toml": '[project]\nname = "my-thing"\ndynamic = ["version"]\n',
            "src/my_thing/__init__.py": '"""Doc."""\n\n__version__ = "2.1"\n',
        },
    )
    assert found.project is not None
    assert (found.project.version, found.project.path) == ("2.1", "src/my_thing/__init__.py")
    assert found.project.line == 3


def test_dependencies_of_tests_and_examples_are_for_development(tmp_path: Path) -> None:
    found = _collect(
        tmp_path,
        {"examples/requirements.txt": "flask\n", "requirements-dev.txt": "tox\n"},
    )
    assert {d.name: d.scope for d in found.declared} == {
        "flask": "development",
        "tox": "development",
    }


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("pyproject.toml", "[project\n"),
        ("setup.cfg", "no section\n"),
        ("setup.py", "print 'x'\n"),
        ("Pipfile.lock", "{"),
        ("poetry.lock", "x"),
        ("requirements.txt", "this is ! not a requirement\n"),
    ],
)
def test_a_broken_manifest_is_a_trouble_with_its_path(tmp_path: Path, name: str, text: str) -> None:
    found = _collect(tmp_path, {name: text})
    assert found.declared == []
    assert len(found.troubles) == 1
    assert found.troubles[0].startswith(name)
