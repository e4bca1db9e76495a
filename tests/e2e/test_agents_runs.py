"""Runs that go well, with the real agent programs: what they are told, do, cost and leave."""

from __future__ import annotations

from pathlib import Path

import pytest

from orchestrate.testing.model_server import Bash, Fault, Tokens, turn
from tests.e2e.agents import (
    LOOK,
    MEND,
    MENDED,
    MENDING,
    PROGRAMS,
    Bench,
    answer,
    consumed,
    profile,
    script,
    workflow,
)

pytestmark = [pytest.mark.agents, pytest.mark.slow]

ROLE, CLAUDE_MD, AGENTS_MD, TASK = "role-5c1e", "claude-md-77ab", "agents-md-09fd", "task-3d2e"


@pytest.mark.parametrize("backend", PROGRAMS)
def test_role_standards_and_task_are_in_every_request_exactly_once(
    tmp_path: Path, backend: str
) -> None:
    with Bench(tmp_path, **{backend: script(Bash("true"), answer())}) as bench:
        bench.commit(
            "standards",
            {
                ".orchestrate/agents/helper.md": profile("helper", body=f"You are {ROLE}."),
                "CLAUDE.md": f"House rule: {CLAUDE_MD}.\n",
                "AGENTS.md": f"Another house rule: {AGENTS_MD}.\n",
            },
        )
        done = bench.run(LOOK.replace("Look around", f"Look for {TASK}"), backend)
        assert done.code == 0, done
        asked = bench.asked(backend)
        assert [each.step for each in asked] == [0, 1]
        for each in asked:
            seen = {mark: each.texts().count(mark) for mark in (ROLE, CLAUDE_MD, AGENTS_MD, TASK)}
            assert set(seen.values()) == {1}, seen
        assert consumed(bench.events()) == bench.told(backend).total


@pytest.mark.parametrize("backend", PROGRAMS)
def test_work_comes_as_a_branch_and_leaves_the_users_things_and_no_key(
    tmp_path: Path, backend: str
) -> None:
    with Bench(tmp_path, **{backend: script(MENDING, answer("Mended."))}) as bench:
        (bench.root / "notes.txt").write_text("mine, not committed\n")
        bench.stash("notes.txt", "stashed\n")
        before = bench.things()
        done = bench.run(MEND, backend)
        assert done.code == 0, done
        assert bench.things() == before
        assert done.data["audit"] == "passed"
        assert bench.file(bench.branch(), "calc.py") == MENDED
        assert bench.changed("main", bench.branch()) == ["calc.py"]
        assert bench.leaks() == []
        assert len(bench.state_files()) > 5
        assert all(each.key for each in bench.asked(backend))


@pytest.mark.parametrize("backend", PROGRAMS)
def test_eight_agents_work_at_once(tmp_path: Path, backend: str) -> None:
    tasks = [f"{{id: t{n}, agent: helper, prompt: Look at {n}., timeout: 2m}}" for n in range(8)]
    flow = workflow(*tasks, head="limits: {max_parallel: 8}")
    together = turn(Bash("true"), faults=(Fault("hang", times=8, until="all"),))

    with Bench(tmp_path, **{backend: script(together, answer())}) as bench:
        driver = bench.start(flow, backend)
        asked = bench.until_asked(driver, 8, backend)
        assert len({each.conversation for each in asked}) == 8
        bench.server.release("all")
        assert driver.wait(120) == 0
        events = bench.events()
        assert len([each for each in events if each["event"] == "AttemptSucceeded"]) == 8
        assert consumed(events) == bench.told(backend).total
        assert bench.told(backend).total >= Tokens().total * 16


