"""The spellings by which a workflow is reshaped on the command line."""

from __future__ import annotations

import click
import pytest
from click.testing import CliRunner

from orchestrate.core.planning.definition import PhaseSpec, TaskSpec, Workflow
from orchestrate.errors import RequestError
from orchestrate.ui.cli.reshaping import Reshaping, reshaping_options

FLOW = Workflow(
    name="flow",
    phases=(
        PhaseSpec("design"),
        PhaseSpec("security", depends_on=("design",)),
        PhaseSpec("implementation", depends_on=("security",)),
    ),
    tasks=(
        TaskSpec("plan", "design", agent="architect"),
        TaskSpec("scan", "security", agent="scout"),
        TaskSpec("build", "implementation", agent="builder", needs=("plan",)),
    ),
)
GROUP = (("design", "security"),)


def parsed(*words: str) -> tuple[Reshaping, str | None]:
    """What the options become, and the request."""
    found: list[tuple[Reshaping, str | None]] = []

    @click.command()
    @click.argument("request", required=False)
    @click.option("--file", default=None)
    @reshaping_options
    def command(request: str | None, file: str | None, reshaping: Reshaping) -> None:
        found.append((reshaping, file or request))

    CliRunner().invoke(command, list(words), catch_exceptions=False)
    return found[0]


@pytest.mark.parametrize(
    ("words", "wanted"),
    [
        (["--phases=design,implement"], Reshaping(phases=("design", "implement"))),
        (["--phases", "design, implement"], Reshaping(phases=("design", "implement"))),
        (["--agents=a,b,a"], Reshaping(agents=("a", "b"))),
        (["--parallel=design+security"], Reshaping(groups=GROUP)),
        (["--parallel=design + security,a+b"], Reshaping(groups=(*GROUP, ("a", "b")))),
        (["--parallel"], Reshaping(parallel=True)),
        (["--sequential"], Reshaping(sequential=True)),
        ([], Reshaping()),
        (
            ["--phases=design", "--parallel=design+security", "--agents=a"],
            Reshaping(("design",), ("a",), GROUP),
        ),
    ],
)
def test_spellings(words: list[str], wanted: Reshaping) -> None:
    assert parsed(*words) == (wanted, None)
    assert parsed("fix the login", *words) == (wanted, "fix the login")


@pytest.mark.parametrize(
    "words", [["--parallel", "fix the login"], ["fix the login", "--parallel"]]
)
def test_bare_parallel_does_not_swallow_the_request(words: list[str]) -> None:
    assert parsed(*words) == (Reshaping(parallel=True), "fix the login")


def test_behind_two_dashes_a_word_is_only_a_word() -> None:
    assert parsed("--", "--parallel") == (Reshaping(), "--parallel")


@pytest.mark.parametrize(
    "words",
    [
        ["--parallel", "--sequential"],
        ["--parallel=a+b", "--sequential"],
        ["--phases="],
        ["--agents=a,,b"],
        ["--parallel="],
    ],
)
def test_what_says_nothing_or_two_things_is_refused(words: list[str]) -> None:
    with pytest.raises(RequestError) as caught:
        parsed(*words)
    assert caught.value.remedy


def test_options_are_applied_together() -> None:
    shaped, _ = parsed("--phases=design,sec", "--parallel=design+security")
    left = shaped.reshape(FLOW)
    assert [(phase.name, phase.depends_on) for phase in left.phases] == [
        ("design", ()),
        ("security", ()),
    ]
    one, _ = parsed("--sequential", "--agents=architect")
    assert [task.id for task in one.reshape(FLOW).tasks] == ["plan"]
    assert (one.reshape(FLOW).limits.max_parallel, one.max_parallel) == (1, 1)
    assert Reshaping().reshape(FLOW) == FLOW
