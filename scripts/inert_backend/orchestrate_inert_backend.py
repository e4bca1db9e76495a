"""A build backend that builds nothing and runs nothing of the package.

pip asks a backend for metadata before it hands over a downloaded source distribution. The
modules beside this one carry the names of the common backends, so that with this folder first on
the import path pip asks here, and gets the PKG-INFO file that every source distribution holds.
"""

from __future__ import annotations

import email
import shutil
from pathlib import Path


def get_requires_for_build_wheel(config_settings: object = None) -> list[str]:
    """Nothing needs to be installed to copy a file."""
    del config_settings
    return []


def prepare_metadata_for_build_wheel(
    metadata_directory: str, config_settings: object = None
) -> str:
    """Copy PKG-INFO of the source distribution, which is the current folder."""
    del config_settings
    fields = email.message_from_string(Path("PKG-INFO").read_text("utf-8", "replace"))
    info = Path(metadata_directory, f"{fields['Name']}-{fields['Version']}.dist-info")
    info.mkdir()
    shutil.copy("PKG-INFO", info / "METADATA")
    return info.name
