"""What this machine offers, as plain facts: `doctor` judges and words them."""

from __future__ import annotations

import os
import platform
import re
import shutil
import subprocess
import sys
from collections.abc import Iterable
from importlib import metadata
from pathlib import Path
from typing import Literal

import msgspec

from orchestrate.adapters.system.containment import PID_NAMESPACE, PROCESS_GROUP, SUBREAPER
from orchestrate.adapters.system.supervisor import supervisor_command

Support = Literal["supported", "best effort", "refused"]

#: `merge-tree --write-tree` came with it.
REQUIRED_GIT = (2, 38)
REQUIRED_PYTHON = (3, 11)

_STATEMENTS: dict[Support, str] = {
    "supported": "Linux, WSL2 included, is supported",
    "best effort": "macOS is best effort: a process that leaves its parent, its group and its "
    "environment behind is not found again",
    "refused": "this system is not supported; use Linux, or WSL2 on Windows",
}


class HostFacts(msgspec.Struct, frozen=True):
    """The machine as it is now. None stands for unknown, or for absent where that is said.

    `containment` is the strongest level available and `containment_gap` why it is not a PID
    namespace (empty when it is). `cpu_quota` and `memory_limit_bytes` are what control groups
    allow, None without a limit. `git` is None when it is absent. `tools` maps what was asked about
    to its version, None when it is not installed.
    """

    system: str
    kernel: str
    machine: str
    wsl2: bool
    support: Support
    statement: str
    python: str
    python_supported: bool
    git: str | None
    git_supported: bool
    cpus: int
    cpu_quota: float | None
    memory_bytes: int | None
    memory_limit_bytes: int | None
    disk: str
    free_disk_bytes: int | None
    containment: str
    containment_gap: str
    tools: dict[str, str | None]


def host_facts(disk: Path, tools: Iterable[str] = ()) -> HostFacts:
    """Look at this machine; takes about a tenth of a second.

    Args:
        disk: a folder, present or not, on the disk whose free space matters.
        tools: names of installed Python distributions to report the versions of.
    """
    kernel = platform.release()
    support = support_of(platform.system())
    git = git_version()
    gap = containment_gap()
    return HostFacts(
        system=platform.system(),
        kernel=kernel,
        machine=platform.machine(),
        wsl2=is_wsl2(kernel),
        support=support,
        statement=_STATEMENTS[support],
        python=platform.python_version(),
        python_supported=sys.version_info >= REQUIRED_PYTHON,
        git=git,
        git_supported=git is not None and version_numbers(git) >= REQUIRED_GIT,
        cpus=_cpus(),
        cpu_quota=_cpu_quota(),
        memory_bytes=_memory(),
        memory_limit_bytes=_memory_limit(),
        disk=str(disk),
        free_disk_bytes=_free_disk(disk),
        containment=_containment(gap),
        containment_gap=gap,
        tools={name: _distribution(name) for name in tools},
    )


def support_of(system: str) -> Support:
    """How far `platform.system()` is supported."""
    known: dict[str, Support] = {"Linux": "supported", "Darwin": "best effort"}
    return known.get(system, "refused")


def is_wsl2(kernel: str) -> bool:
    """Whether a kernel release is that of the Windows Subsystem for Linux, version 2."""
    return "microsoft" in kernel.lower() and "wsl2" in kernel.lower()


def version_numbers(text: str) -> tuple[int, ...]:
    """The leading numbers of a version: "2.39.5 (Apple Git-154)" gives (2, 39, 5)."""
    found = re.match(r"\d+(\.\d+)*", text)
    return tuple(int(part) for part in found[0].split(".")) if found else ()


def git_version() -> str | None:
    """What `git --version` says after "git version", or None without a working git."""
    said = _output_of("git", "--version")
    return said.removeprefix("git version ").strip() if said else None


def containment_gap() -> str:
    """Why a supervisor cannot use a PID namespace here; empty when it can. Tries it."""
    said = _output_of(*supervisor_command(), "--probe")
    return "the supervisor process does not start" if said is None else said.strip()


def _containment(gap: str) -> str:
    if sys.platform != "linux":
        return PROCESS_GROUP
    return SUBREAPER if gap else PID_NAMESPACE


def _output_of(*argv: str) -> str | None:
    try:
        done = subprocess.run(argv, capture_output=True, text=True, timeout=20, check=False)
    except (OSError, subprocess.TimeoutExpired):
        return None
    return done.stdout if done.returncode == 0 else None


def _distribution(name: str) -> str | None:
    try:
        return metadata.version(name)
    except metadata.PackageNotFoundError:
        return None


def _cpus() -> int:
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def _memory() -> int | None:
    try:
        return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    except (ValueError, OSError):
        return None


def _free_disk(folder: Path) -> int | None:
    existing = folder.absolute()
    while not existing.exists():
        existing = existing.parent
    try:
        return shutil.disk_usage(existing).free
    except OSError:
        return None


def _memory_limit() -> int | None:
    """The tightest limit of this process's control groups (version 2, else 1)."""
    limits = [_read(folder / "memory.max") for folder in _control_groups("")]
    limits += [_read(folder / "memory.limit_in_bytes") for folder in _control_groups("memory")]
    numbers = [int(text) for text in limits if text.isdigit()]
    # Version 1 writes "no limit" as the largest number of pages that fits.
    return min((number for number in numbers if number < 1 << 60), default=None)


def _cpu_quota() -> float | None:
    """The tightest limit of this process's control groups, in processors (version 2, else 1)."""
    pairs = [_read(folder / "cpu.max").split() for folder in _control_groups("")]
    pairs += [
        [_read(folder / "cpu.cfs_quota_us"), _read(folder / "cpu.cfs_period_us")]
        for folder in _control_groups("cpu")
    ]
    known = [pair for pair in pairs if len(pair) == 2 and all(part.isdigit() for part in pair)]
    return min((int(quota) / int(period) for quota, period in known), default=None)


def _control_groups(controller: str) -> list[Path]:
    """Folders of the group of this process and those above it; "" asks for version 2."""
    for line in _read(Path("/proc/self/cgroup")).splitlines():
        _, controllers, path = line.split(":", 2)
        if controller in controllers.split(","):
            root = Path("/sys/fs/cgroup") / controller
            group = root / path.lstrip("/")
            return [group, *(parent for parent in group.parents if parent.is_relative_to(root))]
    return []


def _read(path: Path) -> str:
    try:
        return path.read_text("ascii").strip()
    except (OSError, ValueError):
        return ""
