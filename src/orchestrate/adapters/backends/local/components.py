"""The packages a repository is and depends on, as the report and the SBOM list them."""

from __future__ import annotations

from collections.abc import Mapping

from packaging.utils import canonicalize_name

from orchestrate.adapters.backends.local.manifests.collect import Collected
from orchestrate.core.sharing.findings import Component


def components_of(
    collected: Collected, licences: Mapping[str, str], own_licence: str
) -> tuple[Component, ...]:
    """The project first, then everything else by name; `licences` by normalised name.

    A declaration is left out where the same name is locked to a version.
    """
    found: list[Component] = []
    project = collected.project
    if project is not None:
        found.append(
            Component(
                name=canonicalize_name(project.name),
                version=project.version,
                specifier=f"=={project.version}" if project.version else "",
                licence=own_licence,
                scope="self",
                declared_in=f"{project.path}:{project.line}",
                pinned=bool(project.version),
            )
        )
    locked = {declared.name for declared in collected.declared if declared.locked}
    others: list[Component] = []
    for bundled in collected.bundled:
        name = canonicalize_name(bundled.name)
        others.append(
            Component(
                name=name,
                version=bundled.version,
                specifier=f"=={bundled.version}",
                licence=licences.get(name, ""),
                declared_in=f"{bundled.path}:{bundled.line}",
                pinned=True,
            )
        )
    others += [
        Component(
            name=declared.name,
            version=declared.version,
            specifier=declared.specifier,
            licence=licences.get(declared.name, ""),
            scope=declared.scope,
            declared_in=f"{declared.path}:{declared.line}",
            pinned=bool(declared.version),
        )
        for declared in collected.declared
        if declared.locked or declared.name not in locked
    ]
    order = {"runtime": 0, "optional": 1, "build": 2, "development": 3}
    others.sort(key=lambda c: (c.name, order[c.scope], c.version, c.specifier, c.declared_in))
    return (*found, *others)
