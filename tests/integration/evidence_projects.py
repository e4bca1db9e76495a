"""Small projects to gather evidence on, without a package index.

Tests that need pytest borrow the interpreter this suite runs on, through a `setup` command that
links its environment into the checkout.
"""

from __future__ import annotations

import asyncio
import os
import sys
import textwrap
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import msgspec

from orchestrate.adapters.evidence.runner import LocalEvidence
from orchestrate.adapters.system.supervisor import ProcessSupervisor
from orchestrate.core.sharing.evidence import CheckCommand, Evidence
from orchestrate.ports.evidence import Check

#: One per process, so that what another worker of this suite runs is not taken for ours.
TOKEN = f"run:check:{os.getpid()}"
BORROWED = f"ln -sfn '{sys.prefix}' .venv"
REPORT = ("-o", "junit_family=xunit1", "--junit-xml={report}/junit.xml")
PYTEST = CheckCommand(
    kind="test",
    runner="pytest",
    argv=("{python}", "-m", "pytest", "-p", "no:cacheprovider", "-rfEX", *REPORT),
    timeout_s=60,
)
MODULE = "def answer():\n    return 42\n"
GOOD_TEST = "import thing\n\ndef test_answer():\n    assert thing.answer() == 42\n"


def write(folder: Path, files: Mapping[str, str]) -> Path:
    """Write `files` (path -> text, dedented) below `folder`."""
    for name, text in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(textwrap.dedent(text), "utf-8")
    return folder


def project(tmp_path: Path, test: str, **more: str) -> Path:
    """A checkout with the module `thing` and one file of tests, which imports it."""
    files = {"thing.py": MODULE, "test_thing.py": f"import thing\n{textwrap.dedent(test)}", **more}
    return write(tmp_path / "checkout", files)


def check(tmp_path: Path, checkout: Path, command: CheckCommand = PYTEST, **more: Any) -> Check:
    """A check of `checkout`; `timeout_s` is the command's."""
    timeout_s = more.pop("timeout_s", command.timeout_s)
    command = msgspec.structs.replace(command, timeout_s=timeout_s)
    fields = {"revision": "r" * 40, "tree": "t" * 40, "token": TOKEN, **more}
    return Check(command, str(checkout), record=str(tmp_path / "record"), **fields)


def runner(tmp_path: Path, *, setup: str = BORROWED, **more: Any) -> LocalEvidence:
    """An evidence runner with environments below `tmp_path`."""
    return LocalEvidence(ProcessSupervisor(), tmp_path / "environments", setup=setup, **more)


def gather(tmp_path: Path, checkout: Path, **more: Any) -> Evidence:
    """Evidence on `checkout`, with the borrowed interpreter."""
    return asyncio.run(runner(tmp_path).gather(check(tmp_path, checkout, **more)))
