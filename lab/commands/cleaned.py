"""The article's two cleaned-up spectra: music in an empty room, and music with a person walking, before and after removal.

`python -m lab.commands.cleaned [FOLDER]` renders the variants `music` and `music_motion` of scenarios/presence/article.toml and writes
cleaned_music.png and cleaned_motion.png to FOLDER, docs/images/distortion when left out.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

ROOT = Path(__file__).parents[2]
ARTICLE = ROOT / "scenarios" / "presence" / "article.toml"
FOLDER = ROOT / "docs" / "images" / "distortion"
CARRIER_HZ, LEVEL_DB_SPL, RATE_HZ, SEED = 34_000.0, 85.0, 4_000, 1
PICTURES = {
    "music": ("cleaned_music", "Music in an empty room"),
    "music_motion": ("cleaned_motion", "Music and motion"),
}


def main(arguments: Sequence[str]) -> None:
    from reports.cleaned import band_db, write_cleaned

    folder = Path(arguments[0]) if arguments else FOLDER
    for variant, (name, title) in PICTURES.items():
        before, after, said_db = heard_and_cleaned(variant)
        print(write_cleaned(before, after, title, folder / f"{name}.png"))
        print(
            f"  20 to 1200 Hz: {band_db(before):.1f} dB re carrier before, {band_db(after):.1f} dB after; removed as the detector says itself: {said_db:.1f} dB"
        )


def heard_and_cleaned(variant: str) -> tuple[NDArray[np.complex64], NDArray[np.complex64], float]:
    """Envelopes (M, n) at 4 kHz of trial 0, as heard and with the music taken out, and by how many dB as the removal reports in the
    median hop.
    """
    from detectors.interface import PLAYBACK, ULTRASONIC, Emission, StreamNeed
    from detectors.presence.distortion import DistortionRemover
    from detectors.presence.front_end import Mixer
    from lab.bench.simulated.bench import SimulatedBench
    from lab.scenario.load import load_scenario

    scenario = load_scenario(ARTICLE)
    (cell,) = (cell for cell in scenario.cells() if cell.values.get("variant") == variant)
    needs = {ULTRASONIC: StreamNeed((96_000,)), PLAYBACK: StreamNeed((16_000,))}
    session = SimulatedBench().open(scenario.draw(cell, 0, SEED), needs)
    channels = session.formats[ULTRASONIC].channels
    mixer, remover = (
        Mixer(96_000, RATE_HZ, CARRIER_HZ, channels),
        DistortionRemover(channels, RATE_HZ, 16_000),
    )
    before, after, said_db = [], [], []
    while (block := session.next(Emission((CARRIER_HZ,), LEVEL_DB_SPL))) is not None:
        before.append(mixer.mix(block.streams[ULTRASONIC]))
        after.append(remover.process(before[-1], block.streams[PLAYBACK]))
        said_db.append(remover.removed_db)
    return np.concatenate(before, axis=1), np.concatenate(after, axis=1), float(np.median(said_db))


if __name__ == "__main__":
    main(sys.argv[1:])
