"""The part of a security test that says what is a flaw, one for each kind of fix.

`judged(name, args, kwargs)` is given what was asked of a watched module and says what is wrong with
it, "" if nothing is. It is told neither what the fix was nor what a scanner said.
"""

from __future__ import annotations

from dataclasses import dataclass

from orchestrate.adapters.backends.local.fixes.proof_frame import CALLS


@dataclass(frozen=True, slots=True)
class Judge:
    """`flaw` names the flaw in a sentence; `text` defines `judged`; `asked` what is judged;
    `variables` goes into `names_in`."""

    flaw: str
    text: str
    asked: str = CALLS
    variables: str = ""


_YAML = """\
SAFE = {"yaml.SafeLoader", "yaml.CSafeLoader", "yaml.BaseLoader", "yaml.CBaseLoader"}
LOADS = {"yaml.load", "yaml.load_all"}
OBJECTS = {"yaml.unsafe_load", "yaml.unsafe_load_all", "yaml.full_load", "yaml.full_load_all"}


def judged(name, args, kwargs):
    if name in OBJECTS:
        return name + " builds objects that the document names"
    if name not in LOADS:
        return ""
    loader = kwargs.get("Loader", args[1] if len(args) > 1 else None)
    if loader is None:
        return name + " is called without a safe loader"
    if isinstance(loader, Asked) and loader.name not in SAFE:
        return "%s is given %s, which builds objects" % (name, loader.name)
    return ""


"""

_HASH = """\
WEAK = {"md5", "sha1", "md4", "sha", "ripemd160"}


def judged(name, args, kwargs):
    chosen = name.split(".")[-1]
    if name == "hashlib.new":
        chosen = str(args[0] if args else kwargs.get("name")).lower().replace("-", "")
    elif name not in ("hashlib.md5", "hashlib.sha1"):
        return ""
    if chosen in WEAK and kwargs.get("usedforsecurity", True) is not False:
        return name + " is called without usedforsecurity=False"
    return ""


"""

_TEMPORARY = """\
NAMING = {"tempfile.mktemp", "os.tempnam", "os.tmpnam"}


def judged(name, args, kwargs):
    if name in NAMING:
        return name + " gives a name that anybody can take before the file is made"
    return ""


"""

_TLS = '''\
VERBS = "get post put patch delete head options request".split()
VERIFYING = {"httpx.stream", "httpx.Client", "httpx.AsyncClient"}
VERIFYING |= {base + verb for base in ("requests.", "requests.Session().") for verb in VERBS}
VERIFYING |= {"httpx." + verb for verb in VERBS}
CHECKING = {"aiohttp.TCPConnector"} | {"aiohttp.ClientSession()." + verb for verb in VERBS}
UNVERIFIED = "ssl._create_unverified_context"


def is_none(mode):
    """Whether a mode of checking is none at all."""
    return mode in ("CERT_NONE", "NONE") or getattr(mode, "name", "") == "ssl.CERT_NONE"


def judged(name, args, kwargs):
    if name == UNVERIFIED or any(getattr(each, "name", "") == UNVERIFIED for each in args):
        return "a context without verification is used"
    off = name in VERIFYING and kwargs.get("verify") is False
    off = off or name in CHECKING and False in (kwargs.get("ssl"), kwargs.get("verify_ssl"))
    off = off or name.startswith("urllib3.") and is_none(kwargs.get("cert_reqs"))
    if off:
        return name + " is told not to verify certificates"
    if name.endswith((".verify =", ".check_hostname =")) and args[0] is False:
        return name[:-2] + " is switched off"
    if name.endswith((".verify_mode =", ".cert_reqs =")) and is_none(args[0]):
        return name[:-2] + " accepts any certificate"
    return ""


'''

_TLS_ASKED = '''\
def asked(node, names):
    """What a call or a setting asks for: a name, arguments, keyword arguments."""
    if isinstance(node, ast.Assign):
        target = node.targets[0]
        owner = value(target.value, names) if isinstance(target, ast.Attribute) else None
        name = getattr(owner, "name", "") if isinstance(owner, Asked) else ""
        setting = name + "." + target.attr + " =" if name else "="
        if name or watched(node.value, names):
            return setting, [value(node.value, names)], {}
    if not isinstance(node, ast.Call):
        return None
    function = value(node.func, names)
    handed = [a for a in node.args if not isinstance(a, ast.Starred)]
    if not isinstance(function, Asked):
        handed = [a for a in handed if watched(a, names)]
    kwargs = {k.arg: value(k.value, names) for k in node.keywords if k.arg}
    name = function.name if isinstance(function, Asked) else ""
    return name, [value(a, names) for a in handed], kwargs


'''

_TLS_VARIABLES = """\
    names.update(variables(nodes, others, names))
    names.update(attributes(scope, others, names, outer))
"""

_TLS_KEPT = '''\
def variables(nodes, others, names):
    """Names that are set once, to something watched."""
    pairs = [(n.optional_vars, n.context_expr) for n in nodes if isinstance(n, ast.withitem)]
    for node in nodes:
        if isinstance(node, ast.Assign) and len(node.targets) == 1:
            pairs.append((node.targets[0], node.value))
    found = dict(names)
    for target, given in pairs:
        single = isinstance(target, ast.Name) and others.count(target.id) == 1
        if single and watched(given, found):
            found[target.id] = value(given, found)
    return found


def attributes(scope, others, names, outer):
    """What `self` has in a class, and in the methods of it."""
    if not isinstance(scope, ast.ClassDef):
        return {"self": outer["self"]} if "self" in others and "self" in outer else {}
    own_attributes = types.SimpleNamespace()
    for node in ast.walk(scope):
        target = node.targets[0] if isinstance(node, ast.Assign) else None
        if isinstance(target, ast.Attribute) and getattr(target.value, "id", "") == "self":
            setattr(own_attributes, target.attr, value(node.value, names))
    return {"self": own_attributes}


'''

_SHELL = """\
MAYBE = {"subprocess." + n for n in ("run", "call", "check_call", "check_output", "Popen")}
ALWAYS = {"os.system", "os.popen", "subprocess.getoutput", "subprocess.getstatusoutput"}
ALWAYS |= {"asyncio.create_subprocess_shell"}


def judged(name, args, kwargs):
    if name in ALWAYS:
        return name + " gives its command to a shell"
    if name in MAYBE and kwargs.get("sh" + "ell"):
        return name + " is told to use a shell"
    command = args[0] if args else kwargs.get("args")
    if name in MAYBE and isinstance(command, str):
        return name + " is given a text instead of a list of arguments"
    return ""


"""

JUDGES: dict[str, Judge] = {
    "yaml-safe-load": Judge("YAML loaded with a loader that builds any object", _YAML),
    "hash-not-for-security": Judge("a weak hash that does not say what it is for", _HASH),
    "temporary-file-created": Judge("a temporary name without a file", _TEMPORARY),
    "tls-verified": Judge(
        "a certificate check that is switched off", _TLS, _TLS_ASKED + _TLS_KEPT, _TLS_VARIABLES
    ),
    "no-shell": Judge("a fixed command given to a shell", _SHELL),
}
