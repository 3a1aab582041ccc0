from datetime import date

import numpy as np
import pytest

from rigs.audio.calibration import (
    Calibration,
    full_scale_by_calibrator,
    full_scale_by_meter,
    judge_calibrations,
    loudspeaker_full_scale,
)
from rigs.errors import AudioFault

RATE_HZ = 48_000
TIME_S = np.arange(4 * RATE_HZ) / RATE_HZ


def calibrator(peak_dbfs=-26.0, frequency_hz=1000.0, noise=1e-5):
    rng = np.random.default_rng(0)
    return 10.0 ** (peak_dbfs / 20.0) * np.sin(
        2.0 * np.pi * frequency_hz * TIME_S
    ) + noise * rng.standard_normal(len(TIME_S))


@pytest.mark.parametrize(("level", "frequency_hz"), [(94.0, 1000.0), (114.0, 1003.7), (94.0, 985.0)])
def test_a_calibrator_gives_the_full_scale_level(level, frequency_hz):
    full_scale = full_scale_by_calibrator(calibrator(-26.0, frequency_hz), RATE_HZ, level)
    assert full_scale == pytest.approx(level + 26.0, abs=0.05)


@pytest.mark.parametrize(
    ("recorded", "said"),
    [
        (calibrator()[:RATE_HZ], "1.0 s were recorded, 2 s are needed"),
        (np.zeros(4 * RATE_HZ), "no clean tone at 1000 Hz"),
        (calibrator(frequency_hz=250.0), "no clean tone at 1000 Hz"),
        (calibrator(noise=0.05), "no clean tone at 1000 Hz"),
        (calibrator() * (1.0 + 0.1 * (TIME_S > 2.0)), "the level moved by 0.83 dB"),
        (calibrator(peak_dbfs=3.0), "at full scale"),
    ],
)
def test_a_calibrator_that_is_off_loose_or_elsewhere_is_refused(recorded, said):
    with pytest.raises(AudioFault, match=said):
        full_scale_by_calibrator(recorded, RATE_HZ)


def test_a_meter_beside_the_microphone_gives_the_full_scale_level():
    noise = 0.01 * np.random.default_rng(0).standard_normal(10 * RATE_HZ)
    at_z = full_scale_by_meter(noise, RATE_HZ, 70.0, a_weighted=False)
    assert at_z == pytest.approx(70.0 - 20.0 * np.log10(0.01 * np.sqrt(2.0)), abs=0.1)
    # White noise up to 24 kHz loses 2 to 3 dB by A-weighting, so the same reading means more of it.
    assert 1.5 < full_scale_by_meter(noise, RATE_HZ, 70.0) - at_z < 4.0
    with pytest.raises(AudioFault, match="nothing was recorded"):
        full_scale_by_meter(np.zeros(RATE_HZ), RATE_HZ, 70.0)


def test_a_loudspeaker_is_calibrated_at_one_metre():
    assert loudspeaker_full_scale(74.0, -20.0, 2.0) == pytest.approx(100.0, abs=0.03)
    with pytest.raises(AudioFault, match="0.1 to 10 m"):
        loudspeaker_full_scale(74.0, -20.0, 0.0)


RECORD = Calibration("mic1", 120.2, "dB SPL", date(2026, 1, 10), date(2027, 1, 10))


@pytest.mark.parametrize(
    ("today", "said"),
    [
        (date(2026, 6, 1), None),
        (date(2027, 1, 10), None),
        (date(2027, 1, 11), "mic1: calibration of 2026-01-10 was due on 2027-01-10"),
        (date(2025, 12, 31), "which has not come yet; check the clock"),
    ],
)
def test_a_calibration_holds_until_its_due_day(today, said):
    found = judge_calibrations([RECORD], ["mic1"], today)
    assert [said in str(one) for one in found] == ([True] if said else [])


def test_the_latest_record_counts_and_a_missing_one_is_named():
    newer = Calibration("mic1", 120.3, "dB SPL", date(2027, 1, 5), date(2028, 1, 5))
    found = judge_calibrations([newer, RECORD], ["mic1", "speaker"], date(2027, 6, 1))
    assert [str(one) for one in found] == ["calibration: speaker was never calibrated"]
