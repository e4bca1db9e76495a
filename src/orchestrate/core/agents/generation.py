"""Agents made from what a repository is.

Pure: the same stack, options and date give the same text. Nothing that comes from the repository
gets into a text but what `stack` let pass.
"""

from __future__ import annotations

from collections.abc import Iterator

from orchestrate.core.agents.agent_text import (
    AS_USUAL,
    Front,
    Generated,
    Options,
    Section,
    bullets,
    one_line,
    render,
    slugs,
    wrapped,
)
from orchestrate.core.agents.framework_guides import FRAMEWORK_GUIDES
from orchestrate.core.agents.generated_sections import (
    BUILDER_CONTRACT,
    BUILDER_PROCESS,
    BUILDER_USE,
    BUILDING_TOOLS,
    DISCIPLINE,
    UNKNOWN_BUILDING,
    commands_section,
    summary_section,
)
from orchestrate.core.agents.language_guides import LANGUAGE_GUIDES, LanguageGuide, language_named
from orchestrate.core.agents.stack import NO_STACK, Stack
from orchestrate.core.agents.subject_agents import optimizer, specialist
from orchestrate.errors import RequestError

#: Rank among agents, 1 first. The built-in builder has 35: one for the language comes before it.
BUILDER_PRIORITY = 34
#: A language with less of the code gets no builder of its own unless it is asked for.
MIN_SHARE = 0.05
#: Frameworks that a builder is told about; more would drown the task.
MAX_FRAMEWORKS = 6


def generated_for_run(
    stack: Stack, kind: str, date: str, *, test_command: str = ""
) -> tuple[Generated, ...]:
    """What a task gets that asks for an agent of `kind`, made on `date` (YYYY-MM-DD).

    `builder` gives one for each language of the repository, that with most code first; none where
    no language is known, and then the built-in builder serves. `X-specialist` and `X-optimizer`
    give one. With `test_command` they are told that in place of the tests that were detected.

    Raises:
        RequestError: there is no such kind, or the test command is not one line.
    """
    options = Options(test_command=test_command)
    if kind == "builder":
        languages = builder_languages(stack)
        return tuple(builder(each, date, stack, options=options) for each in languages)
    subject, _, role = kind.rpartition("-")
    if subject and role == "specialist":
        return (specialist(subject, date, stack, options=options),)
    if subject and role == "optimizer":
        return (optimizer(subject, date, stack, options=options),)
    raise RequestError(
        f"no agent can be generated for {kind[:60]!r}",
        remedy="write builder, SUBJECT-specialist or SUBJECT-optimizer",
    )


def builder_languages(stack: Stack) -> tuple[str, ...]:
    """Languages that get a builder of their own, by share."""
    known = [each for each in stack.languages if each.name in LANGUAGE_GUIDES]
    kept = [each.name for each in known if each.share >= MIN_SHARE]
    return tuple(kept or [each.name for each in known[:1]])


def builder(
    language: str,
    date: str,
    stack: Stack = NO_STACK,
    *,
    frameworks: tuple[str, ...] = (),
    options: Options = AS_USUAL,
) -> Generated:
    """A builder for one language; without `frameworks`, for those that the stack has.

    Raises:
        RequestError: there is no guidance on the language, or a given text cannot be used.
    """
    found = language_named(language)
    if found is None:
        raise RequestError(
            f"there is no guidance on the language {language[:60]!r}",
            remedy=f"known: {', '.join(LANGUAGE_GUIDES)}; or describe it: orchestrate agent create",
        )
    guide = LANGUAGE_GUIDES[found]
    named = tuple(one_line(each, "a framework", limit=60) for each in frameworks)
    used = named or _frameworks(stack, guide)
    name = options.name or f"builder-{found}"
    with_them = f" with {', '.join(used)}" if used else ""
    front = Front(
        name=name,
        description=f"Makes one change to {guide.title} code{with_them} in a workspace of its own,"
        " with a test that fails without it. Use it to fix a bug or to build what a plan describes"
        f" in {guide.title}. It commits nothing and takes back what it cannot prove.",
        tools=options.tools or BUILDING_TOOLS,
        priority=BUILDER_PRIORITY if options.priority is None else options.priority,
        date=date,
        capabilities=("implementation", "regression-tests", *slugs((found, *used))),
        model=options.model,
    )
    opening = wrapped(
        f"You make the smallest change to {guide.title} code that does what the task asks, and a"
        " test that would have noticed its absence. The host commits what you leave, runs the"
        " tests before and after, and merges or sends back. So you need not be believed."
    )
    sections = (
        BUILDER_USE,
        BUILDER_PROCESS,
        _language_section(guide),
        *_framework_sections(used),
        commands_section(stack, guide.ecosystem, options.test_command),
        BUILDER_CONTRACT,
        DISCIPLINE,
        UNKNOWN_BUILDING,
        summary_section("what was changed in how many places, which test proves it, what was left"),
    )
    return Generated(name, render(front, f"Builder: {guide.title}", opening, sections))


def _frameworks(stack: Stack, guide: LanguageGuide) -> tuple[str, ...]:
    names = (each.name for each in stack.frameworks_for(guide.ecosystem))
    return tuple(dict.fromkeys(names))[:MAX_FRAMEWORKS]


def _language_section(guide: LanguageGuide) -> Section:
    parts = ["What this project does already stands above all of it."]
    for label, points in (("Code", guide.idioms), ("Tests", guide.tests), ("Errors", guide.errors)):
        parts.append(f"**{label}**\n\n{bullets(points)}")
    return Section(guide.title, "\n\n".join(parts))


def _framework_sections(names: tuple[str, ...]) -> Iterator[Section]:
    for name in names:
        points = FRAMEWORK_GUIDES.get(name.lower())
        if points is None:
            points = (
                "No guidance on it is written here. Read how this project uses it, and the"
                " documentation of the version in its lock file, before you write.",
            )
        yield Section(name, bullets(points))
