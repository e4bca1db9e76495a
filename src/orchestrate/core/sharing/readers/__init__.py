"""Readers of test, coverage and lint output: text or bytes in, values out, nothing else.

Whatever the bytes, a reader returns a value or raises UnreadableReportError.
"""
