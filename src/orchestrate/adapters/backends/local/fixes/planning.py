"""From findings to fixes: which codemod answers which, and what one fix covers.

Everything of one kind in one function is one fix, because one test shows it and a reader reviews it
at once. A pin is one fix however many advisories and files it is about.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from orchestrate.adapters.backends.local.file_kinds import classify, skipped_folder
from orchestrate.adapters.backends.local.fixes import pins
from orchestrate.adapters.backends.local.fixes.code_fix import CODEMODS
from orchestrate.adapters.backends.local.fixes.flaw import Codemod, Flaw, Refused
from orchestrate.adapters.backends.local.fixes.item import FixItem, item_key
from orchestrate.adapters.backends.local.fixes.module_view import ModuleView, Unchangeable
from orchestrate.adapters.backends.local.fixes.proof_place import test_path
from orchestrate.adapters.backends.local.fixes.python_versions import oldest_python
from orchestrate.adapters.backends.local.repository import read_bytes, survey
from orchestrate.core.sharing.deduplication import fingerprints_of
from orchestrate.core.sharing.findings import SEVERITY_ORDER, Finding
from orchestrate.core.sharing.remediation import NotFixed

_BY_RULE: dict[str, Codemod] = {rule: each for each in CODEMODS for rule in each.rules}
#: Rules near those that are fixed: why they are not.
_NO_CODEMOD = {
    "ORC-PY-302": "a password needs a slow hash, and stored ones have to be moved to it",
    "ORC-SEC-402": "which host keys to trust has to be decided by people",
    "ORC-PY-402": "which host keys to trust has to be decided by people",
    "ORC-SEC-603": "other programs may rely on the fixed path",
}
_SERIOUS = {"critical", "high", "medium"}
_HASHES = {"ORC-SEC-301", "ORC-PY-301"}


@dataclass(slots=True)
class _Group:
    """What one fix covers: findings, the gravest first, and flaws by digest."""

    findings: list[Finding] = field(default_factory=list)
    flaws: dict[str, Flaw] = field(default_factory=dict)


class Plan:
    """Collects findings and gives the fixes for them. `root` is read only."""

    def __init__(self, root: Path) -> None:
        self._root = root
        surveyed = survey(root)
        self._python = [file.path for file in surveyed.files]
        self._texts = [file.path for file in surveyed.texts]
        self._oldest = oldest_python(root)
        self._code: dict[tuple[str, str, str], _Group] = {}
        self._pins: dict[tuple[str, str], list[Finding]] = {}
        self._left: list[NotFixed] = []

    def consider(self, path: str, findings: Sequence[Finding]) -> None:
        """Take in all findings of one file."""
        view: ModuleView | str = ""
        found: dict[str, tuple[Flaw, ...]] = {}
        for finding in findings:
            reason = self._untouchable(finding)
            if reason:
                self.leave(finding, reason)
            elif finding.rule in pins.RULES:
                key = (finding.properties.get("package", ""), finding.properties["version"])
                self._pins.setdefault(key, []).append(finding)
            else:
                view = view or self._view(path)
                if isinstance(view, str):
                    self.leave(finding, view)
                else:
                    codemod = _BY_RULE[finding.rule]
                    if codemod.name not in found:
                        found[codemod.name] = tuple(codemod.find(view))
                    self._match(path, codemod.name, finding, found[codemod.name])

    def leave(self, finding: Finding, reason: str) -> None:
        """Note that a finding is not fixed."""
        self._left.append(
            NotFixed(
                finding.rule,
                finding.fingerprint,
                finding.location.path,
                finding.location.line,
                finding.severity,
                finding.title,
                reason,
            )
        )

    def items(self) -> tuple[FixItem, ...]:
        """The fixes, the gravest first. To be asked for once, before `left`."""
        made = [self._code_item(key, group) for key, group in self._code.items()]
        for (package, version), findings in self._pins.items():
            try:
                made.append(self._pin_item(package, version, findings))
            except Refused as error:
                for finding in findings:
                    self.leave(finding, str(error))
        return tuple(sorted(made, key=_order))

    def left(self) -> tuple[NotFixed, ...]:
        """The findings that stay, by place."""
        return tuple(sorted(self._left, key=lambda each: (each.path, each.line, each.rule)))

    def _untouchable(self, finding: Finding) -> str:
        """Why nothing is done about a finding whatever its file says."""
        if finding.rule in pins.RULES:
            return pins.refusal(finding)
        if finding.rule not in _BY_RULE:
            return _NO_CODEMOD.get(finding.rule, "there is no codemod for this rule")
        if finding.exposure == "test":
            return "it stands in test code, where it may be what is tested"
        if finding.rule in _HASHES and finding.severity in _SERIOUS:
            return "names nearby speak of a security use: choose another hash"
        *folders, _ = finding.location.path.split("/")
        for depth, folder in enumerate(folders):
            skipped = skipped_folder(folder, set(), "/".join(folders[:depth]))
            if skipped:
                return f"it stands in {skipped}"
        return ""

    def _view(self, path: str) -> ModuleView | str:
        """The file, or why it is not changed."""
        try:
            data = read_bytes(self._root, path)
        except OSError as error:
            return f"the file cannot be read: {error.strerror or error}"
        kind, _ = classify(path, data)
        if kind:
            return f"the file is {kind}"
        try:
            return ModuleView(path, data, self._oldest)
        except Unchangeable as error:
            return str(error)

    def _match(self, path: str, codemod: str, finding: Finding, found: tuple[Flaw, ...]) -> None:
        flaws = _at(finding, found)
        fixable = [flaw for flaw in flaws if flaw.change is not None]
        if not flaws:
            self.leave(finding, "it is not certain there what the code refers to")
        elif not fixable:
            self.leave(finding, flaws[0].refusal)
        for flaw in fixable:
            key = (path, flaw.symbol, codemod)
            group = self._code.setdefault(key, _Group())
            group.flaws.setdefault(flaw.digest, flaw)
            if finding not in group.findings:
                group.findings.append(finding)

    def _code_item(self, key: tuple[str, str, str], group: _Group) -> FixItem:
        path, symbol, codemod = key
        lead, first = group.findings[0], next(iter(group.flaws.values()))
        name = item_key(lead.rule, lead.fingerprint)
        test = test_path(self._python, path, name)
        return FixItem(
            key=name,
            title=f"{next(c.title for c in CODEMODS if c.name == codemod)} in {symbol or path}",
            rule=lead.rule,
            fingerprint=lead.fingerprint,
            path=path,
            line=first.line,
            symbol=symbol,
            codemod=codemod,
            severity=lead.severity,
            writes="\n".join(each for each in (path, test) if each),
            fingerprints=_fingerprints(group.findings),
            rules=_rules(group.findings),
            calls=" ".join(group.flaws),
            source=first.source,
            test=test,
        )

    def _pin_item(self, package: str, version: str, findings: list[Finding]) -> FixItem:
        lead = findings[0]
        fixed = pins.first_fixed(findings)
        files = pins.pinning_files(self._root, self._texts, package, version)
        if lead.location.path not in files:
            raise Refused(f"{lead.location.path} does not pin it as it was reported")
        pins.raise_pins(files, package, version, fixed)  # refuses now rather than in the attempt
        name = item_key(lead.rule, lead.fingerprint)
        test = test_path(self._python, lead.location.path, name)
        return FixItem(
            key=name,
            title=f"Raise {package} from {version} to {fixed}",
            rule=lead.rule,
            fingerprint=lead.fingerprint,
            path=lead.location.path,
            line=lead.location.line,
            symbol=package,
            codemod=pins.NAME,
            severity=lead.severity,
            writes="\n".join(each for each in (*files, test) if each),
            fingerprints=_fingerprints(findings),
            rules=_rules(findings),
            source=f"{package}=={version}",
            test=test,
            package=package,
            version=version,
            fixed=fixed,
        )


def _at(finding: Finding, flaws: tuple[Flaw, ...]) -> list[Flaw]:
    """The flaws a finding is about: at its very place, else those on its lines."""
    place = finding.location
    exact = [f for f in flaws if (f.line, f.column) == (place.line, place.column)]
    if exact:
        return exact
    last = max(place.line, place.end_line or 0)
    return [f for f in flaws if f.line <= last and place.line <= f.end_line]


def _fingerprints(findings: Iterable[Finding]) -> str:
    every = [p for each in findings for p in (each.fingerprint, *sorted(fingerprints_of(each)))]
    return " ".join(dict.fromkeys(every))


def _rules(findings: Iterable[Finding]) -> str:
    every = [r for each in findings for r in (each.rule, *(s.rule for s in each.sources))]
    return " ".join(dict.fromkeys(every))


def _order(item: FixItem) -> tuple[int, str, int, str]:
    return SEVERITY_ORDER.index(item.severity), item.path, item.line, item.key
