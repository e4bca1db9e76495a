"""A pytest plugin: names what failed and how, what tried to leave the machine; runs a selection.

Stands alone, like `sitecustomize` beside it. Leaves one file per process in ORCHESTRATE_PROBE with
`failing` (node ids of tests that failed or whose set-up or clean-up did), `failures` (node id or
file -> how: see `_described`) and `network` (node id -> attempts to leave the network namespace
that were counted while it ran). With ORCHESTRATE_ONLY, a file of node ids, one a line, everything
else is deselected: the repetition of failing tests then needs no knowledge of the command's own
arguments. With ORCHESTRATE_FILES, a file of paths, nothing is collected but what the project's own
settings collect of these files.
"""

import json
import os
import time
from typing import Any, Dict, Iterator, List, Set  # noqa: UP035 - the project's Python may be older

import pytest

#: Characters of a message, and files of a traceback, that are kept.
_MAX_MESSAGE, _MAX_FILES = 300, 50
#: Folders of installed code, which may lie in the checkout.
_INSTALLED = {"site-packages", "dist-packages", ".venv", "venv", ".tox", ".nox"}
_HERE = os.path.realpath(os.getcwd())  # noqa: PTH109

_failing: Dict[str, None] = {}  # noqa: UP006
_failures: Dict[str, Dict[str, Any]] = {}  # noqa: UP006
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


# -- how it failed -----------------------------------------------------------------------------


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_makereport(item: Any, call: Any) -> Iterator[None]:
    """Remember how a test failed, the first time it did."""
    outcome: Any = yield
    report = outcome.get_result()
    if report.failed and call.excinfo is not None:
        _failures.setdefault(item.nodeid, _described(call.excinfo.value, report.when))


@pytest.hookimpl(hookwrapper=True)
def pytest_make_collect_report(collector: Any) -> Iterator[None]:
    """Remember why a file could not be loaded."""
    outcome: Any = yield
    report = outcome.get_result()
    excinfo = getattr(getattr(report, "call", None), "excinfo", None)
    if report.failed and excinfo is not None:
        error = excinfo.value
        if isinstance(error, collector.CollectError):
            error = error.__cause__ or error.__context__ or error
        _failures.setdefault(report.nodeid, _described(error, "load"))


def _described(error: BaseException, stage: str) -> Dict[str, Any]:  # noqa: UP006
    """Stage, type and first line of an error, whether a test said so, and the files on its way."""
    lines = str(error).strip().splitlines()
    message = lines[0][:_MAX_MESSAGE] if lines else ""
    if type(error).__name__ == "FixtureLookupError":
        message = "fixture %r not found" % getattr(error, "argname", "")  # noqa: UP031
    # pytest.fail, and pytest.raises that saw no error; a time limit uses the same type.
    said = isinstance(error, pytest.fail.Exception) and not message.startswith("Timeout")
    return {
        "stage": stage,
        "error": type(error).__name__,
        "message": message,
        "asserts": said or isinstance(error, AssertionError),
        "through": _files(error),
    }


def _files(error: BaseException) -> List[str]:  # noqa: UP006
    """Files of the checkout in the traceback, outermost first, each stay in a file once."""
    found: List[str] = []  # noqa: UP006
    trace = error.__traceback__
    while trace is not None:
        _add(found, trace.tb_frame.f_code.co_filename)
        trace = trace.tb_next
    if isinstance(error, SyntaxError) and error.filename:
        _add(found, error.filename)
    return found[-_MAX_FILES:]


def _add(found: List[str], name: str) -> None:  # noqa: UP006
    path = os.path.relpath(os.path.realpath(name), _HERE).replace(os.sep, "/")
    outside = path.startswith("../") or name.startswith("<")
    if not outside and not _INSTALLED.intersection(path.split("/")) and found[-1:] != [path]:
        found.append(path)


# -- a selection -------------------------------------------------------------------------------


def _listed(variable: str) -> Set[str]:  # noqa: UP006
    path = os.environ.get(variable)
    if not path:
        return set()
    with open(path, encoding="utf-8") as file:
        return set(file.read().splitlines())


_files_wanted = {os.path.realpath(name) for name in _listed("ORCHESTRATE_FILES")}


def _is_left_out(path: str) -> Any:
    """True for a file that was not asked for; None leaves the decision to others."""
    supporting = os.path.basename(path) in ("__init__.py", "conftest.py")  # noqa: PTH119
    if not _files_wanted or supporting or not os.path.isfile(path):  # noqa: PTH113
        return None
    return None if os.path.realpath(path) in _files_wanted else True


if getattr(pytest, "version_tuple", (0,)) >= (7,):

    def pytest_ignore_collect(collection_path: Any) -> Any:
        """Look at the files that were asked for, and load no other."""
        return _is_left_out(str(collection_path))

else:

    def pytest_ignore_collect(path: Any) -> Any:  # type: ignore[misc]
        """Look at the files that were asked for, and load no other."""
        return _is_left_out(str(path))


def pytest_collection_modifyitems(config: Any, items: List[Any]) -> None:  # noqa: UP006
    """Leave only the tests that were asked for."""
    wanted = _listed("ORCHESTRATE_ONLY")
    kept = [
        item
        for item in items
        if (not wanted or item.nodeid in wanted) and not _is_left_out(_path_of(item))
    ]
    if len(kept) < len(items):
        chosen = set(map(id, kept))
        config.hook.pytest_deselected(items=[item for item in items if id(item) not in chosen])
        items[:] = kept


def _path_of(item: Any) -> str:
    return str(getattr(item, "path", None) or item.fspath)


@pytest.hookimpl(trylast=True)
def pytest_sessionfinish() -> None:
    """Write down what this process saw."""
    folder = os.environ.get("ORCHESTRATE_PROBE")
    if not folder:
        return
    path = os.path.join(folder, "tests-%d-%d.json" % (os.getpid(), time.time_ns()))  # noqa: UP031, PTH118
    seen = {"failing": list(_failing), "failures": _failures, "network": _network}
    with open(path, "w", encoding="utf-8") as file:
        json.dump(seen, file)
