"""An attempt's folder: made with the request in it, its outputs collected under their digest."""

from __future__ import annotations

import hashlib
import os
from pathlib import Path

import msgspec

from orchestrate.core.planning.definition import OutputSpec
from orchestrate.core.sharing.artifact import Artifact
from orchestrate.ports.performer import AttemptRequest

#: Of one output. All of it is read, and kept for as long as the run is.
MAX_OUTPUT_BYTES = 1024**3


def prepare_folder(request: AttemptRequest) -> Path:
    """Make the attempt's folder, private to the user, with the request in it."""
    folder = Path(request.folder)
    private = [folder, Path(request.outputs_dir), Path(request.scratch_dir)]
    private += [Path(each) for each in (request.sessions_dir, request.reused_dir) if each]
    for path in private:
        path.mkdir(mode=0o700, parents=True, exist_ok=True)
    target = folder / "request.json"
    descriptor = os.open(target, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600)
    with open(descriptor, "wb") as file:
        file.write(msgspec.json.encode(request))
    return folder


def changed_artifact(request: AttemptRequest) -> str:
    """Which upstream artifact is not what it was when it was recorded; empty if all are."""
    for artifact in request.artifacts:
        path = Path(artifact.path)
        if not path.is_file():
            return f"output {artifact.name} of task {artifact.task} is gone: {path}"
        if _digest(path) != artifact.digest:
            return f"output {artifact.name} of task {artifact.task} was changed: {path}"
    return ""


def collect_outputs(request: AttemptRequest) -> tuple[tuple[Artifact, ...], str]:
    """Declared outputs as artifacts, made durable; and what is wrong with them, if anything."""
    found: list[Artifact] = []
    folder = Path(request.outputs_dir)
    if folder.is_symlink():
        return (), f"the outputs folder became a link: {folder}"
    root = folder.resolve()
    for output in request.outputs:
        path = root / output.path
        if not path.is_file():
            if output.required:
                return (), f"required output {output.name} is missing: {path}"
            continue
        if not path.resolve().is_relative_to(root):
            return (), f"output {output.name} leads out of the outputs folder: {path}"
        if path.stat().st_size > MAX_OUTPUT_BYTES:
            size = f"{path.stat().st_size} bytes, and at most {MAX_OUTPUT_BYTES} are taken"
            return (), f"output {output.name} has {size}: {path}"
        found.append(_artifact(output, path))
        _make_durable(path.parent)
    return tuple(found), ""


def _artifact(output: OutputSpec, path: Path) -> Artifact:
    with path.open("rb") as file:
        os.fsync(file.fileno())
    return Artifact(
        name=output.name,
        digest=_digest(path),
        size_bytes=path.stat().st_size,
        path=str(path),
        media_type=output.media_type,
    )


def _make_durable(folder: Path) -> None:
    """Entries of `folder`: without this a power cut may take a file whose contents are on disk."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _digest(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
