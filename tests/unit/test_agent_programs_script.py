"""The agent programs are installed as listed, whole or not at all, and only once."""

from __future__ import annotations

import base64
import hashlib
import io
import sys
import tarfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from scripts import agent_programs
from scripts.agent_programs import InstallError, Program, install, listed, programs_folder

# Stands in for npm: copies the archives of the wanted packages to where they are wanted.
NPM = """\
#!{python}
import pathlib, shutil, sys
here = pathlib.Path(__file__).parent
with open(here / "calls", "a") as calls:
    calls.write(" ".join(sys.argv[1:]) + "\\n")
into = pathlib.Path(sys.argv[sys.argv.index("--pack-destination") + 1])
for package in sys.argv:
    archive = here / (package.replace("@", "-") + ".tgz")
    if archive.exists():
        shutil.copy(archive, into)
"""


class Registry:
    """A folder that is all of PATH: an npm, and the packages it can fetch."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder / "registry"
        self.folder.mkdir()
        npm = self.folder / "npm"
        npm.write_text(NPM.format(python=sys.executable))
        npm.chmod(0o755)
        self.environ = {"PATH": str(self.folder), "XDG_CACHE_HOME": str(folder / "cache")}

    def add(self, name: str, version: str) -> Program:
        """A package with one program that prints its version; returns its row."""
        content = f"#!/bin/sh\necho {version}\n".encode()
        path = self.folder / f"{name}-{version}.tgz"
        with tarfile.open(path, "w:gz") as archive:
            member = tarfile.TarInfo(f"package/vendor/any/{name}")
            member.size, member.mode = len(content), 0o755
            archive.addfile(member, io.BytesIO(content))
        digest = base64.b64encode(hashlib.sha512(path.read_bytes()).digest()).decode()
        package = f"{name}@{version}"
        return Program(name, version, "x", package, f"sha512-{digest}", f"vendor/*/{name}")

    @property
    def calls(self) -> int:
        calls = self.folder / "calls"
        return len(calls.read_text().splitlines()) if calls.exists() else 0

    def installed(self, name: str = "claude") -> str:
        return (programs_folder(self.environ) / name).read_text().split()[-1]


@pytest.fixture
def registry(tmp_path: Path) -> Registry:
    return Registry(tmp_path)


def test_programs_are_installed_once(registry: Registry) -> None:
    programs = (registry.add("claude", "1"), registry.add("codex", "2"))
    assert install(programs, registry.environ)
    assert not install(programs, registry.environ)
    assert registry.calls == 1
    assert (registry.installed("claude"), registry.installed("codex")) == ("1", "2")
    assert (programs_folder(registry.environ) / "codex").stat().st_mode & 0o111


def test_other_versions_replace_those_before(registry: Registry) -> None:
    install((registry.add("claude", "1"),), registry.environ)
    assert install((registry.add("claude", "2"),), registry.environ)
    assert registry.installed() == "2"
    cache = programs_folder(registry.environ).parent
    assert len([each for each in cache.iterdir() if each.name.startswith("claude-")]) == 1


def test_installation_that_lost_a_program_is_made_anew(registry: Registry) -> None:
    programs = (registry.add("claude", "1"),)
    install(programs, registry.environ)
    (programs_folder(registry.environ) / "claude").resolve().unlink()
    assert install(programs, registry.environ)
    assert registry.installed() == "1"


def test_archive_that_is_not_the_listed_one_is_refused_and_nothing_changes(
    registry: Registry,
) -> None:
    install((registry.add("claude", "1"),), registry.environ)
    other = registry.add("claude", "2")._replace(integrity="sha512-AAAA")
    with pytest.raises(InstallError, match="did not fetch the listed archives of claude@2"):
        install((other,), registry.environ)
    assert registry.installed() == "1"
    cache = programs_folder(registry.environ).parent
    assert not [each for each in cache.iterdir() if each.name.startswith("part-")]


def test_several_at_once_install_once(registry: Registry) -> None:
    programs = (registry.add("claude", "1"),)
    with ThreadPoolExecutor(4) as pool:
        did = list(pool.map(lambda _: install(programs, registry.environ), range(4)))
    assert sorted(did) == [False, False, False, True]
    assert registry.calls == 1


def test_named_folder_is_used_as_it_is(registry: Registry, tmp_path: Path) -> None:
    environ = {**registry.environ, "ORCHESTRATE_AGENT_PROGRAMS": str(tmp_path)}
    assert not install((registry.add("claude", "1"),), environ)
    assert programs_folder(environ) == tmp_path
    assert registry.calls == 0


def test_missing_npm_is_said_and_fails_only_when_required(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr(agent_programs, "listed", lambda: listed("linux-x86_64"))
    assert agent_programs.main([]) == 0
    assert "npm was not found" in capsys.readouterr().err
    assert agent_programs.main(["--require"]) == 1


def test_machine_without_listed_programs_is_told_so(registry: Registry) -> None:
    with pytest.raises(InstallError, match="no agent programs are listed for"):
        install(listed("plan9-mips"), registry.environ)


@pytest.mark.parametrize("system", ["linux-x86_64", "linux-aarch64"])
def test_both_programs_are_pinned_for_each_platform(system: str) -> None:
    programs = listed(system)
    assert [each.name for each in programs] == ["claude", "codex"]
    for each in programs:
        assert each.version in each.package
        assert len(base64.b64decode(each.integrity.removeprefix("sha512-"))) == 64


def test_platforms_have_the_same_versions() -> None:
    versions = [[each.version for each in listed(f"linux-{m}")] for m in ("x86_64", "aarch64")]
    assert versions[0] == versions[1]
