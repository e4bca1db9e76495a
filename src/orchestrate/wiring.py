"""The composition root: the only module that names adapters."""

from __future__ import annotations

import asyncio
import functools
import hashlib
import os
import secrets
import time
from collections.abc import Mapping
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, cast

import msgspec

from orchestrate.adapters.system.repository import (
    Repository,
    find_repository,
    revision,
    state_home,
)
from orchestrate.config import Layer, Settings, environment_layer, merge, passed_over
from orchestrate.errors import ConfigurationError, RequestError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from orchestrate.adapters.evidence.runner import LocalEvidence
    from orchestrate.adapters.files.agent_catalog import FileAgentCatalog
    from orchestrate.adapters.files.agent_store import FileAgentStore
    from orchestrate.adapters.sqlite.store import SqliteStore
    from orchestrate.adapters.system.footprint import Place
    from orchestrate.adapters.system.ownership import RunLock
    from orchestrate.adapters.system.supervisor import ProcessSupervisor
    from orchestrate.adapters.system.trust import Trust
    from orchestrate.adapters.workspace.workspaces import GitWorkspaces
    from orchestrate.app.staffing import Staffing
    from orchestrate.core.agents.permissions import Rule
    from orchestrate.core.agents.profile import Profile
    from orchestrate.core.agents.script import Script
    from orchestrate.core.agents.stack import Stack
    from orchestrate.core.ids import AttemptKey
    from orchestrate.core.planning.definition import Workflow
    from orchestrate.core.planning.staffing import Assignee
    from orchestrate.core.running.capacity import HostView
    from orchestrate.core.running.state import RunState
    from orchestrate.core.sharing.evidence import CheckCommand, Evidence
    from orchestrate.core.sharing.prices import PriceTable
    from orchestrate.core.sharing.usage import Usage
    from orchestrate.hosts.local.session import Session
    from orchestrate.ports.catalog import AgentCatalog
    from orchestrate.ports.evidence import Detection
    from orchestrate.ports.performer import AgentBackend, AttemptRequest, Backend
    from orchestrate.ports.rate_gate import RateGate
    from orchestrate.ports.workspace import Base, BaseChoice

#: Where checks that belong to no run are made.
CHECKS = "checks"

#: Letters and digits that cannot be mistaken for one another.
_ID_ALPHABET = "23456789abcdefghjkmnpqrstuvwxyz"


class Site(msgspec.Struct, frozen=True):
    """A repository and the places where its runs are kept."""

    repository: Repository
    settings: Settings
    origin: dict[str, str]
    #: What the repository's settings file says and may not: setting -> place.
    passed_over: dict[str, str] = {}

    @property
    def root(self) -> Path:
        """The folder runs work on."""
        return self.repository.root

    @property
    def state_dir(self) -> Path:
        """Where everything about this repository is kept."""
        return self.repository.state_dir

    @property
    def database(self) -> Path:
        """The event store's file."""
        return self.state_dir / "events.db"

    @property
    def runs_dir(self) -> Path:
        """One folder a run: attempts, logs, outputs."""
        return self.state_dir / "runs"

    @property
    def head(self) -> str:
        """The commit the repository stands at, or empty."""
        return revision(self.repository)


def config_home() -> Path:
    """The user's configuration folder: `$XDG_CONFIG_HOME/orchestrate` or the platform's own."""
    import platformdirs

    return platformdirs.user_config_path("orchestrate", appauthor=False)


def open_site(folder: Path | None = None, flags: Mapping[str, object] | None = None) -> Site:
    """The site around `folder`, with its settings.

    Raises:
        RequestError: no such folder.
        ConfigurationError: a setting is wrong.
    """
    from orchestrate.adapters.files.settings_reader import read_settings

    repository = find_repository(folder)
    project = repository.root / ".orchestrate" / "settings.yaml"
    user = config_home() / "settings.yaml"
    given = {name: value for name, value in (flags or {}).items() if value not in (None, "")}
    layers = [
        read_settings(user, relative_to=user.parent),
        read_settings(project, relative_to=repository.root, project=True),
        environment_layer(os.environ),
        Layer("command line", given),
    ]
    settings, origin = merge(layers)
    return Site(repository, settings, origin, passed_over(layers))


