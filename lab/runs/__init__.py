"""Plan, draw, execute, resume."""
