"""A model that works on a bug as `bugfix` asks for it, and what its user has. Not a test."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from orchestrate.testing.model_server import Read, Role, Step, Tokens, Write, turn
from tests.e2e.agents import answer

#: The tasks of the workflow that agents perform, in the order of its file.
TASKS = ("impact", "regression", "fix", "review")

Files = Mapping[str, str]

#: A project around `agents.WRONG`, whose own test does not see what is wrong with it.
PROJECT = {
    "pyproject.toml": "[tool.pytest.ini_options]\npythonpath = ['.']\n",
    "tests/test_calc.py": "from calc import add\n\n\ndef test_nothing():\n"
    "    assert add(1, 0) == 1\n",
}
#: The test that does.
RED = {
    "tests/test_add.py": "from calc import add\n\n\ndef test_add():\n    assert add(1, 2) == 3\n"
}
RED_TEST = "tests/test_add.py::test_add"


def bugfix_roles(
    test: Files,
    patches: Sequence[Files],
    tests: Sequence[str] = (),
    tokens: Mapping[str, Tokens] | None = None,
) -> tuple[Role, ...]:
    """One role a task, told apart by the heading of its prompt.

    Args:
        test: the regression test, path to text.
        patches: what the fixing agent writes the first time, after its work was sent back, and so
            on; all of it in one session.
        tests: the names of the tests, as the agent tells them.
        tokens: what each answer of a task's role reports as used.
    """
    fixing = [
        step
        for patch in patches
        # Claude Code refuses to write over a file that was not read.
        for step in (
            turn(*(Read(path) for path in patch)),
            _writing(patch),
            turn(answer("Corrected.", fix="See the diff.\n")),
        )
    ]
    steps: dict[str, Sequence[Step]] = {
        "impact": [
            turn(answer("Found the cause.", cause="a line", suspects=[], impact="# Cause\n"))
        ],
        "regression": [
            _writing(test),
            turn(answer("Wrote a test.", tests=list(tests), report="It is red.\n")),
        ],
        "fix": fixing,
        "review": [turn(answer("No remarks.", remarks=[], blocking=[]))],
    }
    used = tokens or {}
    return tuple(
        Role(
            name,
            tuple(Step(step.actions, used.get(name, Tokens())) for step in steps[name]),
            marker=f"# Task: {name} (phase",
        )
        for name in TASKS
    )


def _writing(files: Files) -> Step:
    return turn(*(Write(path, text) for path, text in files.items()))