def open_store(site: Site, *, create: bool = False) -> SqliteStore:
    """The site's event store.

    Raises:
        RequestError: nothing was ever run here, and `create` is false.
        StoreError: it cannot be opened.
        ConfigurationError: its folder cannot be made, or is on a network file system.
    """
    from orchestrate.adapters.sqlite.store import SqliteStore
    from orchestrate.adapters.system.footprint import Place, record
    from orchestrate.adapters.system.ownership import refuse_network_filesystem

    if not create and not site.database.is_file():
        raise RequestError(
            f"there is no run in {site.root} yet",
            remedy="start one: orchestrate bugfix, or orchestrate security",
        )
    if create:
        try:
            record(Place("state", str(site.state_dir)))
            for path in (site.state_dir, site.runs_dir):
                path.mkdir(mode=0o700, parents=True, exist_ok=True)
        except OSError as error:
            raise ConfigurationError(
                f"runs of {site.root} cannot be kept: {error.strerror}: {error.filename}",
                remedy="check permissions and free space; `orchestrate doctor` looks at both",
            ) from error
    refuse_network_filesystem(site.state_dir)
    return SqliteStore(site.database)


def new_run_id() -> str:
    """A fresh run id: eight letters and digits, beginning with a letter."""
    first = secrets.choice(_ID_ALPHABET[8:])
    return first + "".join(secrets.choice(_ID_ALPHABET) for _ in range(7))


def ownership_of(site: Site, run: str) -> RunLock:
    """The lock that says who drives `run`."""
    from orchestrate.adapters.system.ownership import RunLock

    folder = site.runs_dir / run
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    return RunLock(folder / "owner.lock")


def is_owned(site: Site, run: str) -> bool:
    """Whether a live process drives `run`."""
    path = site.runs_dir / run / "owner.lock"
    if not path.is_file():
        return False
    owner = ownership_of(site, run).owner()
    return owner is not None and owner.live


def catalog_of(site: Site, run: str = "") -> FileAgentCatalog:
    """Agent profiles visible from the site, and before them those generated for `run`."""
    from orchestrate.adapters.files.agent_catalog import (
        AgentFolder,
        FileAgentCatalog,
        agent_folders,
    )

    folders = agent_folders(site.root, home=Path.home(), config=config_home())
    if run:
        folders = (AgentFolder(site.runs_dir / run / "agents", "file"), *folders)
    return FileAgentCatalog(folders)


def agent_store(site: Site) -> FileAgentStore:
    """Agent files of the site; what is made in the user's tree is remembered for `uninstall`."""
    from orchestrate.adapters.files.agent_store import FileAgentStore
    from orchestrate.adapters.system.footprint import Place, places, record

    def place(path: Path, data: bytes) -> Place:
        return Place("file", str(path), hashlib.sha256(data).hexdigest())

    return FileAgentStore(
        site.root,
        site.state_dir,
        remember=lambda path, data: record(place(path, data)),
        is_ours=lambda path, data: place(path, data) in set(places()),
    )


def stack_of(site: Site) -> Stack:
    """What the site's repository is made of; executes nothing."""
    from orchestrate.adapters.stack.detect import detect_stack

    return detect_stack(site.root, detect_checks(site))


def today() -> str:
    """The day, in the user's time zone, as YYYY-MM-DD."""
    return time.strftime("%Y-%m-%d")


def profile_of(text: str, name: str) -> Profile:
    """The profile in the text of an agent file called `name`. Raises DefinitionError."""
    from orchestrate.adapters.files.profile_reader import parse_profile

    return parse_profile(text.encode(), f"{name}.md")


