"""The event store in memory, for tests and simulation."""
