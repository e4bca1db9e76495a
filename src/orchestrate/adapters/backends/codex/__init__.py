"""The `codex` backend: OpenAI's Codex CLI, run once per attempt."""
