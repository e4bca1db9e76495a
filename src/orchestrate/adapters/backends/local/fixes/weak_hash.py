"""MD5 and SHA-1 where nothing has to be kept from an attacker: say so.

`usedforsecurity=False` lets the call work where such hashes are otherwise refused (FIPS) and tells
readers and scanners what it is for. Whether that is true is decided by the names around; where one
speaks of a secret, a signature or trust, another hash is needed and people must choose it.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial

import libcst as cst

from orchestrate.adapters.backends.local.fixes.arguments import (
    argument,
    has_spread,
    is_name,
    text_of,
    with_keyword,
)
from orchestrate.adapters.backends.local.fixes.flaw import (
    Change,
    Codemod,
    Flaw,
    Refused,
    flaw_at,
)
from orchestrate.adapters.backends.local.fixes.import_names import importing, sibling
from orchestrate.adapters.backends.local.fixes.module_view import ModuleView, Reference
from orchestrate.adapters.backends.local.review_words import (
    names_authorisation,
    names_password,
    names_secret,
    words,
)

#: The parameter came with Python 3.9. `hashlib.new` takes any keyword since 3.6 and passes it on
#: from 3.9.
_HAS_PARAMETER = (3, 9)
_NEW_TAKES_KEYWORDS = (3, 6)
_WEAK = {"md5", "sha1", "md4", "sha", "ripemd160"}
_CALLS = {"hashlib.md5", "hashlib.sha1"}
_SECURITY = {
    "auth", "authenticate", "cert", "certificate", "cookie", "credential", "credentials", "crypt",
    "csrf", "decrypt", "encrypt", "hmac", "integrity", "jwt", "login", "mac", "nonce", "oauth",
    "otp", "passphrase", "password", "passwd", "pwd", "salt", "secret", "session", "sign",
    "signature", "signed", "signer", "signing", "verify", "verification", "xsrf", "apikey",
}  # fmt: skip


def find(view: ModuleView) -> Iterator[Flaw]:
    """Calls of weak hashes that do not say what they are for."""
    for call in view.calls:
        called = view.refers(call.func)
        if called is not None and _is_weak(call, called):
            yield flaw_at(view, call, partial(_fix, view, call, called))


def _is_weak(call: cst.Call, called: Reference) -> bool:
    stated = argument(call, None, "usedforsecurity")
    if stated is not None and is_name(stated.value, "False"):
        return False
    if called.name in _CALLS:
        return True
    chosen = argument(call, 0, "name") if called.name == "hashlib.new" else None
    name = text_of(chosen.value) if chosen is not None else None
    return name is not None and name.lower().replace("-", "") in _WEAK


def _fix(view: ModuleView, call: cst.Call, called: Reference, change: Change) -> None:
    if called.indirect:
        raise Refused("the hash function is called through a variable")
    if has_spread(call):
        raise Refused("arguments passed on with * or ** cannot be seen")
    if argument(call, None, "usedforsecurity") is not None:
        raise Refused("it is declared to be used for security: choose another hash")
    telling = _telling_name(view, call)
    if telling:
        raise Refused(f"the name {telling} speaks of a security use: choose another hash")
    if view.oldest is not None and view.oldest < _HAS_PARAMETER and called.name in _CALLS:
        _through_new(view, call, called, change)
    elif view.oldest is not None and view.oldest < _NEW_TAKES_KEYWORDS:
        raise Refused(_too_old(view))
    else:
        change.replace(call, _stated)
        if view.oldest is None:
            change.notes.append("requires Python 3.9; the project does not say what it requires")


def _through_new(view: ModuleView, call: cst.Call, called: Reference, change: Change) -> None:
    """`hashlib.md5(data)` as `hashlib.new("md5", data, usedforsecurity=False)`."""
    assert view.oldest is not None
    if view.oldest < _NEW_TAKES_KEYWORDS:
        raise Refused(_too_old(view))
    if any(each.keyword is not None for each in call.args):
        raise Refused("it has keyword arguments that Python before 3.9 does not take here")
    if isinstance(call.func, cst.Attribute):
        sibling(view, call.func, "new", change)
    else:
        assert isinstance(call.func, cst.Name)
        change.released.add(call.func)
        local = importing(view, call, "hashlib", change, called.statement)
        new = cst.Attribute(cst.Name(local), cst.Name("new"))
        change.replace(call.func, lambda _: new)
    algorithm = called.name.rpartition(".")[2]
    change.replace(call, lambda node: _stated(_named(node, algorithm)))
    oldest = ".".join(map(str, view.oldest))
    change.notes.append(
        f"the project runs on Python {oldest}, whose {called.name} has no such parameter: "
        "hashlib.new ignores it there"
    )


def _named(node: cst.CSTNode, algorithm: str) -> cst.Call:
    assert isinstance(node, cst.Call)
    name = cst.Arg(cst.SimpleString(f'"{algorithm}"'))
    if node.args:
        name = name.with_changes(comma=cst.Comma(whitespace_after=cst.SimpleWhitespace(" ")))
    return node.with_changes(args=[name, *node.args])


def _stated(node: cst.CSTNode) -> cst.Call:
    assert isinstance(node, cst.Call)
    return with_keyword(node, "usedforsecurity", cst.Name("False"))


def _too_old(view: ModuleView) -> str:
    assert view.oldest is not None
    oldest = ".".join(map(str, view.oldest))
    return f"the project runs on Python {oldest}, whose hashlib has no usedforsecurity"


def _telling_name(view: ModuleView, call: cst.Call) -> str:
    """A name in the function around (in the statement, at module level) that speaks of security."""
    function = view.function(call)
    if function is view.module:
        around = (n for n in view.ancestors(call) if isinstance(n, cst.SimpleStatementLine))
        function = next(around, call)
    near = [node.value for node in view.nodes(cst.Name, function)]
    near += [*view.symbol(call).split("."), view.path.rpartition("/")[2].removesuffix(".py")]
    return next((name for name in near if _is_telling(name)), "")


def _is_telling(name: str) -> bool:
    if name == "usedforsecurity":
        return False
    return (
        names_password(name)
        or names_secret(name)
        or names_authorisation(name)
        or not _SECURITY.isdisjoint(words(name))
    )


CODEMOD = Codemod(
    name="hash-not-for-security",
    title="Say that the hash is not used for security",
    rules=frozenset({"ORC-SEC-301", "ORC-PY-301"}),
    watched=("hashlib",),
    find=find,
)
