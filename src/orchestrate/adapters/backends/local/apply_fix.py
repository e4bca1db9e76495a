"""Action `apply-fix`: one fix in a workspace, with the test that shows it.

The workspace is changed last, when everything has been worked out: an attempt that fails leaves it
as it was. Committing is not done here, and nothing of the repository is run.
"""

from __future__ import annotations

import os
from pathlib import Path

import msgspec

from orchestrate.adapters.backends.local.artifacts import write_whole
from orchestrate.adapters.backends.local.fixes.flaw import Refused
from orchestrate.adapters.backends.local.fixes.item import FixItem, item_from
from orchestrate.adapters.backends.local.fixes.making import FixedFile, MadeFix, make_fix
from orchestrate.adapters.backends.local.fixes.proof import PROOF_ARGV
from orchestrate.adapters.backends.local.fixes.report import fix_report
from orchestrate.adapters.backends.local.progress import ReportProgress
from orchestrate.adapters.backends.local.repository import disk_name
from orchestrate.core.sharing.work import Proof
from orchestrate.errors import AgentError
from orchestrate.ports.performer import AttemptRequest, AttemptResult

OUTPUT = "fix.json"


def run(request: AttemptRequest, report_progress: ReportProgress) -> AttemptResult:
    """Make the fix `request.item` describes in `request.workspace` and write `fix.json`.

    The result carries one proof: the security test, which fails without the fix and passes with it.
    Where the project has no tests, the test is an output and no part of the work. Metrics: `fixed`
    (flaws removed), `left` (flaws of the same kind there that stay).

    Raises:
        AgentError: there is no workspace, or the item is not one that `plan-fixes` made.
    """
    workspace, item = _given(request)
    if request.feedback is not None:
        said = request.feedback.message or request.feedback.cause
        return _failed(f"the only fix known for {item.rule} was sent back: {said}")
    report_progress(0, 2, item.title)
    try:
        made = make_fix(workspace, item)
    except Refused as error:
        return _failed(f"{item.path}: {error}")
    outputs = Path(request.outputs_dir)
    outputs.mkdir(parents=True, exist_ok=True)
    proof = _proof(item, outputs)
    report_progress(1, 2, item.title)
    try:
        _write(workspace, item, made, outputs)
    except OSError as error:
        return _failed(f"{item.path}: the workspace cannot be written: {error}")
    data = msgspec.json.encode(fix_report(item, made, proof), order="deterministic")
    write_whole(outputs / OUTPUT, msgspec.json.format(data))
    report_progress(2, 2, item.title)
    return AttemptResult(
        ok=True,
        summary=f"{item.title}: {_counted(made)}.",
        metrics={"fixed": float(made.count), "left": float(made.left)},
        proofs=(proof,),
    )


def _given(request: AttemptRequest) -> tuple[Path, FixItem]:
    if not request.workspace:
        raise AgentError(
            "a fix needs a workspace to be made in",
            remedy="give the task a workspace: it changes files",
        )
    try:
        return Path(request.workspace), item_from(request.item)
    except msgspec.ValidationError as error:
        raise AgentError(
            f"the task's item is not a planned fix: {error}",
            remedy="take the items from the fixes.json that `plan-fixes` wrote",
        ) from error


def _failed(message: str) -> AttemptResult:
    return AttemptResult(ok=False, cause="exit", message=message)


def _proof(item: FixItem, outputs: Path) -> Proof:
    name = f"security test of {item.key}"
    if item.test:
        return Proof(name, (*PROOF_ARGV, disk_name(item.test)), (item.test,))
    return Proof(name, (*PROOF_ARGV, str(_kept_outside(item, outputs))))


def _kept_outside(item: FixItem, outputs: Path) -> Path:
    return outputs / f"test_security_{item.key}.py"


def _write(workspace: Path, item: FixItem, made: MadeFix, outputs: Path) -> None:
    """Write the test and the changed files; on an error put back what was there."""
    if not item.test:
        write_whole(_kept_outside(item, outputs), made.test.encode("utf-8"))
    test = workspace / disk_name(item.test) if item.test else None
    done: list[FixedFile] = []
    try:
        if test is not None:
            test.parent.mkdir(parents=True, exist_ok=True)
            with test.open("xb") as stream:
                stream.write(made.test.encode("utf-8"))
        for file in made.files:
            done.append(file)
            _overwrite(workspace, file.path, file.after)
    except OSError:
        for file in done:
            _overwrite(workspace, file.path, file.before)
        if test is not None and done:
            test.unlink(missing_ok=True)
        raise


def _overwrite(workspace: Path, path: str, data: bytes) -> None:
    """Replace a file's bytes and keep its mode; a link is not followed."""
    handle = os.open(workspace / disk_name(path), os.O_WRONLY | os.O_TRUNC | os.O_NOFOLLOW)
    with os.fdopen(handle, "wb") as stream:
        stream.write(data)


def _counted(made: MadeFix) -> str:
    fixed = "1 place changed" if made.count == 1 else f"{made.count} places changed"
    return f"{fixed}, {made.left} left as they are" if made.left else fixed
