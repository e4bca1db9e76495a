"""Running what a repository says about itself, and reading what came of it."""
