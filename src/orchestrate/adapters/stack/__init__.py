"""What a repository is made of, read from its files; nothing of it is executed."""
