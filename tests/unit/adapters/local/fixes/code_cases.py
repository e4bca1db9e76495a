"""Flawed Python and what it becomes: the whole text, so that nothing else may have changed."""

from __future__ import annotations

from dataclasses import dataclass
from textwrap import dedent


@dataclass(frozen=True)
class Case:
    """`before` becomes `after` through a codemod, in every symbol that has the flaw.

    `oldest` is the oldest Python the project runs on.
    """

    name: str
    codemod: str
    before: str
    after: str
    oldest: tuple[int, int] | None = (3, 9)


def _case(
    name: str,
    codemod: str,
    before: str,
    after: str,
    oldest: tuple[int, int] | None = (3, 9),
) -> Case:
    return Case(name, codemod, dedent(before).lstrip("\n"), dedent(after).lstrip("\n"), oldest)


YAML, HASH, TEMP = "yaml-safe-load", "hash-not-for-security", "temporary-file-created"
TLS, SHELL = "tls-verified", "no-shell"

CASES: tuple[Case, ...] = (
    _case(
        "module alias without a loader",
        YAML,
        """
        import yaml as y

        def read(stream):
            return y.load(stream)  # settings
        """,
        """
        import yaml as y

        def read(stream):
            return y.safe_load(stream)  # settings
        """,
    ),
    _case(
        "function imported by name, its import follows",
        YAML,
        """
        from yaml import dump, load

        def read(stream):
            return load(stream)
        """,
        """
        from yaml import dump, safe_load

        def read(stream):
            return safe_load(stream)
        """,
    ),
    _case(
        "function imported by name and still used elsewhere",
        YAML,
        """
        from yaml import load

        READER = load

        def read(stream):
            return load(stream)
        """,
        """
        from yaml import load, safe_load

        READER = load

        def read(stream):
            return safe_load(stream)
        """,
    ),
    _case(
        "import over several lines keeps its comments",
        YAML,
        """
        from yaml import (
            Loader,  # the default
            load,
        )

        def read(stream):
            return load(stream, Loader)
        """,
        """
        from yaml import (
            SafeLoader,  # the default
            load,
        )

        def read(stream):
            return load(stream, SafeLoader)
        """,
    ),
    _case(
        "every spelling of a loader, several on a line",
        YAML,
        """
        import yaml

        def read(a, b):
            return yaml.load(a, yaml.FullLoader), yaml.load_all(b, Loader=yaml.CLoader)

        def others(a):
            return [yaml.unsafe_load(a), yaml.full_load(a), *yaml.unsafe_load_all(a)]
        """,
        """
        import yaml

        def read(a, b):
            return yaml.load(a, yaml.SafeLoader), yaml.load_all(b, Loader=yaml.CSafeLoader)

        def others(a):
            return [yaml.safe_load(a), yaml.safe_load(a), *yaml.safe_load_all(a)]
        """,
    ),
    _case(
        "decorator, default, lambda, comprehension, f-string and class body",
        YAML,
        """
        import yaml

        @register(yaml.load(TEXT))
        def handler(options=yaml.load(OTHER)):
            each = [yaml.load(part) for part in options]
            later = lambda text: yaml.load(text, Loader=yaml.Loader)
            return f"{yaml.load(each)!r}", later

        class Settings:
            values = yaml.load(
                TEXT,  # short
                Loader=yaml.Loader,  # all of it
            )
        """,
        """
        import yaml

        @register(yaml.safe_load(TEXT))
        def handler(options=yaml.safe_load(OTHER)):
            each = [yaml.safe_load(part) for part in options]
            later = lambda text: yaml.load(text, Loader=yaml.SafeLoader)
            return f"{yaml.safe_load(each)!r}", later

        class Settings:
            values = yaml.load(
                TEXT,  # short
                Loader=yaml.SafeLoader,  # all of it
            )
        """,
    ),
    _case(
        "a conditional import with a fallback, in a nested function",
        YAML,
        """
        try:
            import yaml
        except ImportError:
            yaml = None

        def outer():
            def inner(stream):
                return yaml.load(stream)

            return inner
        """,
        """
        try:
            import yaml
        except ImportError:
            yaml = None

        def outer():
            def inner(stream):
                return yaml.safe_load(stream)

            return inner
        """,
    ),
    _case(
        "shadowed names beside a real one",
        YAML,
        """
        import yaml

        def own(yaml, stream):
            return yaml.load(stream)

        def real(stream):
            found = [yaml.load(each) for yaml in stream for each in yaml]
            return found, yaml.load(stream)
        """,
        """
        import yaml

        def own(yaml, stream):
            return yaml.load(stream)

        def real(stream):
            found = [yaml.load(each) for yaml in stream for each in yaml]
            return found, yaml.safe_load(stream)
        """,
    ),
    _case(
        "each weak hash",
        HASH,
        """
        import hashlib
        from hashlib import md5, sha1 as short

        def key(data):
            parts = [hashlib.md5(data), md5()]
            parts.append(hashlib.new("SHA1", data))
            return parts, short(
                data,
            )
        """,
        """
        import hashlib
        from hashlib import md5, sha1 as short

        def key(data):
            parts = [hashlib.md5(data, usedforsecurity=False), md5(usedforsecurity=False)]
            parts.append(hashlib.new("SHA1", data, usedforsecurity=False))
            return parts, short(
                data,
                usedforsecurity=False,
            )
        """,
    ),
    _case(
        "a project that runs on an older Python",
        HASH,
        """
        import hashlib

        def etag(data):
            return hashlib.md5(data).hexdigest()
        """,
        """
        import hashlib

        def etag(data):
            return hashlib.new("md5", data, usedforsecurity=False).hexdigest()
        """,
        (3, 8),
    ),
    _case(
        "an older Python, and the function imported by name",
        HASH,
        """
        from hashlib import sha1

        def etag(data):
            return sha1(data).hexdigest()
        """,
        """
        import hashlib

        def etag(data):
            return hashlib.new("sha1", data, usedforsecurity=False).hexdigest()
        """,
        (3, 6),
    ),
    _case(
        "a name assigned, with the import it needs put in order",
        TEMP,
        """
        import json
        import tempfile

        def spool(data):
            # one file for each
            name = tempfile.mktemp(suffix=".json")  # removed later
            with open(name, "w") as file:
                json.dump(data, file)
            return name
        """,
        """
        import json
        import os
        import tempfile

        def spool(data):
            # one file for each
            descriptor, name = tempfile.mkstemp(suffix=".json")  # removed later
            os.close(descriptor)
            with open(name, "w") as file:
                json.dump(data, file)
            return name
        """,
    ),
    _case(
        "a name used where it is made",
        TEMP,
        """
        import os
        from tempfile import mktemp

        def name():
            # never the same
            return mktemp(".x", dir="/var/spool")

        def write(data):
            with open(mktemp(), "w") as file:
                file.write(data)
        """,
        """
        import os
        from tempfile import mkstemp

        def name():
            # never the same
            descriptor, path = mkstemp(".x", dir="/var/spool")
            os.close(descriptor)
            return path

        def write(data):
            descriptor, path = mkstemp()
            os.close(descriptor)
            with open(path, "w") as file:
                file.write(data)
        """,
    ),
    _case(
        "names that are taken, and two in one function",
        TEMP,
        """
        import tempfile
        import os as system

        def both(descriptor):
            a = tempfile.mktemp()
            b = tempfile.mktemp()
            return a, b, descriptor

        NAME = tempfile.mktemp()
        """,
        """
        import tempfile
        import os as system

        def both(descriptor):
            descriptor_2, a = tempfile.mkstemp()
            system.close(descriptor_2)
            descriptor_3, b = tempfile.mkstemp()
            system.close(descriptor_3)
            return a, b, descriptor

        _descriptor, NAME = tempfile.mkstemp()
        system.close(_descriptor)
        """,
    ),
    _case(
        "requests and httpx",
        TLS,
        """
        import httpx
        import requests as rq
        from requests import post

        class Client:
            def __init__(self):
                self.session = rq.Session()

            def get(self, url):
                return self.session.get(url, verify=False, timeout=3)

        def fetch(url):
            with rq.Session() as session:
                session.verify = False
                session.head(url, verify=False, timeout=3)
            post(
                url,
                timeout=3,
                verify=False,  # no certificate here
            )
            return httpx.Client(verify=False)
        """,
        """
        import httpx
        import requests as rq
        from requests import post

        class Client:
            def __init__(self):
                self.session = rq.Session()

            def get(self, url):
                return self.session.get(url, verify=True, timeout=3)

        def fetch(url):
            with rq.Session() as session:
                session.verify = True
                session.head(url, verify=True, timeout=3)
            post(
                url,
                timeout=3,
                verify=True,  # no certificate here
            )
            return httpx.Client(verify=True)
        """,
    ),
    _case(
        "contexts of ssl",
        TLS,
        """
        import ssl
        from ssl import CERT_NONE, create_default_context
        from urllib.request import urlopen

        def fetch(url):
            context = create_default_context()
            context.check_hostname = False
            context.verify_mode = CERT_NONE
            urlopen("https://example.org", context=context)
            return ssl._create_unverified_context(cafile="ca.pem", check_hostname=False)

        def everywhere():
            ssl._create_default_https_context = ssl._create_unverified_context
        """,
        """
        import ssl
        from ssl import CERT_REQUIRED, create_default_context
        from urllib.request import urlopen

        def fetch(url):
            context = create_default_context()
            context.check_hostname = True
            context.verify_mode = CERT_REQUIRED
            urlopen("https://example.org", context=context)
            return ssl.create_default_context(cafile="ca.pem")

        def everywhere():
            ssl._create_default_https_context = ssl.create_default_context
        """,
    ),
    _case(
        "urllib3 and aiohttp",
        TLS,
        """
        import ssl

        import aiohttp
        import urllib3

        def pools():
            one = urllib3.PoolManager(cert_reqs='CERT_NONE', maxsize=2)
            return one, urllib3.PoolManager(cert_reqs=ssl.CERT_NONE)

        async def fetch(url):
            async with aiohttp.ClientSession() as session:
                await session.get(url, ssl=False)
            return aiohttp.TCPConnector(
                ssl=False,
                limit=3,
            )
        """,
        """
        import ssl

        import aiohttp
        import urllib3

        def pools():
            one = urllib3.PoolManager(cert_reqs='CERT_REQUIRED', maxsize=2)
            return one, urllib3.PoolManager(cert_reqs=ssl.CERT_REQUIRED)

        async def fetch(url):
            async with aiohttp.ClientSession() as session:
                await session.get(url)
            return aiohttp.TCPConnector(
                limit=3,
            )
        """,
    ),
    _case(
        "subprocess with a shell",
        SHELL,
        """
        import subprocess
        from subprocess import run as start

        def act():
            start('git log --format="%h %s" -n 3', shell=True, check=True)
            subprocess.check_output(
                "ls"
                " -l",
                shell=True,  # so that PATH is searched
                cwd="/",
            )
            return subprocess.Popen(
                args="make 'all of it'",
                shell=True,
            )
        """,
        """
        import subprocess
        from subprocess import run as start

        def act():
            start(['git', 'log', '--format=%h %s', '-n', '3'], check=True)
            subprocess.check_output(
                ["ls", "-l"],
                shell=False,  # so that PATH is searched
                cwd="/",
            )
            return subprocess.Popen(
                args=["make", "all of it"],
            )
        """,
    ),
    _case(
        "os.system where only success counts, and its import",
        SHELL,
        """
        import os
        import sys

        def act():
            os.system("make all")
            if os.system("make test") != 0:
                sys.exit(1)
            while not os.system("true"):
                break
        """,
        """
        import subprocess
        import sys

        def act():
            subprocess.call(["make", "all"])
            if subprocess.call(["make", "test"]) != 0:
                sys.exit(1)
            while not subprocess.call(["true"]):
                break
        """,
    ),
    _case(
        "os.popen read at once, in a function that imports os",
        SHELL,
        """
        def f():
            import os

            return os, os.popen("id").read()
        """,
        """
        def f():
            import os
            import subprocess

            return os, subprocess.run(["id"], stdout=subprocess.PIPE, text=True, check=False).stdout
        """,
    ),
    _case(
        "asyncio",
        SHELL,
        """
        import asyncio

        async def act():
            return await asyncio.create_subprocess_shell("git gc", stdout=None)
        """,
        """
        import asyncio

        async def act():
            return await asyncio.create_subprocess_exec("git", "gc", stdout=None)
        """,
    ),
    _case(
        "one that can be fixed beside one that cannot, written alike",
        SHELL,
        """
        import os

        def act():
            os.system("make")
            return os.system("make")
        """,
        """
        import os
        import subprocess

        def act():
            subprocess.call(["make"])
            return os.system("make")
        """,
    ),
)

