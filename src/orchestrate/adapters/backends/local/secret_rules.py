"""What the detectors' kinds of secret mean, and how much to believe them.

Confidence follows how a detector works: a documented format is strong evidence, a telling name
next to a string is some, randomness alone is little.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from orchestrate.core.sharing.findings import Confidence, Exposure, Severity

_REVOKE = "Revoke it where it was issued, then read its successor from the environment or a vault."


@dataclass(frozen=True, slots=True)
class SecretRule:
    """One kind of secret. `guess` means no documented format stands behind it."""

    id: str
    title: str
    message: str
    severity: Severity
    confidence: Confidence
    cwe: int = 798
    remedy: str = _REVOKE
    guess: bool = False


PRIVATE_KEY = SecretRule(
    "ORC-KEY-101",
    "Private key in the repository",
    "{where} contains the beginning of a private key.",
    "high",
    "high",
    cwe=321,
    remedy="Replace the key pair everywhere it is trusted and keep the new one out of the code.",
)
SERVICE_CREDENTIAL = SecretRule(
    "ORC-KEY-102",
    "Credential of a known service",
    "A string in {where} has the documented format of a service's credential.",
    "high",
    "high",
)
URL_PASSWORD = SecretRule(
    "ORC-KEY-103",
    "Password inside a URL",
    "A URL in {where} carries a user name and password.",
    "high",
    "medium",
    cwe=522,
)
NAMED_SECRET = SecretRule(
    "ORC-KEY-201",
    "Value that is named like a secret",
    "A value in {where} stands beside a name such as password, secret or key.",
    "medium",
    "medium",
    guess=True,
)
RANDOM_STRING = SecretRule(
    "ORC-KEY-202",
    "String that looks random",
    "A string in {where} is as random as a key would be.",
    "low",
    "low",
    remedy="If it is a secret, revoke and move it; if not, mark the line with a reason.",
    guess=True,
)

#: detect-secrets' own names of secret types; a type not listed is a service credential.
_RULES: dict[str, SecretRule] = {
    "Private Key": PRIVATE_KEY,
    "Basic Auth Credentials": URL_PASSWORD,
    "Secret Keyword": NAMED_SECRET,
    "Base64 High Entropy String": RANDOM_STRING,
    "Hex High Entropy String": RANDOM_STRING,
    # A signed token may be short-lived or an example; its format is unmistakable.
    "JSON Web Token": SecretRule(
        "ORC-KEY-104",
        "JSON Web Token in the repository",
        "A string in {where} is a signed web token.",
        "medium",
        "medium",
    ),
}
RULES: tuple[SecretRule, ...] = tuple(
    sorted({*_RULES.values(), SERVICE_CREDENTIAL}, key=lambda rule: rule.id)
)
_STRENGTH = (
    PRIVATE_KEY.id,
    SERVICE_CREDENTIAL.id,
    URL_PASSWORD.id,
    "ORC-KEY-104",
    NAMED_SECRET.id,
    RANDOM_STRING.id,
)
#: Words that make a value an example. The value itself is masked by then: the line around it tells.
_EXAMPLE = re.compile(
    r"example|sample|dummy|placeholder|changeme|your[-_ ]|xxxx|fake|<[a-z-]+>", re.I
)


def rule_for(types: tuple[str, ...], *, lock_file: bool) -> SecretRule | None:
    """The strongest rule for what the detectors said about one line.

    None in a lock file when nothing but randomness or names speak for it: it is full of digests.
    """
    rules = [_RULES.get(each, SERVICE_CREDENTIAL) for each in types]
    if lock_file:
        rules = [rule for rule in rules if not rule.guess]
    return min(rules, key=lambda rule: _STRENGTH.index(rule.id)) if rules else None


def weigh(
    rule: SecretRule, exposure: Exposure, line: str, *, key_body: bool = True
) -> tuple[Severity, Confidence, str]:
    """Severity, confidence and a remark for one finding.

    Args:
        rule: what was found.
        exposure: where; "docs" also for a docstring.
        line: the redacted line.
        key_body: for a private key, whether more than its first line is there.

    Tests and documents are full of invented credentials, so there a guess counts least and even a
    documented format counts less; what makes an invented value look real also makes a real one
    look invented, so nothing is left out.
    """
    if rule.id == PRIVATE_KEY.id and not key_body:
        return "low", "low", " Only the marker is there, no key follows it."
    if _EXAMPLE.search(line):
        return ("info" if rule.guess else "low"), "low", " The line calls it an example."
    if exposure == "shipped" or exposure == "build":
        return rule.severity, rule.confidence, ""
    where = {"test": "a test", "docs": "documentation", "example": "an example"}[exposure]
    remark = f" It stands in {where}, where invented values are usual."
    if rule.guess:
        return "info", "low", remark
    return ("medium" if rule.id == PRIVATE_KEY.id else "low"), "medium", remark
