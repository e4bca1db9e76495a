"""The software bill of materials: CycloneDX 1.6 in JSON, the same bytes for the same content."""

from __future__ import annotations

import json
import uuid
from collections.abc import Sequence
from typing import Any

import orchestrate
from orchestrate.adapters.backends.local.toolrun import Tool
from orchestrate.core.sharing.findings import Component

FILE_NAME = "sbom.cdx.json"
TOOL = Tool(
    name="cyclonedx",
    command=(),
    purpose="software bill of materials",
    distribution="cyclonedx-python-lib",
    remedy="install cyclonedx-python-lib beside orchestrate",
)
_SCOPES = {"runtime": "REQUIRED", "optional": "OPTIONAL", "development": "EXCLUDED",
           "build": "EXCLUDED", "self": "REQUIRED"}  # fmt: skip


def make_sbom(subject: str, components: Sequence[Component]) -> bytes:
    """The document for a repository called `subject`.

    There is no time in it, and the serial number is derived from the rest (UUID version 5), so that
    two scans of one state agree byte for byte. Versions that are not pinned are left out and their
    specifier is given as a property.
    """
    from cyclonedx.output import make_outputter
    from cyclonedx.schema import OutputFormat, SchemaVersion

    bom = _bom(subject, components)
    text = make_outputter(bom, OutputFormat.JSON, SchemaVersion.V1_6).output_as_string()
    document: dict[str, Any] = json.loads(text)
    document["metadata"].pop("timestamp", None)
    document.pop("serialNumber", None)
    content = json.dumps(document, sort_keys=True)
    document["serialNumber"] = uuid.uuid5(uuid.NAMESPACE_OID, content).urn
    return json.dumps(document, indent=2, sort_keys=True).encode() + b"\n"


def _bom(subject: str, components: Sequence[Component]) -> Any:
    from cyclonedx.model.bom import Bom
    from cyclonedx.model.component import Component as Entry
    from cyclonedx.model.component import ComponentType

    own = next((each for each in components if each.scope == "self"), None)
    root = _entry(own) if own else Entry(name=subject, bom_ref="subject")
    root.type = ComponentType.APPLICATION
    bom = Bom(serial_number=uuid.UUID(int=0))
    bom.metadata.component = root
    bom.metadata.tools.components.add(
        Entry(
            name="orchestrate",
            version=orchestrate.__version__,
            type=ComponentType.APPLICATION,
            bom_ref="tool:orchestrate",
        )
    )
    entries: dict[str, Any] = {}
    for component in components:
        if component.scope != "self":
            entries.setdefault(_reference(component), _entry(component))
    bom.components.update(entries.values())
    bom.register_dependency(root, entries.values())
    return bom


def _entry(component: Component) -> Any:
    from cyclonedx.model import Property
    from cyclonedx.model.component import Component as Entry
    from cyclonedx.model.component import ComponentScope
    from cyclonedx.model.license import LicenseExpression
    from packageurl import PackageURL

    properties = {
        "orchestrate:scope": component.scope,
        "orchestrate:specifier": "" if component.pinned else component.specifier,
        "orchestrate:declared-in": component.declared_in,
    }
    return Entry(
        name=component.name,
        version=component.version or None,
        bom_ref=_reference(component),
        scope=ComponentScope[_SCOPES[component.scope]],
        purl=PackageURL("pypi", name=component.name, version=component.version or None),
        licenses=[LicenseExpression(component.licence)] if component.licence else [],
        properties=[Property(name=key, value=value) for key, value in properties.items() if value],
    )


def _reference(component: Component) -> str:
    version = component.version or component.specifier or "any"
    return f"pkg:{component.name}@{version}"
