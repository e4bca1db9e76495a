"""What `doctor` checks, and what it tells to do."""

from __future__ import annotations

import os
from collections.abc import Iterator
from typing import Literal

import msgspec

from orchestrate import wiring
from orchestrate.adapters.system.host import REQUIRED_GIT, HostFacts, host_facts
from orchestrate.core.agents.script import SCRIPTED
from orchestrate.core.planning.binding import show
from orchestrate.errors import OrchestrateError
from orchestrate.ui.cli.outlook_text import account_text

#: Distributions the local specialists are built on.
TOOLS = (
    "bandit",
    "cyclonedx-python-lib",
    "detect-secrets",
    "license-expression",
    "packaging",
    "radon",
    "vulture",
)
#: Less free disk than this is worth a word: logs of one attempt may take 64 MiB.
LOW_DISK_BYTES = 1 << 30


class Check(msgspec.Struct, frozen=True, omit_defaults=True):
    """One line: `ok`, `note` (works, with a limit), `failed` (must be mended) or `unknown`."""

    verdict: Literal["ok", "note", "failed", "unknown"]
    name: str
    detail: str
    remedy: str = ""


def examine(site: wiring.Site) -> list[Check]:
    """Every check, in the order a user would want them. Changes nothing."""
    facts = host_facts(site.state_dir, TOOLS)
    return [
        *_machine(facts),
        *_tools(facts),
        *_backends(),
        *_site(site),
        *_settings(site),
        *_agents(site),
    ]


def _machine(facts: HostFacts) -> Iterator[Check]:
    system = f"{facts.system} {facts.kernel}" + (" (WSL2)" if facts.wsl2 else "")
    if facts.support == "refused":
        yield Check("failed", "system", system, facts.statement)
    elif facts.support == "best effort":
        yield Check("note", "system", f"{system}: {facts.statement}")
    else:
        yield Check("ok", "system", system)
    if facts.python_supported:
        yield Check("ok", "python", facts.python)
    else:
        yield Check("failed", "python", facts.python, "install Python 3.11 or newer")
    wanted = ".".join(map(str, REQUIRED_GIT))
    if facts.git is None:
        yield Check("failed", "git", "not found", f"install git {wanted} or newer")
    elif not facts.git_supported:
        yield Check("failed", "git", facts.git, f"install git {wanted} or newer")
    else:
        yield Check("ok", "git", facts.git)
    if facts.containment_gap:
        yield Check(
            "note",
            "containment",
            f"{facts.containment}: {facts.containment_gap}; processes are swept by parent and"
            " environment instead",
        )
    else:
        yield Check("ok", "containment", f"{facts.containment}: nothing an attempt starts survives")
    memory = "unknown" if facts.memory_bytes is None else f"{facts.memory_bytes / 2**30:.1f} GiB"
    limit = (
        ""
        if facts.memory_limit_bytes is None
        else f", limited to {facts.memory_limit_bytes / 2**30:.1f} GiB"
    )
    yield Check("ok", "capacity", f"{facts.cpus} processors, {memory} memory{limit}")
    if facts.free_disk_bytes is None:
        yield Check("unknown", "disk", f"free space of {facts.disk} cannot be read")
    elif facts.free_disk_bytes < LOW_DISK_BYTES:
        yield Check(
            "note", "disk", f"{facts.free_disk_bytes / 2**20:.0f} MiB free", "free some space"
        )
    else:
        yield Check("ok", "disk", f"{facts.free_disk_bytes / 2**30:.0f} GiB free")


def _tools(facts: HostFacts) -> Iterator[Check]:
    for name, version in sorted(facts.tools.items()):
        if version is None:
            yield Check(
                "failed",
                name,
                "not installed: what it looks for will be unknown",
                "install orchestrate again; it brings its tools",
            )
        else:
            yield Check("ok", name, version)


def _backends() -> Iterator[Check]:
    """The agent programs: what is there, and whether it can be used. None of them is required."""
    for name, backend in wiring.agent_backends(wiring.backends()).items():
        if name == SCRIPTED:
            continue  # it comes with us, and asks no model
        status = backend.status()
        if not status.found:
            yield Check("note", name, "not found", status.remedy)
            continue
        seen = f"{status.version or 'version unknown'} ({status.found}); {account_text(status)}"
        if not status.usable:
            yield Check("note", name, seen, status.remedy)
        elif not status.in_range:
            yield Check("note", name, f"{seen}; tested with {status.tested}", status.remedy)
        else:
            yield Check("ok", name, f"{seen}; a tested version")
        # Notes are on how it is used; without access the remedy is what is to be done.
        for note in status.notes if status.usable else ():
            yield Check("note", name, note)


def _site(site: wiring.Site) -> Iterator[Check]:
    from orchestrate.adapters.system.network_filesystem import refuse_network_filesystem

    repository = site.repository
    where = "git repository" if repository.git_dir is not None else "folder without git"
    yield Check("ok", "repository", f"{site.root} ({where})")
    existing = next(path for path in (site.state_dir, *site.state_dir.parents) if path.exists())
    if not os.access(existing, os.W_OK):
        yield Check("failed", "state", f"{existing} cannot be written", "change its permissions")
        return
    try:
        refuse_network_filesystem(existing)
    except OrchestrateError as error:
        yield Check("failed", "state", error.message, error.remedy)
    else:
        yield Check("ok", "state", str(site.state_dir))


def _settings(site: wiring.Site) -> Iterator[Check]:
    for name, source in site.origin.items():
        value = getattr(site.settings, name)
        shown = "not set" if value in (None, "") else show(value)
        yield Check("ok", f"setting {name}", f"{shown} ({source})")
    for name, place in site.passed_over.items():
        yield Check(
            "note",
            f"setting {name}",
            f"not taken from {place}: a repository does not decide this",
            "if you want it, set it in your own settings.yaml",
        )
    if not (site.settings.advisories or site.settings.advisory_service):
        yield Check(
            "note",
            "advisories",
            "no source of advisories: the dependency audit will be unknown",
            "give --advisories FOLDER or set `advisories`",
        )


def _agents(site: wiring.Site) -> Iterator[Check]:
    catalog = wiring.catalog_of(site)
    names = catalog.names()
    yield Check("ok", "agents", f"{len(names)} profiles")
    for broken in catalog.broken:
        yield Check("note", "agents", f"not loaded: {broken.message}", broken.remedy)
