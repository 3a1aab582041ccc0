"""The bench in which the air is computed."""
