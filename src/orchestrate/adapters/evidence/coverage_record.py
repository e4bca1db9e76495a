"""Run a test program under coverage.py and write a JSON report. Stands alone; Python 3.8 and newer.

    python coverage_record.py FOLDER PROGRAM [ARGUMENT]...

PROGRAM is `-m module` or a script, as for `coverage run`. FOLDER gets `coverage.json`. Three steps
of coverage.py are one command here, so that the exit code is that of the tests and a report is
only written of tests that ran to their end. Data files go to FOLDER too: none is left in the tree,
and none that lies there is taken for today's.
"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

#: BSD's sysexits.h, EX_UNAVAILABLE: the tool that was to measure is not there.
UNAVAILABLE = 69


def main(arguments: list[str]) -> int:
    """Run the tests, then combine and report; returns the exit code of the tests."""
    folder, program = Path(arguments[0]).absolute(), arguments[1:]
    coverage = [sys.executable, "-m", "coverage"]
    probe = subprocess.run([*coverage, "--version"], capture_output=True)
    if probe.returncode != 0:
        print("coverage.py is not installed for " + sys.executable, file=sys.stderr)
        return UNAVAILABLE
    environment = dict(os.environ, COVERAGE_FILE=str(folder / ".coverage"))
    ended = subprocess.run([*coverage, "run", *program], env=environment)
    parts = sorted(map(str, folder.glob(".coverage.*")))
    if parts:
        # `parallel = true` in the project's settings, or tests that start processes.
        subprocess.run([*coverage, "combine", "--append", *parts], env=environment)
    # A threshold of the project's (`fail_under`) is not what this run is judged by.
    settings = ["--fail-under=0", "-q", "-i", "-o", str(folder / "coverage.json")]
    subprocess.run([*coverage, "json", *settings], env=environment)
    return ended.returncode


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
