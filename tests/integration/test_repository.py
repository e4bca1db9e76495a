"""Which repository a folder belongs to, with real git, and where its state goes."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

from orchestrate.adapters.system.repository import find_repository, revision, state_home
from orchestrate.errors import RequestError

pytestmark = pytest.mark.usefixtures("home")


def git(*arguments: str, cwd: Path) -> str:
    done = subprocess.run(["git", *arguments], cwd=cwd, check=True, capture_output=True, text=True)
    return done.stdout.strip()


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    root = tmp_path / "project"
    root.mkdir()
    git("init", "-q", cwd=root)
    git("commit", "-q", "--allow-empty", "-m", "first", cwd=root)
    return root


def test_repository_around_the_current_folder(
    repository: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    inner = repository / "a" / "b"
    inner.mkdir(parents=True)
    monkeypatch.chdir(inner)
    found = find_repository()
    assert found.root == repository
    assert found.state_dir == repository / ".git" / "orchestrate"
    assert revision(found) == git("rev-parse", "HEAD", cwd=repository)


def test_part_that_is_named_is_looked_at_by_itself(repository: Path) -> None:
    (repository / "a").mkdir()
    found = find_repository(repository / "a")
    assert (found.root, found.git_dir) == (repository / "a", None)
    assert found.state_dir.is_relative_to(state_home())


def test_folder_without_git_has_its_state_with_the_user(tmp_path: Path) -> None:
    (tmp_path / "one").mkdir()
    (tmp_path / "other" / "one").mkdir(parents=True)
    first, second = find_repository(tmp_path / "one"), find_repository(tmp_path / "other" / "one")
    assert first.git_dir is None
    assert revision(first) == ""
    assert first.state_dir != second.state_dir
    assert first == find_repository(tmp_path / "one" / ".." / "one")


def test_repository_without_a_commit_has_no_revision(tmp_path: Path) -> None:
    git("init", "-q", cwd=tmp_path)
    assert revision(find_repository(tmp_path)) == ""


def test_worktrees_share_state_and_have_their_own_revision(repository: Path) -> None:
    other = repository.parent / "other"
    git("worktree", "add", "-q", "-b", "side", str(other), cwd=repository)
    git("commit", "-q", "--allow-empty", "-m", "second", cwd=other)
    found = find_repository(other)
    assert found.root == other
    assert found.state_dir == repository / ".git" / "orchestrate"
    assert revision(found) == git("rev-parse", "HEAD", cwd=other)


def test_submodule_keeps_its_state_apart(repository: Path) -> None:
    allowed = ("-c", "protocol.file.allow=always")
    source = repository.parent / "source"
    source.mkdir()
    git("init", "-q", cwd=source)
    git("commit", "-q", "--allow-empty", "-m", "first", cwd=source)
    git(*allowed, "submodule", "add", "-q", str(source), "sub", cwd=repository)
    found = find_repository(repository / "sub")
    assert found.root == repository / "sub"
    assert found.state_dir == repository / ".git" / "modules" / "sub" / "orchestrate"


@pytest.mark.parametrize(
    "entry", ["gitdir: /nowhere\n", "no git file at all", "", "gitdir: ../../..\n"]
)
def test_git_file_that_leads_nowhere_is_no_repository(entry: str, tmp_path: Path) -> None:
    (tmp_path / ".git").write_text(entry)
    assert find_repository(tmp_path).git_dir is None


@pytest.mark.parametrize(
    "name",
    ["with space", "new\nline", "ünïcode-日本", "-leading", "'quoted\"", "tab\there", "$(x)"],
)
def test_hostile_names_are_names(name: str, tmp_path: Path) -> None:
    root = tmp_path / name
    root.mkdir()
    git("init", "-q", cwd=root)
    git("commit", "-q", "--allow-empty", "-m", "first", cwd=root)
    found = find_repository(root)
    assert found.state_dir == root / ".git" / "orchestrate"
    assert len(revision(found)) == 40
    (root / "part").mkdir()
    outside = find_repository(root / "part").state_dir
    assert outside.parent == state_home() / "repositories"
    assert outside.name.isascii()


def test_path_that_is_no_utf8_is_refused_because_it_could_not_be_recorded(tmp_path: Path) -> None:
    root = Path(os.fsdecode(os.fsencode(tmp_path) + b"/caf\xe9"))
    root.mkdir()
    with pytest.raises(RequestError, match="UTF-8"):
        find_repository(root)


def test_what_is_no_folder_is_refused(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    (tmp_path / "loop").symlink_to("loop")
    for name in ("file", "missing", "loop", "file/below"):
        with pytest.raises(RequestError, match="is not a folder"):
            find_repository(tmp_path / name)


def test_current_folder_that_was_removed_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    gone = tmp_path / "gone"
    gone.mkdir()
    monkeypatch.chdir(gone)
    gone.rmdir()
    with pytest.raises(RequestError, match="is not a folder"):
        find_repository()


def test_configuration_of_the_repository_is_not_executed(repository: Path) -> None:
    mark = repository / "executed"
    git("config", "core.fsmonitor", f"touch {mark}", cwd=repository)
    git("config", "core.pager", f"touch {mark}", cwd=repository)
    git("config", "alias.rev-parse", f"!touch {mark}", cwd=repository)
    assert len(revision(find_repository(repository))) == 40
    assert not mark.exists()
