"""The operating system: processes, locks, repositories."""
