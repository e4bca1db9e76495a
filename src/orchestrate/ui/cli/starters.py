"""The files that `init` writes."""

from __future__ import annotations

_SETTINGS = """\
# Settings of this repository for orchestrate. Flags and the environment win over them;
# `orchestrate doctor` shows which value is in force and where it comes from.

# Attempts of one run at once (default: what the workflow says, else 6).
# max_parallel: 4

# Hold new attempts back while less memory than this (MiB) is free and others are running.
# memory_floor_mb: 256

# Where the advisories of the dependency audit come from is not set here: a repository does not
# decide who vouches for it. Give --advisories, or set it in your own settings.yaml.
"""

_HELLO = """\
# A first workflow: two tasks side by side, then one that needs both, then a person.
# Check it:  orchestrate validate hello      Draw it:  orchestrate graph hello
# Run it:    orchestrate run hello
version: 1
name: hello
description: Count what is here, then ask.
phases:
  - name: count
    tasks:
      - id: files
        run: find . -type f -not -path './.git/*' | wc -l
      - id: commits
        run: git rev-list --count HEAD 2>/dev/null || echo 0
  - name: report
    tasks:
      - id: write
        run: echo "counted" > "$ORCHESTRATE_OUTPUTS/report.txt"
        outputs:
          - name: report
            path: report.txt
    gates:
      - name: looked-at
        kind: human
        message: Look at the report and approve it.
"""

#: Path inside `.orchestrate/` -> contents.
STARTERS: dict[str, str] = {"settings.yaml": _SETTINGS, "workflows/hello.yaml": _HELLO}
