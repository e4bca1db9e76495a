"""What agents hand to each other: artifacts and findings."""
