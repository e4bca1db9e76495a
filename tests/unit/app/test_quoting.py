"""What agents wrote stays between quotes in the prompt of another."""

from __future__ import annotations

from orchestrate.app.quoting import quoting
from orchestrate.core.planning.template import render

NAMES = {
    "inputs": {"request": "as\nit is"},
    "item": {"title": 'a "b"\nc', "line": 3},
    "tasks": {"look": {"summary": "one\ntwo", "attempts": 1}, "idle": {"summary": ""}},
}


def test_summaries_and_items_are_quoted_and_all_else_is_as_it_was() -> None:
    text = "{{ inputs.request }}|{{ item.title }}|{{ item.line }}|{{ tasks.look.summary }}"
    text += "|{{ tasks.look.attempts }}|{{ tasks.idle.summary }}"
    assert render(text, quoting(NAMES)) == (
        'as\nit is|"a \\"b\\"\\nc"|3|"one\\ntwo" (says task look)|1|'
    )


def test_every_task_can_be_named_and_counted() -> None:
    tasks = quoting(NAMES)["tasks"]
    assert (list(tasks), len(tasks)) == (["look", "idle"], 2)
