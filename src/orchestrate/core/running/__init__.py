"""The life of a run: statuses, commands, events, state, decisions, owed effects."""
