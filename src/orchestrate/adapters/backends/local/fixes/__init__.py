"""Codemods that remove security findings, and the tests that show the flaw before and not after."""
