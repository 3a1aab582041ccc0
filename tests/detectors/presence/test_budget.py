"""The detector fits a signal processor of 400 MHz at 10 %, by count."""

import numpy as np
import pytest

from detectors.presence.budget import (
    PARAMETERS,
    SHARE,
    WEIGHTS_BYTES,
    Stage,
    macs,
    share_of_clock,
    stages,
    table,
)
from detectors.presence.front_end import Mixer


@pytest.mark.parametrize("playing", [False, True])
def test_four_microphones_at_96_khz_with_the_largest_network_fit(playing):
    assert share_of_clock(stages(4, 96_000, PARAMETERS), playing) <= SHARE


def test_the_largest_network_fits_in_8_bits():
    assert PARAMETERS <= WEIGHTS_BYTES


def test_the_front_end_counts_what_the_mixer_multiplies():
    mixer = Mixer(96_000, 4_000, 34_000.0, 3)
    per_output = mixer._filter.size  # taps, real and imaginary
    hop = mixer.mix(np.zeros((3, 4_800), np.float32))
    front_end = stages(3, 96_000, 0)[0]
    assert front_end.macs == hop.size * (per_output + 4)


def test_a_baseband_has_no_front_end_and_silence_no_distortion():
    rows = stages(4, None, 1000)
    assert "front end" not in {row.name for row in rows}
    distortion = next(row for row in rows if row.playing)
    assert macs(rows, playing=True) - macs(rows, playing=False) == distortion.macs > 0


def test_a_share_of_all_cycles_is_all():
    assert share_of_clock((Stage("all", 40_000_000),)) == pytest.approx(1.0)


def test_the_table_adds_up():
    lines = table(4, 96_000, 100_000).splitlines()
    counts = [int(line.split("|")[2].replace(",", "")) for line in lines[2:]]
    assert counts[-1] == sum(counts[:-2])
