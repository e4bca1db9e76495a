"""Contract suites and fakes that implementers of a port can use."""
