"""Certificate checks that are switched off: switch them on again.

Only where it is certain what is switched off: functions and classes of requests, httpx, aiohttp and
urllib3 called by name, and contexts that `ssl` made. A private authority's certificates have to be
named by people, which the notes say.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial

import libcst as cst

from orchestrate.adapters.backends.local.fixes.arguments import (
    argument,
    carries_comment,
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
from orchestrate.adapters.backends.local.fixes.import_names import sibling
from orchestrate.adapters.backends.local.fixes.module_view import ModuleView, Reference

_VERBS = ("get", "post", "put", "patch", "delete", "head", "options", "request")
_VERIFY = {
    *(f"requests.{verb}" for verb in _VERBS),
    *(f"requests.Session().{verb}" for verb in _VERBS),
    *(f"httpx.{verb}" for verb in (*_VERBS, "stream", "Client", "AsyncClient")),
}
_AIOHTTP = {"aiohttp.TCPConnector", *(f"aiohttp.ClientSession().{verb}" for verb in _VERBS)}
_UNVERIFIED = "ssl._create_unverified_context"
_DEFAULT_HOOK = "ssl._create_default_https_context"
#: Contexts whose settings are safe as they come.
_SOUND = {"ssl.create_default_context()", f"{_UNVERIFIED}()"}
_KEPT = {"purpose", "cafile", "capath", "cadata"}
_NOTE = (
    "behaviour: connections to servers whose certificate cannot be checked now fail; name a "
    "private authority's certificates with {how}"
)


def find(view: ModuleView) -> Iterator[Flaw]:
    """Calls, references and settings that switch verification off, in source order."""
    found = [*_calls(view), *_references(view), *_settings(view)]
    yield from sorted(found, key=lambda flaw: (flaw.line, flaw.column))


def _calls(view: ModuleView) -> Iterator[Flaw]:
    for call in view.calls:
        called = view.refers(call.func)
        off = _switch(view, call, called.name) if called is not None else None
        if off is not None:
            yield flaw_at(view, call, partial(_turn_on, view, call, off))


def _switch(view: ModuleView, call: cst.Call, name: str) -> cst.Arg | None:
    """The argument that switches verification off."""
    if name in _VERIFY:
        verify = argument(call, None, "verify")
        return verify if verify is not None and is_name(verify.value, "False") else None
    if name in _AIOHTTP:
        for each in ("ssl", "verify_ssl"):
            given = argument(call, None, each)
            if given is not None and is_name(given.value, "False"):
                return given
    if name.startswith("urllib3."):
        required = argument(call, None, "cert_reqs")
        if required is not None and _is_no_check(view, required.value):
            return required
    return None


def _turn_on(view: ModuleView, call: cst.Call, off: cst.Arg, change: Change) -> None:
    keyword = off.keyword.value if off.keyword is not None else ""
    if keyword == "cert_reqs":
        _require(view, off.value, change)
    elif keyword == "ssl":  # before aiohttp 3.9 `ssl=True` switched the check off as well
        if carries_comment(call, off):
            raise Refused("a comment belongs to the argument that would go")
        change.replace(call, partial(_less, keyword="ssl"))
    else:
        change.replace(off.value, lambda _: cst.Name("True"))
    how = {"cert_reqs": "ca_certs=", "ssl": "ssl=", "verify_ssl": "ssl="}.get(keyword, "verify=")
    change.notes.append(_NOTE.format(how=how))


def _references(view: ModuleView) -> Iterator[Flaw]:
    """`ssl._create_unverified_context`, called or handed on."""
    if _UNVERIFIED.partition(".")[2] not in view.module.code:
        return  # spares looking up every name of the module
    for node in [*view.nodes(cst.Attribute), *view.nodes(cst.Name)]:
        parent = view.parents.get(node)
        if isinstance(parent, cst.Attribute | cst.ImportAlias):
            continue
        reference = view.refers(node)
        if reference is None or reference.name != _UNVERIFIED:
            continue
        called = isinstance(parent, cst.Call) and parent.func is node
        if reference.indirect and not called:
            continue  # the flaw is where the variable was assigned
        place = parent if called and parent is not None else node
        yield flaw_at(view, place, partial(_default, view, node, reference))


def _default(view: ModuleView, node: cst.CSTNode, reference: Reference, change: Change) -> None:
    if reference.indirect:
        raise Refused("the function is called through a variable")
    parent = view.parents[node]
    if isinstance(parent, cst.Call) and parent.func is node:
        for each in parent.args:
            keyword = each.keyword.value if each.keyword is not None else ""
            if keyword not in _KEPT | {"cert_reqs", "check_hostname"}:
                said = keyword or each.star or "a positional argument"
                raise Refused(f"ssl.create_default_context does not take {said}")
            if keyword not in _KEPT:
                if carries_comment(parent, each):
                    raise Refused("a comment belongs to an argument that would go")
                change.replace(parent, partial(_less, keyword=keyword))
    sibling(view, node, "create_default_context", change)
    change.notes.append(_NOTE.format(how="cafile="))


def _settings(view: ModuleView) -> Iterator[Flaw]:
    """`context.check_hostname = False` and relatives."""
    for assign in view.nodes(cst.Assign):
        for each in assign.targets:
            target = each.target
            if not isinstance(target, cst.Attribute):
                continue
            owner = view.refers(target.value)
            name = owner.name if owner is not None else ""
            if _is_off(view, target.attr.value, assign.value, name):
                yield flaw_at(view, assign, partial(_reset, view, assign, target, name))


def _is_off(view: ModuleView, attribute: str, value: cst.BaseExpression, owner: str) -> bool:
    if attribute == "verify":
        return owner == "requests.Session()" and is_name(value, "False")
    if not owner.startswith(("ssl.", "urllib3.")):
        return False
    if attribute == "check_hostname":
        return is_name(value, "False")
    return attribute in {"verify_mode", "cert_reqs"} and _is_no_check(view, value)


def _reset(
    view: ModuleView, assign: cst.Assign, target: cst.Attribute, owner: str, change: Change
) -> None:
    attribute = target.attr.value
    if len(assign.targets) != 1:
        raise Refused("several things are set at once")
    if owner.startswith("ssl.") and owner not in _SOUND:
        raise Refused(f"which certificates a context made by {owner} trusts is not known here")
    if attribute in {"verify_mode", "cert_reqs"}:
        _require(view, assign.value, change)
    else:
        change.replace(assign.value, lambda _: cst.Name("True"))
    how = "verify" if attribute == "verify" else "load_verify_locations"
    change.notes.append(_NOTE.format(how=how))


def _require(view: ModuleView, value: cst.BaseExpression, change: Change) -> None:
    """`CERT_REQUIRED` in the form `CERT_NONE` is written."""
    if isinstance(value, cst.SimpleString):
        change.replace(value, lambda node: _required_text(node))
    else:
        sibling(view, value, "CERT_REQUIRED", change)


def _required_text(node: cst.CSTNode) -> cst.SimpleString:
    assert isinstance(node, cst.SimpleString)
    wanted = "CERT_REQUIRED" if node.raw_value == "CERT_NONE" else "REQUIRED"
    return node.with_changes(value=f"{node.prefix}{node.quote}{wanted}{node.quote}")


def _is_no_check(view: ModuleView, value: cst.BaseExpression) -> bool:
    if text_of(value) in {"CERT_NONE", "NONE"}:
        return isinstance(value, cst.SimpleString)
    reference = view.refers(value)
    return reference is not None and reference.name == "ssl.CERT_NONE"


def _less(node: cst.CSTNode, keyword: str) -> cst.Call:
    assert isinstance(node, cst.Call)
    index = next(
        i
        for i, each in enumerate(node.args)
        if each.keyword is not None and each.keyword.value == keyword
    )
    return node.with_changes(args=without(node.args, index))


CODEMOD = Codemod(
    name="tls-verified",
    title="Check certificates again",
    rules=frozenset({"ORC-SEC-401", "ORC-PY-401"}),
    watched=("ssl", "requests", "httpx", "aiohttp", "urllib3"),
    find=find,
)