def host_view(
    site: Site, gate: RateGate | None = None, providers: tuple[str, ...] = ()
) -> HostView:
    """What this machine can give at this moment, and what `providers` let in."""
    from orchestrate.adapters.system.memory import available_memory_bytes
    from orchestrate.core.running.capacity import HostView

    now = time.time()
    return HostView(
        at=now,
        memory_available_bytes=available_memory_bytes(),
        memory_floor_bytes=site.settings.memory_floor_mb * 1024 * 1024,
        providers=dict(gate.view(providers, now)) if gate is not None else {},
    )


def workspaces_dir(site: Site) -> Path:
    """Where workspaces of the site are made: apart from the repository, so that it stays small."""
    digest = hashlib.sha256(os.fsencode(site.state_dir)).hexdigest()[:12]
    return state_home() / "workspaces" / f"{site.root.name[:40] or 'root'}-{digest}"


def environments_dir(site: Site) -> Path:
    """Where environments that tests run in are kept, by the digest of what they are built from."""
    digest = hashlib.sha256(os.fsencode(site.state_dir)).hexdigest()[:12]
    return state_home() / "environments" / digest


def workspaces_of(site: Site) -> GitWorkspaces:
    """Workspaces of the site's runs.

    Raises:
        ConfigurationError: git is missing or too old.
    """
    from orchestrate.adapters.system.footprint import Place, record
    from orchestrate.adapters.workspace.workspaces import GitWorkspaces

    home = workspaces_dir(site)
    record(Place("state", str(home)))
    return GitWorkspaces(
        site.root,
        site.repository.git_dir,
        site.state_dir,
        home,
        quota_bytes=site.settings.workspace_quota_mb * 1024 * 1024,
    )


def pin_base(site: Site, run: str, choice: BaseChoice) -> Base:
    """Decide what a run's integration line begins at, and keep it from being collected.

    Raises:
        ConfigurationError: git is missing or too old, or there is no room.
        RequestError: the repository is in a state in which that cannot be said.
    """
    return workspaces_of(site).base(run, choice, time.time())


def is_trusted(site: Site) -> bool:
    """Whether the user lets the repository's own code run, in its tests for instance."""
    from orchestrate.adapters.system.trust import Trust

    return Trust().is_trusted(site.root)


def trust(site: Site) -> None:
    """Let the repository's own code run, now and in later runs."""
    from orchestrate.adapters.system.footprint import Place, record
    from orchestrate.adapters.system.trust import Trust

    record(Place("state", str(state_home() / "trust")))
    record(Place("state", str(site.state_dir)))  # the mark that tells the repository is there
    Trust().trust(site.root)


def revoke_trust(site: Site) -> bool:
    """Do not let the repository's own code run any more; False if it was not trusted."""
    from orchestrate.adapters.system.trust import Trust

    return Trust().revoke(site.root)


def detect_checks(site: Site) -> Detection:
    """The commands by which the site's repository can be checked; executes nothing."""
    from orchestrate.adapters.system.supervisor import ProcessSupervisor

    return _evidence(site, ProcessSupervisor(), builds=False).detect(site.root)


async def gather_check(site: Site, command: CheckCommand, choice: BaseChoice) -> Evidence:
    """Evidence of `command` on what the repository stands at; the caller asks for trust first.

    Raises:
        ConfigurationError: git is missing or too old, or there is no room.
        RequestError: the repository is in a state in which that cannot be said.
    """
    from orchestrate.adapters.system.supervisor import ProcessSupervisor
    from orchestrate.ports.evidence import Check

    name = new_run_id()
    workspaces = workspaces_of(site)
    # One place for all of them: the next check takes the ref of the one before.
    base = await asyncio.to_thread(workspaces.base, CHECKS, choice, time.time())
    record = site.state_dir / CHECKS / name
    record.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    checkout = await asyncio.to_thread(workspaces.checkout, CHECKS, name, base.commit)
    check = Check(
        command=command,
        checkout=str(checkout),
        revision=base.commit,
        tree=workspaces.tree(base.commit),
        record=str(record),
        token=name,
        network=site.settings.evidence_network,
    )
    try:
        return await _evidence(site, ProcessSupervisor()).gather(check)
    finally:
        await asyncio.to_thread(workspaces.discard, CHECKS, name)


