"""Around an agent's process: permits, caps, what is told of one that was stopped."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import Any

import msgspec
import pytest

from orchestrate.adapters.memory.rate_gate import MemoryRateGate
from orchestrate.adapters.system.clock import SystemClock
from orchestrate.core.agents.permissions import Enforcement, Permissions
from orchestrate.core.ids import AttemptKey
from orchestrate.core.planning.budget import UNLIMITED, Budget
from orchestrate.core.planning.definition import TaskSpec
from orchestrate.core.planning.staffing import Assignee
from orchestrate.core.sharing.usage import AgentSession, Usage
from orchestrate.errors import ConfigurationError, StoreError
from orchestrate.hosts.local.agent_care import MAX_FILE_BYTES, AgentCare, finish
from orchestrate.hosts.local.briefing import Briefing
from orchestrate.hosts.local.perform import ProcessPerformer
from orchestrate.ports.performer import AttemptRequest, AttemptResult, BackendStatus, Observed
from orchestrate.ports.process import ProcessOutcome, ProcessSpec

WHO = Assignee("builder", "fake", provider="acme", paid=True)
SESSION = AgentSession(id="s", backend="fake")
ANSWER = {"summary": "Done.", "outcome": "done", "reason": "", "follow_ups": ["tell ada"]}


class _Supervisor:
    """Runs nothing: an attempt lasts until `end` is set, or until it is cancelled."""

    def __init__(self) -> None:
        self.end = asyncio.Event()
        self.started = asyncio.Event()
        self.two = asyncio.Event()
        self.stopping = asyncio.Event()
        self.lingers: asyncio.Event | None = None
        self.specs: list[ProcessSpec] = []
        self.outcome: ProcessOutcome | None = None
        self.ending = ProcessOutcome(token="t", exit_code=0, duration_s=2.0)

    async def run(self, spec: ProcessSpec, folder: Path) -> ProcessOutcome:
        (folder / "stdout.log").touch()
        self.specs.append(spec)
        self.started.set()
        if len(self.specs) == 2:
            self.two.set()
        try:
            await self.end.wait()
        except asyncio.CancelledError:
            self.stopping.set()
            if self.lingers is not None:
                await self.lingers.wait()
            self.outcome = ProcessOutcome(token="t", signal=15, stopped="cancelled", duration_s=1.0)
            raise
        self.outcome = self.ending
        return self.ending

    def recorded(self, folder: Path, token: str) -> ProcessOutcome | None:
        return self.outcome

    def sweep(self, tokens: frozenset[str]) -> int:
        return 0


class _Backend:
    name = "fake"
    provider = "acme"

    def __init__(self, result: AttemptResult, *, hard: bool = False) -> None:
        self.hard_cost = hard
        self.result = result
        self.usage: Usage | None = None
        self.places: list[str] = []

    def refusal(self, task: TaskSpec) -> str:
        return ""

    def spec(self, request: AttemptRequest) -> ProcessSpec:
        self.places.append(request.reused_dir)
        return ProcessSpec(("agent",), cwd="/", timeout_s=request.timeout_s)

    def parse(self, request: AttemptRequest, outcome: ProcessOutcome) -> AttemptResult:
        return self.result

    def observed(self, request: AttemptRequest) -> Observed:
        return Observed(usage=self.usage, session=SESSION)

    def status(self) -> BackendStatus:
        return BackendStatus("fake")

    def enforcement(self, permissions: Permissions, *, writes: bool) -> Enforcement:
        return Enforcement()


class _Files:
    """As much of Workspaces as a briefing needs, and a workspace for everybody."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.reads: list[tuple[str, str]] = []

    def file(self, commit: str, path: str) -> bytes | None:
        self.reads.append((commit, path))
        return b"be brief" if path == "AGENTS.md" else None

    def prepare(self, request: Any) -> Any:
        from orchestrate.ports.workspace import Workspace

        return Workspace(request.run, request.name, str(self.folder), request.base)

    def open(self, request: Any) -> Any:
        return self.prepare(request)


class _Rig:
    def __init__(self, folder: Path, backend: _Backend, price: float | None = None) -> None:
        self.supervisor = _Supervisor()
        self.gate = MemoryRateGate(SystemClock())
        self.folder = folder
        files: Any = _Files(folder)
        self.files = files
        read: Callable[..., Any] = _standards
        care = AgentCare(
            Briefing(files, read, ()),
            lambda: self.gate,
            lambda usage, who: (
                msgspec.structs.replace(usage, cost_usd=price) if usage.cost_usd is None else usage
            ),
        )
        supervisor: Any = self.supervisor
        self.performer = ProcessPerformer(supervisor, {"fake": backend}, files, care)

    def request(self, **more: Any) -> AttemptRequest:
        own = self.folder / "attempt"
        given: dict[str, Any] = {
            "key": AttemptKey("r", "t", 1),
            "token": "t",
            "phase": "p",
            "repository": "/nowhere",
            "folder": str(own),
            "outputs_dir": str(own / "outputs"),
            "scratch_dir": str(own / "scratch"),
            "backend": "fake",
            "base": "b" * 40,
            "assignee": WHO,
            "answer_schema": {"type": "object"},
            **more,
        }
        return AttemptRequest(**given)


