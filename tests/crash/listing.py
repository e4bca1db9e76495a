"""What is in a folder: every file with its contents and whether it may be executed, every link.

Run as a program, it writes the listing of the current folder to the file it is given, whole or not
at all. Not a test.
"""

from __future__ import annotations

import hashlib
import json
import os
import sys
from pathlib import Path


def listing(root: Path) -> dict[str, list[str]]:
    """Relative path -> kind, and digest or target; git's own folder is left out."""
    found = {}
    for top, names, files in os.walk(root):
        names[:] = [name for name in names if name != ".git"]
        for name in [*files, *(one for one in names if Path(top, one).is_symlink())]:
            path = Path(top, name)
            if path.is_symlink():
                entry = ["link", str(path.readlink())]
            else:
                kind = "program" if os.access(path, os.X_OK) else "file"
                entry = [kind, hashlib.sha256(path.read_bytes()).hexdigest()]
            found[str(path.relative_to(root))] = entry
    return found


def main() -> None:
    """Write the listing."""
    target = Path(sys.argv[1])
    part = target.with_name(f"{target.name}.part")
    part.write_text(json.dumps(listing(Path.cwd())))
    part.rename(target)


if __name__ == "__main__":
    main()
