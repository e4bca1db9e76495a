"""The event store on SQLite."""
