"""Facts about the machine: true ones, and None for what is not known."""

from __future__ import annotations

import os
import platform
from pathlib import Path

import msgspec
import pytest

from orchestrate.adapters.system.host import (
    git_version,
    host_facts,
    is_wsl2,
    support_of,
    version_numbers,
)


def test_the_facts_agree_with_the_machine(tmp_path: Path) -> None:
    facts = host_facts(tmp_path / "absent", ["msgspec", "no-such-distribution"])
    assert facts.python == platform.python_version()
    assert facts.python_supported
    assert facts.cpus == len(os.sched_getaffinity(0))
    assert facts.memory_bytes is not None
    meminfo = dict(line.split(":") for line in Path("/proc/meminfo").read_text().splitlines())
    assert facts.memory_bytes == int(meminfo["MemTotal"].split()[0]) * 1024
    assert facts.free_disk_bytes is not None
    assert facts.free_disk_bytes > 0
    assert facts.tools == {"msgspec": msgspec.__version__, "no-such-distribution": None}
    assert (facts.containment == "pid-namespace") == (facts.containment_gap == "")


def test_a_machine_without_git_is_said_to_have_none(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    facts = host_facts(tmp_path)
    assert facts.git is None
    assert not facts.git_supported


def test_an_old_git_is_not_supported(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    git = tmp_path / "git"
    git.write_text("#!/bin/sh\necho git version 2.37.9\n")
    git.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")
    assert git_version() == "2.37.9"
    assert not host_facts(tmp_path).git_supported


@pytest.mark.parametrize(
    ("text", "numbers"),
    [
        ("2.39.5", (2, 39, 5)),
        ("2.39.5 (Apple Git-154)", (2, 39, 5)),
        ("2.45.1.windows.1", (2, 45, 1)),
        ("unknown", ()),
    ],
)
def test_versions_are_compared_by_their_numbers(text: str, numbers: tuple[int, ...]) -> None:
    assert version_numbers(text) == numbers


def test_the_windows_subsystem_is_recognised_by_its_kernel() -> None:
    assert is_wsl2("5.15.153.1-microsoft-standard-WSL2")
    assert not is_wsl2("4.4.0-19041-Microsoft")
    assert not is_wsl2("6.18.44-generic")


def test_windows_is_refused_and_macos_is_best_effort() -> None:
    assert [support_of(s) for s in ("Linux", "Darwin", "Windows", "AIX")] == [
        "supported",
        "best effort",
        "refused",
        "refused",
    ]
