"""Test what an agent is told and what becomes of its work, without a model and free of charge.

Needs pytest, and Claude Code (`claude`) on PATH. Copy it and change it:

    pytest test_scripted_agent.py
"""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

from orchestrate.testing.model_server import (
    Bash,
    Fault,
    ModelServer,
    Role,
    Say,
    Scenario,
    Tokens,
    Write,
    turn,
)

# What the model says: first it writes a file, then it is busy once, then it looks, then it ends.
FIX = Scenario(
    "fix",
    (
        Role(
            "builder",
            (
                Write("greeting.txt", "Hello, Ada.\n"),
                turn(Bash("cat greeting.txt"), faults=(Fault("status", status=529),)),
                turn(Say("The greeting is there."), tokens=Tokens(2_000, output_tokens=300)),
            ),
            marker="You build.",
        ),
    ),
)


def run_claude(url: str, prompt: str, folder: Path) -> str:
    """What Claude Code prints when it does `prompt` in `folder` with the model at `url`."""
    home = folder / "home"
    home.mkdir()
    done = subprocess.run(
        [
            *("claude", "-p", "--append-system-prompt", "You build."),
            *("--permission-mode", "acceptEdits", "--allowedTools", "Bash"),
        ],
        input=prompt,
        cwd=folder,
        # Nothing of the user's: not the key, not the settings.
        env={
            "PATH": os.environ["PATH"],
            "HOME": str(home),
            "ANTHROPIC_BASE_URL": url,
            "ANTHROPIC_API_KEY": "any-text",
            "CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC": "1",
        },
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )
    return done.stdout


def test_agent_writes_the_greeting(tmp_path: Path) -> None:
    """The file is on disk, the prompt reached the model, and the tokens add up."""
    with ModelServer([FIX]) as server:
        printed = run_claude(server.url("claude", "fix"), "Greet Ada.", tmp_path)

    assert printed == "The greeting is there.\n"
    assert (tmp_path / "greeting.txt").read_text() == "Hello, Ada.\n"

    first, busy, again, last = server.asked("fix")
    assert "Greet Ada." in first.texts()
    assert "You build." in first.system
    assert (busy.status, again.status) == (529, 200)
    # What the command printed went back to the model.
    assert "Hello, Ada." in last.messages[-1].text
    # Two answers with the default of 100 + 10 tokens, and the last one.
    assert server.tokens("fix").total == 2 * 110 + 2_300
