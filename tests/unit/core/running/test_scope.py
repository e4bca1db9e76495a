"""What prompts and conditions can name."""

from __future__ import annotations

import pytest

from orchestrate.core.planning.template import TemplateError, render
from orchestrate.core.running.scope import scope
from orchestrate.core.running.state import INITIAL


def test_item_of_a_member_is_there_for_its_prompt() -> None:
    names = scope(INITIAL, {"key": "k1", "title": "weak hash", "line": 3, "pin.to": "2.0"})
    text = "{{ item.key }}: {{ item.title }} in line {{ item.line }}, {{ item.pin.to }}"
    assert render(text, names) == "k1: weak hash in line 3, 2.0"


def test_task_that_is_no_member_has_no_item() -> None:
    with pytest.raises(TemplateError, match=r"item\.key has no value"):
        render("{{ item.key }}", scope(INITIAL))
