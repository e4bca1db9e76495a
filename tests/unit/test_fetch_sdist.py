"""Source distributions are fetched by name, checked, and never executed."""

from __future__ import annotations

import io
import tarfile
from pathlib import Path

import pytest

from scripts.fetch_sdist import FetchError, cache_folder, fetch_archive, listed_digests, unpack
from tests.packages import fetch_sdist


def _archive(path: Path, members: dict[str, bytes]) -> Path:
    with tarfile.open(path, "w:gz") as tar:
        for name, content in members.items():
            member = tarfile.TarInfo(name)
            member.size = len(content)
            tar.addfile(member, io.BytesIO(content))
    return path


def test_unpack_returns_the_single_top_folder(tmp_path: Path) -> None:
    archive = _archive(tmp_path / "a.tar.gz", {"pkg-1/setup.py": b"1/0"})
    folder = unpack(archive, tmp_path / "out")
    assert folder == tmp_path / "out" / "pkg-1"
    assert (folder / "setup.py").read_bytes() == b"1/0"


@pytest.mark.parametrize("name", ["../escaped", "pkg/../../escaped", "/tmp/escaped"])
def test_member_outside_the_folder_is_refused(name: str, tmp_path: Path) -> None:
    archive = _archive(tmp_path / "a.tar.gz", {"pkg/file": b"", name: b""})
    with pytest.raises(FetchError, match="outside its folder"):
        unpack(archive, tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_link_is_refused(tmp_path: Path) -> None:
    archive = tmp_path / "a.tar.gz"
    with tarfile.open(archive, "w:gz") as tar:
        link = tarfile.TarInfo("pkg/link")
        link.type, link.linkname = tarfile.SYMTYPE, "/etc"
        tar.addfile(link)
    with pytest.raises(FetchError, match="link or device: pkg/link"):
        unpack(archive, tmp_path / "out")


def test_archive_with_two_top_folders_is_refused(tmp_path: Path) -> None:
    archive = _archive(tmp_path / "a.tar.gz", {"one/file": b"", "two/file": b""})
    with pytest.raises(FetchError, match="2 top folders"):
        unpack(archive, tmp_path / "out")


def test_unlisted_package_is_refused_with_the_way_to_list_it() -> None:
    with pytest.raises(FetchError, match=r"left-pad 1\.0 --digest"):
        fetch_archive("left-pad", "1.0")


def test_names_are_compared_as_the_index_does() -> None:
    assert ("pyyaml", "3.13") in listed_digests()


def test_cache_folder_is_the_named_one_else_the_users(tmp_path: Path) -> None:
    assert cache_folder({"ORCHESTRATE_PACKAGES": str(tmp_path)}) == tmp_path
    assert cache_folder({"HOME": "/home/u"}) == Path("/home/u/.cache/orchestrate/packages")
    assert cache_folder({"HOME": "/home/u", "XDG_CACHE_HOME": "/c"}) == Path(
        "/c/orchestrate/packages"
    )


@pytest.mark.index
def test_damaged_archive_is_fetched_again(tmp_path: Path, user_environment: dict[str, str]) -> None:
    damaged = tmp_path / "itsdangerous-2.2.0" / "itsdangerous-2.2.0.tar.gz"
    damaged.parent.mkdir()
    damaged.write_bytes(b"cut off")
    environ = user_environment | {"ORCHESTRATE_PACKAGES": str(tmp_path)}
    fetched = fetch_archive("itsdangerous", "2.2.0", environ=environ)
    assert fetched == damaged
    assert tarfile.is_tarfile(fetched)


@pytest.mark.packages
@pytest.mark.parametrize(("name", "version"), sorted(listed_digests()))
def test_every_listed_package_unpacks_to_a_private_copy(
    name: str, version: str, tmp_path: Path
) -> None:
    folder = fetch_sdist(name, version, tmp_path)
    again = fetch_sdist(name, version)
    assert (folder / "PKG-INFO").is_file()
    assert again != folder
