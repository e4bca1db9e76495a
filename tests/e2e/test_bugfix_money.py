"""A budget stops `bugfix` at the right attempt, and a larger one lets it go on from there.

The real agent programs run; what their model says it used is scripted.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from orchestrate.testing.model_server import Fault, Read, Role, Step, Tokens, turn
from tests.e2e.agents import MENDED, MODELS, PROGRAMS, Bench
from tests.e2e.bugfixes import PROJECT, RED, RED_TEST, bugfix_roles
from tests.integration.evidence_projects import BORROWED

pytestmark = [pytest.mark.agents, pytest.mark.slow]

#: US dollars for a million input tokens of the models in `MODELS`.
PRICES = {"claude": 3.0, "codex": 1.25}
KINDS = ("input_tokens", "cached_tokens", "cache_write_tokens", "output_tokens")
#: Two attempts fit into five cents; the third is cut off after its first answer.
ATTEMPT_USD, DEAR_USD = 0.018, 0.016
BUDGET_USD = "0.05"
#: Phases up to the fix; what comes after it is cheap and not what is looked at.
TO_THE_FIX = "baseline,investigation,resolution"


@contextmanager
def dear_bench(folder: Path, backend: str, allowance: str = "") -> Iterator[Bench]:
    """A repository with a bug, and a model whose every attempt costs about two cents.

    `allowance` is the setting for one attempt, empty for what it is unless somebody sets it.

    What Codex asks after the answer that breaks the budget is not answered before it is stopped:
    it has no limit of its own, and is stopped when it is seen to have used too much.
    """

    def worth(usd: float) -> Tokens:
        return Tokens(round(usd / PRICES[backend] * 1_000_000), 0, 0, 0)

    tokens = {"impact": worth(ATTEMPT_USD), "regression": worth(ATTEMPT_USD / 2)}
    faults = (Fault("hang", until="never"),) if backend == "codex" else ()
    cut = (
        turn(Read("calc.py"), tokens=worth(DEAR_USD)),
        turn(Read("notes.txt"), faults=faults),
    )
    roles = bugfix_roles(RED, ({"calc.py": MENDED},), (RED_TEST,), tokens)
    roles = tuple(_before(role, cut) if role.name == "fix" else role for role in roles)
    with Bench(folder, claude=roles, codex=roles) as bench:
        bench.environ["ORCHESTRATE_SETUP"] = BORROWED
        if allowance:
            bench.environ["ORCHESTRATE_ATTEMPT_BUDGET_USD"] = allowance
        bench.commit("a project with tests", PROJECT)
        yield bench


def _before(role: Role, steps: tuple[Step, ...]) -> Role:
    return Role(role.name, (*steps, *role.steps), marker=role.marker)


def bugfix(bench: Bench, backend: str, *options: str) -> Any:
    """Run it in the phases up to the fix."""
    return bench.call(
        *("bugfix", "add subtracts", "--trust-repo", "--yes", "--json", "--phases", TO_THE_FIX),
        *("--backend", backend, "--model", MODELS[backend], *options),
    )


def steps(bench: Bench, backend: str) -> dict[str, list[int | None]]:
    """Which steps of each task's script were asked for, in order."""
    return {name: bench.steps(backend, name) for name in ("impact", "regression", "fix")}


def cost(bench: Bench) -> dict[str, Any]:
    """The sums of the latest run, checked against what the model told."""
    found: dict[str, Any] = bench.call("cost", "last", "--json").data["total"]
    return found


def assert_agrees(bench: Bench, backend: str) -> dict[str, Any]:
    """The run's sums, which are those of the server's log to the token."""
    total, told = cost(bench), bench.told(backend)
    assert {kind: total[kind] for kind in KINDS} == {kind: getattr(told, kind) for kind in KINDS}
    return total


@pytest.mark.parametrize("allowance", ["", "0.025"], ids=["unset", "25-mills"])
@pytest.mark.parametrize("backend", PROGRAMS)
def test_a_budget_in_dollars_stops_at_the_right_attempt_and_more_of_it_goes_on(
    tmp_path: Path, backend: str, allowance: str
) -> None:
    """With the allowance of 2 USD that nobody set, one attempt at a time holds all that is left."""
    with dear_bench(tmp_path, backend, allowance) as bench:
        done = bugfix(bench, backend, "--budget-usd", BUDGET_USD)
        assert done.code == 8, done
        (advice,) = [line for line in done.err.splitlines() if "orchestrate resume" in line]
        assert f"orchestrate resume {done.data['run']} --budget-usd" in advice
        first = steps(bench, backend)
        assert first in _stopped(backend)
        total = assert_agrees(bench, backend)
        assert total["attempts"] == 3
        dollars = total["reported_usd"] + total["computed_usd"]
        assert dollars == pytest.approx(2 * ATTEMPT_USD + DEAR_USD, abs=1e-4)

        bench.server.release("never")
        again = bench.call("resume", done.data["run"], "--budget-usd", "1", "--yes", "--json")
        assert again.code == 0, again
        assert again.data["status"] == "completed"
        assert bench.file(again.data["branch"], "calc.py") == MENDED
        # Nothing of what was finished is asked again, and the session goes on where it was cut.
        later = steps(bench, backend)
        assert {name: later[name] for name in ("impact", "regression")} == {
            name: first[name] for name in ("impact", "regression")
        }
        assert later["fix"][len(first["fix"]) :] == [1, 2, 3, 4]
        total = assert_agrees(bench, backend)
        if backend == "claude":
            assert total["reported_usd"] == pytest.approx(_told_by_claude(bench), abs=1e-9)
            assert total["computed_usd"] == 0
        else:
            assert total["reported_usd"] == 0


def _stopped(backend: str) -> list[dict[str, list[int]]]:
    """What was asked when the money ran out.

    Codex is watched from outside: it is stopped before it asks the next time, or while it waits for
    the answer, which is held back.
    """
    before = {"impact": [0], "regression": [0, 1], "fix": [0]}
    return [before, {**before, "fix": [0, 1]}] if backend == "codex" else [before]


def _told_by_claude(bench: Bench) -> float:
    """The sum of what its sessions said to have cost; a session that was resumed counts once."""
    sessions: dict[str, float] = {}
    for path in bench.root.glob(".git/orchestrate/runs/*/attempts/*/stdout.log"):
        for line in path.read_text("utf-8").splitlines():
            event = json.loads(line) if line.startswith("{") else {}
            if event.get("type") == "result":
                name = event["session_id"]
                sessions[name] = max(sessions.get(name, 0.0), event["total_cost_usd"])
    return sum(sessions.values())


def test_a_budget_in_tokens_stops_codex_softly_and_more_of_it_goes_on(tmp_path: Path) -> None:
    with dear_bench(tmp_path, "codex") as bench:
        # Two attempts at 14,400 tokens, and 12,800 in the answer that is too much.
        done = bugfix(bench, "codex", "--budget-tokens", "40000")
        assert done.code == 8, done
        assert "soft" in done.err
        assert f"orchestrate resume {done.data['run']}" in done.err
        first = steps(bench, "codex")
        assert first in _stopped("codex")
        assert_agrees(bench, "codex")
        bench.server.release("never")
        again = bench.call("resume", "--budget-tokens", "200000", "--yes", "--json")
        assert again.code == 0, again
        assert steps(bench, "codex")["fix"] == [*first["fix"], 1, 2, 3, 4]
        assert assert_agrees(bench, "codex")["unknown"] == 0
