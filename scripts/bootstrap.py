"""Set up an environment of this repository from its lock: `.venv`, or `.venv-docs` for the site.

Needs Python and nothing else; uv is used when it is on PATH and otherwise installed into the
environment first, at its locked version and digest. When the environment already matches the
lock and the project's metadata, nothing is done and no network is needed, so every make target
calls this first.

This file must be readable by old Pythons, to tell their users what is missing.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Iterator  # noqa: UP035 - old Pythons must get as far as the version check

ROOT = Path(__file__).resolve().parent.parent
OLDEST_PYTHON = (3, 11)
# Environment -> its lock, and whether the project itself is installed into it (editable).
ENVIRONMENTS = {
    ".venv": ("requirements/dev.lock", True),
    ".venv-docs": ("requirements/docs.lock", False),
}
UV_LOCK = "requirements/dev.lock"
STAMP = "orchestrate-setup.json"


def main() -> None:
    """Make the named environment (default `.venv`) match its lock."""
    name = sys.argv[1] if len(sys.argv) > 1 else ".venv"
    if name not in ENVIRONMENTS:
        raise SystemExit(f"usage: bootstrap.py [{' | '.join(ENVIRONMENTS)}]")
    if sys.platform == "win32":
        raise SystemExit("Windows is not supported; use WSL2.")
    _leave_for_a_newer_python()
    if _is_current(name):
        return
    with _lock(ROOT / (name + ".lock")):
        if not _is_current(name):
            _set_up(name)


def _leave_for_a_newer_python() -> None:
    """Continue in a supported Python, when this one is too old."""
    if sys.version_info >= OLDEST_PYTHON:
        return
    for minor in range(20, OLDEST_PYTHON[1] - 1, -1):
        other = shutil.which("python3.%d" % minor)  # noqa: UP031
        if other and subprocess.call([other, "-c", ""], stderr=subprocess.DEVNULL) == 0:
            os.execv(other, [other, *sys.argv])
    raise SystemExit(
        "This is Python %d.%d; 3.11 or newer is needed. Install one, or name it: "  # noqa: UP031
        "make PYTHON=/path/to/python3" % sys.version_info[:2]
    )


def _fingerprint(name: str) -> dict[str, str]:
    """What the environment was built from; any difference calls for building it again."""
    import tomllib

    lock, with_project = ENVIRONMENTS[name]
    sources = (ROOT / lock).read_bytes()
    if with_project:
        project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
        parts = [project["project"], project["build-system"], str(ROOT)]
        sources += json.dumps(parts, sort_keys=True).encode()
    return {
        "sources": hashlib.sha256(sources).hexdigest(),
        "python": f"{sys.version_info[0]}.{sys.version_info[1]}",
    }


def _is_current(name: str) -> bool:
    stamp = ROOT / name / STAMP
    try:
        return bool(json.loads(stamp.read_text(encoding="utf-8")) == _fingerprint(name))
    except (OSError, ValueError):
        return False


def _set_up(name: str) -> None:
    lock, with_project = ENVIRONMENTS[name]
    folder = ROOT / name
    python = folder / "bin" / "python"
    (folder / STAMP).unlink(missing_ok=True)
    print(f"setting up {name} from {lock}", flush=True)
    if not _runs_this_version(python):
        shutil.rmtree(folder, ignore_errors=True)
        _create(folder)
    uv = _uv(python)
    _run(uv, "pip", "sync", "--quiet", "--python", str(python), "--require-hashes", lock)
    if with_project:
        # The build backend is in the lock, so this needs no network.
        options = ("--quiet", "--no-deps", "--no-build-isolation", "--offline")
        _run(uv, "pip", "install", "--python", str(python), *options, "--editable", ".")
    (folder / STAMP).write_text(json.dumps(_fingerprint(name)), encoding="utf-8")


def _runs_this_version(python: Path) -> bool:
    if not python.exists():
        return False
    check = f"import sys; sys.exit(sys.version_info[:2] != {tuple(sys.version_info[:2])})"
    return subprocess.call([str(python), "-c", check], stderr=subprocess.DEVNULL) == 0


def _create(folder: Path) -> None:
    uv = shutil.which("uv")
    if uv:
        _run(uv, "venv", "--quiet", "--python", sys.executable, str(folder))
    elif subprocess.call([sys.executable, "-m", "venv", str(folder)]) != 0:
        shutil.rmtree(folder, ignore_errors=True)
        raise SystemExit(
            "This Python cannot create environments. Install its venv package "
            "(Debian and Ubuntu: apt install python3-venv), or uv."
        )


def _uv(python: Path) -> str:
    """uv from PATH, else from the environment, installed there when it is missing."""
    found = shutil.which("uv") or shutil.which("uv", path=str(python.parent))
    if found:
        return found
    with tempfile.TemporaryDirectory() as scratch:
        wanted = Path(scratch, "uv.txt")
        wanted.write_text(_locked_requirement("uv"), encoding="utf-8")
        options = ("--quiet", "--disable-pip-version-check", "--require-hashes", "--no-deps")
        _run(str(python), "-m", "pip", "install", *options, "--requirement", str(wanted))
    return str(python.parent / "uv")


def _locked_requirement(package: str) -> str:
    """The lines of the lock that pin one package, with its digests."""
    lines = (ROOT / UV_LOCK).read_text(encoding="utf-8").splitlines()
    start = next(at for at, line in enumerate(lines) if line.startswith(package + "=="))
    end = start + 1
    while end < len(lines) and lines[end].lstrip().startswith("--hash"):
        end += 1
    return "\n".join(lines[start:end]) + "\n"


def _run(*argv: str) -> None:
    done = subprocess.run(argv, cwd=ROOT, stdin=subprocess.DEVNULL, check=False)
    if done.returncode != 0:
        raise SystemExit(f"set-up failed ({done.returncode}): {' '.join(argv)}")


@contextlib.contextmanager
def _lock(path: Path) -> Iterator[None]:
    """Two make calls at once: the second waits for the first."""
    import fcntl

    with path.open("a") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


if __name__ == "__main__":
    main()