def backends() -> dict[str, Backend]:
    """The backends there are, by name; agents come in the order in which they are preferred."""
    from orchestrate.adapters.backends.claude.backend import ClaudeBackend
    from orchestrate.adapters.backends.codex.backend import CodexBackend
    from orchestrate.adapters.backends.human import HumanBackend
    from orchestrate.adapters.backends.local.backend import LocalBackend
    from orchestrate.adapters.backends.scripted.backend import ScriptedBackend
    from orchestrate.adapters.backends.shell import ShellBackend

    found: tuple[Backend, ...] = (
        LocalBackend(),
        ShellBackend(),
        HumanBackend(),
        ClaudeBackend(os.environ),
        CodexBackend(os.environ),
        ScriptedBackend(os.environ, read_script),
    )
    return {backend.name: backend for backend in found}


def read_script(path: Path) -> Script:
    """The script of scripted agents in a file. Raises DefinitionError."""
    from orchestrate.adapters.files import script_reader

    return script_reader.read_script(path)


def agent_backends(known: Mapping[str, Backend]) -> dict[str, AgentBackend]:
    """Those of `known` that a model stands behind."""
    from orchestrate.app.staffing import is_agent_backend

    return {name: cast("AgentBackend", it) for name, it in known.items() if is_agent_backend(it)}


def deny_rules_of(site: Site) -> tuple[Rule, ...]:
    """What the user denies every agent in the site's repository.

    Raises:
        ConfigurationError: a file of rules cannot be understood.
    """
    from orchestrate.adapters.files.deny_rules import deny_rules

    user = os.environ.get("CLAUDE_CONFIG_DIR")
    return deny_rules(site.root, Path.home(), user=Path(user) if user else None)


def prices() -> PriceTable:
    """What models cost: the table that comes with the program, and the user's own.

    Raises:
        DefinitionError: the user's table has mistakes.
    """
    from orchestrate.adapters.files.prices_reader import price_table

    return price_table(config_home() / "prices.yaml")


def staffing(
    site: Site,
    known: Mapping[str, Backend],
    usable: tuple[str, ...],
    *,
    model: str = "",
    unenforced: Iterable[str] = (),
    trusted: bool = False,
    catalog: AgentCatalog | None = None,
) -> Staffing:
    """Who performs what in the site's runs; `usable` are backends, the preferred one first.

    Raises:
        ConfigurationError: a file of deny rules cannot be understood.
    """
    from orchestrate.app.staffing import Choice, Staffing
    from orchestrate.core.planning.budget import Budget

    settings = site.settings
    models = {"claude": settings.claude_model, "codex": settings.codex_model}
    if model and usable:
        models[usable[0]] = model
    table = prices()
    choice = Choice(
        backends=usable,
        models=models,
        allowance=Budget(cost_usd=settings.attempt_budget_usd),
        rules=deny_rules_of(site),
        unenforced=frozenset(unenforced),
        trusted=trusted or is_trusted(site),
    )
    return Staffing(
        choice,
        known,
        catalog or catalog_of(site),
        lambda provider, name: table.find(provider, name) is not None,
    )


def _paid() -> Trust:
    from orchestrate.adapters.system.trust import Trust

    return Trust(state_home() / "paid")


def agreed_to_pay(site: Site) -> bool:
    """Whether the user agreed before that runs in this repository cost money."""
    return _paid().is_trusted(site.root)


