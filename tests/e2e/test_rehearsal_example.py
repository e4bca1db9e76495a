"""The example for users passes where they put it, and the page shows exactly that."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from orchestrate.testing.rehearsal import make_repository, rehearse

ROOT = Path(__file__).resolve().parents[2]
EXAMPLES = ROOT / "examples"
NAMES = ("test_mend.py", "mend.yaml", "mend-script.yaml")


@pytest.mark.slow
def test_example_passes_where_a_user_puts_it(tmp_path: Path) -> None:
    for name in NAMES:
        shutil.copy(EXAMPLES / name, tmp_path)
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", NAMES[0]],
        cwd=tmp_path,
        # Whatever the user has set is nothing to a rehearsal.
        env={**os.environ, "ORCHESTRATE_BUDGET_USD": "no number"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert "2 passed" in done.stdout


def test_page_shows_the_example() -> None:
    page = ROOT / "docs" / "how-to" / "try-a-workflow-without-a-model.md"
    assert f"```python\n{(EXAMPLES / NAMES[0]).read_text()}```\n" in page.read_text()


def test_rehearsal_that_cannot_begin_says_why(tmp_path: Path) -> None:
    repository = make_repository(tmp_path / "repository", {"a.txt": "a"})
    done = rehearse("nothing", tmp_path / "no.yaml", repository, tmp_path / "home")
    assert (done.code, done.status, done.tasks) == (2, "", {})
    assert "there is no workflow 'nothing'" in done.error
    with pytest.raises(KeyError):
        done.file("a.txt")
