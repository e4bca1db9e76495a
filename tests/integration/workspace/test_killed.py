"""A process may die at any point; calling again gives what would have been."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from orchestrate.core.sharing.work import Work
from orchestrate.ports.workspace import Workspace, WorkspaceRequest
from tests.e2e.git_states import commit
from tests.integration.workspace.conftest import MakeRig
from tests.integration.workspace.rig import AT, RUN, Rig, digests, inspect, tracked

_CHILD = """
import sys
from pathlib import Path
from orchestrate.adapters.workspace.workspaces import GitWorkspaces
from orchestrate.ports.workspace import WorkspaceRequest
root, home, base, number = Path(sys.argv[1]), Path(sys.argv[2]), sys.argv[3], sys.argv[4]
workspaces = GitWorkspaces(root, root / ".git", root / ".git" / "orchestrate", home)
print("started", flush=True)
request = WorkspaceRequest("run-1", f"task.{number}", base)
workspaces.prefetch(base)
workspace = workspaces.prepare(request)
Path(workspace.folder, "work.txt").write_text("work\\n")
workspaces.snapshot(workspace, 3.0)
workspaces.collect(workspace, "work", 3.0)
"""


def _many(root: Path) -> Path:
    return tracked(root, **{f"file_s_{number}": f"{number}\n" * 20 for number in range(150)})


def _whole(rig: Rig, base: str, name: str) -> tuple[Work | None, str]:
    """The steps of the child process, without being disturbed."""
    workspace = rig.prepared(base, name)
    Path(workspace.folder, "work.txt").write_text("work\n")
    snapshot = rig.workspaces.snapshot(workspace, 3.0)
    return rig.workspaces.collect(workspace, "work", 3.0), snapshot


def test_killed_at_any_moment_the_repeated_steps_give_the_same(make_rig: MakeRig) -> None:
    rig = make_rig(_many)
    base = rig.base().commit
    began = time.monotonic()
    expected = _whole(rig, base, "undisturbed.1")
    span_s = 2 * (time.monotonic() - began)
    command = [sys.executable, "-c", _CHILD, str(rig.root), str(rig.home), base]
    for number in range(12):
        child = subprocess.Popen(
            [*command, str(number)], stdout=subprocess.PIPE, start_new_session=True
        )
        with child:
            assert child.stdout is not None
            assert child.stdout.readline() == b"started\n"
            time.sleep(span_s * number / 12)
            os.killpg(child.pid, signal.SIGKILL)
        again = rig.made()
        request = WorkspaceRequest(RUN, f"task.{number}", base)
        found = again.open(request)
        assert found is None or _state(found) in (set(), {"work.txt"})
        assert _whole(rig, base, f"task.{number}") == expected
    assert inspect(rig, "fsck", "--strict", "--no-dangling") == b""


def _state(workspace: Workspace) -> set[str]:
    names = set(digests(Path(workspace.folder), (".git",)))
    assert {"app.py", "file", *(f"file/{number}" for number in range(150))} <= names
    return {name for name in names if not name.startswith(("app.py", "file"))}


def test_locks_that_a_killed_process_left_do_not_stay_in_the_way(rig: Rig) -> None:
    workspace = rig.prepared()
    commit(Path(workspace.folder), "a.txt", "a\n", "own")
    control = Path(workspace.folder).parent / "control"
    for lock in (control / "index.lock", control.parent / "snapshot.index.lock"):
        lock.touch()
    ref = rig.root / ".git" / f"refs/orchestrate/{RUN}/attempts/task.1.lock"
    ref.parent.mkdir(parents=True)
    ref.touch()
    os.utime(ref, (AT, AT))
    assert rig.workspaces.snapshot(workspace, 1.0)
    assert rig.workspaces.collect(workspace, "m", 1.0) is not None
    assert not ref.exists()


@pytest.mark.parametrize("missing", ["record.json", "work", "control"])
def test_a_workspace_that_is_not_whole_is_made_anew(rig: Rig, missing: str) -> None:
    workspace = rig.prepared()
    folder = Path(workspace.folder).parent
    (folder / missing).rename(rig.beside / "elsewhere")
    request = WorkspaceRequest(RUN, "task.1", workspace.base)
    assert rig.workspaces.open(request) is None
    assert rig.workspaces.prepare(request) == workspace
    assert rig.workspaces.collect(workspace, "m", 1.0) is None


def test_a_damaged_workspace_made_ahead_is_not_taken(rig: Rig) -> None:
    base = rig.base().commit
    rig.workspaces.prefetch(base)
    [spare] = (rig.home / "spare").iterdir()
    (spare / "record.json").unlink()
    workspace = rig.prepared(base)
    assert rig.workspaces.collect(workspace, "m", 1.0) is None
    assert list((rig.home / "spare").iterdir()) == []
