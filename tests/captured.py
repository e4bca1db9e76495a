"""What real tools printed and wrote: `captured(name)` gives the bytes of one file.

Made by running each tool on a small project with tests that pass, fail, break and are left out:
pytest 9.2 and coverage.py 7.17 on Python 3.11, jest 29, vitest 1.6, mocha 12, tape 5, node 20, go
1.19, cargo 1.95. Only folder names and the host's name were replaced.
"""

from __future__ import annotations

from pathlib import Path

OUTPUTS = Path(__file__).resolve().parent / "data" / "outputs"


def captured(name: str) -> bytes:
    """The bytes of tests/data/outputs/`name`."""
    return (OUTPUTS / name).read_bytes()
