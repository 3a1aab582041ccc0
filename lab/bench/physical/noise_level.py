"""How loud a noise is on a bench, also where a scenario states it by an SNR."""

from __future__ import annotations

import math

from lab.scenario.trial import Trial
from lab.sources.media import MediaSpec
from lab.sources.noise import NoiseSpec


def noise_level_db(source: NoiseSpec, trial: Trial, distance_m: float | None) -> float | None:
    """Level of a noise at the device in dB SPL, 50 Hz-7 kHz; None where it is relative to what no loudspeaker plays.

    One that follows from an SNR is set against the level at the device, L - 20 log10(d / 1 m) in a free field; without
    a distance d is 1 m.
    """
    if source.level_db_spl is not None:
        return source.level_db_spl
    media = [one for one in trial.spec.sources if isinstance(one, MediaSpec)]
    target = next((one for one in media if source.relative_to in (None, one.name)), None)
    if target is None:
        return None
    return target.level_db_spl - 20.0 * math.log10(distance_m or 1.0) - source.snr_db