def _standards(read: Callable[[str], bytes | None], targets: Any) -> tuple[Any, ...]:
    from orchestrate.ports.performer import ContextFile

    text = read("AGENTS.md")
    return (ContextFile("AGENTS.md", text.decode()),) if text else ()


def _good(**more: Any) -> AttemptResult:
    return AttemptResult(ok=True, answer=ANSWER, usage=Usage(output_tokens=5), **more)


def _do(work: Coroutine[Any, Any, AttemptResult]) -> AttemptResult:
    return asyncio.run(work)


def test_an_attempt_that_ends_well_is_priced_and_its_answer_taken(tmp_path: Path) -> None:
    async def scene() -> AttemptResult:
        rig = _Rig(tmp_path, _Backend(_good()), price=0.5)
        rig.supervisor.end.set()
        return await rig.performer.perform(rig.request())

    result = _do(scene())
    assert (result.ok, result.summary, result.follow_ups) == (True, "Done.", ("tell ada",))
    assert result.usage is not None and result.usage.cost_usd == 0.5
    assert result.handed_on > 0


def test_no_file_that_an_agent_writes_may_grow_without_end(tmp_path: Path) -> None:
    rig = _Rig(tmp_path, _Backend(_good()))
    rig.supervisor.end.set()
    assert _do(rig.performer.perform(rig.request())).ok
    assert [spec.max_file_bytes for spec in rig.supervisor.specs] == [MAX_FILE_BYTES]


def test_standards_are_read_once_for_a_commit_and_are_in_the_request(tmp_path: Path) -> None:
    async def scene() -> _Rig:
        rig = _Rig(tmp_path, _Backend(_good()))
        rig.supervisor.end.set()
        for _ in range(2):
            await rig.performer.perform(rig.request())
        return rig

    rig = asyncio.run(scene())
    assert rig.files.reads == [("b" * 40, "AGENTS.md")]
    kept = msgspec.json.decode(
        (tmp_path / "attempt" / "request.json").read_bytes(), type=AttemptRequest
    )
    assert [file.text for file in kept.standards] == ["be brief"]


@pytest.mark.parametrize(
    ("cap", "used", "word"),
    [
        (Budget(tokens=100), Usage(output_tokens=101), "tokens"),
        (Budget(turns=2), Usage(turns=3), "model calls"),
        (Budget(cost_usd=0.1), Usage(cost_usd=0.2), "USD"),
    ],
)
def test_a_soft_cap_stops_what_goes_beyond_it_and_keeps_its_account(
    tmp_path: Path, cap: Budget, used: Usage, word: str
) -> None:
    async def scene() -> AttemptResult:
        backend = _Backend(_good())
        backend.usage = used
        rig = _Rig(tmp_path, backend)
        return await rig.performer.perform(rig.request(cap=cap))

    result = _do(scene())
    assert (result.ok, result.cause) == (False, "budget")
    assert word in result.message and "soft" in result.message
    assert result.usage is not None and result.usage.tokens == used.tokens
    assert result.session is not None and result.session.id == "s"


def test_the_cost_of_a_backend_that_stops_itself_is_not_watched(tmp_path: Path) -> None:
    async def scene() -> AttemptResult:
        backend = _Backend(_good(), hard=True)
        backend.usage = Usage(cost_usd=9.0)
        rig = _Rig(tmp_path, backend)
        work = asyncio.ensure_future(rig.performer.perform(rig.request(cap=Budget(cost_usd=0.1))))
        await rig.supervisor.started.wait()
        rig.supervisor.end.set()
        return await work

    assert _do(scene()).ok


def test_an_attempt_stopped_from_outside_tells_what_could_be_seen(tmp_path: Path) -> None:
    async def scene() -> AttemptResult:
        backend = _Backend(_good())
        backend.usage = Usage(output_tokens=7, complete=False)
        rig = _Rig(tmp_path, backend)
        work = asyncio.ensure_future(rig.performer.perform(rig.request()))
        await rig.supervisor.started.wait()
        work.cancel()
        return await work

    result = _do(scene())
    assert (result.interrupted, result.ok) == (True, False)
    assert result.usage is not None and result.usage.tokens == 7
    assert result.duration_s == 1.0


