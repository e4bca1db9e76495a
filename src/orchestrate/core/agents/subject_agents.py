"""Agents for a subject rather than a language: specialists, optimizers, and what people describe.

No model writes them. What is known about a subject is in `subject_guides`; where that is nothing,
the text says so, and quotes what the person said.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from orchestrate.core.agents.agent_text import (
    AS_USUAL,
    Front,
    Generated,
    Options,
    Section,
    bullets,
    checked_name,
    name_from,
    one_line,
    render,
    slugs,
    wrapped,
)
from orchestrate.core.agents.generated_sections import (
    BUILDER_CONTRACT,
    BUILDING_TOOLS,
    DISCIPLINE,
    MEASURING_TOOLS,
    OPTIMIZER_CONTRACT,
    OPTIMIZER_PROCESS,
    SPECIALIST_PROCESS,
    UNKNOWN_BUILDING,
    UNKNOWN_LOOKING,
    commands_section,
    looking_contract,
    looking_discipline,
    summary_section,
)
from orchestrate.core.agents.stack import NO_STACK, Stack
from orchestrate.core.agents.subject_guides import (
    OPTIMIZER_GUIDES,
    SPECIALIST_GUIDES,
    SUBJECT_ALIASES,
    SubjectGuide,
)

#: Ranks among agents, 1 first: behind the built-in ones that always look.
SPECIALIST_PRIORITY = 45
OPTIMIZER_PRIORITY = 46
DESCRIBED_PRIORITY = 60
#: Tools with which an agent changes code.
_WRITING = frozenset({"Edit", "NotebookEdit"})
#: Subjects that a description can bring guidance on.
_MAX_SUBJECTS = 2


def specialist(
    subject: str,
    date: str,
    stack: Stack = NO_STACK,
    *,
    domain: str = "",
    focus: str = "",
    options: Options = AS_USUAL,
) -> Generated:
    """A specialist who looks into `subject`, reports what is there, and changes no code.

    Raises:
        RequestError: a given text cannot be used.
    """
    topic, guide = _subject(subject, SPECIALIST_GUIDES)
    words = _words(topic)
    name = options.name or f"{topic}-specialist"
    tools = options.tools or MEASURING_TOOLS
    front = Front(
        name=name,
        description=f"Looks into {words}{_about(domain, focus)}, proves what it reports, and"
        " proposes what to do. Use it before a design and after a change where that matters. It"
        " changes no code.",
        tools=tools,
        priority=SPECIALIST_PRIORITY if options.priority is None else options.priority,
        date=date,
        capabilities=slugs((topic, domain, focus)),
        model=options.model,
    )
    opening = wrapped(
        f"You look into {words} and say what is there, what it costs, and what would be better,"
        " each with its place and its proof. You propose; others change the code."
    )
    use = [
        f"Before a design: what the change must not make worse in {words}.",
        "After a change, or in a review: what is wrong now, worst first.",
        *_asked_for(domain, focus),
    ]
    sections = (
        Section("When to use", bullets(use)),
        SPECIALIST_PROCESS,
        *_subject_sections(words, guide),
        commands_section(stack, None, options.test_command),
        looking_contract(name),
        looking_discipline(executes=_executes(tools)),
        UNKNOWN_LOOKING,
        summary_section("what was looked at, the one thing that matters most, what was not"),
    )
    return Generated(name, render(front, f"Specialist: {words}", opening, sections))


def optimizer(
    subject: str,
    date: str,
    stack: Stack = NO_STACK,
    *,
    focus: str = "",
    options: Options = AS_USUAL,
) -> Generated:
    """An optimizer who changes code so that one number gets better, and proves it.

    Raises:
        RequestError: a given text cannot be used.
    """
    topic, guide = _subject(subject, OPTIMIZER_GUIDES)
    words = _words(topic)
    name = options.name or f"{topic}-optimizer"
    front = Front(
        name=name,
        description=f"Improves one measured number about {words}{_about('', focus)}, leaves all"
        " else as it is, and keeps only what the measurement shows. Use it when there is a number"
        " to improve and a command that measures it.",
        tools=options.tools or BUILDING_TOOLS,
        priority=OPTIMIZER_PRIORITY if options.priority is None else options.priority,
        date=date,
        capabilities=slugs(("optimization", topic, focus)),
        model=options.model,
    )
    opening = wrapped(
        f"You make one number about {words} better and leave everything else as it is. What you"
        " cannot measure you do not change."
    )
    use = [
        "The task names a number, a command that measures it, and how much is enough.",
        "A specialist's report names a place and a proof.",
        *_asked_for("", focus),
    ]
    sections = (
        Section("When to use", bullets(use)),
        OPTIMIZER_PROCESS,
        *_subject_sections(words, guide),
        commands_section(stack, None, options.test_command),
        OPTIMIZER_CONTRACT,
        DISCIPLINE,
        UNKNOWN_BUILDING,
        summary_section("the number before and after with its spread, what changed, what was left"),
    )
    return Generated(name, render(front, f"Optimizer: {words}", opening, sections))


def described(
    description: str,
    date: str,
    stack: Stack = NO_STACK,
    *,
    focus: str = "",
    options: Options = AS_USUAL,
) -> Generated:
    """An agent for what somebody describes in plain language: their words, and our discipline.

    No model is asked: the description is quoted, and guidance is added on the subjects that it
    names. With a tool that changes code the agent works like a builder, else it reports.

    Raises:
        RequestError: a given text cannot be used, or no name can be made of the description.
    """
    said = one_line(description, "the description")
    name = options.name or name_from(said)
    tools = options.tools or MEASURING_TOOLS
    writes = bool(_WRITING & {tool.partition("(")[0] for tool in tools})
    front = Front(
        name=name,
        description=f"{said.rstrip('.')}{_about('', focus)}. Use it for tasks of this kind.",
        tools=tools,
        priority=DESCRIBED_PRIORITY if options.priority is None else options.priority,
        date=date,
        capabilities=slugs((focus,)) or slugs((name,)),
        model=options.model,
    )
    asked = [
        f"> {said}",
        *(f">\n> Focus: {one_line(each, 'the focus')}" for each in (focus,) if each),
    ]
    opening = "This is how you were described:\n\n" + "\n".join(asked)
    sections = (
        Section(
            "When to use", "For tasks that this description fits. For others, say so and stop."
        ),
        SPECIALIST_PROCESS if not writes else _DESCRIBED_PROCESS,
        *_described_sections(said),
        commands_section(stack, None, options.test_command),
        BUILDER_CONTRACT if writes else looking_contract(name),
        DISCIPLINE if writes else looking_discipline(executes=_executes(tools)),
        UNKNOWN_BUILDING if writes else UNKNOWN_LOOKING,
        summary_section("what was done or found, what proves it, what was left"),
    )
    return Generated(name, render(front, _words(name).capitalize(), opening, sections))


_DESCRIBED_PROCESS = Section(
    "Process",
    """\
