"""Whether what is computed is like what was recorded: a few figures of both, for events of which the train split has recordings.

Figures: energy below 0.2, 0.2 to 1, 1 to 3 and 3 to 8 kHz in per cent, centroid in kHz, seconds from the loudest 10 ms until 30 dB
down, crest factor in dB; the middle of all draws, and between which of them the middle half lies.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import numpy as np
import scipy.fft
from numpy.typing import NDArray
from pydantic import TypeAdapter

from detectors.sound_events.features import RATE_HZ
from lab.sources.catalogue import SourceSpec, open_source
from lab.training.sound_events.recordings import Recordings

NAMES = ("< 0.2 kHz", "< 1 kHz", "< 3 kHz", "< 8 kHz", "centroid", "30 dB down", "crest")
KINDS: Mapping[str, dict] = {
    "glass_break": {"kind": "glass"},
    "footsteps": {"kind": "footsteps", "steps": 1},
    "door_knock": {"kind": "door", "action": "knock"},
    "ceramic_break": {"kind": "impact", "object": "ceramic_break"},
    "glass_impact": {"kind": "glass", "breaks": False},
}
DRAWS = 40
_EDGES_HZ = (0.0, 200.0, 1000.0, 3000.0, 8000.0)
_SPECS: TypeAdapter = TypeAdapter(SourceSpec)


def described(audio: NDArray[np.float32]) -> NDArray[np.float64]:
    """The figures of one sound, in the order of NAMES."""
    power = np.square(np.abs(scipy.fft.rfft(audio.astype(np.float64))))
    hz = scipy.fft.rfftfreq(len(audio), 1.0 / RATE_HZ)
    band = np.digitize(hz, _EDGES_HZ[1:-1])
    shares = 100.0 * np.bincount(band, power, minlength=4) / power.sum()
    frame = RATE_HZ // 100
    level = (
        np.square(np.pad(audio, (0, -len(audio) % frame)).astype(np.float64)).reshape(-1, frame).mean(axis=1)
    )
    loudest = int(np.argmax(level))
    last = int(np.flatnonzero(level > level[loudest] * 1e-3)[-1])
    active = audio[: (last + 1) * frame].astype(np.float64)
    crest_db = 20.0 * np.log10(np.max(np.abs(active)) / np.sqrt(np.mean(np.square(active))))
    centroid_khz = float((hz * power).sum() / power.sum() / 1000.0)
    return np.array([*shares, centroid_khz, (last + 1 - loudest) / 100.0, crest_db])


def computed(name: str, split: str) -> Iterable[NDArray[np.float32]]:
    """DRAWS sounds of a kind, as they leave it."""
    for seed in range(DRAWS):
        spec = _SPECS.validate_python({**KINDS[name], "name": "thing", "distance_m": 1.0})
        stream = open_source(spec, seed=seed, rate_hz=RATE_HZ, duration_s=4.0, split=split)
        yield stream.read(4 * RATE_HZ)


def table(recordings: Recordings, split: str) -> list[str]:
    """Rows of Markdown: recorded and computed, for each kind of which there is a recording. Empty without recordings."""
    rows = []
    for name in KINDS:
        tree = {**recordings.others, **recordings.events}.get(name, {})
        recorded = [described(sample.audio) for samples in tree.values() for sample in samples]
        if recorded:
            rows.append(_row(f"{name}, {len(recorded)} recordings of {len(tree)} originals", recorded))
            rows.append(_row(f"{name}, computed", [described(audio) for audio in computed(name, split)]))
    return [f"| | {' | '.join(NAMES)} |", "|---" * (1 + len(NAMES)) + "|", *rows] if rows else []


def _row(name: str, figures: list[NDArray[np.float64]]) -> str:
    low, middle, high = np.quantile(np.stack(figures), (0.25, 0.5, 0.75), axis=0)
    cells = (f"{b:.3g} ({a:.2g}-{c:.2g})" for a, b, c in zip(low, middle, high, strict=True))
    return f"| {name} | {' | '.join(cells)} |"
