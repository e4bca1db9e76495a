"""Built-in workflows and agent profiles."""
