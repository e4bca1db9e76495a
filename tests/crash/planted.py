"""A small repository with flaws for every specialist, quick to scan."""

from __future__ import annotations

import subprocess
from pathlib import Path

_FILES = {
    "pyproject.toml": """\
[project]
name = "sample"
version = "1.0"
license = "MIT"
dependencies = ["pyyaml==3.13", "requests>=2.0"]
""",
    "src/sample/__init__.py": "",
    "src/sample/web.py": """\
import subprocess
import yaml
import pickle
from sample import store


def handle(request):
    subprocess.run("ls " + request.args["path"], shell=True)
    settings = yaml.load(request.body, Loader=yaml.Loader)
    return pickle.loads(request.data), settings, store.find(request.args["id"])
""",
    "src/sample/store.py": """\
import hashlib
import sqlite3
import tempfile

PASSWORD = "correct-horse-battery-9"


def find(key):
    name = tempfile.mktemp()
    connection = sqlite3.connect(name)
    digest = hashlib.md5(key.encode()).hexdigest()
    return connection.execute("SELECT * FROM items WHERE id = '%s'" % digest)
""",
    "tests/test_store.py": """\
from sample.store import PASSWORD


def test_password():
    assert PASSWORD
""",
}


def plant(root: Path) -> Path:
    """Write the repository into `root`, committed, with an untracked file and a stash."""
    for name, text in _FILES.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    git = ("git", "-c", "user.name=Test", "-c", "user.email=test@orchestrate.invalid")
    for arguments in (
        ("init", "-q"),
        ("add", "-A"),
        ("commit", "-q", "-m", "first"),
        ("tag", "v1"),
    ):
        subprocess.run([*git, *arguments], cwd=root, check=True)
    (root / "src/sample/web.py").write_text(_FILES["src/sample/web.py"] + "\n# changed\n")
    subprocess.run([*git, "stash", "-q"], cwd=root, check=True)
    (root / "untracked.txt").write_text("mine\n")
    return root
