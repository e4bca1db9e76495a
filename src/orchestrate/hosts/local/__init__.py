"""The embedded host: asyncio, one SQLite file, supervised processes."""
