"""The `claude` backend: Claude Code, run headless."""
