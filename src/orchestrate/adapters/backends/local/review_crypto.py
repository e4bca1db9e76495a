"""Rules about ciphers, keys, random numbers and signatures."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from orchestrate.adapters.backends.local.python_source import Site
from orchestrate.adapters.backends.local.python_values import (
    argument,
    has_spread,
    is_literal,
    last_name,
)
from orchestrate.adapters.backends.local.review_words import (
    names_secret,
)
from orchestrate.adapters.backends.local.rule import Hit, Rule, RuleSet

BROKEN_CIPHER = Rule(
    "ORC-PY-303",
    "Broken cipher or mode",
    327,
    "high",
    "high",
    "Use AES-GCM or ChaCha20-Poly1305.",
    remarks="medium for ECB mode, which hides values but not repetitions",
)
RANDOM_SECRET = Rule(
    "ORC-PY-304",
    "Secret made with a predictable random generator",
    330,
    "medium",
    "medium",
    "Use the secrets module or random.SystemRandom.",
)
SHORT_KEY = Rule(
    "ORC-PY-306",
    "Key too short",
    326,
    "medium",
    "high",
    "Use RSA or DSA keys of at least 2048 bits.",
)
UNVERIFIED_JWT = Rule(
    "ORC-PY-307",
    "JSON Web Token accepted without verifying it",
    347,
    "high",
    "high",
    "Verify with the expected key and a fixed list of algorithms.",
)
OLD_TLS = Rule(
    "ORC-PY-308",
    "Outdated TLS version",
    327,
    "medium",
    "high",
    "Use ssl.create_default_context(), which starts at TLS 1.2.",
)

_BROKEN_CIPHERS = {
    "Crypto.Cipher.DES.new": "DES",
    "Crypto.Cipher.DES3.new": "Triple DES",
    "Crypto.Cipher.ARC4.new": "RC4",
    "Crypto.Cipher.ARC2.new": "RC2",
    "Crypto.Cipher.Blowfish.new": "Blowfish",
    "Crypto.Cipher.XOR.new": "XOR",
    "pyDes.des": "DES",
}
_CRYPTOGRAPHY_CIPHERS = {"ARC4": "RC4", "TripleDES": "Triple DES", "Blowfish": "Blowfish",
                         "IDEA": "IDEA", "CAST5": "CAST5", "SEED": "SEED"}  # fmt: skip
_ECB = {f"Crypto.Cipher.{cipher}.MODE_ECB" for cipher in ("AES", "DES", "DES3", "Blowfish")}
_RANDOM = {
    f"random.{name}"
    for name in (
        "random", "randint", "randrange", "choice", "choices", "sample", "getrandbits",
        "uniform", "shuffle", "randbytes",
    )
}  # fmt: skip
_RSA = {
    "cryptography.hazmat.primitives.asymmetric.rsa.generate_private_key": (1, "key_size"),
    "cryptography.hazmat.primitives.asymmetric.dsa.generate_private_key": (0, "key_size"),
    "Crypto.PublicKey.RSA.generate": (0, "bits"),
    "Crypto.PublicKey.DSA.generate": (0, "bits"),
}
#: NIST SP 800-131A revision 2: 2048 bits is the least that is acceptable since 2014.
_LEAST_BITS = 2048
_OLD_TLS = {"PROTOCOL_SSLv2", "PROTOCOL_SSLv3", "PROTOCOL_TLSv1", "PROTOCOL_TLSv1_1"}


def check_cipher(site: Site) -> Iterator[Hit]:
    """DES, RC4, Blowfish and ECB mode."""
    call, name = site.call, site.called
    last = name.rpartition(".")[2]
    ecb = [a for a in [*call.args, *(k.value for k in call.keywords)]
           if site.scope.qualified(a) in _ECB]  # fmt: skip
    if name in _BROKEN_CIPHERS:
        yield Hit(BROKEN_CIPHER, call, f"{_BROKEN_CIPHERS[name]} can be broken in practice.")
    elif name.startswith("cryptography.") and last in _CRYPTOGRAPHY_CIPHERS:
        if ".algorithms." in name:
            message = f"{_CRYPTOGRAPHY_CIPHERS[last]} can be broken in practice."
            yield Hit(BROKEN_CIPHER, call, message)
    elif ecb or (name.startswith("cryptography.") and name.endswith(".modes.ECB")):
        message = "ECB encrypts equal blocks to equal blocks."
        yield Hit(BROKEN_CIPHER, call, message, "medium")


def check_random(site: Site) -> Iterator[Hit]:
    """`random` used where a name says the result is a secret."""
    if site.called not in _RANDOM:
        return
    function = site.symbol.rpartition(".")[2]
    targets: list[str] = []
    if isinstance(site.statement, ast.Assign):
        targets = [last_name(t) for t in site.statement.targets]
    elif isinstance(site.statement, ast.AnnAssign | ast.AugAssign):
        targets = [last_name(site.statement.target)]
    secret = next((n for n in (*targets, function) if names_secret(n) or _is_salt(n)), "")
    if secret:
        message = f"{site.called} is predictable, and {secret!r} sounds like a secret."
        yield Hit(RANDOM_SECRET, site.call, message)


def _is_salt(name: str) -> bool:
    return name.lower() in {"salt", "iv", "key", "new_key", "generate_key", "generate_salt"}


def check_key_size(site: Site) -> Iterator[Hit]:
    """RSA and DSA keys below 2048 bits."""
    if site.called not in _RSA:
        return
    position, keyword = _RSA[site.called]
    bits = argument(site.call, position, keyword)
    if isinstance(bits, ast.Constant) and isinstance(bits.value, int) and bits.value < _LEAST_BITS:
        yield Hit(SHORT_KEY, site.call, f"{bits.value} bits can be factored.")


def check_jwt(site: Site) -> Iterator[Hit]:
    """`jwt.decode` with verification off, or algorithm `none`."""
    call = site.call
    if site.called not in {"jwt.decode", "jose.jwt.decode", "jwt.encode"}:
        return
    algorithm = argument(call, None, "algorithms", "algorithm")
    if algorithm is not None and any(
        isinstance(n, ast.Constant) and str(n.value).lower() == "none" and n.value is not None
        for n in ast.walk(algorithm)
    ):
        yield Hit(UNVERIFIED_JWT, call, "Algorithm 'none' means that nobody signed the token.")
        return
    if site.called == "jwt.encode" or has_spread(call):
        return
    options = argument(call, None, "options")
    off = is_literal(argument(call, 2, "verify"), False) or _option_off(options)
    if off:
        yield Hit(UNVERIFIED_JWT, call, "The token's signature is not checked.")


def _option_off(options: ast.expr | None) -> bool:
    if not isinstance(options, ast.Dict):
        return False
    return any(
        isinstance(key, ast.Constant) and key.value == "verify_signature"
        and is_literal(value, False)
        for key, value in zip(options.keys, options.values, strict=True)
    )  # fmt: skip


def check_tls(site: Site) -> Iterator[Hit]:
    """`ssl.PROTOCOL_TLSv1` and older, wherever they are used."""
    node = site.node
    assert isinstance(node, ast.Attribute)
    if node.attr in _OLD_TLS and site.scope.qualified(node) == f"ssl.{node.attr}":
        yield Hit(OLD_TLS, node, f"{node.attr.removeprefix('PROTOCOL_')} has known weaknesses.")


RULES = RuleSet(
    rules=(
        BROKEN_CIPHER,
        RANDOM_SECRET,
        SHORT_KEY,
        UNVERIFIED_JWT,
        OLD_TLS,
    ),
    checks={
        ast.Call: (
            check_cipher,
            check_random,
            check_key_size,
            check_jwt,
        ),
        ast.Attribute: (check_tls,),
    },
)
