"""Install the agent programs that tests drive, at pinned versions, into the user's cache.

What is installed is listed in requirements/agent-programs.toml. npm only fetches the archives, from
wherever it is set up to; they are checked against the listed digests and unpacked here, so no
script of a package runs and node is not needed afterwards. The result is `bin/claude` and
`bin/codex` in `$XDG_CACHE_HOME/orchestrate/agent-programs`, 0.8 GB. When they are there already,
nothing is done.

    python scripts/agent_programs.py              install; a message and exit code 0 if it cannot
    python scripts/agent_programs.py --require    the same, but exit code 1 if it cannot

With ORCHESTRATE_AGENT_PROGRAMS naming a folder, that folder's `claude` and `codex` are used instead
and nothing is installed.
"""

from __future__ import annotations

import argparse
import base64
import contextlib
import fcntl
import hashlib
import os
import platform
import shutil
import subprocess
import sys
import tempfile
import tomllib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from scripts.fetch_sdist import FetchError, unpack  # noqa: E402

TABLE = ROOT / "requirements" / "agent-programs.toml"
NPM_TIMEOUT_S = 900


class InstallError(Exception):
    """The programs could not be installed; the message says what to do."""


class Program(NamedTuple):
    """A row of the table for this machine."""

    name: str
    version: str
    platform: str
    package: str
    integrity: str
    binary: str


def listed(system: str = "", table: Path = TABLE) -> tuple[Program, ...]:
    """The programs for a platform such as "linux-x86_64"; without one, for this machine."""
    wanted = system or f"{platform.system().lower()}-{platform.machine()}"
    rows = tomllib.loads(table.read_text(encoding="utf-8"))["program"]
    return tuple(Program(**row) for row in rows if row["platform"] == wanted)


def programs_folder(environ: Mapping[str, str] = os.environ) -> Path:
    """Where `claude` and `codex` are to be found, installed or not."""
    named = environ.get("ORCHESTRATE_AGENT_PROGRAMS")
    if named:
        return Path(named).expanduser().resolve()
    base = environ.get("XDG_CACHE_HOME") or Path(environ.get("HOME", "~"), ".cache")
    return Path(base).expanduser() / "orchestrate" / "agent-programs" / "bin"


def install(programs: tuple[Program, ...], environ: Mapping[str, str] = os.environ) -> bool:
    """Make `programs_folder()` hold these programs; returns whether there was anything to do.

    Safe to call from several processes at once: the first one installs, the others wait. Until it
    is complete, what was there before stays.

    Raises:
        InstallError: npm is missing or cannot fetch, or an archive is not the listed one.
    """
    folder = programs_folder(environ)
    if environ.get("ORCHESTRATE_AGENT_PROGRAMS") or _is_current(folder, programs):
        return False
    if not programs:
        raise InstallError(f"no agent programs are listed for {platform.platform()}")
    folder.parent.mkdir(parents=True, exist_ok=True)
    with _locked(folder.parent / "lock"):
        if _is_current(folder, programs):
            return False
        with tempfile.TemporaryDirectory(dir=folder.parent, prefix="part-") as part:
            _build(Path(part), programs, environ)
            _put_in_place(Path(part), folder, programs)
    return True


def _release(programs: tuple[Program, ...]) -> str:
    """The name of the folder that holds exactly these programs."""
    listing = "\n".join(program.integrity for program in programs)
    versions = "-".join(f"{program.name}-{program.version}" for program in programs)
    return f"{versions}-{hashlib.sha256(listing.encode()).hexdigest()[:8]}"


def _is_current(folder: Path, programs: tuple[Program, ...]) -> bool:
    """Whether the link is to the folder of these programs; it is made when that is complete."""
    try:
        linked = folder.readlink()
    except OSError:
        return False
    there = all((folder / program.name).is_file() for program in programs)
    return there and linked == Path(_release(programs), "bin")


def _build(part: Path, programs: tuple[Program, ...], environ: Mapping[str, str]) -> None:
    """Fetch, check and unpack into `part`: a folder for each program, and `bin` with links."""
    (part / "bin").mkdir()
    archives = _fetch(part / "archives", programs, environ)
    for program in programs:
        unpack(archives[program.integrity], part / program.name)
        found = sorted((part / program.name / "package").glob(program.binary))
        if len(found) != 1:
            raise InstallError(f"{program.package} has {len(found)} files {program.binary}")
        (part / "bin" / program.name).symlink_to(Path("..", found[0].relative_to(part)))
    shutil.rmtree(part / "archives")


def _put_in_place(part: Path, folder: Path, programs: tuple[Program, ...]) -> None:
    release = folder.parent / _release(programs)
    shutil.rmtree(release, ignore_errors=True)
    release.mkdir()
    for child in part.iterdir():
        child.rename(release / child.name)
    link = part / "link"
    link.symlink_to(Path(release.name, "bin"))
    link.replace(folder)
    for other in folder.parent.iterdir():
        if other.is_dir() and not other.is_symlink() and other not in (release, part):
            shutil.rmtree(other, ignore_errors=True)


def _fetch(
    into: Path, programs: tuple[Program, ...], environ: Mapping[str, str]
) -> dict[str, Path]:
    """The archives by integrity, checked."""
    npm = shutil.which("npm", path=environ.get("PATH"))
    if npm is None:
        raise InstallError("npm was not found; install Node.js with npm to run these tests")
    into.mkdir()
    packages = [program.package for program in programs]
    done = subprocess.run(
        [npm, "pack", "--silent", "--pack-destination", str(into), *packages],
        # Not in the repository: npm reads settings from where it is called.
        cwd=into,
        env=dict(environ),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=NPM_TIMEOUT_S,
        check=False,
    )
    archives = {_integrity(path): path for path in into.glob("*.tgz")}
    missing = [program.package for program in programs if program.integrity not in archives]
    if done.returncode != 0 or missing:
        tail = "\n".join((done.stdout + done.stderr).splitlines()[-8:])
        named = ", ".join(missing or packages)
        raise InstallError(f"npm did not fetch the listed archives of {named}:\n{tail}")
    return archives


def _integrity(path: Path) -> str:
    with path.open("rb") as stream:
        digest = hashlib.file_digest(stream, "sha512").digest()
    return "sha512-" + base64.b64encode(digest).decode()


@contextlib.contextmanager
def _locked(path: Path) -> Iterator[None]:
    with path.open("a") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def main(argv: list[str] | None = None) -> int:
    """Command line."""
    parser = argparse.ArgumentParser(description="Install the agent programs that tests drive.")
    parser.add_argument("--require", action="store_true", help="fail when they cannot be installed")
    args = parser.parse_args(argv)
    try:
        if install(listed()):
            print(f"installed the agent programs in {programs_folder()}")
    except (InstallError, FetchError, subprocess.TimeoutExpired, OSError) as error:
        print(f"agent_programs: {error}", file=sys.stderr)
        print("Tests that drive the real agent programs will be skipped.", file=sys.stderr)
        return 1 if args.require else 0
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
