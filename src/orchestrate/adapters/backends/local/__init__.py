"""Deterministic specialists built on real tools; no model, no key."""
