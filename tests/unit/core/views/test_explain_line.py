"""What explain says of merges, conflicts, groups, checkpoints and files two tasks would write."""

from __future__ import annotations

from orchestrate.core.planning.definition import PhaseSpec, TaskSpec
from orchestrate.core.running import commands as cmd
from orchestrate.core.running.capacity import HostView
from orchestrate.core.views.explain import (
    Explanation,
    TaskExplanation,
    explain_run,
    explain_task,
    waiting_reason,
)
from tests.unit.core.running.drive import Run, gate, group, task, workflow, writer

RESOLVER = TaskSpec(id="resolver", phase="main", agent="conflict-resolver")


def of_task(run: Run, name: str) -> TaskExplanation:
    return explain_task(run.state, name, HostView(at=run.now))


def of_run(run: Run) -> Explanation:
    return explain_run(run.state, HostView(at=run.now))


def kinds(found: TaskExplanation | Explanation) -> list[str]:
    return [cause.kind for cause in found.causes]


def test_task_names_the_rival_whose_files_it_would_write() -> None:
    run = Run(workflow(writer("a", writes=("src/",)), writer("b", writes=("src/x.py",)))).start()
    run.begin("a")
    found = of_task(run, "b")
    assert kinds(found) == ["write-set"]
    assert found.causes[0].names == ("a",)
    assert found.causes[0].text == (
        "task a is expected to write the same files, and its work is not merged yet"
    )
    assert found.next == "it starts when that work is merged or sent back"
    assert waiting_reason(run.state, run.state.index.position["b"]) == found.causes[0].text
    run.deliver("a")
    assert kinds(of_task(run, "b")) == ["write-set"]
    assert "write-set" in kinds(of_run(run))


def test_merging_task_says_where_it_stands_in_the_train() -> None:
    run = Run(workflow(writer("a"), writer("b"), writer("c"))).start()
    run.begin("c")
    run.deliver("a", "b")
    assert of_task(run, "a").causes[0].text == "its work is merged as soon as a checkpoint is taken"
    run.hold()
    found = of_task(run, "a")
    assert kinds(found) == ["merging"]
    assert found.causes[0].text == "its work is being merged and checked"
    assert found.next == "it ends when its work is merged and has passed its checks"
    behind = of_task(run, "b")
    assert behind.causes[0].text == "its work waits to be merged, behind that of a"
    assert behind.causes[0].names == ("a",)
    whole = of_run(run)
    assert kinds(whole) == ["working", "merging"]
    assert whole.causes[1].text == "the work of a is merged; behind it: b"
    assert [each.task for each in whole.tasks] == ["a", "b"]


def test_dependent_of_merging_work_waits_for_it() -> None:
    run = Run(workflow(writer("a"), task("b", "a"))).start()
    run.begin("a")
    assert of_task(run, "a").next == "when its work is merged, b can go on"
    run.deliver("a")
    assert of_task(run, "b").causes[0].text == "it needs the success of a (merging)"


def test_conflict_names_the_files_and_what_a_person_can_type() -> None:
    run = Run(workflow(writer("a"))).start()
    run.deliver("a")
    run.clash("a")
    found = of_task(run, "a")
    assert kinds(found) == ["conflict"]
    assert "src/a.py" in found.causes[0].text
    assert found.causes[0].commands == (
        "orchestrate conflict show r a",
        "orchestrate conflict resolve r a",
        "orchestrate conflict send-back r a --reason TEXT",
    )
    assert found.next == "it is merged again when a person has joined the two"
    whole = of_run(run)
    assert kinds(whole) == ["conflict"]
    assert "  $ orchestrate conflict resolve r a" in whole.lines()
    assert whole.next.startswith("it goes on when a person has joined the work in conflict")
    run.give(cmd.PauseRun())
    assert kinds(of_task(run, "a")) == ["paused", "conflict"]
    assert kinds(of_run(run)) == ["paused", "conflict"]


