"""Recordings: where they come from, who made them, under which licence, in which split."""
