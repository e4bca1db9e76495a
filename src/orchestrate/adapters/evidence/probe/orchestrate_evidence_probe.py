"""A pytest plugin: names what failed and what tried to leave the machine, and runs a selection.

Stands alone, like `sitecustomize` beside it. Leaves one file per process in ORCHESTRATE_PROBE with
`failing` (node ids of tests that failed or whose set-up or clean-up did) and `network` (node id ->
attempts to leave the network namespace that were counted while it ran). With ORCHESTRATE_ONLY, a
file of node ids, one a line, everything else is deselected: the repetition of failing tests then
needs no knowledge of the command's own arguments.
"""

import json
import os
import time
from typing import Any, Dict, Iterator, List  # noqa: UP035 - the project's Python may be older

import pytest

_failing: Dict[str, None] = {}  # noqa: UP006
_network: Dict[str, int] = {}  # noqa: UP006


def _refused() -> int:
    """The kernel's count of what found no route out of this network namespace."""
    number = 0
    try:
        with open("/proc/self/net/snmp") as file:
            names, values = [line.split() for line in file if line.startswith("Ip:")]
        number += int(values[names.index("OutNoRoutes")])
        with open("/proc/self/net/snmp6") as file:
            number += sum(int(line.split()[1]) for line in file if "Ip6OutNoRoutes" in line)
    except (OSError, ValueError):
        pass  # another system, or no IPv6: what was counted so far is all there is
    return number


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_protocol(item: Any) -> Iterator[None]:
    """Count what a test, its set-up and its clean-up tried to send out."""
    before = _refused()
    yield
    attempts = _refused() - before
    if attempts:
        _network[item.nodeid] = attempts


def pytest_runtest_logreport(report: Any) -> None:
    """Remember what failed."""
    if report.failed:
        _failing[report.nodeid] = None


def pytest_collection_modifyitems(config: Any, items: List[Any]) -> None:  # noqa: UP006
    """Leave only the tests that were asked for."""
    path = os.environ.get("ORCHESTRATE_ONLY")
    if not path:
        return
    with open(path, encoding="utf-8") as file:
        wanted = set(file.read().splitlines())
    dropped = [item for item in items if item.nodeid not in wanted]
    items[:] = [item for item in items if item.nodeid in wanted]
    config.hook.pytest_deselected(items=dropped)


@pytest.hookimpl(trylast=True)
def pytest_sessionfinish() -> None:
    """Write down what this process saw."""
    folder = os.environ.get("ORCHESTRATE_PROBE")
    if not folder:
        return
    path = os.path.join(folder, "tests-%d-%d.json" % (os.getpid(), time.time_ns()))  # noqa: UP031, PTH118
    with open(path, "w", encoding="utf-8") as file:
        json.dump({"failing": list(_failing), "network": _network}, file)
