"""Rules about HTML: templates from values, escaping switched off, values declared safe."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from orchestrate.adapters.backends.local.python_source import Site
from orchestrate.adapters.backends.local.python_values import (
    argument,
    constancy,
    is_literal,
    outside_source,
)
from orchestrate.adapters.backends.local.rule import Hit, Rule, RuleSet

TEMPLATE = Rule(
    "ORC-PY-105",
    "Template source taken from a value",
    1336,
    "medium",
    "medium",
    "Keep templates in files and pass values as context.",
    remarks="high when the value comes from outside the program",
)
AUTOESCAPE = Rule(
    "ORC-PY-106",
    "Jinja2 environment without HTML escaping",
    79,
    "medium",
    "medium",
    "Set autoescape=select_autoescape() when the output is HTML or XML.",
    remarks="low with low confidence when autoescape is left at its default",
)
MARKUP = Rule(
    "ORC-PY-107",
    "Value marked as safe HTML",
    79,
    "medium",
    "low",
    "Let the template escape the value, or build markup with format_html / Markup.format.",
    remarks="high with high confidence when the value comes from outside the program",
)

_TEMPLATE_CALLS = {
    "jinja2.Template",
    "jinja2.environment.Template",
    "flask.render_template_string",
    "flask.templating.render_template_string",
    "mako.template.Template",
    "jinja2.Environment().from_string",
}
_SAFE_MARKS = {
    "django.utils.safestring.mark_safe",
    "django.utils.safestring.SafeString",
    "flask.Markup",
    "jinja2.Markup",
    "markupsafe.Markup",
}


def check_template(site: Site) -> Iterator[Hit]:
    """Template engines given source text from a variable, and Jinja2 without escaping."""
    call, name = site.call, site.called
    if name in _TEMPLATE_CALLS and call.args:
        if constancy(call.args[0], site.scope) != "variable":
            return
        source = outside_source(call.args[0], site.scope)
        message = f"{name} compiles template source " + (
            f"that contains {source}." if source else "that is not fixed in the program."
        )
        yield Hit(TEMPLATE, call, message, "high" if source else None)
    elif name in {"jinja2.Environment", "jinja2.environment.Environment"}:
        escape = argument(call, None, "autoescape")
        if is_literal(escape, False):
            yield Hit(AUTOESCAPE, call, "HTML escaping is switched off.", "medium", "high")
        elif escape is None and not any(k.arg is None for k in call.keywords):
            message = "HTML escaping is off by default and is not switched on."
            yield Hit(AUTOESCAPE, call, message, "low", "low")


def check_markup(site: Site) -> Iterator[Hit]:
    """`mark_safe(value)` and `Markup(value)`."""
    call, name = site.call, site.called
    if name not in _SAFE_MARKS or not call.args:
        return
    if constancy(call.args[0], site.scope) == "variable":
        source = outside_source(call.args[0], site.scope)
        message = f"{name.rpartition('.')[2]} declares a run-time value to be safe HTML."
        yield Hit(MARKUP, call, message, "high" if source else None, "high" if source else None)


RULES = RuleSet(
    rules=(
        TEMPLATE,
        AUTOESCAPE,
        MARKUP,
    ),
    checks={
        ast.Call: (
            check_template,
            check_markup,
        ),
    },
)