def agree_to_pay(site: Site) -> None:
    """Remember that the user agreed."""
    from orchestrate.adapters.system.footprint import Place, record

    record(Place("state", str(state_home() / "paid")))
    _paid().trust(site.root)


def rate_gate() -> RateGate:
    """The gates of providers, shared by everything this user runs on this machine."""
    from orchestrate.adapters.sqlite.host_gates import SqliteRateGate
    from orchestrate.adapters.system.clock import SystemClock
    from orchestrate.adapters.system.footprint import Place, record
    from orchestrate.adapters.system.process_owner import is_alive, this_owner

    path = state_home() / "host.db"
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    for name in (path, f"{path}-wal", f"{path}-shm"):
        record(Place("state", str(name)))
    return SqliteRateGate(path, this_owner(), is_alive, SystemClock())


def open_session(
    site: Site, store: SqliteStore, known: Mapping[str, Backend] | None = None
) -> Session:
    """What drives runs of the site from this process, through the backends `known`.

    Whoever has looked at the backends hands them in: what was found out about their programs is
    not found out again.
    """
    from orchestrate.adapters.files.standards import standards
    from orchestrate.adapters.system.clock import SystemClock
    from orchestrate.adapters.system.supervisor import ProcessSupervisor
    from orchestrate.app.on_demand import archive
    from orchestrate.app.preflight import LOCAL, SHELL
    from orchestrate.hosts.local.agent_care import AgentCare
    from orchestrate.hosts.local.audit import Audit
    from orchestrate.hosts.local.briefing import Briefing
    from orchestrate.hosts.local.checks import Checks, Policy
    from orchestrate.hosts.local.evidence import EvidenceGates
    from orchestrate.hosts.local.line import LineKeeper
    from orchestrate.hosts.local.perform import ProcessPerformer
    from orchestrate.hosts.local.request import build_request
    from orchestrate.hosts.local.scans import Scans
    from orchestrate.hosts.local.session import Session
    from orchestrate.hosts.local.train import Train

    clock = SystemClock()
    supervisor = ProcessSupervisor()
    known = known or backends()
    catalogs = functools.cache(partial(catalog_of, site))

    def request_of(state: RunState, key: AttemptKey) -> AttemptRequest:
        return build_request(state, key, site.runs_dir, catalogs(state.run))

    workspaces = workspaces_of(site)
    gate = functools.cache(rate_gate)
    # A script asks no provider.
    providers = tuple(sorted({each.provider for each in agent_backends(known).values()} - {""}))
    evidence = _evidence(site, supervisor)
    toolbox = evidence.toolbox if is_trusted(site) else None
    care = AgentCare(Briefing(workspaces, standards, deny_rules_of(site), toolbox), gate, _pricing)
    # Somebody's whole home can be a repository, and then our own folders are in it.
    inside = state_home().is_relative_to(site.root)
    ours = (str(state_home().relative_to(site.root)),) if inside else ()
    audit = Audit(workspaces, site.runs_dir, ours)
    checks = Checks(
        workspaces,
        evidence,
        Scans(
            workspaces,
            supervisor,
            known[LOCAL],
            site.runs_dir,
            {name: getattr(site.settings, name) for name in ("advisories", "advisory_service")},
        ),
        site.runs_dir,
        Policy(
            trusted=is_trusted(site),
            test_command=site.settings.test_command,
            timeout_s=site.settings.test_timeout,
            network=site.settings.evidence_network,
        ),
    )
    return Session(
        store=store,
        clock=clock,
        performer=ProcessPerformer(supervisor, known, workspaces, care),
        gates=EvidenceGates(supervisor, known[SHELL], site.runs_dir, checks),
        ownership=partial(ownership_of, site),
        build_request=request_of,
        # The gate is opened for the first agent of this process, and not for runs without any.
        sample=lambda: host_view(site, gate() if gate.cache_info().currsize else None, providers),
        identity=f"process {os.getpid()} on {os.uname().nodename}",
        line=lambda: LineKeeper(workspaces, Train(checks), clock, site.runs_dir, request_of, audit),
        audit=audit,
        ended=lambda state: archive(state, agent_store(site)),
    )


