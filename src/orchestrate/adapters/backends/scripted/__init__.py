"""Agents without a model: what they do is written in a script."""
