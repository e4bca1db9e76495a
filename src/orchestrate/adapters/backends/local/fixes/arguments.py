"""Reading and changing the arguments of a call without touching anything beside them."""

from __future__ import annotations

from collections.abc import Sequence

import libcst as cst


def argument(call: cst.Call, position: int | None, *names: str) -> cst.Arg | None:
    """The argument at `position` (None: keyword only) or under one of the keyword `names`."""
    for each in call.args:
        if each.keyword is not None and each.keyword.value in names:
            return each
    if position is not None and position < len(call.args):
        found = call.args[position]
        if found.keyword is None and not any(a.star for a in call.args[: position + 1]):
            return found
    return None


def has_spread(call: cst.Call) -> bool:
    """Whether `*args` or `**kwargs` may add arguments that cannot be seen."""
    return any(each.star for each in call.args)


def is_name(node: cst.CSTNode | None, value: str) -> bool:
    """Whether `node` is this bare name (`True`, `None`)."""
    return isinstance(node, cst.Name) and node.value == value


def text_of(node: cst.CSTNode | None) -> str | None:
    """The value of a string literal, adjacent ones joined; None for anything else."""
    if isinstance(node, cst.SimpleString | cst.ConcatenatedString):
        value = node.evaluated_value
        return value if isinstance(value, str) else None
    return None


def carries_comment(call: cst.Call, argument: cst.Arg) -> bool:
    """Whether taking `argument` out of `call` would take a comment with it."""
    index = list(call.args).index(argument)
    around: list[cst.CSTNode] = [argument.whitespace_after_arg]
    if isinstance(argument.comma, cst.Comma):
        around += [argument.comma.whitespace_before, argument.comma.whitespace_after]
    before = call.args[index - 1].comma if index else call.whitespace_before_args
    if isinstance(before, cst.Comma):
        around.append(before.whitespace_after)
    elif isinstance(before, cst.CSTNode):
        around.append(before)
    return any(_has_comment(each) for each in around)


def without(arguments: Sequence[cst.Arg], index: int) -> list[cst.Arg]:
    """`arguments` less one, with the layout of the rest kept."""
    kept = list(arguments)
    removed = kept.pop(index)
    if kept and index == len(kept):
        kept[-1] = kept[-1].with_changes(
            comma=removed.comma, whitespace_after_arg=removed.whitespace_after_arg
        )
    return kept


def with_keyword(call: cst.Call, name: str, value: cst.BaseExpression) -> cst.Call:
    """`call` with `name=value` as its last argument before any `**`."""
    added = cst.Arg(
        value,
        keyword=cst.Name(name),
        equal=cst.AssignEqual(cst.SimpleWhitespace(""), cst.SimpleWhitespace("")),
    )
    arguments = list(call.args)
    if not arguments:
        return call.with_changes(args=[added])
    last = arguments[-1]
    between = call.args[-2].comma if len(arguments) > 1 else None
    gap = (
        between
        if isinstance(between, cst.Comma)
        else cst.Comma(whitespace_after=cst.SimpleWhitespace(" "))
    )
    if last.star == "**":
        return call.with_changes(args=[*arguments[:-1], added.with_changes(comma=gap), last])
    if isinstance(last.comma, cst.Comma):  # one argument a line, with a comma after the last
        first = _layout_before(call, len(arguments) - 1)
        added = added.with_changes(comma=last.comma, whitespace_after_arg=last.whitespace_after_arg)
        last = last.with_changes(comma=cst.Comma(whitespace_after=first))
    else:
        added = added.with_changes(whitespace_after_arg=last.whitespace_after_arg)
        last = last.with_changes(
            comma=cst.Comma(whitespace_after=_plain(gap.whitespace_after)),
            whitespace_after_arg=cst.SimpleWhitespace(""),
        )
    return call.with_changes(args=[*arguments[:-1], last, added])


def _layout_before(call: cst.Call, index: int) -> cst.BaseParenthesizableWhitespace:
    """The white space before an argument, comments left out."""
    before = call.args[index - 1].comma if index else None
    found = before.whitespace_after if isinstance(before, cst.Comma) else None
    return _plain(found or call.whitespace_before_args)


def _plain(space: cst.BaseParenthesizableWhitespace) -> cst.BaseParenthesizableWhitespace:
    if isinstance(space, cst.ParenthesizedWhitespace):
        return cst.ParenthesizedWhitespace(
            first_line=cst.TrailingWhitespace(newline=space.first_line.newline),
            indent=space.indent,
            last_line=space.last_line,
        )
    return space if space.value else cst.SimpleWhitespace(" ")  # type: ignore[attr-defined]


def _has_comment(space: cst.CSTNode) -> bool:
    if not isinstance(space, cst.ParenthesizedWhitespace):
        return False
    inside = [space.first_line.comment, *(line.comment for line in space.empty_lines)]
    return any(comment is not None for comment in inside)
