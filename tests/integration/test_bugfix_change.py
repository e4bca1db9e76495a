"""What the reviewer of a fix is given to read is the whole change, whatever is in it."""

from __future__ import annotations

import os
import subprocess
from importlib import resources
from pathlib import Path

from orchestrate.adapters.files.workflow_reader import read_workflow
from tests.e2e.git_states import commit, git


def test_attributes_hide_nothing_of_the_change(tmp_path: Path) -> None:
    root = tmp_path / "work"
    root.mkdir()
    git(root, "init", "-q")
    commit(root, "calc.py", "a - b\n", "before")
    before = git(root, "rev-parse", "HEAD").strip()
    (root / "folder").mkdir()
    commit(root, "folder/.gitattributes", "*.py binary\n", "hide")
    commit(root, ".gitattributes", "*.py -diff\n*.txt diff=none\n", "hide more")
    commit(root, "folder/more.py", "stolen\n", "more")
    commit(root, "calc.py", "a + b\n", "after")
    (tmp_path / "commit.txt").write_text(before)
    file = Path(str(resources.files("orchestrate.library") / "workflows" / "bugfix.yaml"))
    (task,) = [each for each in read_workflow(file).tasks if each.id == "change"]
    subprocess.run(
        ["/bin/sh", "-c", task.run or ""],
        cwd=root,
        env={
            **os.environ,
            "ORCHESTRATE_OUTPUTS": str(tmp_path),
            "ORCHESTRATE_ARTIFACT_BASE_COMMIT": str(tmp_path / "commit.txt"),
            "ORCHESTRATE_BASE_COMMIT": git(root, "rev-parse", "HEAD").strip(),
        },
        check=True,
    )
    diff = (tmp_path / "change.diff").read_text()
    assert "-a - b\n+a + b\n" in diff
    assert "+stolen\n" in diff
    assert "Binary files" not in diff
