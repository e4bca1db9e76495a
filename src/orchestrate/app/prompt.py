"""What an agent is told: its role, how it has to answer, and the material it works from.

The task's own prompt is the user's request. All else that is not ours (files, other agents' words,
what tools printed) stands between marks as material of others. The same request gives the same
bytes: what an answer is cached by depends on it.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterator

import msgspec

from orchestrate.app.guidelines import guidelines
from orchestrate.app.material import STATEMENT, Material, marked
from orchestrate.core.agents.answer import RESERVED
from orchestrate.ports.performer import AttemptRequest, Feedback

#: An estimate: English text and code have about four characters to a token, other text fewer.
CHARACTERS_PER_TOKEN = 4


class Prompt(msgspec.Struct, frozen=True):
    """`system` is appended to the program's own system prompt; `text` is the user's message."""

    system: str
    text: str


def compose(request: AttemptRequest) -> Prompt:
    """The prompt of an attempt; when it goes on with a session, only what is new to it."""
    body = request.profile.body.strip() if request.profile else ""
    system = "\n\n".join(part for part in (body, guidelines(request).strip()) if part)
    going_on = request.session is not None
    sections = list(_going_on(request) if going_on else _beginning(request))
    material = [marked(piece, str(request.key)) for piece in _material(request, going_on=going_on)]
    if material:
        sections += ["# Material", STATEMENT, *material]
    return Prompt(system=system + "\n", text="\n\n".join(sections) + "\n")


def handed_on(prompt: Prompt) -> int:
    """How many characters of `prompt` an agent is given."""
    return len(prompt.system) + len(prompt.text)


def estimated_tokens(characters: int) -> int:
    """About how many tokens `characters` are; what a provider counts is in the attempt's usage."""
    return math.ceil(characters / CHARACTERS_PER_TOKEN)


def _beginning(request: AttemptRequest) -> Iterator[str]:
    prompt = request.prompt.strip()
    if request.advising:
        yield f"# Task that failed: {request.key.task} (phase {request.phase})"
        yield f"{prompt}\n\nDo not do this task: say what should be done differently."
        return
    yield f"# Task: {request.key.task} (phase {request.phase})"
    yield prompt or "Do what your role says for this task."
    yield from _places(request)
    yield from _conflicts(request)


def _going_on(request: AttemptRequest) -> Iterator[str]:
    """What somebody is told who knows the task already."""
    if request.feedback is None:
        yield "You were cut off. Look what is there of your work, and go on with your task."
    else:
        yield (
            "Your work on this task was not accepted. Below is what was seen. Correct that, keep"
            " what was right, and give the whole answer again."
        )
    yield from _places(request)
    yield from _conflicts(request)


def _places(request: AttemptRequest) -> Iterator[str]:
    """Where it works and leaves its outputs; both differ from attempt to attempt."""
    if request.advising:
        return
    if request.workspace:
        known = "" if request.session is None else ". Look what of your changes is in it"
        yield f"Your workspace, a copy of the repository: {request.workspace}{known}"
    if request.outputs:
        yield "\n".join(
            [f"Leave these outputs in the folder {request.outputs_dir}:", *_outputs(request)]
        )


def _outputs(request: AttemptRequest) -> Iterator[str]:
    fields = request.answer_schema.get("properties", {})
    for output in request.outputs:
        need = "required" if output.required else "if there is something to say"
        line = f"- {output.name}: {request.outputs_dir}/{output.path} ({output.media_type}, {need})"
        if output.name in fields and output.name not in RESERVED:
            line += f", or its contents in the field `{output.name}` of your answer"
        yield line


def _conflicts(request: AttemptRequest) -> Iterator[str]:
    if not request.conflicts:
        return
    yield "\n".join(
        [
            "Your work and what was merged meanwhile change the same lines. Both sides are in these"
            " files of your workspace, with conflict markers and the text both began from. Join"
            " them so that what either side was for is kept, and leave no marker:",
            *(f"- {json.dumps(item.path)} ({item.kind})" for item in request.conflicts),
        ]
    )


def _material(request: AttemptRequest, *, going_on: bool) -> Iterator[Material]:
    if request.feedback is not None:
        yield _feedback(request.feedback, request)
    if request.advice:
        source = f"advice on how to go on with task {request.key.task}"
        yield Material(request.advice, source, "the agent that was asked for advice")
    if going_on:
        return
    if request.item:
        text = "\n".join(
            f"{name}: {json.dumps(request.item[name])}" for name in sorted(request.item)
        )
        yield Material(text, "the item of a list that this task is for", "an earlier task")
    if request.artifacts:
        yield _artifacts(request)
    if request.plan:
        yield Material(request.plan, "the run's shared plan", "the run's agents")
    for file in request.standards:
        where = f"{file.path} of the repository" if file.path else "note"
        yield Material(file.text, f"project standards: {where}", "the project")


def _feedback(feedback: Feedback, request: AttemptRequest) -> Material:
    before = request.key.number - 1
    lines = [f"cause: {feedback.cause}", feedback.message.strip()]
    if before > 0:
        lines.insert(0, f"attempts at this task before: {before}")
    if feedback.evidence:
        lines.append("evidence:")
        lines += [f"- {name}: {path}" for name, path in sorted(feedback.evidence.items())]
    return Material("\n".join(lines), "what was seen of the attempt before", "checks and tools")


def _artifacts(request: AttemptRequest) -> Material:
    lines = [f"- {item.task}: {item.name}: {item.path}" for item in request.artifacts]
    lines.append("Their contents are material as well.")
    if request.plan:
        lines.append("What each task says of its work is in the run's shared plan.")
    return Material("\n".join(lines), "files that earlier tasks left", "earlier tasks")
