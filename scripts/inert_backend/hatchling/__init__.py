"""Stands in for the build backend of this name."""
