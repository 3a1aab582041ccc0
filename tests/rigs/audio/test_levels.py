import numpy as np
import pytest

from rigs.audio.background import Background, background, judge_background
from rigs.audio.levels import LevelMeter, a_weighting_db, dbfs
from rigs.audio.spec import AudioSpec

RATE_HZ = 48_000


def tone(frequency_hz, seconds=2.0, peak=1.0):
    return peak * np.sin(2.0 * np.pi * frequency_hz * np.arange(round(seconds * RATE_HZ)) / RATE_HZ)[None, :]


# IEC 61672-1:2013, Table 3: design goals, rounded to a tenth.
@pytest.mark.parametrize(
    ("tenths", "printed"),
    [(-17, -50.5), (-10, -19.1), (-3, -3.2), (0, 0.0), (4, 1.3), (10, -2.5), (13, -9.3)],
)
def test_a_weighting_is_the_standard_table(tenths, printed):
    assert float(a_weighting_db(1000.0 * 10.0 ** (tenths / 10.0))) == pytest.approx(printed, abs=0.051)


def test_a_sine_whose_peaks_reach_full_scale_is_the_full_scale_level():
    assert float(dbfs(tone(1000.0))[0]) == pytest.approx(0.0, abs=1e-6)


@pytest.mark.parametrize("frequency_hz", [60.0, 997.0, 1000.0, 6543.2])
@pytest.mark.parametrize("block", [777, 48_000])
def test_a_tone_reads_its_level_in_any_blocks(frequency_hz, block):
    meter = LevelMeter(RATE_HZ, 1)
    signal = tone(frequency_hz, peak=0.5)
    for start in range(0, signal.shape[1], block):
        meter.feed(signal[:, start : start + block])
    expected = 20.0 * np.log10(0.5) + 120.0
    assert float(meter.level_db(120.0, 40.0, 7000.0)[0]) == pytest.approx(expected, abs=0.01)
    weighted = float(meter.level_db(120.0, a_weighted=True)[0])
    assert weighted == pytest.approx(expected + float(a_weighting_db(frequency_hz)), abs=0.1)


def test_background_leaves_out_what_is_above_and_below_the_band():
    spec = AudioSpec(rate_hz=RATE_HZ, full_scale_db_spl=(120.0,))
    signal = tone(1000.0, peak=1e-4) + tone(20.0, peak=0.1) + tone(20_000.0, peak=0.1)
    measured = background(spec, [signal[:, :50_000], signal[:, 50_000:]])
    assert measured.band_db[0] == pytest.approx(40.0, abs=0.05)
    assert measured.calibrated
    assert measured.seconds == pytest.approx(2.0)


def test_an_uncalibrated_background_says_so():
    measured = background(AudioSpec(rate_hz=RATE_HZ), [tone(1000.0, peak=0.1)])
    assert measured.dba[0] == pytest.approx(-20.0, abs=0.05)
    assert "not calibrated" in str(measured)


@pytest.mark.parametrize(
    ("before", "after", "said"),
    [
        (30.0, 31.0, None),
        (30.0, 37.5, "went from 30.0 to 37.5 dB(A)"),
        (39.0, 34.0, "39.0 dB(A) before, 34.0 after, 38.0 allowed"),
        (-np.inf, -np.inf, None),
        (np.nan, 30.0, "nan"),
    ],
)
def test_a_room_that_is_loud_or_changes_is_found(before, after, said):
    def level(dba):
        return Background((dba,), (dba,), 5.0, True)

    found = judge_background(AudioSpec(), level(before), level(after), most_dba=38.0)
    assert [said in str(one) for one in found] == ([True] if said else [])
