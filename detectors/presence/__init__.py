"""Presence by Doppler: the device emits a tone above hearing and listens for what movement does to it."""
