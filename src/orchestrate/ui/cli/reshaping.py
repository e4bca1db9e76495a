"""Options by which the command line reshapes a workflow: phases, agents, order (A18, C2)."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any, NamedTuple

import click

from orchestrate.core.planning.definition import Workflow
from orchestrate.core.planning.reshape_order import in_parallel, sequential, side_by_side
from orchestrate.core.planning.reshape_parts import with_agents, with_phases
from orchestrate.errors import RequestError

#: What `--parallel` without a value stands for: no name can be it.
_ALONE = "\0"


class Reshaping(NamedTuple):
    """What the user says about the shape of a workflow.

    `groups` are names that run side by side; `parallel`: within each phase, as far as that goes.
    """

    phases: tuple[str, ...] = ()
    agents: tuple[str, ...] = ()
    groups: tuple[tuple[str, ...], ...] = ()
    parallel: bool = False
    sequential: bool = False

    @property
    def max_parallel(self) -> int | None:
        """Most attempts at once as these options have it; None where they do not say."""
        return 1 if self.sequential else None

    def reshape(self, workflow: Workflow) -> Workflow:
        """`workflow` as these options want it.

        Raises:
            RequestError: a name is unknown, or what is wanted cannot be.
        """
        if self.phases:
            workflow = with_phases(workflow, self.phases)
        if self.agents:
            workflow = with_agents(workflow, self.agents)
        if self.groups:
            workflow = side_by_side(workflow, self.groups)
        if self.parallel:
            workflow = in_parallel(workflow)
        return sequential(workflow) if self.sequential else workflow


class ValueBehindEquals(click.Option):
    """An option whose value is given as `--name=value` or not at all.

    click would take the next word for the value, and that word may be the request:
    `--parallel "fix the login"`.
    """

    def add_to_parser(self, parser: Any, ctx: click.Context) -> None:
        """Give the bare option a value before click looks for one."""
        super().add_to_parser(parser, ctx)
        parse = parser.parse_args

        def parse_args(args: list[str]) -> Any:
            end = args.index("--") if "--" in args else len(args)
            front = [f"{word}={_ALONE}" if word in self.opts else word for word in args[:end]]
            return parse([*front, *args[end:]])

        parser.parse_args = parse_args


def reshaping_options(function: Callable[..., Any]) -> Callable[..., Any]:
    """Options of every command that begins a run; it is given all of them as one `reshaping`."""

    @functools.wraps(function)
    def gathered(*args: Any, **kwargs: Any) -> Any:
        reshaping = read_reshaping(
            kwargs.pop("only_phases"),
            kwargs.pop("only_agents"),
            kwargs.pop("side_by_side"),
            one_by_one=kwargs.pop("one_by_one"),
        )
        return function(*args, reshaping=reshaping, **kwargs)

    wrapped: Callable[..., Any] = gathered
    for option in (
        click.option(
            "--sequential",
            "one_by_one",
            is_flag=True,
            help="One attempt at a time.",
        ),
        click.option(
            "--parallel",
            "side_by_side",
            cls=ValueBehindEquals,
            default=None,
            metavar="[=NAME+NAME,…]",
            help="Run these phases, or tasks of a phase, side by side; alone: the tasks of each"
            " phase, as far as they use nothing of each other. A value only as --parallel=….",
        ),
        click.option(
            "--agents",
            "only_agents",
            default=None,
            metavar="NAME,…",
            help="Only these agents take part; tasks of others are left out.",
        ),
        click.option(
            "--phases",
            "only_phases",
            default=None,
            metavar="NAME,…",
            help="Only these phases; the beginning of a name is enough.",
        ),
    ):
        wrapped = option(wrapped)
    return wrapped


def read_reshaping(
    phases: str | None, agents: str | None, parallel: str | None, *, one_by_one: bool
) -> Reshaping:
    """The options as they were written.

    Raises:
        RequestError: a list names nothing, or the options contradict each other.
    """
    if parallel is not None and one_by_one:
        raise RequestError(
            "--parallel and --sequential exclude each other", remedy="leave one of them out"
        )
    groups: tuple[tuple[str, ...], ...] = ()
    alone = parallel == _ALONE
    if parallel is not None and not alone:
        groups = tuple(
            tuple(part.strip() for part in group.split("+"))
            for group in _names(parallel, "parallel", "NAME+NAME")
        )
    return Reshaping(
        phases=_names(phases, "phases", "NAME,NAME"),
        agents=_names(agents, "agents", "NAME,NAME"),
        groups=groups,
        parallel=alone,
        sequential=one_by_one,
    )


def _names(text: str | None, option: str, form: str) -> tuple[str, ...]:
    if text is None:
        return ()
    names = tuple(dict.fromkeys(part.strip() for part in text.split(",")))
    if not all(names):
        raise RequestError(f"--{option}={text} has an empty name", remedy=f"write {form}")
    return names
