"""The result becomes a branch, and no branch that was there is moved."""

from __future__ import annotations

from pathlib import Path

import pytest

from orchestrate.errors import RequestError
from tests.e2e.git_states import git
from tests.integration.workspace.rig import RUN, Rig, digests, tracked


@pytest.fixture
def rig(tmp_path: Path) -> Rig:
    """Publishing changes the repository, so this rig is not held to leave it as it was."""
    root = tracked(tmp_path / "user")
    return Rig(root, root / ".git", tmp_path)


def _work(rig: Rig) -> str:
    workspace = rig.prepared()
    Path(workspace.folder, "a.txt").write_text("a\n")
    work = rig.workspaces.collect(workspace, "m", 1.0)
    assert work is not None
    return work.commit


def test_a_branch_is_created_and_nothing_else_changes(rig: Rig) -> None:
    commit = _work(rig)
    files = digests(rig.root, (".git",))
    before = rig.workspaces.fingerprint()
    assert rig.workspaces.publish(RUN, "orchestrate/run-1", commit, rig.beside) == (
        "orchestrate/run-1"
    )
    assert git(rig.root, "rev-parse", "orchestrate/run-1").strip() == commit
    after = rig.workspaces.fingerprint(["refs/heads/orchestrate/run-1"])
    assert after == before
    assert digests(rig.root, (".git",)) == files
    assert git(rig.root, "diff", "--name-only", "main", "orchestrate/run-1") == "a.txt\n"


def test_publishing_again_finds_the_branch_it_made(rig: Rig) -> None:
    commit = _work(rig)
    for _ in range(2):
        name = rig.made().publish(RUN, "orchestrate/run-1", commit, rig.beside)
        assert name == "orchestrate/run-1"
    assert git(rig.root, "branch", "--list", "orchestrate/*").split() == ["orchestrate/run-1"]


def test_an_existing_branch_is_not_moved(rig: Rig) -> None:
    commit = _work(rig)
    git(rig.root, "branch", "orchestrate/run-1")
    git(rig.root, "branch", "orchestrate/run-1-2")
    assert rig.workspaces.publish(RUN, "orchestrate/run-1", commit, rig.beside) == (
        "orchestrate/run-1-3"
    )
    main = git(rig.root, "rev-parse", "main")
    assert git(rig.root, "rev-parse", "orchestrate/run-1") == main != f"{commit}\n"


@pytest.mark.parametrize(
    ("taken", "expected"),
    [("orchestrate", "orchestrate-run-1"), ("orchestrate/run-1/x", "orchestrate/run-1-2")],
)
def test_a_branch_in_the_way_of_the_name_gives_another_name(
    rig: Rig, taken: str, expected: str
) -> None:
    commit = _work(rig)
    git(rig.root, "branch", taken)
    assert rig.workspaces.publish(RUN, "orchestrate/run-1", commit, rig.beside) == expected


def test_names_that_no_branch_may_have_are_refused(rig: Rig) -> None:
    commit = _work(rig)
    for name in ("", "-x", "a..b", "a b", "a\nb", "refs/../x"):
        with pytest.raises(RequestError, match="cannot name a branch"):
            rig.workspaces.publish(RUN, name, commit, rig.beside)


def test_a_patch_never_overwrites_a_file(tmp_path: Path) -> None:
    (tmp_path / "user").mkdir()
    rig = Rig(tmp_path / "user", None, tmp_path)
    commit = _work(rig)
    (tmp_path / "orchestrate-run-1.patch").write_text("of the user\n")
    (tmp_path / "orchestrate-run-1-2.patch").symlink_to(tmp_path / "nowhere")
    path = rig.workspaces.publish(RUN, "orchestrate/run-1", commit, tmp_path)
    assert path == str(tmp_path / "orchestrate-run-1-3.patch")
    assert (tmp_path / "orchestrate-run-1.patch").read_text() == "of the user\n"
    assert not (tmp_path / "nowhere").exists()
    assert "+a\n" in Path(path).read_text()
    assert [one.name for one in tmp_path.glob(".*")] == []
