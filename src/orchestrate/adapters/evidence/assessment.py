"""From what was seen of a check's runs to the evidence that is kept."""

from __future__ import annotations

import platform
from pathlib import Path
from posixpath import normpath

import msgspec

from orchestrate.adapters.evidence.environment import Built
from orchestrate.adapters.evidence.execution import Place, Run
from orchestrate.adapters.evidence.flaky import Repetition, without_flaky
from orchestrate.adapters.evidence.record import digest_of_output
from orchestrate.core.sharing.evidence import Coverage, Environment, Evidence, Failure
from orchestrate.core.sharing.readers.failures import told_failure
from orchestrate.core.sharing.verdict import Seen, judge, named
from orchestrate.ports.evidence import Check

_ALLOW_NETWORK = "allow the network for this check, or leave out of it what needs the network"


def assess(place: Place, run: Run, repetition: Repetition, runner: str = "") -> Evidence:
    """The evidence of a check whose first run was `run`, repeated as `repetition` says.

    `runner` is what was really run, where the check's command calls it in other words.
    """
    runner = runner or place.check.command.runner
    check, outcome, reading = place.check, run.outcome, run.reading
    outcomes = without_flaky(reading.outcomes, repetition.flaky)
    exit_code = outcome.exit_code
    if repetition.flaky and not outcomes.failing and not outcomes.complaint:
        exit_code = 0  # what a run without bad luck would have ended with
    seen = Seen(
        kind=check.command.kind,
        runner=runner,
        exit_code=exit_code,
        signal=outcome.signal,
        stopped=outcome.stopped,
        error=outcome.error,
        reading=msgspec.structs.replace(reading, outcomes=outcomes),
        origin_problem=run.origin.problem,
        refused=tuple(name for name in outcomes.failing if run.attempts.get(name)),
        attempts=outcome.refused_connections or 0,
    )
    judged = judge(seen)
    if judged.verdict == "passed" and check.command.kind in ("test", "coverage"):
        # Only a pass needs it: a project that cannot be imported at all fails for its own reason.
        judged = judge(msgspec.structs.replace(seen, origin_problem=run.origin.unproven))
    return Evidence(
        command=check.command,
        revision=check.revision,
        tree=check.tree,
        verdict=judged.verdict,
        cause=judged.cause,
        exit_code=outcome.exit_code,
        counts=outcomes.counts,
        failing=outcomes.failing,
        flaky=repetition.flaky,
        passing=outcomes.passing,
        coverage=_own_coverage(reading.coverage),
        started_at=outcome.started_at,
        duration_s=outcome.duration_s,
        output_bytes=outcome.output_bytes + outcome.dropped_bytes,
        output_digest=digest_of_output(Path(run.folder)),
        survivors=outcome.survivors + repetition.survivors,
        origin=run.origin.said,
        environment=_environment(place.built, run),
        log=run.folder,
        notes=(*_notes(place, run, repetition), *_network_notes(run, judged.verdict == "passed")),
        failures=_failures(place, run, seen),
        pass_alone=repetition.dependent,
    )


def _failures(place: Place, run: Run, seen: Seen) -> dict[str, Failure]:
    """How each failing test failed: as the plugin saw it, else as far as its text tells."""
    outcomes, folder = seen.reading.outcomes, place.check.command.folder
    top = Path(place.check.checkout) / folder
    roots = tuple({str(top), str(top.resolve())})
    refused = {*seen.refused, *seen.reading.refused}
    found = {}
    for name in outcomes.failing:
        failure = run.failures.get(name)
        if failure is None:
            text, broken = outcomes.texts.get(name, ""), name in outcomes.broken
            failure = told_failure(seen.runner, text, broken=broken, roots=roots)
        found[name] = msgspec.structs.replace(
            failure,
            network=name in refused,
            through=tuple(normpath(f"{folder}/{path}") for path in failure.through),
        )
    return found


def without_environment(check: Check, cause: str, started_at: float) -> Evidence:
    """The evidence of a check that could not be run for want of an environment."""
    return Evidence(
        command=check.command,
        revision=check.revision,
        tree=check.tree,
        verdict="unknown",
        cause=cause,
        started_at=started_at,
        environment=Environment(system=_system()),
        log=str(Path(check.record) / "environment"),
    )


def _environment(built: Built, run: Run) -> Environment:
    return Environment(
        system=_system(),
        interpreter=built.interpreter,
        key=built.key,
        containment=run.outcome.containment,
        network=run.outcome.network or "allowed",
    )


def _own_coverage(coverage: Coverage | None) -> Coverage | None:
    """Without files outside the checkout, which have absolute names: our plugin is one of them."""
    if coverage is None or not coverage.files:
        return coverage
    own = {name: seen for name, seen in coverage.files.items() if not Path(name).is_absolute()}
    covered = sum(covered for covered, _ in own.values())
    return Coverage(covered=covered, lines=sum(lines for _, lines in own.values()), files=own)


def _notes(place: Place, run: Run, repetition: Repetition) -> tuple[str, ...]:
    notes = [*place.built.notes, *run.reading.notes, *repetition.notes]
    if repetition.flaky:
        notes.append(f"flaky, failed and passed without a change: {named(repetition.flaky)}")
    if place.built.generated:
        notes.append(
            f"laid into the checkout, as its build makes it: {named(place.built.generated)}"
        )
    if run.outcome.dropped_bytes:
        notes.append(
            f"{run.outcome.dropped_bytes} bytes from the middle of its output were dropped"
        )
    if run.outcome.survivors:
        notes.append(f"processes it left behind, which were stopped: {run.outcome.survivors}")
    return tuple(notes)


def _network_notes(run: Run, passed: bool) -> tuple[str, ...]:
    refused = run.outcome.refused_connections
    if not refused:
        return ()
    by = f" by {named(tuple(run.attempts))}" if run.attempts else ""
    text = f"attempts to reach the network, which were refused: {refused}{by}"
    return (text,) if passed else (text, _ALLOW_NETWORK)


def _system() -> str:
    return f"{platform.system()} {platform.release()} {platform.machine()}"
