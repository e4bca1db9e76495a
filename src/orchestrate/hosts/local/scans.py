"""Scanning a commit with the local specialists, to see what a change adds and removes."""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Mapping
from pathlib import Path

import msgspec

from orchestrate.core.ids import AttemptKey
from orchestrate.core.planning.definition import InputValue
from orchestrate.core.sharing.findings import Finding, Severity, SpecialistReport, ToolRun
from orchestrate.core.sharing.threshold import can_report
from orchestrate.core.sharing.work import Work
from orchestrate.hosts.local.attempt_folder import prepare_folder
from orchestrate.ports.performer import AttemptRequest, Backend
from orchestrate.ports.process import Supervisor
from orchestrate.ports.workspace import Workspaces

#: The specialists that look at code; both write `findings.json`.
SCANS = ("security-scan", "code-review")
RESCAN = "rescan"
TIMEOUT_S = 1800.0


class Scanned(msgspec.Struct, frozen=True, omit_defaults=True):
    """All findings at one commit, what each tool did, and scans that did not end well."""

    findings: tuple[Finding, ...] = ()
    tools: tuple[ToolRun, ...] = ()
    failures: tuple[str, ...] = ()

    def unknown(self, severity: Severity) -> tuple[str, ...]:
        """What nobody looked at and might hold a finding of `severity` or worse."""
        blind = (
            f"{tool.tool}: {tool.reason}"
            for tool in self.tools
            if not tool.conclusive and can_report(tool.tool, severity)
        )
        return (*self.failures, *blind)


class Rescanned(msgspec.Struct, frozen=True, omit_defaults=True):
    """What is left of the findings that were to go, by fingerprint, and what came beside them."""

    remaining: tuple[str, ...] = ()
    new: tuple[Finding, ...] = ()
    unknown: tuple[str, ...] = ()


class Look(msgspec.Struct, frozen=True):
    """One action on one commit, and the output it leaves."""

    run: str
    commit: str
    action: str
    output: str
    base: str = ""
    item: dict[str, InputValue] = {}
    inputs: dict[str, InputValue] = {}


class Scans:
    """Runs specialists on checkouts of commits; results are kept by tree."""

    def __init__(
        self,
        workspaces: Workspaces,
        supervisor: Supervisor,
        local: Backend,
        runs_dir: Path,
        sources: Mapping[str, InputValue],
    ) -> None:
        """`sources` says where advisories are, for runs whose own inputs do not."""
        self._workspaces = workspaces
        self._supervisor = supervisor
        self._local = local
        self._runs_dir = runs_dir
        self._sources = sources

    async def scan(self, run: str, commit: str, inputs: Mapping[str, InputValue]) -> Scanned:
        """Everything the scanning specialists find at `commit`, with the run's `inputs`."""
        given = {
            **self._sources,
            **{name: inputs[name] for name in self._sources if name in inputs},
        }
        findings: list[Finding] = []
        tools: list[ToolRun] = []
        failures: list[str] = []
        for action in SCANS:
            output = await self._perform(Look(run, commit, action, "findings.json", inputs=given))
            if isinstance(output, str):
                failures.append(f"{action}: {output}")
                continue
            report = msgspec.json.decode(output, type=SpecialistReport)
            findings += report.findings
            tools += report.tools
        return Scanned(tuple(findings), tuple(tools), tuple(failures))

    async def rescan(
        self,
        run: str,
        work: Work,
        item: Mapping[str, InputValue],
        inputs: Mapping[str, InputValue],
    ) -> Rescanned:
        """What `work` left of the findings in `item`, and what it brought."""
        look = Look(run, work.commit, RESCAN, "rescan.json", work.base, dict(item), dict(inputs))
        output = await self._perform(look)
        if isinstance(output, str):
            return Rescanned(unknown=(output,))
        return msgspec.json.decode(output, type=Rescanned)

    async def _perform(self, look: Look) -> bytes | str:
        """The output file of the action, or why there is none."""
        run, commit, action = look.run, look.commit, look.action
        tree = await asyncio.to_thread(self._workspaces.tree, commit)
        digest = hashlib.sha256(msgspec.json.encode(look)).hexdigest()[:10]
        name = f"{action}-{tree[:16]}-{digest}"
        folder = self._runs_dir / run / "evidence" / name
        path = folder / "outputs" / look.output
        token = f"{run}:scan:{name}"
        outcome = self._supervisor.recorded(folder, token)
        if outcome is None or outcome.given_up:
            checkout = await asyncio.to_thread(
                self._workspaces.checkout, run, f"scan.{name}", commit
            )
            request = AttemptRequest(
                key=AttemptKey(run, name, 1),
                token=token,
                phase="",
                repository=str(checkout),
                workspace=str(checkout),
                folder=str(folder),
                outputs_dir=str(folder / "outputs"),
                scratch_dir=str(folder / "scratch"),
                action=action,
                backend=self._local.name,
                base=look.base,
                item=look.item,
                inputs=look.inputs,
                timeout_s=TIMEOUT_S,
            )
            prepare_folder(request)
            try:
                outcome = await self._supervisor.run(self._local.spec(request), folder)
            finally:
                await asyncio.to_thread(self._workspaces.discard, run, f"scan.{name}")
        if not outcome.clean:
            return outcome.error or outcome.stopped or f"exit code {outcome.exit_code}"
        try:
            return path.read_bytes()
        except OSError as error:
            return f"it left no {look.output}: {error.strerror}"