#: Codemod, source with the flaw, and what the refusal speaks of.
REFUSED: tuple[tuple[str, str, str], ...] = (
    (YAML, "import yaml\nyaml.load(*given)\n", "passed on with"),
    (YAML, "import yaml\nyaml.load(text, Loader=Own)\n", "own loader class"),
    (YAML, "import yaml\nread = yaml.load\nread(text)\n", "through a variable"),
    (YAML, "from yaml import load\nsafe_load = print\nload(text)\n", "means something else"),
    (HASH, "import hashlib\ndef f(password): return hashlib.md5(password)\n", "password"),
    (HASH, "import hashlib\ndef sign(data): return hashlib.sha1(data)\n", "sign"),
    (HASH, "import hashlib\nhashlib.md5(data, usedforsecurity=True)\n", "declared"),
    (HASH, "import hashlib\nhashlib.md5(**options)\n", "passed on with"),
    (TEMP, "import tempfile\nmake = lambda: tempfile.mktemp()\n", "Lambda"),
    (TEMP, "import tempfile\ndef f(a): return a or tempfile.mktemp()\n", "BooleanOperation"),
    (TEMP, "import os, tempfile\ndef f():\n    n = tempfile.mktemp()\n    os.mkdir(n)\n", "mkdir"),
    (TEMP, "import tempfile\nif x: name = tempfile.mktemp()\n", "no place"),
    (TEMP, "import tempfile\na = 1; b = tempfile.mktemp()\n", "shares its line"),
    (TEMP, "import tempfile\nos = 3\nb = tempfile.mktemp()\n", "means something else"),
    (TLS, "import ssl\nc = ssl.SSLContext()\nc.verify_mode = ssl.CERT_NONE\n", "trusts"),
    (TLS, "import ssl\nssl._create_unverified_context(PROTOCOL)\n", "positional"),
    (SHELL, "import os\nos.system('ls | wc')\n", "'|'"),
    (SHELL, "import os\nos.system('ls *.py')\n", "'*'"),
    (SHELL, "import os\nos.system('echo $HOME')\n", "'$'"),
    (SHELL, "import os\nos.system('echo \"$HOME\"')\n", "'\"'"),
    (SHELL, "import os\nos.system('ls > out')\n", "'>'"),
    (SHELL, "import os\nos.system('ls ~')\n", "'~'"),
    (SHELL, "import os\nos.system('ls\\npwd')\n", "'\\n'"),
    (SHELL, "import os\nos.system('cd /tmp')\n", "part of the shell"),
    (SHELL, "import os\nos.system('A=1 make')\n", "sets a variable"),
    (SHELL, "import os\nos.system('')\n", "empty"),
    (SHELL, "import os\ncode = os.system('ls')\n", "exit status"),
    (SHELL, "import os\nos.system(command)\n", "not written out"),
    (SHELL, "import os\nfor line in os.popen('ls'): pass\n", "more than one read"),
    (SHELL, "import subprocess\nsubprocess.getoutput('ls')\n", "no counterpart"),
    (SHELL, "import subprocess\nsubprocess.run(['ls'], shell=True)\n", "not written out"),
    (SHELL, "import subprocess\nsubprocess.run('ls', shell=flag)\n", "run time"),
    (SHELL, "import subprocess\nsubprocess.run('ls', shell=True, executable='zsh')\n", "chooses"),
)
