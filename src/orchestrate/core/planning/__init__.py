"""Workflow definitions, their graph, and the expressions and templates they contain."""
