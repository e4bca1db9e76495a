"""Requests as the agent programs send them, cut down to what matters."""

from __future__ import annotations

from typing import Any

from orchestrate.testing.model_server import anthropic, chat, gemini, responses
from orchestrate.testing.model_server.conversation import Conversation

CLAUDE_TOOLS = ("Bash", "Edit", "Read", "Write")


def claude(*history: dict[str, Any], tools: tuple[str, ...] = CLAUDE_TOOLS) -> Conversation:
    """A request of Claude Code in /w with the prompt "Do it" and this history behind it."""
    environment = "# Environment\n - Primary working directory: /w\n - Platform: linux"
    body = {
        "model": "claude-opus-5-5",
        "max_tokens": 1000,
        "stream": True,
        "system": [{"type": "text", "text": "You are an agent."}, {"type": "text", "text": "ROLE"}],
        "messages": [
            {"role": "user", "content": [{"type": "text", "text": "Do it"}]},
            {"role": "system", "content": [{"type": "text", "text": environment}]},
            *history,
        ],
        "tools": [{"name": name, "description": "", "input_schema": {}} for name in tools],
    }
    return anthropic.parse(body, {"x-claude-code-session-id": "session-1"}, "/v1/messages")


def codex(*history: dict[str, Any], tools: list[dict[str, Any]] | None = None) -> Conversation:
    """A request of Codex in /w; `tools` are those it offers to an unknown model."""
    plain = [{"type": "function", "name": "exec_command", "description": "", "parameters": {}}]
    body = {
        "model": "m",
        "stream": True,
        "input": [
            {"type": "message", "role": "developer", "content": [{"text": "ROLE"}]},
            {
                "type": "message",
                "role": "user",
                "content": [{"text": "<environment_context><cwd>/w</cwd></environment_context>"}],
            },
            {"type": "message", "role": "user", "content": [{"text": "Do it"}]},
            *history,
        ],
        "tools": plain if tools is None else tools,
    }
    return responses.parse(body, {"session-id": "thread-1"}, "/v1/responses")


def opencode(*history: dict[str, Any], tools: tuple[str, ...] = ("write",)) -> Conversation:
    """A request of opencode in /w."""
    body = {
        "model": "m",
        "stream": True,
        "messages": [
            {"role": "system", "content": "ROLE\n  Working directory: /w\n"},
            {"role": "user", "content": [{"type": "text", "text": "Do it"}]},
            *history,
        ],
        "tools": [{"type": "function", "function": {"name": name}} for name in tools],
    }
    return chat.parse(body, {}, "/v1/chat/completions")


def gemini_cli(*history: dict[str, Any], tools: tuple[str, ...] = ("write_file",)) -> Conversation:
    """A request of Gemini CLI in /w."""
    context = "- **Workspace Directories:**\n  - /w\n- **Directory Structure:**"
    body = {
        "systemInstruction": {"role": "user", "parts": [{"text": "ROLE"}]},
        "contents": [
            {"role": "user", "parts": [{"text": context}]},
            {"role": "user", "parts": [{"text": "Do it"}]},
            *history,
        ],
        "tools": [{"functionDeclarations": [{"name": name} for name in tools]}],
        "generationConfig": {"maxOutputTokens": 8},
    }
    return gemini.parse(body, {}, "/v1beta/models/gemini-2.5-pro:streamGenerateContent")
