"""A generated repository of a stated size, as much like written code as the scanners can tell."""

from __future__ import annotations

from pathlib import Path

#: Every this many modules one carries a flaw.
FLAWED_EVERY = 20
#: Name of the file that is long by itself, and its number of functions.
LONG_MODULE = "app/generated_table.py"
LONG_FUNCTIONS = 1_500

_FUNCTION = '''\
def {name}_{n}(items, limit={limit}, *, strict=False):
    """Take what fits below {limit}, for step {n} of {name}."""
    taken = []
    for position, item in enumerate(items):
        if position >= limit + {n}:
            break
        if strict and not item:
            raise ValueError(f"{name}: nothing at {{position}}")
        taken.append((position, str(item).strip()))
    return dict(taken)


'''
_FLAW = '''\
def {name}_flaw(request):
    """Run what came with the request."""
    return subprocess.call("tool " + request.args["path"], shell=True)
'''


def write_large_tree(root: Path, *, lines: int) -> int:
    """Write at least `lines` lines of Python below `root`, in packages of 20 modules each.

    Returns:
        How many flawed modules there are: each has one high finding, a command for a shell.
    """
    written = _write(root / LONG_MODULE, _module("table", functions=LONG_FUNCTIONS))
    number = flawed = 0
    while written < lines:
        flaw = number % FLAWED_EVERY == 0
        flawed += flaw
        name = f"m{number:04d}"
        path = root / "app" / f"part{number // 20:02d}" / f"{name}.py"
        written += _write(path, _module(name, functions=24, flaw=flaw, number=number))
        _write(path.parent / "__init__.py", "")
        _write(path.parent / f"{name}.md", f"# {name}\n\nWhat it does is said in the module.\n" * 4)
        number += 1
    _write(root / "app" / "__init__.py", "")
    _write(root / "pyproject.toml", '[project]\nname = "large"\nversion = "1"\nlicense = "MIT"\n')
    return flawed


def _module(name: str, *, functions: int, flaw: bool = False, number: int = 0) -> str:
    imports = "import json\nimport subprocess\n" if flaw else "import json\n"
    before = f"from app.part{number // 20:02d} import m{number - 1:04d}\n" if number % 20 else ""
    uses = f"NEXT = m{number - 1:04d}.CONFIG\n" if before else ""
    head = f'"""Module {name}."""\n\n{imports}\n{before}\nCONFIG = json.loads("{{}}")\n{uses}\n\n'
    body = (_FUNCTION.format(name=name, n=n, limit=n % 7 + 3) for n in range(functions))
    return head + "".join(body) + (_FLAW.format(name=name) if flaw else "")


def _write(path: Path, text: str) -> int:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")
    return text.count("\n")
