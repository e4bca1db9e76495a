"""A fixed command given to a shell: start the program itself, with a list of arguments."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial

import libcst as cst

from orchestrate.adapters.backends.local.fixes.arguments import (
    argument,
    carries_comment,
    has_spread,
    is_name,
    text_of,
    without,
)
from orchestrate.adapters.backends.local.fixes.flaw import (
    Change,
    Codemod,
    Flaw,
    Refused,
    flaw_at,
)
from orchestrate.adapters.backends.local.fixes.import_names import importing
from orchestrate.adapters.backends.local.fixes.module_view import ModuleView, Reference
from orchestrate.adapters.backends.local.fixes.shell_words import words

_MAYBE = {f"subprocess.{n}" for n in ("run", "call", "check_call", "check_output", "Popen")}
_ASYNC = "asyncio.create_subprocess_shell"
_ALWAYS = {"os.system", "os.popen", "subprocess.getoutput", "subprocess.getstatusoutput", _ASYNC}
_MISSING = "behaviour: a program that is not there now raises FileNotFoundError"


def find(view: ModuleView) -> Iterator[Flaw]:
    """Calls that give a command to a shell."""
    for call in view.calls:
        called = view.refers(call.func)
        if called is not None and _uses_shell(call, called):
            yield flaw_at(view, call, partial(_fix, view, call, called))


def _uses_shell(call: cst.Call, called: Reference) -> bool:
    if called.name not in _MAYBE:
        return called.name in _ALWAYS
    shell = argument(call, None, "shell")
    return shell is not None and not is_name(shell.value, "False")


def _fix(view: ModuleView, call: cst.Call, called: Reference, change: Change) -> None:
    if called.indirect or called.binding is None:
        raise Refused("the function is called through a variable")
    if has_spread(call):
        raise Refused("arguments passed on with * or ** cannot be seen")
    command = argument(call, 0, "args", "cmd", "command")
    text = text_of(command.value) if command is not None else None
    if command is None or text is None:
        raise Refused("the command is not written out in the call")
    arguments = words(text)
    if called.name in _MAYBE:
        _without_shell(call, command, arguments, change)
    elif called.name == "os.system":
        _called(view, call, called, arguments, change)
    elif called.name == "os.popen":
        _read(view, call, called, arguments, change)
    elif called.name == _ASYNC:
        _asynchronous(call, arguments, change)
    else:
        raise Refused(f"{called.name} has no counterpart without a shell")
    change.notes.append(_MISSING)


def _without_shell(
    call: cst.Call, command: cst.Arg, arguments: tuple[str, ...], change: Change
) -> None:
    shell = argument(call, None, "shell")
    assert shell is not None
    if not is_name(shell.value, "True"):
        raise Refused("whether a shell is used is decided at run time")
    if argument(call, None, "executable") is not None:
        raise Refused("executable= chooses the shell")
    change.replace(command.value, lambda node: _list(arguments, node))
    if carries_comment(call, shell):
        change.replace(shell.value, lambda _: cst.Name("False"))
    else:
        change.replace(call, lambda node: _less_shell(node))


def _less_shell(node: cst.CSTNode) -> cst.Call:
    assert isinstance(node, cst.Call)
    index = next(
        i
        for i, each in enumerate(node.args)
        if each.keyword is not None and each.keyword.value == "shell"
    )
    return node.with_changes(args=without(node.args, index))


def _called(
    view: ModuleView, call: cst.Call, called: Reference, arguments: tuple[str, ...], change: Change
) -> None:
    """`os.system(text)` as `subprocess.call(list)`, where only success or failure is asked for."""
    if not _only_success(view, call):
        raise Refused(
            "what os.system returns is used, and subprocess.call encodes the exit status otherwise"
        )
    local = importing(view, call, "subprocess", change, called.statement)
    new = cst.Call(cst.Attribute(cst.Name(local), cst.Name("call")), [cst.Arg(_list(arguments))])
    change.replace(call, lambda node: _parenthesised(new, node))
    _release(call.func, change)


def _only_success(view: ModuleView, call: cst.Call) -> bool:
    """Whether the result is dropped, or merely told from 0."""
    parent = view.parents[call]
    if isinstance(parent, cst.Expr):
        return True
    if isinstance(parent, cst.If | cst.While | cst.IfExp):
        return parent.test is call
    if isinstance(parent, cst.UnaryOperation):
        return isinstance(parent.operator, cst.Not)
    if not isinstance(parent, cst.Comparison) or len(parent.comparisons) != 1:
        return False
    target = parent.comparisons[0]
    sides = (parent.left, target.comparator)
    zero = any(isinstance(side, cst.Integer) and side.value == "0" for side in sides)
    return zero and isinstance(target.operator, cst.Equal | cst.NotEqual)


def _read(
    view: ModuleView, call: cst.Call, called: Reference, arguments: tuple[str, ...], change: Change
) -> None:
    """`os.popen(text).read()` as `subprocess.run(list, …).stdout`."""
    attribute = view.parents[call]
    outer = view.parents[attribute]
    reads = (
        len(call.args) == 1
        and isinstance(attribute, cst.Attribute)
        and attribute.attr.value == "read"
        and isinstance(outer, cst.Call)
        and outer.func is attribute
        and not outer.args
    )
    if not reads:
        raise Refused("the stream of os.popen is used for more than one read()")
    local = importing(view, call, "subprocess", change, called.statement)
    text = "universal_newlines" if view.oldest is not None and view.oldest < (3, 7) else "text"
    keywords = {
        "stdout": cst.Attribute(cst.Name(local), cst.Name("PIPE")),
        text: cst.Name("True"),
        "check": cst.Name("False"),
    }
    gap = cst.AssignEqual(cst.SimpleWhitespace(""), cst.SimpleWhitespace(""))
    run = cst.Call(
        cst.Attribute(cst.Name(local), cst.Name("run")),
        [
            cst.Arg(_list(arguments)),
            *(cst.Arg(v, keyword=cst.Name(k), equal=gap) for k, v in keywords.items()),
        ],
    )
    change.replace(outer, lambda node: _parenthesised(cst.Attribute(run, cst.Name("stdout")), node))
    _release(call.func, change)


def _asynchronous(call: cst.Call, arguments: tuple[str, ...], change: Change) -> None:
    if argument(call, None, "executable") is not None:
        raise Refused("executable= chooses the shell")
    if not call.args or call.args[0].keyword is not None:
        raise Refused("the command is not the first argument")
    if not isinstance(call.func, cst.Attribute):
        raise Refused("the function is imported by its own name")
    change.replace(
        call.func, lambda node: node.with_changes(attr=cst.Name("create_subprocess_exec"))
    )
    change.replace(call, lambda node: _spread_out(node, arguments))


def _spread_out(node: cst.CSTNode, arguments: tuple[str, ...]) -> cst.Call:
    assert isinstance(node, cst.Call)
    gap = cst.Comma(whitespace_after=cst.SimpleWhitespace(" "))
    first = [cst.Arg(_text(each), comma=gap) for each in arguments]
    first[-1] = first[-1].with_changes(
        comma=node.args[0].comma, whitespace_after_arg=node.args[0].whitespace_after_arg
    )
    return node.with_changes(args=[*first, *node.args[1:]])


def _release(function: cst.BaseExpression, change: Change) -> None:
    while isinstance(function, cst.Attribute):
        function = function.value
    if isinstance(function, cst.Name):
        change.released.add(function)


def _parenthesised(new: cst.BaseExpression, old: cst.CSTNode) -> cst.BaseExpression:
    """`new` in the parentheses of `old`."""
    assert isinstance(old, cst.BaseExpression)
    return new.with_changes(lpar=old.lpar, rpar=old.rpar)


def _list(arguments: tuple[str, ...], like: cst.CSTNode | None = None) -> cst.List:
    gap = cst.Comma(whitespace_after=cst.SimpleWhitespace(" "))
    last = len(arguments) - 1
    quote = like.quote if isinstance(like, cst.SimpleString) else '"'
    return cst.List(
        [
            cst.Element(
                _text(each, quote), comma=gap if index < last else cst.MaybeSentinel.DEFAULT
            )
            for index, each in enumerate(arguments)
        ]
    )


def _text(value: str, quote: str = '"') -> cst.SimpleString:
    """A literal in the given quotes, as far as the value allows."""
    if quote in {'"', "'"} and quote not in value and "\\" not in value and value.isprintable():
        return cst.SimpleString(f"{quote}{value}{quote}")
    return cst.SimpleString(repr(value))


CODEMOD = Codemod(
    name="no-shell",
    title="Start the program without a shell",
    rules=frozenset({"ORC-SEC-101", "ORC-PY-101", "ORC-PY-102"}),
    watched=("subprocess", "os", "asyncio"),
    find=find,
)
