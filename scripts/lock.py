"""Write the lock files: every package with its version and digests, and no index.

`make lock` keeps the versions already locked as far as pyproject.toml allows;
`make lock ARGS=--upgrade` takes the newest ones. See docs/adr/0001-index-neutral-lock.md.
"""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
# What each lock is compiled from, as arguments to `uv pip compile`.
LOCKS = {
    "requirements/runtime.lock": ["pyproject.toml"],
    "requirements/dev.lock": [
        *("pyproject.toml", "--group", "dev", "--constraint", "requirements/runtime.lock"),
    ],
    "requirements/docs.lock": ["--group", "docs"],
}
OLDEST_PYTHON = "3.11"


def compile_lock(lock: str, sources: list[str], extra: list[str]) -> None:
    """Compile one lock file in place, for all platforms and Pythons that are supported.

    Raises:
        SystemExit: uv failed, or the file names an index; then the file is removed.
    """
    path = ROOT / lock
    uv = Path(sys.executable).parent / "uv"
    done = subprocess.run(
        [
            *(str(uv) if uv.exists() else "uv", "pip", "compile", "--quiet", *sources),
            *("--universal", "--python-version", OLDEST_PYTHON, "--generate-hashes"),
            *("--no-header", "--no-emit-index-url", "--no-emit-find-links"),
            *("--output-file", lock, *extra),
        ],
        cwd=ROOT,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        check=False,
    )
    if done.returncode != 0:
        raise SystemExit(f"lock: uv could not resolve {lock}")
    if re.search(r"://|^--(extra-)?index", path.read_text(encoding="utf-8"), re.MULTILINE):
        path.unlink()
        raise SystemExit(f"lock: {lock} named an index and was removed; check uv's options")


def main() -> None:
    """Compile all lock files, passing the command line's arguments on to uv."""
    for lock, sources in LOCKS.items():
        compile_lock(lock, sources, sys.argv[1:])
        print(f"wrote {lock}")


if __name__ == "__main__":
    main()