@functools.cache
def _price_table() -> PriceTable:
    return prices()


def _pricing(usage: Usage, who: Assignee) -> Usage:
    from orchestrate.core.sharing.prices import priced

    return priced(usage, _price_table(), who.provider, who.model)


def _evidence(site: Site, supervisor: ProcessSupervisor, *, builds: bool = True) -> LocalEvidence:
    """What gathers evidence. It `builds` environments, unless it is only to look."""
    from orchestrate.adapters.evidence.runner import LocalEvidence
    from orchestrate.adapters.system.footprint import Place, record

    folder = environments_dir(site)
    if builds:
        record(Place("state", str(folder)))
    return LocalEvidence(supervisor, folder, setup=site.settings.setup)


def workflow_folders(site: Site) -> tuple[Path, ...]:
    """Where workflows are looked for by name: project, user, built in."""
    from orchestrate import library

    return (
        site.root / ".orchestrate" / "workflows",
        config_home() / "workflows",
        Path(library.__path__[0]) / "workflows",
    )


def workflow_path(site: Site, name: str) -> Path:
    """The file behind a workflow's name or path.

    Raises:
        RequestError: there is none.
    """
    given = Path(name)
    if given.suffix in (".yaml", ".yml") or os.sep in name:
        if not given.is_file():
            raise RequestError(f"there is no workflow file {name}", remedy="check the path")
        return given
    return _by_name(name, workflow_folders(site))


def _by_name(name: str, folders: tuple[Path, ...]) -> Path:
    for folder in folders:
        path = folder / f"{name}.yaml"
        if path.is_file():
            return path
    known = sorted({path.stem for folder in folders for path in folder.glob("*.yaml")})
    raise RequestError(
        f"there is no workflow {name!r}", remedy=f"known workflows: {', '.join(known)}"
    )


def find_workflow(site: Site, name: str) -> Workflow:
    """The workflow behind a name or path, with its agents looked up.

    Raises:
        RequestError: there is none.
        DefinitionError: it has mistakes; all are listed.
    """
    return _read_workflow(site, workflow_path(site, name))


def trusted_workflow(site: Site, name: str) -> Workflow:
    """The user's or the built-in workflow `name`, whatever the repository calls by that name.

    For work on a repository that nobody trusts: a workflow of its own could run any command.

    Raises:
        RequestError: there is none.
        DefinitionError: it has mistakes; all are listed.
    """
    return _read_workflow(site, _by_name(name, workflow_folders(site)[1:]))


def _read_workflow(site: Site, path: Path) -> Workflow:
    from orchestrate.adapters.files.workflow_reader import read_workflow

    return read_workflow(path, known_agents=frozenset(catalog_of(site).names()))


def outcome_finder(site: Site, state: RunState) -> Callable[[str, int], bool]:
    """Tells whether attempt (task, number) of a run left its outcome on disk."""
    from orchestrate.adapters.system.supervisor import ProcessSupervisor
    from orchestrate.core.ids import AttemptKey

    supervisor = ProcessSupervisor()

    def found(task: str, number: int) -> bool:
        key = AttemptKey(state.run, task, number)
        folder = site.runs_dir / state.run / "attempts" / key.folder
        outcome = supervisor.recorded(folder, str(key))
        return outcome is not None and not outcome.given_up

    return found


def driven_runs(places: Iterable[Place]) -> list[str]:
    """Runs under any of `places` that a live process drives."""
    from orchestrate.adapters.system.ownership import RunLock

    found = []
    for place in places:
        for lock in Path(place.path).rglob("owner.lock"):
            owner = RunLock(lock).owner()
            if owner is not None and owner.live:
                found.append(f"run {lock.parent.name} ({owner})")
    return found
