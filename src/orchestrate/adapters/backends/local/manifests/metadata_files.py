"""What build tools wrote about a distribution: PKG-INFO, METADATA and requires.txt."""

from __future__ import annotations

import email.parser
import email.policy
import re

from orchestrate.adapters.backends.local.manifests.declared import (
    Lines,
    Manifest,
    Project,
    Scope,
    group_scope,
)

_EXTRA = re.compile(r"""extra\s*==\s*["']([^"']+)["']""")
_SECTION = re.compile(r"^\[(?P<extra>[^:\]]*)(:(?P<marker>[^\]]*))?\]$")


def read_metadata(text: str, path: str) -> Manifest:
    """Core metadata (PKG-INFO in an sdist, METADATA in a wheel's folder)."""
    manifest, lines = Manifest(path), Lines(text)
    message = email.parser.HeaderParser(policy=email.policy.compat32).parsestr(text)

    def values(key: str) -> list[str]:
        return [str(value) for value in message.get_all(key, [])]

    classifiers = [each for each in values("Classifier") if each.startswith("License ::")]
    licence = [each for each in values("License") if each and each.upper() != "UNKNOWN"]
    expression = values("License-Expression")
    manifest.project = Project(
        name=str(message.get("Name", "")),
        version=str(message.get("Version", "")),
        licences=(*expression, *licence, *classifiers),
        expression=expression[0] if expression else "",
        path=path,
        line=lines.key("Version"),
    )
    for entry in values("Requires-Dist"):
        extra = _EXTRA.search(entry)
        scope = group_scope(extra[1]) if extra else "runtime"
        manifest.require(entry, scope, lines.find("Requires-Dist", entry.split(";")[0].strip()))
    return manifest


def read_requires(text: str, path: str) -> Manifest:
    """setuptools' requires.txt: sections named `[extra:marker]`."""
    manifest = Manifest(path)
    scope: Scope = "runtime"
    for number, line in enumerate(text.split("\n"), start=1):
        line = line.strip()
        section = _SECTION.match(line)
        if section:
            scope = group_scope(section["extra"]) if section["extra"] else "runtime"
        elif line:
            manifest.require(line, scope, number)
    return manifest
