"""Evidence on real packages: those whose tests run here, and those whose tests cannot."""

from __future__ import annotations

import asyncio
import shutil
from pathlib import Path

import pytest

from orchestrate.adapters.evidence.runner import LocalEvidence
from orchestrate.adapters.system.host import containment_gap
from orchestrate.adapters.system.supervisor import ProcessSupervisor
from orchestrate.core.sharing.evidence import Evidence
from orchestrate.ports.evidence import Check
from tests.integration.evidence_projects import write
from tests.packages import fetch_sdist

pytestmark = [pytest.mark.packages, pytest.mark.index, pytest.mark.slow]


@pytest.fixture(scope="module")
def environments(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("environments")


def gather(
    name: str, version: str, tmp_path: Path, environments: Path, environ: dict[str, str]
) -> Evidence:
    folder = fetch_sdist(name, version, tmp_path)
    local = LocalEvidence(ProcessSupervisor(), environments, environ=environ)
    command = local.detect(folder).first("test")
    assert command is not None
    record = str(tmp_path / "record")
    return asyncio.run(local.gather(Check(command, str(folder), "", "", record, f"run:{name}:1")))


@pytest.mark.parametrize(
    ("name", "version", "total", "source"),
    [
        ("h11", "0.16.0", 78, "h11"),
        ("itsdangerous", "2.2.0", 297, "src/itsdangerous"),
        ("sqlparse", "0.6.1", 540, "sqlparse"),
    ],
)
def test_a_package_whose_tests_run_passes_with_its_own_sources(
    tmp_path: Path,
    environments: Path,
    user_environment: dict[str, str],
    name: str,
    version: str,
    total: int,
    source: str,
) -> None:
    evidence = gather(name, version, tmp_path, environments, user_environment)
    assert evidence.verdict == "passed", evidence.cause
    assert evidence.counts is not None
    assert evidence.counts.total == total
    assert evidence.origin.endswith(f"{name}-{version}/{source}")
    assert evidence.environment.key
    if not containment_gap():
        assert evidence.environment.network == "loopback only"


@pytest.mark.parametrize(
    ("name", "version", "words"),
    [
        ("PyYAML", "3.13", ""),
        ("Flask", "0.12.2", "cannot import name"),
        ("requests", "2.19.1", "pytest"),
    ],
)
def test_a_package_whose_tests_cannot_run_is_unknown_with_the_cause(
    tmp_path: Path,
    environments: Path,
    user_environment: dict[str, str],
    name: str,
    version: str,
    words: str,
) -> None:
    evidence = gather(name, version, tmp_path, environments, user_environment)
    assert evidence.verdict == "unknown", evidence
    assert evidence.cause
    assert words in evidence.cause


EXTENSION = """
#include <Python.h>
static PyObject *answer(PyObject *self, PyObject *none) { return PyLong_FromLong(42); }
static PyMethodDef methods[] = {{"answer", answer, METH_NOARGS, ""}, {0}};
static struct PyModuleDef module = {PyModuleDef_HEAD_INIT, "_fast", 0, -1, methods};
PyMODINIT_FUNC PyInit__fast(void) { return PyModule_Create(&module); }
"""
COMPILED = {
    "setup.py": """
        from setuptools import Extension, setup
        setup(ext_modules=[Extension("thing._fast", ["src/thing/_fast.c"])])
        """,
    "pyproject.toml": """
        [build-system]
        requires = ["setuptools>=64", "setuptools-scm>=8"]
        build-backend = "setuptools.build_meta"
        [project]
        name = "thing"
        dynamic = ["version"]
        [project.entry-points."thing.plugins"]
        answer = "thing:answer"
        [tool.setuptools_scm]
        write_to = "src/thing/_version.py"
        [tool.setuptools.packages.find]
        where = ["src"]
        """,
    "src/thing/_fast.c": EXTENSION,
    "src/thing/__init__.py": """
        from thing._fast import answer
        from thing._version import version
        """,
    "tests/test_it.py": """
        import importlib.metadata
        import thing
        def test_it():
            (entry,) = importlib.metadata.entry_points(group="thing.plugins")
            assert entry.load()() == thing.answer() == 42
            assert importlib.metadata.version("thing") == thing.version
        """,
}


@pytest.mark.may_skip("needs a C compiler")
def test_what_a_build_makes_is_laid_beside_the_sources(
    tmp_path: Path, environments: Path, user_environment: dict[str, str]
) -> None:
    """A compiled module and a version file, with metadata and an entry point that work."""
    if shutil.which("cc") is None and shutil.which("gcc") is None:
        pytest.skip("no C compiler")
    checkout = write(tmp_path / "checkout", COMPILED)
    local = LocalEvidence(ProcessSupervisor(), environments, environ=user_environment)
    command = local.detect(checkout).first("test")
    assert command is not None
    record = str(tmp_path / "record")
    evidence = asyncio.run(local.gather(Check(command, str(checkout), "", "", record, "run:c:1")))
    assert evidence.verdict == "passed", evidence
    assert evidence.origin == str(checkout / "src/thing")
    made = {path.name.partition(".")[0] for path in (checkout / "src/thing").iterdir()}
    assert {"_fast", "_version"} <= made
    assert any("thing/_version.py" in note for note in evidence.notes)