def test_a_time_cap_shorter_than_the_time_out_ends_as_budget(tmp_path: Path) -> None:
    async def scene() -> tuple[AttemptResult, _Rig]:
        rig = _Rig(tmp_path, _Backend(_good()))
        rig.supervisor.ending = ProcessOutcome(token="t", signal=9, stopped="timeout")
        rig.supervisor.end.set()
        return await rig.performer.perform(rig.request(cap=Budget(time_s=5.0))), rig

    result, rig = asyncio.run(scene())
    assert rig.supervisor.specs[0].timeout_s == 5.0
    assert (result.cause, result.session) == (
        "budget",
        msgspec.structs.replace(SESSION, workspace="t.1", base="b" * 40),
    )


def test_a_rate_limit_closes_the_gate_for_the_next_one(tmp_path: Path) -> None:
    async def scene() -> float | None:
        limited = AttemptResult(ok=False, cause="rate_limit", retry_after_s=120.0, usage=Usage())
        rig = _Rig(tmp_path, _Backend(limited))
        rig.supervisor.end.set()
        await rig.performer.perform(rig.request())
        now = SystemClock().now()
        until = rig.gate.view(["acme"], now)["acme"].until
        return None if until is None else until - now

    waits = asyncio.run(scene())
    assert waits is not None and 100.0 < waits <= 120.0


@pytest.mark.parametrize(
    ("result", "free"),
    [
        (AttemptResult(ok=False, cause="unavailable"), 1),
        (AttemptResult(ok=False, cause="provider", usage=Usage()), 1),
        (AttemptResult(ok=False, cause="refusal", usage=Usage(output_tokens=3)), 2),
        (_good(), 2),
    ],
)
def test_only_who_was_answered_lets_more_in(
    tmp_path: Path, result: AttemptResult, free: int
) -> None:
    async def scene() -> int:
        rig = _Rig(tmp_path, _Backend(result))
        await rig.gate.enter("acme", "first")
        rig.gate.leave("acme", "first", limited=True, retry_after_s=1.0)
        rig.gate._states["acme"] = msgspec.structs.replace(rig.gate._states["acme"], until=1.0)
        rig.supervisor.end.set()
        await rig.performer.perform(rig.request())
        return rig.gate.view(["acme"], SystemClock().now())["acme"].free

    assert asyncio.run(scene()) == free


def test_a_folder_is_used_by_one_attempt_at_a_time_and_again_by_later_ones(tmp_path: Path) -> None:
    backend = _Backend(_good())
    home = tmp_path / "reused"

    async def scene() -> None:
        rig = _Rig(tmp_path, backend)
        request = rig.request(reused_dir=str(home))
        both = asyncio.gather(rig.performer.perform(request), rig.performer.perform(request))
        await rig.supervisor.two.wait()
        assert sorted(path.name for path in home.iterdir()) == ["0", "1"]
        rig.supervisor.end.set()
        await both
        await rig.performer.perform(request)

    asyncio.run(scene())
    assert backend.places == [str(home / name) for name in ("0", "1", "0")]


def test_the_permit_is_given_back_when_the_attempt_is_stopped(tmp_path: Path) -> None:
    async def scene() -> tuple[int, int]:
        rig = _Rig(tmp_path, _Backend(_good()))
        free = rig.gate.view(["acme"], 0.0)["acme"].free
        work = asyncio.ensure_future(rig.performer.perform(rig.request()))
        await rig.supervisor.started.wait()
        inside = rig.gate.view(["acme"], 0.0)["acme"].free
        work.cancel()
        await work
        assert rig.gate.view(["acme"], 0.0)["acme"].free == free
        return free, inside

    free, inside = asyncio.run(scene())
    assert inside == free - 1


def test_an_attempt_whose_driver_died_before_it_began_consumed_nothing(tmp_path: Path) -> None:
    async def scene() -> AttemptResult | None:
        rig = _Rig(tmp_path, _Backend(_good()))
        return await rig.performer.recover(rig.request())

    result = asyncio.run(scene())
    assert result is not None and result.cause == "lost"
    assert result.usage == Usage(cost_usd=0.0, cost_source="reported")


def test_an_attempt_whose_driver_died_tells_session_and_account(tmp_path: Path) -> None:
    async def scene() -> AttemptResult | None:
        backend = _Backend(_good())
        backend.usage = Usage(output_tokens=3, complete=False)
        rig = _Rig(tmp_path, backend)
        request = rig.request()
        return await rig.performer.recover(request)

    (tmp_path / "attempt").mkdir()
    (tmp_path / "attempt" / "stdout.log").touch()
    result = asyncio.run(scene())
    assert result is not None and result.cause == "lost"
    assert result.usage is not None and result.usage.tokens == 3
    assert result.session is not None and result.session.workspace == "t.1"


