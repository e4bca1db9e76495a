"""Which role answers, with which step, and what goes wrong before."""

from __future__ import annotations

from collections import Counter, defaultdict

import msgspec

from orchestrate.errors import DefinitionError
from orchestrate.testing.model_server.conversation import Conversation
from orchestrate.testing.model_server.scenario import NAME, Fault, Role, Scenario, Step


class ScriptError(Exception):
    """The script has no answer for a request: a mistake in the script, or in what is tested."""


class Chosen(msgspec.Struct, frozen=True):
    """The answer a script has for a conversation; `number` counts the role's steps from 0."""

    role: Role
    number: int
    step: Step


class Script:
    """One scenario in use. Not thread-safe.

    Which step answers is read off the request itself. Only two things are remembered: which
    conversations a role has had, for `Role.later`, and how often a fault has befallen anybody.
    """

    def __init__(self, scenario: Scenario) -> None:
        _check(scenario)
        self._scenario = scenario
        self._conversations: defaultdict[str, list[str]] = defaultdict(list)
        self._befallen: Counter[tuple[str, int, int, int]] = Counter()

    def choose(self, conversation: Conversation) -> Chosen:
        """The role and step for a request; the same for the same request, however often it comes.

        Raises:
            ScriptError: no role is meant, or its steps are used up.
        """
        role = self._role(conversation)
        steps = role.take(self._take(role, conversation))
        number = conversation.answers
        if number >= len(steps) and not (role.repeat_last and steps):
            raise ScriptError(
                f"role {role.name!r} of scenario {self._scenario.name!r} has {len(steps)} steps, "
                f"and answer {number + 1} is asked for"
            )
        return Chosen(role, number, steps[min(number, len(steps) - 1)])

    def fault(self, chosen: Chosen, conversation: Conversation) -> Fault | None:
        """The fault that befalls this request, counted as having done so."""
        take = self._take(chosen.role, conversation)
        ahead = [((chosen.role.name, -1, -1, n), f) for n, f in enumerate(chosen.role.faults)]
        ahead += [
            ((chosen.role.name, take, chosen.number, n), fault)
            for n, fault in enumerate(chosen.step.faults)
        ]
        for key, fault in ahead:
            if fault.times is None or self._befallen[key] < fault.times:
                self._befallen[key] += 1
                return fault
        return None

    def _role(self, conversation: Conversation) -> Role:
        said = conversation.instructions
        for role in self._scenario.roles:
            if all(marker in said for marker in role.markers):
                return role
        raise ScriptError(f"no role of scenario {self._scenario.name!r} has its markers found")

    def _take(self, role: Role, conversation: Conversation) -> int:
        """How many conversations the role had before this one."""
        had = self._conversations[role.name]
        if conversation.id not in had:
            had.append(conversation.id)
        return had.index(conversation.id)


def _check(scenario: Scenario) -> None:
    if not NAME.fullmatch(scenario.name):
        raise DefinitionError(
            f"{scenario.name!r} is no name for a scenario", remedy="use letters, digits, -, _ and ."
        )
    counted = Counter(role.name for role in scenario.roles)
    for name, count in counted.items():
        if count > 1:
            raise DefinitionError(
                f"{count} roles of scenario {scenario.name!r} are called {name!r}",
                remedy="give each role a name of its own",
            )
