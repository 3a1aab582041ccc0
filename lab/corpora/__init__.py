"""Recordings: what there is, whose it is, where the audio lies."""
