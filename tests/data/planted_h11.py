"""Twenty flaws to plant into a copy of h11, each with the severity a reviewer would give it.

A flaw is a few lines appended to one of h11's files; `line` counts within them. Credentials are put
together here from parts, so that this file does not contain what it plants.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from orchestrate.core.sharing.findings import Severity


@dataclass(frozen=True)
class Flaw:
    """What to append to `path`, and what has to be reported: `line` of `code` (from 1)."""

    name: str
    path: str
    severity: Severity
    cwes: frozenset[int]
    line: int
    code: str


@dataclass(frozen=True)
class Planted:
    """A flaw in place: `line` counts within the file."""

    flaw: Flaw
    line: int


_KEY_BODY = "MIIEowIBAAKCAQEAvX" + "q3kP0zYw7uT1sLh5Rb9NcJ4dFgV2eMx8aQoKtWiGnZ"

FLAWS: tuple[Flaw, ...] = (
    Flaw(
        "command put together for a shell",
        "h11/_connection.py",
        "high",
        frozenset({78}),
        5,
        "def archive_log(path):\n"
        "    import subprocess\n"
        "\n"
        "    # compress what was recorded\n"
        '    return subprocess.call("gzip -9 " + path, shell=True)\n',
    ),
    Flaw(
        "YAML loaded with a loader that creates any object",
        "h11/_connection.py",
        "high",
        frozenset({502}),
        4,
        "def read_limits(stream):\n"
        "    import yaml\n"
        "\n"
        "    return yaml.load(stream, Loader=yaml.UnsafeLoader)\n",
    ),
    Flaw(
        "pickle of data that comes from elsewhere",
        "h11/_events.py",
        "high",
        frozenset({502}),
        4,
        "def event_from_cache(blob):\n    import pickle\n\n    return pickle.loads(blob)\n",
    ),
    Flaw(
        "expression evaluated as Python",
        "h11/_events.py",
        "high",
        frozenset({94, 95}),
        2,
        "def matches(event, expression):\n    return eval(expression, {}, vars(event))\n",
    ),
    Flaw(
        "password hashed with MD5",
        "h11/_headers.py",
        "high",
        frozenset({327, 328, 916}),
        4,
        "def stored_password(password):\n"
        "    import hashlib\n"
        "\n"
        "    return hashlib.md5(password.encode()).hexdigest()\n",
    ),
    Flaw(
        "token made of predictable numbers",
        "h11/_headers.py",
        "medium",
        frozenset({330, 338}),
        5,
        "def new_session_token():\n"
        "    import random\n"
        "\n"
        '    alphabet = "abcdefghijklmnopqrstuvwxyz0123456789"\n'
        '    return "".join(random.choice(alphabet) for _ in range(32))\n',
    ),
    Flaw(
        "temporary file name without a file",
        "h11/_readers.py",
        "medium",
        frozenset({377}),
        4,
        'def spool_name():\n    import tempfile\n\n    return tempfile.mktemp(suffix=".body")\n',
    ),
    Flaw(
        "certificate check switched off",
        "h11/_readers.py",
        "high",
        frozenset({295}),
        4,
        "def fetch_peer(url):\n"
        "    import requests\n"
        "\n"
        "    return requests.get(url, verify=False, timeout=10)\n",
    ),
    Flaw(
        "SQL statement built from a value",
        "h11/_receivebuffer.py",
        "high",
        frozenset({89}),
        2,
        "def requests_of(cursor, user):\n"
        "    cursor.execute(\"SELECT * FROM requests WHERE user = '%s'\" % user)\n"
        "    return cursor.fetchall()\n",
    ),
    Flaw(
        "password written in the source",
        "h11/_receivebuffer.py",
        "high",
        frozenset({259, 798}),
        1,
        'DATABASE_PASSWORD = "' + "vK7" + "#mQ2x" + '9Lp!t4"\n',
    ),
    Flaw(
        "cloud access key written in the source",
        "h11/_state.py",
        "high",
        frozenset({259, 798}),
        1,
        'BUCKET_ID = "' + "AKIA" + "Q3EGRR7UNWX7" + 'ZQ2M"\n',
    ),
    Flaw(
        "private key written in the source",
        "h11/_state.py",
        "high",
        frozenset({321, 798}),
        1,
        'SIGNER = """-----BEGIN RSA '
        + f'PRIVATE KEY-----\n{_KEY_BODY}\n-----END RSA PRIVATE KEY-----"""\n',
    ),
    Flaw(
        "service on every network interface",
        "h11/_util.py",
        "medium",
        frozenset({605, 1327}),
        5,
        "def listen(port):\n"
        "    import socket\n"
        "\n"
        "    server = socket.socket()\n"
        '    server.bind(("0.0.0.0", port))\n'
        "    return server\n",
    ),
    Flaw(
        "interactive debugger switched on",
        "h11/_util.py",
        "high",
        frozenset({94, 489}),
        5,
        "def serve_status():\n"
        "    import flask\n"
        "\n"
        "    status = flask.Flask(__name__)\n"
        "    status.run(port=8080, debug=True)\n",
    ),
    Flaw(
        "request without a time-out",
        "h11/_writers.py",
        "low",
        frozenset({400, 1088}),
        4,
        "def report(url, body):\n    import requests\n\n    return requests.post(url, data=body)\n",
    ),
    Flaw(
        "archive unpacked without checking members",
        "h11/_writers.py",
        "high",
        frozenset({22}),
        5,
        "def restore(archive, target):\n"
        "    import tarfile\n"
        "\n"
        "    with tarfile.open(archive) as tar:\n"
        "        tar.extractall(target)\n",
    ),
    Flaw(
        "permission checked with assert",
        "h11/_abnf.py",
        "medium",
        frozenset({617, 703}),
        2,
        "def drop_connection(user, connection):\n"
        "    assert user.is_admin\n"
        "    connection.close()\n",
    ),
    Flaw(
        "broken cipher in ECB mode",
        "h11/_abnf.py",
        "high",
        frozenset({327}),
        4,
        "def seal(key, block):\n"
        "    from Crypto.Cipher import DES\n"
        "\n"
        "    return DES.new(key, DES.MODE_ECB).encrypt(block)\n",
    ),
    Flaw(
        "unknown SSH host keys accepted",
        "h11/_version.py",
        "high",
        frozenset({295, 322}),
        5,
        "def deploy_client():\n"
        "    import paramiko\n"
        "\n"
        "    client = paramiko.SSHClient()\n"
        "    client.set_missing_host_key_policy(paramiko.AutoAddPolicy())\n"
        "    return client\n",
    ),
    Flaw(
        "user name and password inside a URL",
        "h11/_version.py",
        "high",
        frozenset({259, 522, 798}),
        1,
        'UPLOAD_TO = "https://deploy:' + "Wq8" + 'rT5nZk@files.h11-mirror.net/in"\n',
    ),
)


def plant(root: Path) -> tuple[Planted, ...]:
    """Append every flaw to its file below `root`; return where they stand."""
    planted = []
    for flaw in FLAWS:
        path = root / flaw.path
        text = path.read_text(encoding="utf-8").rstrip("\n") + "\n\n\n"
        path.write_text(text + flaw.code, encoding="utf-8")
        planted.append(Planted(flaw, text.count("\n") + flaw.line))
    return tuple(planted)
