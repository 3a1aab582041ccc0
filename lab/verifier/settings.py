"""What the service allows."""

from __future__ import annotations

from dataclasses import dataclass

from detectors.sound_events.verifier import LONGEST_S, RATE_HZ

HEADER_BYTES = 4096  # of a WAV file, with whatever chunks a recorder adds


@dataclass(frozen=True)
class ServiceSettings:
    """token: asked of whoever sends a clip, None for nobody. per_minute: clips, from 1; as many may come at once. workers: clips
    judged at the same time. waiting: clips that may wait for a worker; the next one is answered 503. body_s: for a clip to arrive.
    stop_s: for what is under way when the service is stopped."""

    token: str | None = None
    per_minute: int = 60
    workers: int = 1
    waiting: int = 8
    body_s: float = 10.0
    stop_s: float = 5.0
    max_bytes: int = int(LONGEST_S * RATE_HZ) * 2 + HEADER_BYTES
