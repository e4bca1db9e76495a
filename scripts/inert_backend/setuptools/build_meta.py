"""Stands in for setuptools: see orchestrate_inert_backend."""

import orchestrate_inert_backend as __legacy__
from orchestrate_inert_backend import (
    get_requires_for_build_wheel,
    prepare_metadata_for_build_wheel,
)

# pip names `setuptools.build_meta:__legacy__` for archives without a pyproject.toml.
__all__ = ["__legacy__", "get_requires_for_build_wheel", "prepare_metadata_for_build_wheel"]
