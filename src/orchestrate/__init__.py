"""A durable orchestrator for teams of coding agents.

Importing the package does nothing: no file is read, no process started, no setting looked up.
"""

__version__ = "0.1.0"
