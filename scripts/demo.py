"""Scan a real package from the package index and say where the report is: `make demo`.

The package is an old release with known flaws. It is fetched by name, unpacked without running
any of its code, and scanned as the plain folder it is.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from scripts.fetch_sdist import FetchError, fetch_archive, unpack  # noqa: E402

NAME, VERSION = "PyYAML", "3.13"
OUTPUT = ROOT / "demo-output"


def main() -> int:
    """Fetch, scan, and print the reports that were written; returns the scan's exit code."""
    source = OUTPUT / "source"
    reports = OUTPUT / "report"
    shutil.rmtree(OUTPUT, ignore_errors=True)
    print(f"fetching the source distribution of {NAME} {VERSION}", flush=True)
    try:
        repository = unpack(fetch_archive(NAME, VERSION), source)
    except FetchError as error:
        print(f"demo: {error}", file=sys.stderr)
        return 1
    command = [
        *("orchestrate", "security", "comprehensive security review"),
        *("--repo", _shown(repository), "--output", _shown(reports)),
    ]
    print("$ " + " ".join(f'"{word}"' if " " in word else word for word in command), flush=True)
    done = subprocess.run(
        [sys.executable, "-m", *command],
        cwd=ROOT,
        # What the demo's run stores stays with the demo, so that `make clean` removes it.
        env={**os.environ, "XDG_STATE_HOME": str(OUTPUT / "state")},
        check=False,
    )
    return done.returncode or _say_where(reports)


def _say_where(folder: Path) -> int:
    written = [path for path in sorted(folder.rglob("*")) if path.is_file()]
    if not any(path.suffix == ".html" for path in written):
        print(f"demo: the scan ended well but left no page in {_shown(folder)}", file=sys.stderr)
        return 1
    print("\nreports:")
    for path in written:
        print(f"  {_shown(path)}  ({path.stat().st_size:,} bytes)")
    return 0


def _shown(path: Path) -> str:
    return str(path.relative_to(ROOT))


if __name__ == "__main__":
    raise SystemExit(main())
