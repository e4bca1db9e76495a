"""A small project and six writing tasks that get in each other's way.

* `first` and `second` are both expected to write pkg/use.py, `third` and `fourth` docs/notes.txt:
  two overlapping pairs, which are kept apart in time.
* `rename` and `mark` both change the only line of shared.txt: a textual conflict.
* `first` calls the function of pkg/lib.py by the name it finds there, and `rename` gives it another
  name everywhere it finds it: each passes alone, both together break the import: a semantic
  conflict.

Each task looks at its base and does what is right there, so the final tree does not depend on the
order in which the work is merged.
"""

from __future__ import annotations

import subprocess
from pathlib import Path

FILES = {
    "pkg/__init__.py": "",
    "pkg/lib.py": "def area(side):\n    return side * side\n",
    "pkg/use.py": "LABEL = 'use'\n",
    "docs/notes.txt": "notes\n",
    "shared.txt": "nobody\n",
    "tests/__init__.py": "",
    "tests/test_all.py": (
        "import unittest\n\n\nclass Everything(unittest.TestCase):\n"
        "    def test_modules_agree(self):\n"
        "        import pkg.lib, pkg.use\n\n"
        "        self.assertTrue(pkg.use.LABEL)\n"
    ),
    "resolve.py": (
        "import pathlib, re, sys\n"
        "for name in sys.argv[1:]:\n"
        "    path = pathlib.Path(name)\n"
        "    text = path.read_text()\n"
        "    block = r'<{7}[^\\n]*\\n(.*?)\\|{7}[^\\n]*\\n.*?={7}\\n(.*?)>{7}[^\\n]*\\n'\n"
        "    join = lambda m: ''.join(sorted(set((m[1] + m[2]).splitlines(True))))\n"
        "    path.write_text(re.sub(block, join, text, flags=re.S))\n"
    ),
}

WORKFLOW = """\
version: 1
name: six
resolver:
  run: printf '%s\\n' "$ORCHESTRATE_CONFLICTS" | xargs -d '\\n' -r python3 resolve.py
phases:
  - name: work
    tasks:
      - id: first
        writes: pkg/use.py
        run: |
          name=$(sed -n 's/^def \\([a-z]*\\).*/\\1/p' pkg/lib.py)
          printf 'from pkg.lib import %s as used\\nFOUR = used(2)\\n' "$name" >> pkg/use.py
      - id: second
        writes: [pkg/use.py]
        run: echo "SECOND = 2" >> pkg/use.py
      - id: third
        writes: docs/
        run: echo third >> docs/notes.txt
      - id: fourth
        writes: docs/notes.txt
        run: echo fourth >> docs/notes.txt
      - id: rename
        writes: true
        run: |
          sed -i 's/\\barea\\b/square/' pkg/lib.py pkg/use.py
          grep -q renamed shared.txt || sed -i 's/nobody/renamed/' shared.txt
      - id: mark
        writes: true
        run: grep -q marked shared.txt || sed -i 's/nobody/marked/' shared.txt
    gates:
      - name: tests
        kind: tests
        command: python3 -m unittest discover -q
"""


def project(root: Path) -> Path:
    """The project as a git repository with one commit; the workflow lies beside it."""
    for name, text in FILES.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    git(root, "init", "--quiet", "--initial-branch=main")
    git(root, "add", "--all")
    git(root, "commit", "--quiet", "--message", "The project")
    root.with_name("six.yaml").write_text(WORKFLOW)
    return root


def git(root: Path, *arguments: str) -> str:
    """What git says in `root`, as somebody of no importance."""
    identity = ["-c", "user.name=Somebody", "-c", "user.email=somebody@example.invalid"]
    done = subprocess.run(
        ["git", *identity, *arguments], cwd=root, capture_output=True, text=True, check=True
    )
    return done.stdout.strip()
