"""`agent check`: what an agent may do, and what of it each backend enforces."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path

import click

from orchestrate import wiring
from orchestrate.core.agents.enforcing import accounted
from orchestrate.core.agents.permissions import Permissions, narrowed, permissions_of
from orchestrate.core.agents.profile import Profile
from orchestrate.core.agents.tools import ABILITIES
from orchestrate.errors import RequestError
from orchestrate.ports.performer import AgentBackend
from orchestrate.ui.cli.output import Output, printable, repo_option, with_output
from orchestrate.ui.cli.permission_data import AgentCheck, BackendCheck, DeniedRule
from orchestrate.ui.cli.profiles import find_profile


@click.command("check")
@click.argument("name")
@click.option("--backend", default=None, metavar="NAME", help="Only this backend.")
@click.option("--read-only", is_flag=True, help="As for a task that changes no files.")
@repo_option
@with_output
def check(output: Output, name: str, backend: str | None, read_only: bool, repo: str | None) -> int:
    """Say what an agent may do and what of it each backend enforces: NAME, or an agent file.

    The deny rules of Claude Code's settings are applied as well, the user's and the project's.
    """
    profile = find_profile(name, repo)
    rules = wiring.deny_rules_of(wiring.open_site(Path(repo) if repo else None))
    permissions = narrowed(permissions_of(profile, rules), writes=not read_only)
    chosen = _chosen(wiring.agent_backends(wiring.backends()), backend)
    found = _checked(profile, permissions, chosen, writes=not read_only)
    output.data(found, lambda: "\n".join(_lines(found)))
    for warning in profile.warnings:
        output.message(f"{profile.path}:{warning.line}:{warning.column}: {warning.message}")
    if not chosen:
        output.message("no backend here asks a model, so nothing has to be enforced")
    return 0


def _chosen(known: dict[str, AgentBackend], name: str | None) -> dict[str, AgentBackend]:
    if name is None:
        return known
    if name not in known:
        raise RequestError(
            f"there is no backend {name!r} that asks a model",
            remedy=f"name one of {', '.join(known)}" if known else "leave --backend out",
        )
    return {name: known[name]}


def _checked(
    profile: Profile,
    permissions: Permissions,
    backends: Mapping[str, AgentBackend],
    *,
    writes: bool,
) -> AgentCheck:
    answers = {
        name: accounted(permissions, item.enforcement(permissions, writes=writes))
        for name, item in backends.items()
    }
    return AgentCheck(
        agent=profile.name,
        path=profile.path,
        writes=writes,
        given=tuple(name for name in ABILITIES if name in permissions.abilities),
        not_given=tuple(name for name in ABILITIES if name not in permissions.abilities),
        commands=permissions.commands,
        mcp=permissions.mcp,
        unknown=permissions.unknown,
        denied=tuple(
            DeniedRule(name=rule.name, source=rule.source)
            for rule in (*permissions.denied, *permissions.untranslated)
        ),
        backends=tuple(
            BackendCheck(backend=name, enforced=answer.enforced, unenforced=answer.unenforced)
            for name, answer in answers.items()
        ),
    )


def _lines(found: AgentCheck) -> Iterator[str]:
    rows = [
        ("agent", f"{found.agent} ({found.path})"),
        ("given", ", ".join(found.given) or "nothing"),
        ("not given", ", ".join(found.not_given)),
        ("commands", ", ".join(found.commands)),
        ("mcp tools", ", ".join(found.mcp)),
        ("unknown", ", ".join(found.unknown) + " (not given)" if found.unknown else ""),
    ]
    yield from (f"{name:<10} {printable(value)}" for name, value in rows if value)
    for rule in found.denied:
        yield f"{'denied':<10} {printable(rule.name)}  {printable(rule.source)}".rstrip()
    for item in found.backends:
        yield from ("", f"{item.backend}:")
        for title, restrictions in (
            ("enforced", item.enforced),
            ("not enforced", item.unenforced),
        ):
            for one in restrictions:
                yield f"  {title:<12} {printable(one.name)}: {printable(one.how)}"
        if not (item.enforced or item.unenforced):
            yield "  nothing to enforce"
