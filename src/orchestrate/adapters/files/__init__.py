"""Readers of the files people write: workflows and agent profiles."""
