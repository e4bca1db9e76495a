"""Flaws that can be fixed, to plant into copies of real packages without breaking their tests.

Each is a function of its own appended to a module, with its imports inside, so that importing the
package needs nothing new and nothing calls it. Besides, a requirements file pins a package below
the fixes of two advisories, which `write_advisories` puts into a folder.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

#: Where the vulnerable pin is written; nothing that builds a test environment reads it.
PIN_FILE = "docs/requirements.txt"
PINNED, FIXED = "2.19.1", "2.31.0"


@dataclass(frozen=True)
class Fixable:
    """One flaw: the codemod that removes it, and the function that has it."""

    codemod: str
    symbol: str
    code: str


FLAWS: tuple[Fixable, ...] = (
    Fixable(
        "yaml-safe-load",
        "read_options",
        "def read_options(stream):\n"
        "    import yaml\n"
        "\n"
        "    # the file is written by hand\n"
        "    return yaml.load(stream, Loader=yaml.Loader)\n",
    ),
    Fixable(
        "hash-not-for-security",
        "content_key",
        "def content_key(data):\n"
        "    import hashlib\n"
        "\n"
        "    return hashlib.md5(data).hexdigest()  # names a file of the cache\n",
    ),
    Fixable(
        "temporary-file-created",
        "spool",
        "def spool(data):\n"
        "    import tempfile\n"
        "\n"
        '    name = tempfile.mktemp(suffix=".spool")\n'
        '    with open(name, "wb") as file:\n'
        "        file.write(data)\n"
        "    return name\n",
    ),
    Fixable(
        "tls-verified",
        "fetch",
        "def fetch(url):\n"
        "    import requests\n"
        "\n"
        "    return requests.get(\n"
        "        url,\n"
        "        verify=False,  # the test machine has no certificate\n"
        "        timeout=10,\n"
        "    )\n",
    ),
    Fixable(
        "no-shell",
        "list_branches",
        "def list_branches():\n"
        "    import subprocess\n"
        "\n"
        '    return subprocess.check_output("git branch --list", shell=True)\n',
    ),
)

#: Package -> the module each flaw goes into, in the order of FLAWS; two share one.
MODULES: dict[str, tuple[str, ...]] = {
    "h11": (
        "h11/_util.py",
        "h11/_headers.py",
        "h11/_readers.py",
        "h11/_writers.py",
        "h11/_readers.py",
    ),
    "sqlparse": (
        "sqlparse/utils.py",
        "sqlparse/formatter.py",
        "sqlparse/lexer.py",
        "sqlparse/tokens.py",
        "sqlparse/utils.py",
    ),
    "itsdangerous": (
        "src/itsdangerous/encoding.py",
        "src/itsdangerous/_json.py",
        "src/itsdangerous/exc.py",
        "src/itsdangerous/encoding.py",
        "src/itsdangerous/url_safe.py",
    ),
}


def plant_fixable(root: Path, package: str) -> dict[str, str]:
    """Plant every flaw and the pin into the copy of `package` at `root`.

    Returns codemod -> path of the file that has its flaw.
    """
    places = {}
    for flaw, name in zip(FLAWS, MODULES[package], strict=True):
        path = root / name
        text = path.read_text(encoding="utf-8").rstrip("\n")
        path.write_text(f"{text}\n\n\n{flaw.code}", encoding="utf-8")
        places[flaw.codemod] = name
    pins = root / PIN_FILE
    pins.parent.mkdir(exist_ok=True)
    known = pins.read_text(encoding="utf-8") if pins.exists() else ""
    pins.write_text(f"{known}requests[socks]=={PINNED}  # for the examples\n", encoding="utf-8")
    return {**places, "raise-pin": PIN_FILE}


def write_advisories(folder: Path) -> Path:
    """Two advisories about the pinned version, in OSV form; fixed in 2.20.0 and in 2.31.0."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, alias, introduced, fixed in (
        ("GHSA-x84v-xcm2-53pg", "CVE-2018-18074", "0", "2.20.0"),
        ("GHSA-j8r2-6x86-q33q", "CVE-2023-32681", "2.3.0", FIXED),
    ):
        events = [{"introduced": introduced}, {"fixed": fixed}]
        advisory = {
            "schema_version": "1.7.0",
            "id": name,
            "aliases": [alias],
            "modified": "2024-01-01T00:00:00Z",
            "summary": "Credentials reach a server they were not meant for",
            "affected": [
                {
                    "package": {"ecosystem": "PyPI", "name": "requests"},
                    "ranges": [{"type": "ECOSYSTEM", "events": events}],
                }
            ],
            "database_specific": {"severity": "MODERATE"},
        }
        (folder / f"{name}.json").write_text(json.dumps(advisory), encoding="utf-8")
    return folder
