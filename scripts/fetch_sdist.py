"""Fetch the source distribution of a package by name, without running any of its code.

Both the demo and the tests look at real packages. `pip download` finds and fetches a source
distribution through whatever index, mirror, proxy and certificates pip is set up with, but then
asks the package's build backend for metadata, and that runs the package's `setup.py`. Here pip
meets an inert backend instead (`scripts/inert_backend`), first on the import path, which copies
the metadata that the archive already carries. pip checks the archive's digest before it unpacks
it, so nothing unexpected is ever opened.

Run it by hand:

    python scripts/fetch_sdist.py PyYAML 3.13 --into DIR    unpack a listed package
    python scripts/fetch_sdist.py NAME VERSION --digest     print the row that lists a new one
"""

from __future__ import annotations

import argparse
import contextlib
import fcntl
import hashlib
import importlib.util
import os
import re
import shutil
import subprocess
import sys
import tarfile
import tempfile
import tomllib
from collections.abc import Iterator, Mapping
from pathlib import Path, PurePosixPath

ROOT = Path(__file__).resolve().parent.parent
PACKAGE_TABLE = ROOT / "tests" / "data" / "packages.toml"
INERT_BACKEND = Path(__file__).resolve().parent / "inert_backend"
PIP_TIMEOUT_S = 300


class FetchError(Exception):
    """The package is not listed, could not be fetched, or is not what was listed."""


def listed_digests(table: Path = PACKAGE_TABLE) -> dict[tuple[str, str], str]:
    """SHA-256 of each listed archive, by normalised name and version."""
    rows = tomllib.loads(table.read_text(encoding="utf-8"))["package"]
    return {(_normal(row["name"]), row["version"]): row["sha256"] for row in rows}


def cache_folder(environ: Mapping[str, str] = os.environ) -> Path:
    """Where archives are kept: ORCHESTRATE_PACKAGES, or a folder in the user's cache."""
    named = environ.get("ORCHESTRATE_PACKAGES")
    if named:
        return Path(named).expanduser().resolve()
    base = environ.get("XDG_CACHE_HOME") or Path(environ.get("HOME", "~"), ".cache")
    return Path(base).expanduser() / "orchestrate" / "packages"


def fetch_archive(name: str, version: str, *, environ: Mapping[str, str] = os.environ) -> Path:
    """The archive of a listed package, from the cache or through pip.

    Safe to call from several processes at once: the first one downloads, the others wait.

    Raises:
        FetchError: not listed, not available, or its digest is not the listed one.
    """
    digest = listed_digests().get((_normal(name), version))
    if digest is None:
        raise FetchError(
            f"{name}=={version} is not listed in {PACKAGE_TABLE.relative_to(ROOT)}; "
            f"add the row printed by: python scripts/fetch_sdist.py {name} {version} --digest"
        )
    folder = cache_folder(environ) / f"{_normal(name)}-{version}"
    folder.mkdir(parents=True, exist_ok=True)
    with _locked(folder / "lock"):
        for archive in folder.glob("*.tar.gz"):
            if _sha256(archive) == digest:
                return archive
            archive.unlink()
        return _download(f"{name}=={version} --hash=sha256:{digest}", folder, environ)


def unpack(archive: Path, into: Path) -> Path:
    """Unpack an archive below `into` and return its single top folder.

    Written out because `tarfile`'s own filters are missing from Python 3.11.0 to 3.11.3.

    Raises:
        FetchError: a member is neither a file nor a folder, or would land outside `into`; nothing
            is written then.
    """
    with tarfile.open(archive) as tar:
        members = tar.getmembers()
        for member in members:
            _refuse_unsafe(member, archive)
        tops = {member.name.split("/", 1)[0] for member in members}
        if len(tops) != 1:
            raise FetchError(f"{archive.name} holds {len(tops)} top folders instead of one")
        for member in members:
            target = into / member.name
            (target if member.isdir() else target.parent).mkdir(parents=True, exist_ok=True)
            content = tar.extractfile(member)
            if content is not None:
                target.write_bytes(content.read())
                target.chmod(0o755 if member.mode & 0o100 else 0o644)
    return into / tops.pop()


def _refuse_unsafe(member: tarfile.TarInfo, archive: Path) -> None:
    where = PurePosixPath(member.name)
    if where.is_absolute() or ".." in where.parts:
        raise FetchError(f"{archive.name} holds a member outside its folder: {member.name}")
    if not (member.isreg() or member.isdir()):
        raise FetchError(f"{archive.name} holds a link or device: {member.name}")


def _download(requirement: str, folder: Path, environ: Mapping[str, str]) -> Path:
    """Let pip put one archive into `folder`, moved into place only when it is complete."""
    with tempfile.TemporaryDirectory(dir=folder, prefix="part-") as part:
        wanted = Path(part, "requirement.txt")
        wanted.write_text(requirement + "\n", encoding="utf-8")
        argv = [
            *_pip(environ),
            *("download", "--no-deps", "--no-binary", ":all:", "--use-pep517"),
            *("--no-build-isolation", "--disable-pip-version-check", "--no-input"),
            *("--dest", part, "--requirement", str(wanted)),
        ]
        done = subprocess.run(
            argv,
            env={**environ, "PYTHONPATH": str(INERT_BACKEND)},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=PIP_TIMEOUT_S,
            check=False,
        )
        archives = list(Path(part).glob("*.tar.gz"))
        if done.returncode != 0 or len(archives) != 1:
            tail = "\n".join((done.stdout + done.stderr).splitlines()[-12:])
            raise FetchError(f"pip could not fetch {requirement.split()[0]}:\n{tail}")
        return archives[0].rename(folder / archives[0].name)


def _pip(environ: Mapping[str, str]) -> list[str]:
    """The pip of this environment, else the first one on PATH."""
    if importlib.util.find_spec("pip") is not None:
        return [sys.executable, "-m", "pip"]
    for name in ("pip3", "pip"):
        found = shutil.which(name, path=environ.get("PATH"))
        if found:
            return [found]
    raise FetchError("pip is needed to fetch packages and was not found; run: make clean check")


@contextlib.contextmanager
def _locked(path: Path) -> Iterator[None]:
    with path.open("a") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def _normal(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


def _sha256(path: Path) -> str:
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def _table_row(name: str, version: str) -> str:
    """The row for a package that is not listed yet, from a download nobody has checked."""
    with tempfile.TemporaryDirectory() as folder:
        archive = _download(f"{name}=={version}", Path(folder), os.environ)
        digest = _sha256(archive)
    return f'[[package]]\nname = "{name}"\nversion = "{version}"\nsha256 = "{digest}"'


def main(argv: list[str] | None = None) -> int:
    """Command line; the unpacked folder or the table row goes to stdout."""
    parser = argparse.ArgumentParser(description="Fetch a source distribution by name.")
    parser.add_argument("name")
    parser.add_argument("version")
    parser.add_argument("--into", type=Path, default=Path.cwd(), help="folder to unpack into")
    parser.add_argument("--digest", action="store_true", help="print a row for packages.toml")
    args = parser.parse_args(argv)
    try:
        if args.digest:
            print(_table_row(args.name, args.version))
        else:
            print(unpack(fetch_archive(args.name, args.version), args.into))
    except FetchError as error:
        print(f"fetch_sdist: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
