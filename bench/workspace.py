"""How long a workspace takes to be ready, side by side with a bare shared clone.

`python -m bench.workspace` prints the figures alone.
"""

from __future__ import annotations

import statistics
import subprocess
import tempfile
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import NamedTuple

from orchestrate.adapters.workspace.git import environment
from orchestrate.adapters.workspace.places import remove_folder
from orchestrate.adapters.workspace.workspaces import GitWorkspaces
from orchestrate.ports.workspace import WorkspaceRequest

FILES = 2000
ROUNDS = 11
#: Lines of a file: from none to this many, as its number has it.
_LINES = 400


class Figures(NamedTuple):
    """Medians in seconds, and medians of the ratios to the bare clone of the same round."""

    bare_s: float
    prepare_s: float
    prefetched_s: float
    prepare_ratio: float
    prefetched_ratio: float


def compare(folder: Path) -> Figures:
    """Measure in turns, each time from nothing.

    Nothing is removed before the end: removing thousands of files keeps the file system busy for
    a while afterwards, and whatever is measured next would pay for it. For the same reason each of
    the two goes first in every other round.
    """
    root = _repository(folder / "bench-workspace")
    home = folder / "bench-workspace-home"
    workspaces = GitWorkspaces(root, root / ".git", root / ".git" / "orchestrate", home)
    base = workspaces.base("bench", "head", 0.0).commit
    bare: list[float] = []
    fresh: list[float] = []
    ahead: list[float] = []
    for number in range(ROUNDS + 1):  # the first one warms the file cache
        turns: list[tuple[list[float], Callable[[], object]]] = [
            (bare, partial(_clone, root, folder / f"bench-clone-{number}")),
            (fresh, partial(workspaces.prepare, _request(f"task.{number}", base))),
        ]
        for seconds, action in turns if number % 2 else reversed(turns):
            seconds.append(_seconds(action))
        workspaces.prefetch(base)
        ahead.append(_seconds(partial(workspaces.prepare, _request(f"next.{number}", base))))
    for number in range(ROUNDS + 1):
        workspaces.discard("bench", f"task.{number}")
        workspaces.discard("bench", f"next.{number}")
        remove_folder(folder / f"bench-clone-{number}")
    return Figures(
        statistics.median(bare[1:]),
        statistics.median(fresh[1:]),
        statistics.median(ahead[1:]),
        statistics.median(ours / theirs for ours, theirs in zip(fresh[1:], bare[1:], strict=True)),
        statistics.median(ours / theirs for ours, theirs in zip(ahead[1:], bare[1:], strict=True)),
    )


def _request(name: str, base: str) -> WorkspaceRequest:
    return WorkspaceRequest("bench", name, base)


def _clone(root: Path, target: Path) -> None:
    argv = ["git", "clone", "--quiet", "--shared", str(root), str(target)]
    subprocess.run(argv, check=True, env={**environment(), "GIT_ALLOW_PROTOCOL": "file"})


def _seconds(action: Callable[[], object]) -> float:
    begin = time.perf_counter()
    action()
    return time.perf_counter() - begin


def _repository(root: Path) -> Path:
    for number in range(FILES):
        path = root / f"package{number % 50}" / f"part{number % 7}" / f"module{number}.py"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(f"# module {number}\n" + "value = 1\n" * (number % _LINES))
    for arguments in (("init", "-q"), ("add", "-A"), ("commit", "-q", "-m", "all"), ("gc", "-q")):
        subprocess.run(["git", *arguments], cwd=root, check=True, env=environment())
    return root


def main() -> int:
    """Print the figures of one measurement."""
    with tempfile.TemporaryDirectory() as name:
        figures = compare(Path(name))
    print(f"git clone --shared     {figures.bare_s * 1000:7.1f} ms")
    for label, seconds, ratio in (
        ("prepare", figures.prepare_s, figures.prepare_ratio),
        ("prepare, made ahead", figures.prefetched_s, figures.prefetched_ratio),
    ):
        print(f"{label:<22} {seconds * 1000:7.1f} ms  ratio {ratio:.2f}")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
