"""Attempts as processes: what counts as finished, and what an attempt may leave (N3)."""

from __future__ import annotations

import asyncio
import os
from pathlib import Path

import pytest

from orchestrate.adapters.backends.shell import ShellBackend
from orchestrate.adapters.system.supervisor import ProcessSupervisor
from orchestrate.core.ids import AttemptKey
from orchestrate.core.planning.definition import OutputSpec
from orchestrate.errors import AgentError
from orchestrate.hosts.local.perform import ProcessPerformer
from orchestrate.ports.performer import AttemptRequest, AttemptResult, UpstreamArtifact
from orchestrate.ports.process import ProcessOutcome, ProcessSpec
from tests.integration.rig import until

REPORT = OutputSpec(name="report", path="sub/report.txt")


class LateCancel(ProcessSupervisor):
    """The real supervisor, whose caller is cancelled just after the process has ended."""

    async def run(self, spec: ProcessSpec, folder: Path) -> ProcessOutcome:
        outcome = await super().run(spec, folder)
        caller = asyncio.current_task()
        assert caller is not None
        caller.cancel()
        await asyncio.sleep(0)
        return outcome


def request(folder: Path, command: str, **fields: object) -> AttemptRequest:
    root = folder / "repository"
    root.mkdir(exist_ok=True)
    attempt = folder / "attempt"
    return AttemptRequest(
        key=AttemptKey("run1", "a", 1),
        token="run1:a:1",
        phase="work",
        repository=str(root),
        folder=str(attempt),
        outputs_dir=str(attempt / "outputs"),
        scratch_dir=str(attempt / "scratch"),
        backend="shell",
        command=command,
        **fields,  # type: ignore[arg-type]
    )


def perform(wanted: AttemptRequest, supervisor: ProcessSupervisor | None = None) -> AttemptResult:
    performer = ProcessPerformer(supervisor or ProcessSupervisor(), {"shell": ShellBackend()})
    return asyncio.run(performer.perform(wanted))


WRITES = 'mkdir -p "$ORCHESTRATE_OUTPUTS/sub"; echo hello > "$ORCHESTRATE_OUTPUTS/sub/report.txt"'


def test_attempt_that_ended_before_it_could_be_stopped_has_its_result(tmp_path: Path) -> None:
    wanted = request(tmp_path, WRITES, outputs=(REPORT,))
    result = perform(wanted, LateCancel())
    assert result.ok
    assert [item.name for item in result.artifacts] == ["report"]


def test_attempt_that_is_stopped_while_its_outputs_are_collected_has_its_result(
    tmp_path: Path,
) -> None:
    class StopsMeanwhile(ShellBackend):
        def parse(self, request: AttemptRequest, outcome: ProcessOutcome) -> AttemptResult:
            performing[0].cancel()
            return super().parse(request, outcome)

    async def main() -> AttemptResult:
        performer = ProcessPerformer(ProcessSupervisor(), {"shell": StopsMeanwhile()})
        wanted = request(tmp_path, WRITES, outputs=(REPORT,))
        performing.append(asyncio.create_task(performer.perform(wanted)))
        return await performing[0]

    performing: list[asyncio.Task[AttemptResult]] = []
    assert [item.name for item in asyncio.run(main()).artifacts] == ["report"]


def test_attempt_that_is_stopped_has_none_and_leaves_no_process(tmp_path: Path) -> None:
    wanted = request(tmp_path, "touch begun; sleep 600")

    async def main() -> None:
        performer = ProcessPerformer(ProcessSupervisor(), {"shell": ShellBackend()})
        running = asyncio.create_task(performer.perform(wanted))
        await until("its beginning", (tmp_path / "repository" / "begun").exists)
        running.cancel()
        with pytest.raises(asyncio.CancelledError):
            await running
        assert await performer.recover(wanted) is None

    asyncio.run(main())


def test_recovery_takes_what_was_finished(tmp_path: Path) -> None:
    wanted = request(tmp_path, WRITES, outputs=(REPORT,))
    assert perform(wanted).ok
    performer = ProcessPerformer(ProcessSupervisor(), {"shell": ShellBackend()})
    found = asyncio.run(performer.recover(wanted))
    assert found is not None
    assert found.ok
    assert found.recovered
    assert len(found.artifacts) == 1


@pytest.mark.parametrize(
    ("command", "cause"),
    [
        ("exit 3", "exit"),
        ("true", "missing_output"),
        ('mkdir -p "$ORCHESTRATE_OUTPUTS/sub/report.txt"', "missing_output"),
        (
            'mkdir "$ORCHESTRATE_OUTPUTS/sub"; ln -s /etc/hostname'
            ' "$ORCHESTRATE_OUTPUTS/sub/report.txt"',
            "missing_output",
        ),
        (
            'cd "$ORCHESTRATE_OUTPUTS/.."; mv outputs away; ln -s away outputs; mkdir away/sub;'
            " echo x > away/sub/report.txt",
            "missing_output",
        ),
        (
            'cd "$ORCHESTRATE_OUTPUTS"; mkdir sub; truncate -s 2G sub/report.txt',
            "missing_output",
        ),
        ("kill -9 $$", "crash"),
        ("sleep 600", "timeout"),
    ],
)
def test_what_goes_wrong_is_a_cause_and_a_sentence(
    command: str, cause: str, tmp_path: Path
) -> None:
    result = perform(request(tmp_path, command, outputs=(REPORT,), timeout_s=2.0))
    assert (result.ok, result.cause) == (False, cause)
    assert result.message


def test_upstream_artifact_that_was_changed_is_not_used(tmp_path: Path) -> None:
    path = tmp_path / "made"
    path.write_text("changed since")
    upstream = UpstreamArtifact("before", "made", str(path), "0" * 64)
    result = perform(request(tmp_path, "touch begun", artifacts=(upstream,)))
    assert (result.ok, result.cause) == (False, "bad_output")
    assert "was changed" in result.message
    assert not (tmp_path / "repository" / "begun").exists()


def test_folder_of_an_attempt_is_private(tmp_path: Path) -> None:
    wanted = request(tmp_path, "true")
    perform(wanted)
    modes = {path.name: path.stat().st_mode & 0o077 for path in Path(wanted.folder).iterdir()}
    assert set(modes.values()) == {0}, modes
    assert not Path(wanted.scratch_dir).exists()


def test_unknown_backend_is_named(tmp_path: Path) -> None:
    with pytest.raises(AgentError, match="known: none of this"):
        asyncio.run(
            ProcessPerformer(ProcessSupervisor(), {"none of this": ShellBackend()}).perform(
                request(tmp_path, "true")
            )
        )


def test_command_sees_inputs_artifacts_and_only_the_passed_environment(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "s3cret")
    made = tmp_path / "made"
    made.write_bytes(b"")
    empty = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
    wanted = request(
        tmp_path,
        "env",
        inputs={"dry-run": True, "text": "a 'b' $(c)\nd"},
        artifacts=(UpstreamArtifact("first.one", "log", str(made), empty),),
        env={"EXTRA": "yes"},
    )
    assert perform(wanted).ok
    seen = (Path(wanted.folder) / "stdout.log").read_text()
    assert "s3cret" not in seen
    assert "ORCHESTRATE_INPUT_DRY_RUN=true\n" in seen
    assert "ORCHESTRATE_INPUT_TEXT=a 'b' $(c)\nd\n" in seen
    assert f"ORCHESTRATE_ARTIFACT_FIRST_ONE_LOG={made}\n" in seen
    assert "EXTRA=yes\n" in seen
    assert f"PATH={os.environ['PATH']}\n" in seen
