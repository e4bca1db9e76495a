"""The built wheel, installed the ways the README offers, into environments that hold nothing.

Dependencies come from the package index, at the locked versions.
"""

from __future__ import annotations

import re
import subprocess
import sys
import zipfile
from collections.abc import Mapping
from pathlib import Path

import pytest

import orchestrate

ROOT = Path(__file__).resolve().parents[2]
INSTALL_TIMEOUT_S = 240

pytestmark = [pytest.mark.slow, pytest.mark.index]


def _run(*argv: str | Path, env: Mapping[str, str], cwd: Path) -> str:
    """Run a command that must succeed; returns what it wrote to stdout."""
    done = subprocess.run(
        [str(word) for word in argv],
        cwd=cwd,
        env=env,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=INSTALL_TIMEOUT_S,
        check=False,
    )
    assert done.returncode == 0, f"{argv[0]}: {done.returncode}\n{done.stdout}\n{done.stderr}"
    return done.stdout


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory, user_environment: dict[str, str]) -> Path:
    """The wheel of the working tree, built with the locked backend and no network."""
    folder = tmp_path_factory.mktemp("wheel")
    argv = (sys.executable, "-m", "hatchling", "build", "--target", "wheel", "--directory", folder)
    _run(*argv, env=user_environment, cwd=ROOT)
    (built,) = folder.glob("*.whl")
    return built


@pytest.fixture(scope="module")
def constraints(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The locked versions without their digests, which pip would demand of the wheel as well."""
    lock = (ROOT / "requirements" / "runtime.lock").read_text(encoding="utf-8")
    pins = re.findall(r"(?m)^(\S+==[^\\\n]*?) *\\?$", lock)
    assert pins
    path = tmp_path_factory.mktemp("constraints") / "constraints.txt"
    path.write_text("\n".join(pins) + "\n", encoding="utf-8")
    return path


def _assert_answers(command: Path, env: Mapping[str, str], cwd: Path) -> None:
    assert orchestrate.__version__ in _run(command, "--version", env=env, cwd=cwd)
    assert "security" in _run(command, "--help", env=env, cwd=cwd)


def test_wheel_holds_the_package_and_nothing_else(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        held = {name for name in archive.namelist() if not name.endswith("/")}
    tops = {name.split("/", 1)[0] for name in held}
    assert tops == {"orchestrate", f"orchestrate_agents-{orchestrate.__version__}.dist-info"}
    source = ROOT / "src"
    in_tree = {
        path.relative_to(source).as_posix()
        for path in (source / "orchestrate").rglob("*")
        if path.is_file() and "__pycache__" not in path.parts
    }
    assert in_tree == {name for name in held if name.startswith("orchestrate/")}


def test_wheel_runs_from_an_empty_environment(
    wheel: Path, constraints: Path, tmp_path: Path, user_environment: dict[str, str]
) -> None:
    venv = tmp_path / "venv"
    _run(sys.executable, "-m", "venv", venv, env=user_environment, cwd=tmp_path)
    pip = (venv / "bin" / "python", "-m", "pip", "install", "--quiet", "--constraint", constraints)
    _run(*pip, wheel, env=user_environment, cwd=tmp_path)
    _assert_answers(venv / "bin" / "orchestrate", user_environment, tmp_path)
    as_module = (venv / "bin" / "python", "-m", "orchestrate", "--version")
    assert orchestrate.__version__ in _run(*as_module, env=user_environment, cwd=tmp_path)


def test_wheel_installs_as_a_uv_tool(
    wheel: Path, constraints: Path, tmp_path: Path, user_environment: dict[str, str]
) -> None:
    uv = Path(sys.executable).parent / "uv"
    folders = {"UV_TOOL_DIR": str(tmp_path / "tools"), "UV_TOOL_BIN_DIR": str(tmp_path / "bin")}
    env = user_environment | folders
    options = ("--quiet", "--python", sys.executable, "--constraints", constraints)
    _run(uv, "tool", "install", *options, wheel, env=env, cwd=tmp_path)
    _assert_answers(tmp_path / "bin" / "orchestrate", env, tmp_path)


def test_wheel_installs_with_pipx(
    wheel: Path, constraints: Path, tmp_path: Path, user_environment: dict[str, str]
) -> None:
    homes = {"PIPX_HOME": "pipx", "PIPX_BIN_DIR": "bin", "PIPX_MAN_DIR": "man"}
    folders = {name: str(tmp_path / folder) for name, folder in homes.items()}
    env = user_environment | folders
    options = ("--python", sys.executable, f"--pip-args=--constraint={constraints}")
    _run(sys.executable, "-m", "pipx", "install", *options, wheel, env=env, cwd=tmp_path)
    _assert_answers(tmp_path / "bin" / "orchestrate", env, tmp_path)
