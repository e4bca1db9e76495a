"""Agent profiles and how tasks find theirs."""
