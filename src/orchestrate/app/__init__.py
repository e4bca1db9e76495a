"""Use cases: what a front end can ask for."""
