"""A rig per test, which has to leave the user's folder as it was."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.integration.workspace.rig import Rig, tracked

Builder = Callable[[Path], Path]
MakeRig = Callable[..., Rig]


@pytest.fixture
def make_rig(tmp_path: Path) -> Iterator[MakeRig]:
    """Builds a user's folder and workspaces on it; afterwards the folder must be untouched."""
    made: list[Rig] = []

    def make(build: Builder = tracked, git_dir: str | None = ".git") -> Rig:
        root = build(tmp_path / "user")
        common = (root / git_dir).resolve() if git_dir else None
        made.append(Rig(root, common, tmp_path))
        return made[-1]

    yield make
    for rig in made:
        rig.assert_untouched()


@pytest.fixture
def rig(make_rig: MakeRig) -> Rig:
    """Workspaces on a repository with one commit and one file."""
    return make_rig()
