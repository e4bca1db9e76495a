"""Tasks that a person does, from the command line."""

from __future__ import annotations

from pathlib import Path

import msgspec
import pytest

from orchestrate.errors import ConflictError, RequestError
from orchestrate.ui.cli.task import task
from orchestrate.ui.cli.task_data import HandedInTask, HandedTask, HandedTaskDetail, TakenTask
from tests.e2e.command import log, orchestrate, start, wait_for
from tests.e2e.git_states import git
from tests.e2e.invoked import Invoked
from tests.e2e.writing import files_at, project, run_flow

FLOW = """
version: 1
name: byhand
phases:
  - name: only
    tasks:
      - id: look
        run: printf 'seen\\n' > "$ORCHESTRATE_OUTPUTS/notes.txt"
        outputs: [{name: notes, path: notes.txt}]
      - id: mend
        agent: builder
        backend: human
        needs: [look]
        writes: ["**"]
        must_change: true
        hand_over: {deadline: 2h, message: mind the plums}
        prompt: Make a.txt better, as {{ tasks.look.outputs.notes.path }} says.
        outputs: [{name: why, path: why.md}]
"""


class Shop:
    """A repository with a run that waits for a person to do the task `mend`."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.run: str = orchestrate("list", "--json", cwd=root).data[0]["run"]

    def call(self, *arguments: str) -> Invoked:
        return Invoked(task, *arguments, "--repo", str(self.root))

    def take(self, *arguments: str) -> TakenTask:
        return msgspec.convert(
            self.call("take", "last", "mend", "--json", *arguments).data, TakenTask
        )

    def show(self) -> HandedTaskDetail:
        return msgspec.convert(self.call("show", "last", "mend", "--json").data, HandedTaskDetail)

    def done(self, summary: str = "Better now.", *arguments: str) -> Invoked:
        return self.call("done", "last", "mend", "--summary", summary, *arguments)

    @property
    def rows(self) -> list[HandedTask]:
        return msgspec.convert(self.call("list", "--json").data, list[HandedTask])

    @property
    def events(self) -> list[dict[str, object]]:
        return log(self.root / ".git" / "orchestrate", self.run)


def waiting(root: Path) -> Shop:
    done = run_flow(project(root, FLOW))
    assert done.code == 7, done
    return Shop(root)


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Shop:
    """One for all tests that leave it as it is."""
    return waiting(tmp_path_factory.mktemp("shop") / "project")


@pytest.fixture
def fresh(tmp_path: Path) -> Shop:
    """One of its own."""
    return waiting(tmp_path / "project")


def test_a_task_waits_in_the_list_of_its_run_and_of_all(shop: Shop) -> None:
    [row] = shop.rows
    assert (row.run, row.task, row.number, row.folder) == (shop.run, "mend", 1, "")
    assert row.deadline_at == row.handed_at + 2 * 3600
    listed = shop.call("list", "last")
    assert "mend  attempt 1  not begun, until " in listed.out


def test_all_there_is_to_know_is_shown_and_nothing_made(shop: Shop) -> None:
    data = shop.show()
    [notes] = data.artifacts
    assert data.prompt == f"Make a.txt better, as {notes.path} says."
    assert Path(notes.path).read_text() == "seen\n"
    assert (data.message, data.must_change, data.writes) == ("mind the plums", True, ("**",))
    assert [output.path for output in data.outputs] == ["why.md"]
    assert not Path(data.outputs_dir).exists()
    shown = shop.call("show", "last", "mend")
    assert f"  Make a.txt better, as {notes.path} says." in shown.out.splitlines()
    assert f"output    why (required): {data.outputs_dir}/why.md" in shown.out
    assert f"begin: orchestrate task take {shop.run} mend" in shown.err


def test_a_task_that_is_done_by_hand_is_merged_like_any(fresh: Shop, tmp_path: Path) -> None:
    taken = fresh.take("--into", str(tmp_path / "mine"))
    assert not taken.begun
    mine = tmp_path / "mine"
    (mine / "work" / "a.txt").write_text("one\nbetter\n")
    (mine / "outputs" / "why.md").write_text("because\n")
    assert fresh.rows[0].folder == taken.folder
    # Taking it again leaves what was begun alone.
    assert fresh.take().begun
    handed_in = fresh.done("Better now.", "--by", "ada", "--json")
    assert handed_in.command == "task done"
    answer = msgspec.convert(handed_in.data, HandedInTask)
    assert (answer.status.value, answer.by) == ("merging", "ada")
    assert Path(answer.outputs["why"]).read_text() == "because\n"
    assert not Path(taken.folder).exists()
    assert fresh.rows == []
    resumed = orchestrate("resume", "--yes", "--json", cwd=fresh.root)
    assert resumed.code == 0, resumed
    assert files_at(fresh.root, resumed.data["branch"])["a.txt"] == "one\nbetter\n"
    [event] = [each for each in fresh.events if each.get("by") == "ada"]
    assert (event["event"], event["summary"]) == ("AttemptSucceeded", "Better now.")
    said = git(fresh.root, "log", "-1", "--format=%B", answer.commit)
    assert said.splitlines()[0] == "mend: Better now."
    assert "By: ada" in said


def test_what_is_not_done_is_not_handed_in(fresh: Shop) -> None:
    assert "why is missing" in fresh.done().refusal.message
    taken = fresh.take()
    Path(taken.outputs_dir, "why.md").write_text("because\n")
    refused = fresh.done().refusal
    assert isinstance(refused, RequestError)
    assert "nothing was changed" in refused.message
    assert taken.folder in refused.remedy
    assert fresh.rows


@pytest.mark.parametrize("count", [0, 51])
def test_a_summary_has_at_most_fifty_words_and_at_least_one(shop: Shop, count: int) -> None:
    refused = shop.done(" ".join(["word"] * count)).refusal
    assert f"has {count} words" in refused.message
    assert shop.rows


def test_a_task_nobody_took_has_no_change(fresh: Shop) -> None:
    outputs = Path(fresh.show().outputs_dir)
    outputs.mkdir(parents=True)
    (outputs / "why.md").write_text("because\n")
    refused = fresh.done().refusal
    assert f"orchestrate task take {fresh.run} mend" in refused.remedy


def test_a_task_that_is_given_back_has_failed(fresh: Shop) -> None:
    given = fresh.call("decline", "last", "mend", "--reason", "not mine", "--by", "ada", "--json")
    answer = msgspec.convert(given.data, HandedInTask)
    assert (answer.status.value, answer.by, answer.commit) == ("failed", "ada", "")
    [event] = [each for each in fresh.events if each["event"] == "AttemptFailed"]
    assert event["message"] == "given back by ada: not mine"
    assert isinstance(fresh.done().refusal, ConflictError)
    assert fresh.rows == []


def test_a_folder_for_links_is_new_and_outside_of_the_repository(
    shop: Shop, tmp_path: Path
) -> None:
    inside = shop.call("take", "last", "mend", "--into", str(shop.root / "mine"))
    assert "inside the repository" in inside.refusal.message
    there = shop.call("take", "last", "mend", "--into", str(tmp_path))
    assert "there already" in there.refusal.message


def test_other_tasks_are_in_nobodys_hands(shop: Shop) -> None:
    refused = shop.call("take", "last", "look").refusal
    assert isinstance(refused, ConflictError)
    assert refused.remedy == "to be done: mend"
    assert isinstance(shop.call("show", "last", "nobody").refusal, RequestError)


@pytest.mark.slow
def test_a_run_that_waits_with_its_driver_goes_on_by_itself(tmp_path: Path) -> None:
    root = project(tmp_path / "project", FLOW)
    driver = start("run", str(tmp_path / "flow.yaml"), "--wait", cwd=root)
    try:
        wait_for("the task", lambda: (root / ".git/orchestrate/events.db").exists())
        shop = wait_for("the run", lambda: _with_task(root))
        taken = shop.take()
        Path(taken.folder, "a.txt").write_text("better\n")
        Path(taken.outputs_dir, "why.md").write_text("because\n")
        handed_in = shop.done()
        assert handed_in.error is None, handed_in.error
        assert "go on:" not in handed_in.err
        assert driver.wait(60) == 0
    finally:
        driver.kill()
        driver.communicate()


def _with_task(root: Path) -> Shop | None:
    listed = orchestrate("list", "--json", cwd=root).data
    if not listed:
        return None
    shop = Shop(root)
    return shop if shop.rows else None