def test_time_that_nobody_measured_counts_as_all_that_was_left_of_it(tmp_path: Path) -> None:
    async def scene() -> AttemptResult | None:
        backend = _Backend(_good())
        backend.usage = Usage(output_tokens=3, complete=False)
        return await _Rig(tmp_path, backend).performer.recover(
            _Rig(tmp_path, backend).request(cap=Budget(time_s=60.0))
        )

    (tmp_path / "attempt").mkdir()
    (tmp_path / "attempt" / "stdout.log").touch()
    result = asyncio.run(scene())
    assert result is not None and result.duration_s == 60.0


def test_a_result_is_not_lost_because_the_permit_cannot_be_given_back(tmp_path: Path) -> None:
    async def scene() -> AttemptResult:
        rig = _Rig(tmp_path, _Backend(_good()))

        def refuse(*_: object, **__: object) -> None:
            raise StoreError("the disk is full")

        rig.gate.leave = refuse  # type: ignore[method-assign]
        rig.supervisor.end.set()
        return await rig.performer.perform(rig.request())

    result = _do(scene())
    assert result.ok and result.usage is not None and result.usage.tokens == 5


def test_what_was_consumed_is_told_although_the_work_cannot_be_collected(tmp_path: Path) -> None:
    async def scene() -> AttemptResult:
        rig = _Rig(tmp_path, _Backend(_good()))

        def refuse(*_: object) -> None:
            raise ConfigurationError("there is no room")

        rig.files.collect = refuse
        rig.supervisor.end.set()
        return await rig.performer.perform(rig.request(writes=True))

    result = _do(scene())
    assert (result.ok, result.cause) == (False, "unavailable")
    assert "no room" in result.message
    assert result.usage is not None and result.usage.tokens == 5


def test_nothing_runs_on_when_looking_after_it_breaks(tmp_path: Path) -> None:
    async def scene() -> str:
        backend = _Backend(_good())

        def broken(request: AttemptRequest) -> Observed:
            raise OSError("no more files can be opened")

        backend.observed = broken  # type: ignore[method-assign]
        rig = _Rig(tmp_path, backend)
        with pytest.raises(OSError, match="no more files"):
            await rig.performer.perform(rig.request(cap=Budget(tokens=1)))
        assert rig.supervisor.outcome is not None
        return rig.supervisor.outcome.stopped

    assert asyncio.run(scene()) == "cancelled"


def test_what_follows_a_process_is_done_however_often_its_caller_is_cancelled() -> None:
    async def scene() -> AttemptResult:
        begun, goes_on = asyncio.Event(), asyncio.Event()

        async def work() -> AttemptResult:
            begun.set()
            await goes_on.wait()
            return _good()

        caller = asyncio.ensure_future(finish(work()))
        await begun.wait()
        for _ in range(2):
            caller.cancel()
            await asyncio.sleep(0)
        goes_on.set()
        return await caller

    assert _do(scene()).ok


def test_what_only_saves_time_later_may_fail(tmp_path: Path) -> None:
    async def scene() -> AttemptResult:
        backend = _Backend(_good())

        def broken() -> BackendStatus:
            raise OSError("no more files can be opened")

        backend.status = broken  # type: ignore[method-assign]
        rig = _Rig(tmp_path, backend)
        rig.supervisor.end.set()
        return await rig.performer.perform(rig.request())

    assert _do(scene()).ok


def test_being_stopped_twice_still_waits_for_the_process_to_end(tmp_path: Path) -> None:
    async def scene() -> tuple[AttemptResult, bool]:
        rig = _Rig(tmp_path, _Backend(_good()))
        rig.supervisor.lingers = asyncio.Event()
        work = asyncio.ensure_future(rig.performer.perform(rig.request()))
        await rig.supervisor.started.wait()
        work.cancel()
        await rig.supervisor.stopping.wait()
        work.cancel()
        await asyncio.sleep(0)
        rig.supervisor.lingers.set()
        return await work, rig.supervisor.outcome is not None

    result, ended = asyncio.run(scene())
    assert result.interrupted and ended


def test_a_bad_answer_is_refused_with_its_session_kept(tmp_path: Path) -> None:
    async def scene() -> AttemptResult:
        wordy = {**ANSWER, "summary": "word " * 51}
        result = AttemptResult(ok=True, answer=wordy, usage=Usage(), session=SESSION)
        rig = _Rig(tmp_path, _Backend(result))
        rig.supervisor.end.set()
        return await rig.performer.perform(rig.request())

    result = _do(scene())
    assert (result.ok, result.cause) == (False, "bad_output")
    assert "51 words" in result.message
    assert result.session is not None


def test_an_unlimited_attempt_is_not_watched(tmp_path: Path) -> None:
    async def scene() -> AttemptResult:
        backend = _Backend(_good())
        backend.usage = Usage(output_tokens=10**9)
        rig = _Rig(tmp_path, backend)
        rig.supervisor.end.set()
        return await rig.performer.perform(rig.request(cap=UNLIMITED))

    assert _do(scene()).ok
