"""Roles are chosen by marker, steps by history, and faults are counted."""

from __future__ import annotations

import pytest

from orchestrate.errors import DefinitionError
from orchestrate.testing.model_server import Fault, Role, Say, Scenario, turn
from orchestrate.testing.model_server.conversation import Conversation, Message
from orchestrate.testing.model_server.script import Script, ScriptError


def said(text: str = "", answers: int = 0, name: str = "c") -> Conversation:
    user = Message("user", text)
    tool = Message("tool", "REVIEW is written in a file")
    return Conversation("messages", name, "m", "system", (user, tool), (), answers, True)


def chosen(script: Script, conversation: Conversation) -> tuple[str, int, str]:
    found = script.choose(conversation)
    (action,) = found.step.actions
    assert isinstance(action, Say)
    return found.role.name, found.number, action.text


def test_first_role_whose_markers_all_occur_answers() -> None:
    script = Script(
        Scenario(
            "s",
            (
                Role("second try", (Say("again"),), marker=("BUILD", "failed")),
                Role("builder", (Say("build"),), marker="BUILD"),
                Role("reviewer", (Say("review"),), marker="REVIEW"),
                Role("other", (Say("other"),)),
            ),
        )
    )
    assert chosen(script, said("BUILD")) == ("builder", 0, "build")
    assert chosen(script, said("BUILD: it failed")) == ("second try", 0, "again")
    # The marker in the result of a tool makes nobody a reviewer.
    assert chosen(script, said("?")) == ("other", 0, "other")


@pytest.mark.parametrize(
    ("scenario", "message"),
    [
        (Scenario("a/b", ()), "'a/b' is no name for a scenario"),
        (Scenario("a", (Role("r", ()), Role("r", ()))), "2 roles of scenario 'a' are called 'r'"),
    ],
)
def test_names_that_would_be_confused_are_refused(scenario: Scenario, message: str) -> None:
    with pytest.raises(DefinitionError, match=message):
        Script(scenario)


def test_no_role_is_an_error() -> None:
    script = Script(Scenario("s", (Role("r", (Say("x"),), marker="NOT THERE"),)))
    with pytest.raises(ScriptError, match="no role of scenario 's'"):
        script.choose(said())


def test_step_follows_the_history_and_not_what_was_asked_before() -> None:
    script = Script(Scenario("s", (Role("r", (Say("0"), Say("1"), Say("2"))),)))
    asked = [0, 0, 2, 1, 0]
    assert [chosen(script, said("", number))[2] for number in asked] == ["0", "0", "2", "1", "0"]


def test_answer_past_the_last_step_is_an_error_unless_that_is_repeated() -> None:
    script = Script(Scenario("s", (Role("r", (Say("0"),)),)))
    with pytest.raises(ScriptError, match="has 1 steps, and answer 2 is asked for"):
        script.choose(said("", 1))
    repeating = Script(Scenario("s", (Role("r", (Say("0"),), repeat_last=True),)))
    assert chosen(repeating, said("", 5)) == ("r", 5, "0")


def test_later_conversations_of_a_role_have_their_own_steps() -> None:
    role = Role("r", (Say("wrong"),), later=((Say("right"),),))
    script = Script(Scenario("s", (role,)))
    names = ["a", "b", "a", "c", "b"]
    assert [chosen(script, said(name=name))[2] for name in names] == [
        *("wrong", "right", "wrong", "right", "right")
    ]


def test_fault_befalls_as_many_requests_as_it_says_one_after_another() -> None:
    faults = (Fault("status", times=2, status=429), Fault("drop"))
    script = Script(Scenario("s", (Role("r", (turn(Say("x"), faults=faults), Say("y"))),)))

    def befalls(answers: int) -> str:
        found = script.fault(script.choose(said("", answers)), said("", answers))
        return "" if found is None else found.kind

    assert [befalls(0) for _ in range(5)] == ["status", "status", "drop", "", ""]
    assert befalls(1) == ""


def test_faults_of_the_role_come_before_those_of_its_steps_and_can_be_for_ever() -> None:
    step = turn(Say("x"), faults=(Fault("drop"),))
    script = Script(Scenario("s", (Role("r", (step,), faults=(Fault("hang", times=None),)),)))
    kinds = {
        fault.kind
        for _ in range(9)
        if (fault := script.fault(script.choose(said()), said())) is not None
    }
    assert kinds == {"hang"}
