"""What the user trusts is a repository, not whatever happens to be at a path."""

from __future__ import annotations

import os
import shutil
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from orchestrate.adapters.system.trust import Trust
from orchestrate.errors import ConfigurationError


def git_repository(path: Path) -> Path:
    subprocess.run(["git", "init", "-q", str(path)], check=True)
    return path


@pytest.fixture
def trust(home: Path) -> Trust:
    return Trust()


def test_nothing_is_trusted_until_it_is_said(trust: Trust, tmp_path: Path) -> None:
    one, other = git_repository(tmp_path / "one"), git_repository(tmp_path / "other")
    assert not trust.is_trusted(one)
    trust.trust(one)
    assert trust.is_trusted(one)
    assert Trust().is_trusted(one)
    assert not trust.is_trusted(other)


def test_trust_can_be_taken_back(trust: Trust, tmp_path: Path) -> None:
    one = git_repository(tmp_path / "one")
    trust.trust(one)
    assert trust.revoke(one)
    assert not trust.is_trusted(one)
    assert not trust.revoke(one)


def test_another_repository_at_the_same_path_is_not_trusted(trust: Trust, tmp_path: Path) -> None:
    one = git_repository(tmp_path / "one")
    trust.trust(one)
    shutil.rmtree(one)
    assert not trust.is_trusted(git_repository(one))


def test_a_git_folder_that_got_the_same_inode_is_not_trusted(trust: Trust, tmp_path: Path) -> None:
    one = git_repository(tmp_path / "one")
    trust.trust(one)
    for entry in (one / ".git").iterdir():
        shutil.rmtree(entry) if entry.is_dir() else entry.unlink()
    git_repository(one)
    assert not trust.is_trusted(one)


def test_a_copy_and_a_clone_are_not_trusted(trust: Trust, tmp_path: Path) -> None:
    one = git_repository(tmp_path / "one")
    trust.trust(one)
    shutil.copytree(one, tmp_path / "copy")
    subprocess.run(["git", "clone", "-q", str(one), str(tmp_path / "clone")], check=True)
    assert not trust.is_trusted(tmp_path / "copy")
    assert not trust.is_trusted(tmp_path / "clone")


def test_the_way_to_the_repository_does_not_matter(trust: Trust, tmp_path: Path) -> None:
    one = git_repository(tmp_path / "one")
    (tmp_path / "link").symlink_to(one)
    trust.trust(tmp_path / "link")
    assert trust.is_trusted(one)


def test_a_folder_without_git_is_told_from_the_next_one(trust: Trust, tmp_path: Path) -> None:
    plain = tmp_path / "plain"
    plain.mkdir()
    trust.trust(plain)
    assert trust.is_trusted(plain)
    plain.rename(tmp_path / "gone")
    plain.mkdir()
    assert not trust.is_trusted(plain)


@pytest.mark.parametrize("damage", [b"", b"{}", b'{"root": 1}', b"\xff"])
def test_a_damaged_memory_trusts_nothing(tmp_path: Path, home: Path, damage: bytes) -> None:
    trust = Trust(tmp_path / "trust")
    one = git_repository(tmp_path / "one")
    trust.trust(one)
    (file,) = (tmp_path / "trust").iterdir()
    file.write_bytes(damage)
    assert not trust.is_trusted(one)
    trust.trust(one)
    assert trust.is_trusted(one)


def test_the_memory_is_for_its_owner_only(tmp_path: Path, home: Path) -> None:
    umask = os.umask(0)
    try:
        Trust(tmp_path / "trust").trust(git_repository(tmp_path / "one"))
    finally:
        os.umask(umask)
    (file,) = (tmp_path / "trust").iterdir()
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert stat.S_IMODE(file.parent.stat().st_mode) == 0o700
    assert stat.S_IMODE((tmp_path / "one/.git/orchestrate/trust").stat().st_mode) == 0o600


def test_a_memory_that_cannot_be_written_is_said_with_a_remedy(tmp_path: Path, home: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(ConfigurationError) as caught:
        Trust(tmp_path / "file").trust(git_repository(tmp_path / "one"))
    assert "cannot be remembered" in caught.value.message
    assert caught.value.remedy


def test_all_who_trust_a_repository_at_once_agree_on_it(home: Path, tmp_path: Path) -> None:
    one = git_repository(tmp_path / "one")
    told = """import sys
from pathlib import Path
from orchestrate.adapters.system.trust import Trust
sys.stdin.readline()
Trust().trust(Path(sys.argv[1]))
"""
    argv = [sys.executable, "-c", told, str(one)]
    for _ in range(3):
        all_of_them = [subprocess.Popen(argv, stdin=subprocess.PIPE, text=True) for _ in range(4)]
        for process in all_of_them:
            assert process.stdin is not None
            process.stdin.write("go\n")
            process.stdin.flush()
        for process in all_of_them:
            process.communicate(timeout=60)
        assert [process.returncode for process in all_of_them] == [0] * 4
        assert Trust().is_trusted(one)
        assert sorted(path.name for path in (one / ".git" / "orchestrate").iterdir()) == ["trust"]
        Trust().revoke(one)
        (one / ".git" / "orchestrate" / "trust").unlink()
