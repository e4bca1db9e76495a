"""100 000 lines: memory stays bounded, every file is looked at, progress is told."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from textwrap import dedent

import pytest

FILES, REPEATS = 530, 6
#: Interpreter, libraries, findings and names. Keeping the trees of all files would take gigabytes.
MOST_BYTES = 150_000_000

_MODULE = '''\
"""Module {here}."""
import os
import subprocess
from pkg import mod{there}


class Service{here}:
    """Keeps entries."""

    def __init__(self, path, limit=10):
        self.path = path
        self.limit = limit
        self.entries = {{}}

    def load(self, name):
        total = 0
        for line in open(os.path.join(self.path, name)):
            key, _, value = line.partition("=")
            if not key or key.startswith("#"):
                continue
            self.entries[key.strip()] = value.strip()
            total += len(value)
        return total if total < self.limit else mod{there}.clip(total)


def clip(value):
    return min(value, 100)


def run(command):
    return subprocess.run(command, shell=True)


'''
#: The peak is that of a process of its own, so that other tests do not count. Not ru_maxrss, which
#: a process takes over from the one that started it.
_PROBE = dedent("""
    import json, re, sys
    from pathlib import Path
    from orchestrate.adapters.backends.local.{module} import {function}

    steps = []
    report = {function}(Path(sys.argv[1]), "agent", "action", lambda *step: steps.append(step))
    print(json.dumps({{
        "peak_bytes": 1024 * int(
            re.search(r"VmHWM:\\s+(\\d+) kB", Path("/proc/self/status").read_text())[1]
        ),
        "lines": report.inventory.python_lines,
        "files": [tool.files for tool in report.tools],
        "status": [tool.status for tool in report.tools],
        "findings": len(report.findings),
        "modules": len(report.modules),
        "cycles": [len(cycle) for cycle in report.cycles],
        "surface": len(report.surface),
        "steps": len(steps),
        "last": steps[-1][:2],
    }}))
""")


@pytest.fixture(scope="module")
def large(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("large")
    (root / "pkg").mkdir()
    (root / "pkg/__init__.py").write_text("")
    for here in range(FILES):
        text = _MODULE.format(here=here, there=(here + 1) % FILES) * REPEATS
        (root / f"pkg/mod{here}.py").write_text(text)
    return root


def measure(root: Path, module: str, function: str) -> dict[str, object]:
    probe = _PROBE.format(module=module, function=function)
    done = subprocess.run(
        [sys.executable, "-c", probe, str(root)], capture_output=True, text=True, check=True
    )
    result: dict[str, object] = json.loads(done.stdout)
    assert isinstance(result["peak_bytes"], int)
    assert result["peak_bytes"] < MOST_BYTES
    assert isinstance(result["lines"], int)
    assert result["lines"] > 100_000
    assert result["last"] == [FILES + 1, FILES + 1]
    assert isinstance(result["steps"], int)
    assert result["steps"] > FILES
    return result


@pytest.mark.slow
def test_review_of_100000_lines(large: Path) -> None:
    result = measure(large, "code_review", "review")
    assert result["files"] == [FILES + 1] * 3
    assert result["status"] == ["ran"] * 3
    assert result["findings"] == FILES * REPEATS


@pytest.mark.slow
def test_assessment_of_100000_lines(large: Path) -> None:
    result = measure(large, "architecture", "assess")
    assert result["files"] == [FILES + 1]
    assert result["status"] == ["ran"]
    assert (result["modules"], result["cycles"]) == (FILES + 1, [FILES])
    assert result["surface"] == FILES * REPEATS * 2
