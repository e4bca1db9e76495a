"""Renderers of an analysis: SARIF, JSON, Markdown and one HTML page. Pure; the caller writes."""
