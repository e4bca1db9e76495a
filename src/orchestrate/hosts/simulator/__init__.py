"""The kernel in virtual time, with injected crashes and failures."""
