"""Rules about reading untrusted bytes: pickles, YAML, XML and archives."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from orchestrate.adapters.backends.local.python_source import Site
from orchestrate.adapters.backends.local.python_values import (
    argument,
    constancy,
    has_spread,
    is_literal,
    last_name,
    outside_source,
)
from orchestrate.adapters.backends.local.rule import Hit, Rule, RuleSet

PICKLE = Rule(
    "ORC-PY-201",
    "Deserialiser that can run code",
    502,
    "medium",
    "high",
    "Use JSON or another data-only format, or authenticate the bytes before loading them.",
    remarks="high when the bytes come from outside the program",
)
YAML = Rule(
    "ORC-PY-202",
    "YAML loaded with an unsafe loader",
    502,
    "high",
    "high",
    "Use yaml.safe_load, or Loader=yaml.SafeLoader.",
    remarks="medium for FullLoader and for text written in the source; confidence medium when the "
    "loader is left at its default, which PyYAML 6 refuses",
)
TAR = Rule(
    "ORC-PY-203",
    "Archive unpacked without checking its members",
    22,
    "medium",
    "medium",
    'Pass filter="data" to tarfile, and refuse members that leave the target folder.',
    remarks="confidence high when the archive is known to be a tar file",
)
XML_ENTITIES = Rule(
    "ORC-PY-204",
    "XML parser that resolves external entities",
    611,
    "high",
    "high",
    "Leave external entities off (resolve_entities=False), or use defusedxml.",
    remarks="low with low confidence for lxml's default parser, which resolved them before lxml 5",
)
XML_EXPANSION = Rule(
    "ORC-PY-205",
    "XML parsed by a parser without entity limits",
    776,
    "low",
    "low",
    "Use defusedxml for XML from others, or be sure that Expat is 2.4.1 or newer.",
)

_LOADERS = {
    "pickle.load",
    "pickle.loads",
    "pickle.Unpickler",
    "marshal.load",
    "marshal.loads",
    "shelve.open",
    "dill.load",
    "dill.loads",
    "cloudpickle.load",
    "cloudpickle.loads",
    "joblib.load",
    "pandas.read_pickle",
    "jsonpickle.decode",
}
_DUMPERS = {"pickle.dumps", "marshal.dumps", "dill.dumps", "cloudpickle.dumps"}
_YAML_LOADS = {"yaml.load", "yaml.load_all"}
_YAML_UNSAFE = {"yaml.unsafe_load", "yaml.unsafe_load_all"}
_YAML_FULL = {"yaml.full_load", "yaml.full_load_all"}
_UNSAFE_LOADERS = {"Loader", "UnsafeLoader", "CLoader", "CUnsafeLoader"}
_SAFE_LOADERS = {"SafeLoader", "CSafeLoader", "BaseLoader", "CBaseLoader"}
_TAR_OPENERS = ("tarfile.open()", "tarfile.TarFile()", "tarfile.TarFile.open()")
_STDLIB_XML = {
    "xml.etree.ElementTree.parse",
    "xml.etree.ElementTree.fromstring",
    "xml.etree.ElementTree.iterparse",
    "xml.etree.ElementTree.XML",
    "xml.dom.minidom.parse",
    "xml.dom.minidom.parseString",
    "xml.dom.pulldom.parse",
    "xml.dom.pulldom.parseString",
    "xml.sax.parse",
    "xml.sax.parseString",
}
_LXML = {f"lxml.etree.{n}" for n in ("parse", "fromstring", "XML", "iterparse")}


def check_pickle(site: Site) -> Iterator[Hit]:
    """`pickle.loads(data)` and other loaders that can call anything."""
    if site.called == "torch.load":
        if is_literal(argument(site.call, None, "weights_only"), True):
            return
    elif site.called not in _LOADERS:
        return
    data = argument(site.call, 0, "file", "data", "buf", "filename")
    if data is None or (site.called != "shelve.open" and constancy(data, site.scope) == "constant"):
        return
    if isinstance(data, ast.Call) and site.scope.qualified(data.func) in _DUMPERS:
        return  # a round trip within one expression reads what it has just written
    source = outside_source(data, site.scope)
    message = f"{site.called} can run any code that its input asks for"
    message += f", and the input contains {source}." if source else "."
    yield Hit(PICKLE, site.call, message, "high" if source else None)


def check_yaml(site: Site) -> Iterator[Hit]:
    """`yaml.load` without a safe loader."""
    call, name = site.call, site.called
    if name in _YAML_UNSAFE:
        yield Hit(YAML, call, f"{name} builds any Python object that the document names.")
    elif name in _YAML_FULL:
        yield Hit(YAML, call, f"{name} has let documents run code in several releases.", "medium")
    if name not in _YAML_LOADS or not call.args or has_spread(call):
        return
    loader = argument(call, 1, "Loader")
    fixed = constancy(call.args[0], site.scope) == "constant"
    if loader is None:
        message = "yaml.load without a Loader builds any Python object before PyYAML 6."
        yield Hit(YAML, call, message, "medium" if fixed else None, "medium")
        return
    kind = site.scope.qualified(loader).rpartition(".")[2]
    if kind in _UNSAFE_LOADERS:
        message = f"{kind} builds any Python object that the document names."
        yield Hit(YAML, call, message, "medium" if fixed else None)
    elif kind == "FullLoader":
        message = "FullLoader has let documents run code in several releases."
        yield Hit(YAML, call, message, "medium")


def check_yaml_default(site: Site) -> Iterator[Hit]:
    """`def load(stream, Loader=Loader)`: callers who do not choose get the unsafe loader."""
    node = site.node
    assert isinstance(node, ast.FunctionDef)
    defaults = node.args.defaults
    for parameter, default in zip(node.args.args[-len(defaults) :], defaults, strict=False):
        if parameter.arg.lower() == "loader" and node.name.startswith("load"):
            kind = last_name(default)
            if kind in _UNSAFE_LOADERS:
                message = (
                    f"{node.name} uses {kind}, which builds any object, unless told otherwise."
                )
                yield Hit(YAML, default, message, None, "medium")


def check_archive(site: Site) -> Iterator[Hit]:
    """`extractall` on tar files without a filter, and `shutil.unpack_archive`."""
    call = site.call
    if site.called == "shutil.unpack_archive":
        if argument(call, None, "filter") is None:
            message = "unpack_archive places members wherever their names point."
            yield Hit(TAR, call, message, "low", "medium")
        return
    if not (isinstance(call.func, ast.Attribute) and call.func.attr in {"extractall", "extract"}):
        return
    known_tar = site.called.startswith(_TAR_OPENERS)
    if not known_tar and not (_looks_like_tar(call.func.value) and not site.called):
        return
    chosen = argument(call, None, "filter")
    trusting = is_literal(chosen, None) or (
        isinstance(chosen, ast.Constant) and chosen.value == "fully_trusted"
    )
    if (chosen is not None and not trusting) or argument(call, None, "members") is not None:
        return
    message = "Members with absolute names, '..' or links can be written outside the target."
    yield Hit(TAR, call, message, None, "high" if known_tar else None)


def _looks_like_tar(node: ast.expr) -> bool:
    return isinstance(node, ast.Name) and "tar" in node.id.lower()


def check_xml(site: Site) -> Iterator[Hit]:
    """XML parsers that resolve entities, or that set no limit to their expansion."""
    call, name = site.call, site.called
    if name in {"lxml.etree.XMLParser", "lxml.etree.iterparse"} and (
        is_literal(argument(call, None, "resolve_entities"), True)
        or is_literal(argument(call, None, "no_network"), False)
    ):
        yield Hit(XML_ENTITIES, call, "The parser is told to resolve entities or use the network.")
    elif name in _LXML and argument(call, 1, "parser") is None:
        if constancy(call.args[0] if call.args else None, site.scope) != "constant":
            message = "The default parser of lxml resolved external entities before lxml 5."
            yield Hit(XML_ENTITIES, call, message, "low", "low")
    elif name in _STDLIB_XML:
        if constancy(call.args[0] if call.args else None, site.scope) != "constant":
            message = f"{name} sets no limit of its own to entity expansion."
            yield Hit(XML_EXPANSION, call, message)
    elif _switches_entities_on(site):
        yield Hit(XML_ENTITIES, call, "External entities are switched on for this parser.")


def _switches_entities_on(site: Site) -> bool:
    call = site.call
    if not (isinstance(call.func, ast.Attribute) and call.func.attr == "setFeature"):
        return False
    if len(call.args) != 2 or not isinstance(call.args[1], ast.Constant) or not call.args[1].value:
        return False
    feature = site.scope.qualified(call.args[0]).rpartition(".")[2]
    url = call.args[0].value if isinstance(call.args[0], ast.Constant) else ""
    return feature in {"feature_external_ges", "feature_external_pes"} or (
        isinstance(url, str)
        and url.endswith(("external-general-entities", "external-parameter-entities"))
    )


RULES = RuleSet(
    rules=(PICKLE, YAML, TAR, XML_ENTITIES, XML_EXPANSION),
    checks={
        ast.Call: (check_pickle, check_yaml, check_archive, check_xml),
        ast.FunctionDef: (check_yaml_default,),
    },
)
