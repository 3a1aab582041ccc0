"""Runs, trials and score tracks on disk."""