@pytest.mark.parametrize("backend", PROGRAMS)
def test_two_agents_at_once_share_a_budget_and_a_third_waits_for_more(
    tmp_path: Path, backend: str
) -> None:
    tasks = [f"{{id: t{n}, agent: helper, prompt: Look at {n}., timeout: 2m}}" for n in (1, 2)]
    last = "{id: last, agent: helper, prompt: Look at all., needs: [t1, t2], timeout: 2m}"
    # 0.099 dollars a task: a million tokens cost 3 dollars, and 1.25.
    dear = Tokens(33_000 if backend == "claude" else 79_200, 0, 0, 0)
    first = turn(Bash("true"), tokens=dear, faults=(Fault("hang", times=2, until="both"),))
    free = turn(answer(), tokens=Tokens(0, 0, 0, 0))

    with Bench(tmp_path, **{backend: script(first, free, repeat_last=True)}) as bench:
        bench.environ["ORCHESTRATE_ATTEMPT_BUDGET_USD"] = "0.1"
        driver = bench.start(workflow(*tasks, last), backend, "--budget-usd", "0.2")
        bench.until_asked(driver, 2, backend)
        bench.server.release("both")
        assert driver.wait(120) == 8
        events = bench.events()
        held = [each["reserved"]["cost_usd"] for each in events if "reserved" in each]
        assert held == [0.1, 0.1]
        assert {each["task"] for each in events if "reserved" in each} == {"t1", "t2"}
        done = bench.call("resume", "--yes", "--json", "--budget-usd", "0.5")
        assert done.code == 0, done
        events = bench.events()
        assert consumed(events) == bench.told(backend).total
        total = bench.call("cost", "--json").data["total"]
        assert total["reported_usd"] + total["computed_usd"] == pytest.approx(3 * 0.099)


@pytest.mark.parametrize("backend", PROGRAMS)
def test_the_budget_of_a_phase_runs_out_and_is_raised_by_the_command_it_names(
    tmp_path: Path, backend: str
) -> None:
    look = "agent: helper, prompt: Look., timeout: 2m"
    # Two model calls of the first task leave a twentieth: too little for the second.
    limit = Tokens().total * 21 // 10
    flow = workflow(f"{{id: t1, {look}}}", f"{{id: t2, {look}, needs: [t1]}}")
    flow = flow.replace("  - name: p\n", f"  - name: p\n    budget: {{tokens: {limit}}}\n")
    with Bench(tmp_path, **{backend: script(Bash("true"), answer())}) as bench:
        done = bench.run(flow, backend)
        assert done.code == 8, done
        run = done.data["run"]
        more = f"orchestrate resume {run} --budget-of phase:p --budget-tokens N"
        assert "the budget of phase p has" in done.err
        assert more in done.err
        assert more in bench.call("explain").out
        assert bench.steps(backend) == [0, 1]
        wrong = bench.call("resume", "--yes", "--budget-of", "phase:q", "--budget-tokens", "9000")
        assert wrong.code == 2, wrong
        wrong = bench.call("resume", "--preview", "--budget-of", "phase:q", "--budget-tokens", "9")
        assert wrong.code == 2, "it is refused before anything is shown or asked"
        there = f"run, phase:p, backend:{backend}, task:t1, task:t2"
        assert f"name one of: {there}" in wrong.err
        bare = bench.call("resume", "--yes", "--budget-of", "phase:p")
        assert bare.code == 2, bare
        assert "nothing says how much" in bare.err
        again = bench.call("resume", "--yes", "--json", "--budget-tokens", str(limit * 9))
        assert again.code == 8, "it is not the budget of the run that is used up"
        words = more.replace(" N", f" {limit * 3}").split()[1:]
        again = bench.call(*words, "--yes", "--json")
        assert again.code == 0, again
        assert bench.steps(backend) == [0, 1, 0, 1]
        assert consumed(bench.events()) == bench.told(backend).total == Tokens().total * 4


def test_soft_cap_stops_a_long_attempt_of_codex(tmp_path: Path) -> None:
    long = [turn(Bash("true"), tokens=Tokens(10_000)) for _ in range(3)]
    held = turn(answer(), faults=(Fault("hang", until="never"),))
    with Bench(tmp_path, codex=script(*long, held)) as bench:
        done = bench.run(LOOK, "codex", "--budget-tokens", "25000")
        assert done.code == 8, done
        events = bench.events()
        (failed,) = [each for each in events if each["event"] == "AttemptFailed"]
        assert failed["cause"] == "budget"
        # It is seen while the third call's command runs, or while the fourth call is held.
        assert bench.steps("codex") in ([0, 1, 2], [0, 1, 2, 3])
        assert consumed(events) == bench.told("codex").total == 30_030
