"""Where code touches the outside world: every call that a table of names knows.

This is an inventory, not a list of flaws.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator

from orchestrate.adapters.backends.local.python_source import PythonSource, Site
from orchestrate.core.sharing.findings import Location, SurfacePoint

#: Dotted name -> kind; the longest name that matches wins, "" takes names out again.
_TABLE: dict[str, str] = {
    **dict.fromkeys(
        (
            "socket", "socketserver", "ssl", "http.client", "http.server", "urllib.request",
            "urllib3", "requests", "httpx", "aiohttp", "ftplib", "smtplib", "imaplib", "poplib",
            "telnetlib", "nntplib", "xmlrpc", "asyncio.open_connection", "asyncio.start_server",
            "asyncio.open_unix_connection", "asyncio.start_unix_server", "paramiko", "websockets",
            "websocket", "grpc", "uvicorn.run", "werkzeug.serving", "wsgiref.simple_server",
            "flask.Flask", "fastapi.FastAPI", "tornado", "twisted", "redis", "pymongo", "psycopg2",
            "psycopg", "mysql", "pymysql", "sqlalchemy.create_engine", "boto3", "botocore", "kafka",
            "pika", "zmq", "ldap", "ldap3", "dns", "scapy", "gevent.socket", "eventlet",
        ),
        "network",
    ),
    "socket.gethostname": "",
    "socket.inet_aton": "",
    "socket.inet_ntoa": "",
    "socket.inet_pton": "",
    "socket.inet_ntop": "",
    "socket.htons": "",
    "socket.ntohs": "",
    "requests.exceptions": "",
    "urllib3.exceptions": "",
    "urllib3.util": "",
    **dict.fromkeys(
        (
            "subprocess", "os.system", "os.popen", "os.fork", "os.forkpty", "os.kill", "os.killpg",
            "os.startfile", "os.execl", "os.execle", "os.execlp", "os.execlpe", "os.execv",
            "os.execve", "os.execvp", "os.execvpe", "os.spawnl", "os.spawnle", "os.spawnlp",
            "os.spawnlpe", "os.spawnv", "os.spawnve", "os.spawnvp", "os.spawnvpe",
            "os.posix_spawn", "pty.spawn", "asyncio.create_subprocess_exec",
            "asyncio.create_subprocess_shell", "pexpect", "multiprocessing.Process", "invoke.run",
            "fabric", "sh",
        ),
        "subprocess",
    ),
    "subprocess.list2cmdline": "",
    "subprocess.CalledProcessError": "",
    "subprocess.TimeoutExpired": "",
    **dict.fromkeys(
        (
            "pickle.load", "pickle.loads", "pickle.Unpickler", "marshal.load", "marshal.loads",
            "shelve.open", "dill.load", "dill.loads", "cloudpickle.load", "cloudpickle.loads",
            "joblib.load", "jsonpickle.decode", "pandas.read_pickle", "torch.load", "numpy.load",
            "yaml.load", "yaml.load_all", "yaml.unsafe_load", "yaml.unsafe_load_all",
            "yaml.full_load", "yaml.full_load_all", "yaml.safe_load", "yaml.safe_load_all",
            "xml.etree.ElementTree.parse", "xml.etree.ElementTree.fromstring",
            "xml.etree.ElementTree.iterparse", "xml.dom.minidom.parse",
            "xml.dom.minidom.parseString", "xml.sax.parse", "xml.sax.parseString",
            "lxml.etree.parse", "lxml.etree.fromstring", "plistlib.load", "plistlib.loads",
            "msgpack.unpackb", "msgpack.unpack",
        ),
        "deserialisation",
    ),
    **dict.fromkeys(
        (
            "builtins.open", "builtins.file", "io.open", "codecs.open", "os.open", "os.fdopen",
            "os.remove", "os.unlink", "os.rename", "os.replace", "os.mkdir", "os.makedirs",
            "os.rmdir", "os.removedirs", "os.chmod", "os.chown", "os.link", "os.symlink",
            "os.readlink", "os.truncate", "os.utime", "os.mkfifo", "os.listdir", "os.scandir",
            "os.walk", "shutil", "tempfile", "tarfile.open", "tarfile.TarFile", "zipfile.ZipFile",
            "gzip.open", "bz2.open", "lzma.open", "glob.glob", "glob.iglob", "sqlite3.connect",
            "dbm.open", "mmap.mmap", "fileinput.input",
        ),
        "files",
    ),
    "shutil.which": "",
    "shutil.get_terminal_size": "",
    "tempfile.gettempdir": "",
    **dict.fromkeys(
        (
            "hashlib", "hmac", "secrets", "cryptography", "Crypto", "jwt", "jose", "nacl",
            "bcrypt", "passlib", "argon2", "OpenSSL", "os.urandom", "rsa", "ecdsa", "gnupg",
        ),
        "crypto",
    ),
    "cryptography.exceptions": "",
    **dict.fromkeys(
        ("os.getenv", "os.putenv", "os.setenv", "os.unsetenv", "dotenv", "os.environ"),
        "environment",
    ),
    **dict.fromkeys(
        (
            "builtins.eval", "builtins.exec", "builtins.execfile", "builtins.compile",
            "builtins.__import__", "importlib.import_module", "importlib.reload",
            "importlib.util.spec_from_file_location", "runpy", "imp.load_source", "imp.load_module",
            "ctypes.CDLL", "ctypes.cdll", "ctypes.windll", "code.interact",
            "code.InteractiveConsole",
        ),
        "dynamic-code",
    ),
}  # fmt: skip
#: Methods whose names only pathlib uses, for paths whose type we cannot tell.
_PATH_METHODS = {"read_text", "write_text", "read_bytes", "write_bytes"}
_PATH_TOUCHING = _PATH_METHODS | {
    "open", "unlink", "mkdir", "rmdir", "touch", "rename", "replace", "chmod", "iterdir", "glob",
    "rglob", "symlink_to", "hardlink_to",
}  # fmt: skip


def surface_of(source: PythonSource) -> Iterator[SurfacePoint]:
    """Every point of one file, in source order."""
    for site in source.sites():
        point = surface_point(site, source.path)
        if point is not None:
            yield point


def surface_point(site: Site, path: str) -> SurfacePoint | None:
    """What the node of `site` touches, or None."""
    node = site.node
    if isinstance(node, ast.Call):
        name = site.called
        kind = _kind(name) or _path_kind(node, name)
        name = name or f"(…).{node.func.attr}" if isinstance(node.func, ast.Attribute) else name
    elif isinstance(node, ast.Attribute) and node.attr in {"environ", "environb"}:
        name = site.scope.qualified(node)
        kind = "environment" if name in {"os.environ", "os.environb"} else ""
    else:
        return None
    if not kind or (kind == "environment" and isinstance(node, ast.Call) and "environ" in name):
        return None  # os.environ.get(...) is counted at os.environ
    location = Location(path, node.lineno, node.end_lineno, node.col_offset + 1)
    return SurfacePoint(kind, name.removeprefix("builtins."), location, site.symbol)


def _kind(name: str) -> str:
    head, call, _ = name.partition("()")
    while head:
        if head in _TABLE:
            kind = _TABLE[head]
            # What is done with a connection matters; with a digest or an open file it does not.
            return kind if not call or kind == "network" else ""
        head = head.rpartition(".")[0]
    return ""


def _path_kind(node: ast.Call, name: str) -> str:
    method = node.func.attr if isinstance(node.func, ast.Attribute) else ""
    if name.startswith("pathlib."):
        return "files" if method in _PATH_TOUCHING else ""
    return "files" if not name and method in _PATH_METHODS else ""
