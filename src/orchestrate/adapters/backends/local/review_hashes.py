"""Rules about hashes: weak ones, passwords, and comparing digests."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from orchestrate.adapters.backends.local.python_source import Site
from orchestrate.adapters.backends.local.python_values import (
    argument,
    identifiers,
    is_literal,
    last_name,
    text_of,
)
from orchestrate.adapters.backends.local.review_words import (
    names_digest,
    names_password,
    names_secret,
    words,
)
from orchestrate.adapters.backends.local.rule import Hit, Rule, RuleSet

WEAK_HASH = Rule(
    "ORC-PY-301",
    "Hash function with known collisions",
    327,
    "low",
    "medium",
    "Use SHA-256 or BLAKE2; where it is no matter of security, say usedforsecurity=False.",
    remarks="medium when a name nearby speaks of a secret, digest or signature",
)
PASSWORD_HASH = Rule(
    "ORC-PY-302",
    "Password hashed with a fast function",
    916,
    "high",
    "medium",
    "Use argon2, scrypt, bcrypt, or PBKDF2 with several hundred thousand rounds.",
    remarks="medium for PBKDF2 with fewer than 100 000 rounds",
)
TIMING = Rule(
    "ORC-PY-305",
    "Digest or token compared in variable time",
    208,
    "low",
    "low",
    "Use hmac.compare_digest.",
    remarks="medium with medium confidence when one side is a freshly computed HMAC",
)

_WEAK = {"md5", "sha1", "md4", "md2", "sha", "ripemd160"}
_WEAK_CALLS = {
    "hashlib.md5": "MD5",
    "hashlib.sha1": "SHA-1",
    "md5.new": "MD5",
    "md5.md5": "MD5",
    "sha.new": "SHA-1",
    "Crypto.Hash.MD5.new": "MD5",
    "Crypto.Hash.MD4.new": "MD4",
    "Crypto.Hash.MD2.new": "MD2",
    "Crypto.Hash.SHA.new": "SHA-1",
    "Crypto.Hash.SHA1.new": "SHA-1",
    "cryptography.hazmat.primitives.hashes.MD5": "MD5",
    "cryptography.hazmat.primitives.hashes.SHA1": "SHA-1",
}
_SIGNING = {"sign", "signed", "signature", "hmac", "verify", "authenticate"}
_FAST_CALLS = {"hashlib.sha256", "hashlib.sha512", "hashlib.sha224", "hashlib.sha384"}
#: OWASP asks for 600 000 with SHA-256; below a sixth of that there is nothing to discuss.
_LEAST_ROUNDS = 100_000


def check_hash(site: Site) -> Iterator[Hit]:
    """MD5 and SHA-1, and fast hashes of passwords."""
    call, name = site.call, site.called
    weak = _WEAK_CALLS.get(name)
    if name == "hashlib.new":
        chosen = (text_of(argument(call, 0, "name"), site.scope) or "").lower().replace("-", "")
        weak = chosen.upper() if chosen in _WEAK else None
    if is_literal(argument(call, None, "usedforsecurity"), False):
        return
    if (weak or name in _FAST_CALLS) and any(
        names_password(word) for given in call.args for word in identifiers(given)
    ):
        message = f"{weak or name} is made to be fast, so guessing passwords is fast too."
        yield Hit(PASSWORD_HASH, call, message)
    elif weak:
        near = [*identifiers(site.statement)] if _is_simple(site.statement) else []
        near += site.symbol.split(".")
        serious = any(names_secret(n) or _SIGNING & set(words(n)) for n in near)
        message = f"Two inputs with the same {weak} value can be made at will."
        yield Hit(WEAK_HASH, call, message, "medium" if serious else None)


def _is_simple(statement: ast.stmt | None) -> bool:
    return isinstance(statement, ast.Assign | ast.Return | ast.Expr | ast.AnnAssign)


def check_rounds(site: Site) -> Iterator[Hit]:
    """PBKDF2 with few rounds."""
    call, name = site.call, site.called
    if name == "hashlib.pbkdf2_hmac" or name.endswith(".PBKDF2HMAC"):
        rounds = argument(call, 3, "iterations")
    elif name == "Crypto.Protocol.KDF.PBKDF2":
        rounds = argument(call, 3, "count")
    else:
        return
    count = rounds.value if isinstance(rounds, ast.Constant) else None
    if isinstance(count, int) and count < _LEAST_ROUNDS:
        message = f"{count} rounds are soon guessed; {_LEAST_ROUNDS} is the least."
        yield Hit(PASSWORD_HASH, call, message, "medium", "high")


def check_comparison(site: Site) -> Iterator[Hit]:
    """`==` between digests, signatures or tokens."""
    node = site.node
    assert isinstance(node, ast.Compare)
    if len(node.ops) != 1 or not isinstance(node.ops[0], ast.Eq | ast.NotEq):
        return
    sides = (node.left, node.comparators[0])
    if any(isinstance(side, ast.Constant) for side in sides) or _is_test(site):
        return
    computed = [s for s in sides if _is_digest_call(s)]
    if len(computed) == len(sides):
        return  # whoever can choose both learns nothing
    if any(site.scope.qualified(side).startswith("hmac.") for side in computed):
        message = "The time the comparison takes tells how much of the digest is right."
        yield Hit(TIMING, node, message, "medium", "medium")
    elif not site.symbol.endswith("__eq__") and all(_is_secret(last_name(s)) for s in sides):
        message = "The time the comparison takes tells how much of the secret is right."
        yield Hit(TIMING, node, message)


def _is_secret(name: str) -> bool:
    """Whether a variable's name says that it holds something to be kept from guessing."""
    return not name.isupper() and (names_secret(name) or names_digest(name))


def _is_digest_call(node: ast.expr) -> bool:
    return (
        isinstance(node, ast.Call)
        and isinstance(node.func, ast.Attribute)
        and node.func.attr in {"digest", "hexdigest"}
    )


def _is_test(site: Site) -> bool:
    """Whether a comparison states an expectation rather than decides about trust."""
    return isinstance(site.statement, ast.Assert)


RULES = RuleSet(
    rules=(
        WEAK_HASH,
        PASSWORD_HASH,
        TIMING,
    ),
    checks={
        ast.Call: (
            check_hash,
            check_rounds,
        ),
        ast.Compare: (check_comparison,),
    },
)
