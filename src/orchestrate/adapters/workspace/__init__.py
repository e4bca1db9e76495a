"""Workspaces through git's command line, for folders with and without git."""
