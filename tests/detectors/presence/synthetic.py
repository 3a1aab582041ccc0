"""Envelopes and streams of a room that is no room: a carrier, echoes of known Doppler, noise; and a classifier one can foresee."""

from __future__ import annotations

import numpy as np

from detectors.interface import BASEBAND, PLAYBACK, Block, StreamFormat
from detectors.presence.calibration import CalibrationSettings
from detectors.presence.detector import PresenceDetector, PresenceSettings
from detectors.presence.features import HIGH_EDGES_HZ, LOW_EDGES_HZ, SIDE
from detectors.presence.power import PowerSettings

RATE, HOP = 4_000, 200
CARRIER_HZ = 34_000.0
_EDGES = np.concatenate([LOW_EDGES_HZ, HIGH_EDGES_HZ[1:]])
_CENTRES = np.sqrt(_EDGES[:-1] * _EDGES[1:])
_MAJOR, _MINOR = (_CENTRES > 80.0) & (_CENTRES < 1250.0), (_CENTRES > 12.0) & (_CENTRES <= 80.0)


class BandClassifier:
    """Major motion if a band from 80 Hz up stands 10 dB above noise, minor if only a lower one does."""

    def start(self):
        return 0

    def step(self, features, state):
        loudness_db = 10.0 * np.maximum(features[0, SIDE:], features[0, :SIDE][::-1])
        major, minor = loudness_db[_MAJOR].max() - 10.0, loudness_db[_MINOR].max() - 10.0
        weights = np.exp(np.clip([0.0, minor if major < 0.0 else 0.0, major], -8.0, 8.0))
        return weights / weights.sum(), state + 1


def envelope(seconds, echoes=(), channels=4, carrier=0.1, noise_db=-90.0, seed=1):
    """echoes: (start_s, stop_s, Doppler in Hz, level in dB of full scale), spread over 20 % of its Doppler. Returns (M, n)."""
    rng = np.random.default_rng(seed)
    time = np.arange(round(seconds * RATE)) / RATE
    signal = carrier * np.exp(1j * (rng.uniform(0, 2 * np.pi, (channels, 1)) + 2 * np.pi * 0.01 * time))
    noise = rng.standard_normal((2, channels, len(time))) * 10 ** (noise_db / 20) / np.sqrt(2)
    signal = signal + noise[0] + 1j * noise[1]
    for start, stop, doppler, level in echoes:
        inside = (time >= start) & (time < stop)
        turns = np.cumsum(doppler * (1.0 + 0.2 * np.sin(2 * np.pi * 1.1 * time)) / RATE)
        bearing = np.exp(1j * rng.uniform(0, 2 * np.pi, (channels, 1)))
        signal = signal + 10 ** (level / 20) * inside * bearing * np.exp(2j * np.pi * turns)
    return signal.astype(np.complex64)


def detector(streams=(BASEBAND,), classifier=BandClassifier, **settings):
    """With the tone always on, unless said otherwise."""
    parts = {"calibration": CalibrationSettings(level_db_spl=85.0), "power": PowerSettings(off_s=0.0)}
    return PresenceDetector("presence", streams, classifier, PresenceSettings(**{**parts, **settings}))


def listen(one, samples, cuts=None, playback=None):
    """Feeds a baseband as blocks, of a hop each unless `cuts` says how many; returns scores by label."""
    formats = {BASEBAND: StreamFormat(RATE, len(samples), CARRIER_HZ)}
    if PLAYBACK in one.needs:
        formats[PLAYBACK] = StreamFormat(4 * RATE, 1)
        playback = np.zeros(4 * samples.shape[1], np.float32) if playback is None else playback
    one.open(formats)
    position = 0
    for part in np.array_split(samples, cuts or samples.shape[1] // HOP, axis=1):
        end = position + part.shape[1]
        streams = {BASEBAND: part}
        if PLAYBACK in one.needs:
            streams[PLAYBACK] = playback[None, 4 * position : 4 * end]
        one.feed(Block(4 * position, 4 * part.shape[1], 4 * RATE, streams))
        position = end
    return {track.label: track.scores for track in one.tracks()}


def seconds(scores):
    """Hops a second: from seconds to an index, and back."""
    return np.arange(1, len(scores) + 1) * HOP / RATE
