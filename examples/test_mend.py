"""Test a workflow without a model, a key or an agent's program.

Needs pytest and git. Copy it with mend.yaml and mend-script.yaml, and change them:

    pytest test_mend.py
"""

from __future__ import annotations

from pathlib import Path

import pytest

from orchestrate.testing.rehearsal import make_repository, rehearse

HERE = Path(__file__).parent
MEND = HERE / "mend.yaml"
WRONG = "def add(a, b):\n    return a - b\n"


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    """What the agents work on."""
    return make_repository(tmp_path / "repository", {"calc.py": WRONG})


def test_wrong_work_is_sent_back_and_mended(repository: Path, tmp_path: Path) -> None:
    """The check refuses the first patch; the second is merged, and then reviewed."""
    script = HERE / "mend-script.yaml"
    done = rehearse(MEND, script, repository, tmp_path / "home", "add subtracts")

    assert done.status == "completed", done.messages
    assert done.tasks["mend"].causes == ("checks_failed",)
    assert done.tasks["review"].causes == ("provider",)
    assert done.file("calc.py") == "def add(a, b):\n    return a + b\n"
    # The user's own file is as it was: the result is on a branch.
    assert (repository / "calc.py").read_text() == WRONG


def test_remarks_stop_the_run(repository: Path, tmp_path: Path) -> None:
    """A reviewer with a remark keeps the change from being published."""
    script = tmp_path / "script.yaml"
    script.write_text("""\
version: 1
tasks:
  mend:
    - edit: [{path: calc.py, old: a - b, new: a + b}]
  review:
    - answer: {summary: One remark., remarks: [Say what it does.]}
""")
    done = rehearse(MEND, script, repository, tmp_path / "home", "add subtracts")

    assert done.status == "failed"
    assert "look/clean" in done.messages
    assert done.branch == ""
