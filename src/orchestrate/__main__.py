"""`python -m orchestrate`."""

from __future__ import annotations

from orchestrate.ui.cli.main import main

if __name__ == "__main__":
    main()
