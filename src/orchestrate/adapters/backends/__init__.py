"""Backends: what executes an agent profile."""
