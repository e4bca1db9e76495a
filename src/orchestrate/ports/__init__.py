"""Protocols between the application and the world, one per file."""
