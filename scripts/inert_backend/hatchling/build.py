"""Stands in for hatchling: see orchestrate_inert_backend."""

from orchestrate_inert_backend import (
    get_requires_for_build_wheel,
    prepare_metadata_for_build_wheel,
)

__all__ = ["get_requires_for_build_wheel", "prepare_metadata_for_build_wheel"]
