"""Repositories and workflows for runs that write. Not a test."""

from __future__ import annotations

from pathlib import Path

from tests.e2e.command import Result, orchestrate
from tests.e2e.git_states import commit, git

#: One file that everybody edits, one that is left alone.
FILES = {"a.txt": "one\ntwo\nthree\n", "b.txt": "b\n"}

#: Three phases that write; `two` has work that goes together.
STEPS = """
version: 1
name: steps
phases:
  - name: one
    tasks: [{id: first, run: echo first >> b.txt, writes: [b.txt]}]
  - name: two
    tasks:
      - {id: left, run: echo left > left.txt, writes: [left.txt]}
      - {id: right, run: echo right > right.txt, writes: [right.txt]}
  - name: three
    tasks: [{id: last, run: echo last > c.txt, writes: [c.txt]}]
"""

#: Two tasks that change the same line; the second one merged is in conflict.
CLASH = """
version: 1
name: clash
phases:
  - name: only
    tasks:
      - {id: left, run: sed -i s/two/left/ a.txt, writes: ["**"]}
      - {id: right, run: sed -i s/two/right/ a.txt, writes: ["**"]}
  - name: after
    tasks: [{id: last, run: echo last > c.txt, writes: [c.txt]}]
"""


def project(root: Path, flow: str = STEPS) -> Path:
    """A repository with one commit and the workflow beside it, in `<root>/../flow.yaml`."""
    root.mkdir()
    git(root, "init", "-q")
    for name, text in FILES.items():
        commit(root, name, text, f"add {name}")
    (root.parent / "flow.yaml").write_text(flow)
    return root


def run_flow(root: Path, *options: str) -> Result:
    """Run the workflow of `project`."""
    return orchestrate("run", str(root.parent / "flow.yaml"), *options, cwd=root)


def files_at(root: Path, revision: str) -> dict[str, str]:
    """The contents of each file of a commit."""
    names = git(root, "ls-tree", "-r", "--name-only", revision).splitlines()
    return {name: git(root, "show", f"{revision}:{name}") for name in names}
