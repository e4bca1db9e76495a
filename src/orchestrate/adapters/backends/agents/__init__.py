"""What the backends of agents share: their programs, their output, environments and failures."""
