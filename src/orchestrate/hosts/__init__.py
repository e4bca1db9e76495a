"""Programs that run the kernel: locally, and in virtual time."""