def test_resolver_at_work_says_what_it_resolves() -> None:
    run = Run(workflow(writer("a"), resolver=RESOLVER)).start()
    run.deliver("a")
    run.clash("a")
    run.begin("a")
    assert of_task(run, "a").causes[0].text == (
        "attempt 2 has been at work for 0 s, to resolve the conflict in src/a.py"
    )


def test_group_waits_for_its_needs_its_list_and_its_members() -> None:
    run = Run(workflow(task("list"), group("fix"), task("after", "fix"))).start()
    assert of_task(run, "fix").causes[0].text == "it needs the success of list (ready)"
    run.succeed("list")
    found = of_task(run, "fix")
    assert kinds(found) == ["list"]
    assert found.causes[0].text == "its members are made from the output items of list"
    assert kinds(of_run(run)) == ["list"]
    assert of_run(run).next == "what is on the lists becomes tasks"
    run.expand("fix", "one", "two")
    run.begin("fix.one")
    found = of_task(run, "fix")
    assert kinds(found) == ["dependency"]
    assert found.causes[0].text == (
        "its members have not ended: fix.one (running), fix.two (ready)"
    )
    assert of_task(run, "after").causes[0].text == "it needs the success of fix (blocked)"


def test_end_of_a_group_counts_its_members() -> None:
    run = Run(workflow(task("list"), group("fix", tolerate=True), task("after", "fix"))).start()
    run.succeed("list")
    run.expand("fix", "one", "two")
    run.fail("fix.one")
    run.succeed("fix.two")
    assert of_task(run, "fix").causes[0].text == (
        "its 2 members have ended, 1 of them without success"
    )


def test_nothing_starts_while_the_end_of_a_phase_is_held() -> None:
    phases = (PhaseSpec("one"), PhaseSpec("two", depends_on=("one",)))
    first = TaskSpec("a", "one", run="true", writes=("**",))
    run = Run(workflow(first, task("b", phase="two"), phases=phases)).start()
    run.deliver("a")
    run.merge("a")
    found = of_task(run, "b")
    assert kinds(found) == ["checkpoint"]
    assert found.next == "it starts when the checkpoint is taken"
    position = run.state.index.position["b"]
    assert waiting_reason(run.state, position) == found.causes[0].text
    whole = of_run(run)
    assert kinds(whole) == ["checkpoint"]
    assert whole.causes[0].text == "a checkpoint is taken, the one at the end of a phase"
    assert whole.next == "it goes on when the checkpoint is taken"


def test_publication_is_what_a_finished_run_waits_for() -> None:
    run = Run(workflow(writer("a"))).start()
    run.deliver("a")
    run.merge("a")
    run.hold()
    assert kinds(of_run(run)) == ["publication"]
    assert of_run(run).next == "the run is completed when the result is there"


def test_end_of_merged_work_says_where_it_is_and_whether_it_was_proven() -> None:
    run = Run(workflow(writer("a"), writer("b"))).start()
    run.deliver("a", "b")
    run.merge("a")
    run.merge("b", verified=False)
    assert of_task(run, "a").causes[0].text == (
        "it succeeded in attempt 1, and its work is merged as a"
    )
    assert (
        of_task(run, "b")
        .causes[0]
        .text.endswith("merged as a+b; no check could tell whether it is right")
    )


def test_work_that_was_given_up_says_why() -> None:
    run = Run(workflow(writer("a", max_returns=0))).start()
    run.deliver("a")
    run.send_back("a")
    assert of_task(run, "a").causes[0].text == "it failed in attempt 1 (checks_failed): red"


def test_evidence_is_named_by_what_is_looked_at() -> None:
    phases = (PhaseSpec("main", gates=(gate("t", "tests"), gate("d", "diff", max_files=3))),)
    run = Run(workflow(task("a"), phases=phases)).start()
    run.succeed("a")
    texts = [cause.text for cause in of_run(run).causes]
    assert texts[0].startswith("gate main/t waits for the tests")
    assert texts[1].startswith("gate main/d waits for the size")