1. Read the project's own instructions (`CLAUDE.md`, `AGENTS.md`), the task, and the results it
   names.
2. Read what is to be changed, what uses it, and its tests. If it is not what the task says, stop.
3. Say how one can tell that it is done: a test, a command, or a comparison that fails now.
4. Make the smallest change that does it. Keep layout, comments, names and line ends.
5. Run what you named under 3, then all tests.
6. Look at the whole difference once more. Every line must be there for the task.""",
)


def _executes(tools: tuple[str, ...]) -> bool:
    return any(tool.partition("(")[0] == "Bash" for tool in tools)


def _subject(written: str, guides: dict[str, SubjectGuide]) -> tuple[str, SubjectGuide | None]:
    """The subject as a name, and the guidance on it; None if there is none."""
    name = checked_name(written.strip().lower().replace(" ", "-"))
    name = name.removesuffix("-specialist").removesuffix("-optimizer")
    found = name if name in guides else SUBJECT_ALIASES.get(name, name)
    return name, guides.get(found)


def _subject_sections(words: str, guide: SubjectGuide | None) -> Iterator[Section]:
    if guide is None:
        yield Section(
            "Before you begin",
            wrapped(
                f"No guidance on {words} is written here. Say first, in your own words, what good"
                " and bad look like in this repository and by which command one can tell, and work"
                " from that."
            ),
        )
        return
    yield Section("Look at", bullets(guide.look))
    yield Section("A result is one if", bullets(guide.proof))


def _described_sections(said: str) -> Iterator[Section]:
    """Guidance on the subjects that the description names; else that there is none."""
    words = re.findall(r"[a-z0-9]+", said.lower())
    named = dict.fromkeys(SUBJECT_ALIASES.get(word, word) for word in words)
    subjects = [name for name in named if name in SPECIALIST_GUIDES][:_MAX_SUBJECTS]
    if not subjects:
        yield from _subject_sections("this", None)
    for name in subjects:
        guide = SPECIALIST_GUIDES[name]
        yield Section(f"About {_words(name)}", bullets((*guide.look, *guide.proof)))


def _about(domain: str, focus: str) -> str:
    parts = []
    if focus:
        parts.append(f"with a focus on {one_line(focus, 'the focus')}")
    if domain:
        parts.append(f"in the domain {one_line(domain, 'the domain')}")
    return f", {' '.join(parts)}" if parts else ""


def _asked_for(domain: str, focus: str) -> Iterator[str]:
    if domain:
        yield f"Domain, in the words of whoever asked: {one_line(domain, 'the domain')}"
    if focus:
        yield f"Focus, in the words of whoever asked: {one_line(focus, 'the focus')}"


def _words(topic: str) -> str:
    return topic.replace("-", " ").replace("_", " ")
