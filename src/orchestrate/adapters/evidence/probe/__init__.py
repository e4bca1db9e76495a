"""Files put on the import path of a process under test. They import nothing of this package."""
