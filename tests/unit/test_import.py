from __future__ import annotations

import subprocess
import sys


def test_importing_the_package_does_nothing_else() -> None:
    program = (
        "import sys; before = set(sys.modules); import orchestrate;"
        " print(*sorted(set(sys.modules) - before))"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )
    assert done.stdout.split() == ["orchestrate"]
    assert done.stderr == ""
