"""Read models folded from events and state."""
