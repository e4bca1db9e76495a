"""Keeping account of what one in-process tool looked at, and where it failed."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Iterator
from dataclasses import dataclass, field

from orchestrate.core.sharing.findings import Source, ToolRun, ToolStatus


@dataclass(slots=True)
class ToolRecord:
    """One tool's progress. `failed` maps a file to the reason; an empty `version` means missing.

    `reason` is set when the tool as a whole could not do its work.
    """

    name: str
    purpose: str
    version: str = ""
    reason: str = ""
    remedy: str = ""
    duration_s: float = 0.0
    files: int = 0
    findings: int = 0
    failed: dict[str, str] = field(default_factory=dict)

    @property
    def usable(self) -> bool:
        """Whether the tool is there and has not given up."""
        return bool(self.version) and not self.reason

    def missing(self, error: ImportError) -> None:
        """Note that the tool cannot be loaded."""
        self.reason = f"{self.name} cannot be loaded: {error}"
        self.remedy = f"install {self.name} beside orchestrate"

    def source(self, rule: str) -> Source:
        """How findings name this tool and its own name for the rule."""
        return Source(self.name, rule, self.version)

    @contextlib.contextmanager
    def looking_at(self, path: str) -> Iterator[None]:
        """Count `path` as examined; any exception is recorded against it and swallowed.

        Input is other people's code and may trip a tool in ways nobody foresaw. One such file must
        not cost the findings in all others, and the report says that this one is unknown.
        """
        started = time.monotonic()
        try:
            yield
            self.files += 1
        except Exception as error:
            text = " ".join(str(error).split())[:200]
            self.failed[path] = f"{type(error).__name__}: {text}" if text else type(error).__name__
        finally:
            self.duration_s += time.monotonic() - started

    def outcome(self, unparsable: int = 0) -> ToolRun:
        """The record for the report; `unparsable` files were kept from the tool."""
        status: ToolStatus = "ran"
        reasons = [self.reason] if self.reason else []
        if self.failed:
            path = min(self.failed)
            reasons.append(f"failed on {len(self.failed)} files, first {path}: {self.failed[path]}")
        if unparsable:
            reasons.append(f"{unparsable} files could not be parsed")
        if not self.version:
            status = "missing"
        elif self.reason or (self.failed and not self.files):
            status = "crashed"
        elif reasons:
            status = "partial"
        return ToolRun(
            tool=self.name,
            version=self.version,
            status=status,
            purpose=self.purpose,
            reason="; ".join(reasons),
            remedy=self.remedy,
            duration_s=round(self.duration_s, 3),
            files=self.files,
            findings=self.findings,
        )
