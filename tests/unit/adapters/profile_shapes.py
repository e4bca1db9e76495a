"""Minimal documents of the shapes that people really mistake for agent files, or write as such."""

from __future__ import annotations

#: Name of a shape in tests/data/agents-manifest.json -> a document of that shape.
SHAPES: dict[str, str] = {
    "heading before the front matter": """\
# Conductor

---
name: conductor
description: Leads the others and keeps the score
tools: Read, Write, LS
priority: 1
capabilities: [leading, score_keeping]
---

You lead.
""",
    "list item that starts with @": """\
---
name: workflow-conductor
description: "Leads work in many steps, with others"
model: opus
timeout_seconds: 3600
max_retries: 3
tools:
  - Read
  - Write
  - Edit
  - MultiEdit
  - Bash
  - Grep
  - Glob
  - @score-keeper
mcp_servers:
  - score-keeper-server
orchestration:
  priority: critical
  dependencies: []
  max_parallel: 1
---

# Conductor
""",
    "slash command": """\
---
allowed-tools: Task, Read, Bash
argument-hint: <what> [--parallel]
description: Lead others through a piece
command-type: primary
---

Lead $ARGUMENTS.

---

## Then
""",
    "prose without front matter": """\
Lead a piece with several players.

$ARGUMENTS: "<piece>"

## Pieces
""",
    "heading and prose without front matter": """\
# Leading

Use the **conductor** agent.
""",
}
