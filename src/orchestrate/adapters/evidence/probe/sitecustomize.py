"""Loaded by every Python process of a check: the project's import path, and where it was used.

Stands alone: it runs in the project's interpreter, which knows nothing of this program and may be
older. It reads ORCHESTRATE_ROOTS (folders to import the project from, in front of what is installed
and behind the standard library, where an installed project would be) and ORCHESTRATE_PACKAGES (its
top-level names), and leaves one file per process in ORCHESTRATE_PROBE that maps each folder the
project was imported from to one module found there. A process that ends without the interpreter's
own end (`os._exit`, a signal, a fork of multiprocessing) leaves none; `python -I` and `-E` do not
load this file at all.
"""

import atexit
import os
import sys


def _add_roots() -> None:
    roots = [root for root in os.environ.get("ORCHESTRATE_ROOTS", "").split(os.pathsep) if root]
    names = ("site-packages", "dist-packages")
    places = [at for at, path in enumerate(sys.path) if os.path.basename(path) in names]  # noqa: PTH119
    at = min(places, default=len(sys.path))
    sys.path[at:at] = [root for root in roots if root not in sys.path[:at]]


def _record() -> None:
    folder = os.environ.get("ORCHESTRATE_PROBE", "")
    packages = set(filter(None, os.environ.get("ORCHESTRATE_PACKAGES", "").split(",")))
    found: dict[str, str] = {}
    for name, module in list(sys.modules.items()):
        # By the module's own name: some projects enter others' modules under names of theirs.
        own = getattr(module, "__name__", name)
        if isinstance(own, str) and own.partition(".")[0] in packages:
            path = getattr(module, "__file__", None)
            if isinstance(path, str):
                found.setdefault(os.path.dirname(os.path.realpath(path)), name)  # noqa: PTH120
    if not (folder and found):
        return
    import json
    import time

    path = os.path.join(folder, "origin-%d-%d.json" % (os.getpid(), time.time_ns()))  # noqa: UP031, PTH118
    try:
        with open(path, "w") as file:
            json.dump(found, file)
    except OSError:
        pass  # the check notices that nothing was recorded


def _load_the_one_behind() -> None:
    """Run the interpreter's own sitecustomize, which this file stands in front of."""
    from importlib.machinery import PathFinder
    from importlib.util import module_from_spec

    here = os.path.dirname(os.path.realpath(__file__))  # noqa: PTH120
    behind = [path for path in sys.path if os.path.realpath(path) != here]
    spec = PathFinder.find_spec("sitecustomize", behind)
    if spec is not None and spec.loader is not None:
        spec.loader.exec_module(module_from_spec(spec))


_add_roots()
atexit.register(_record)
_load_the_one_behind()
