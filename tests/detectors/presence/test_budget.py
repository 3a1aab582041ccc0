"""The detector fits a signal processor of 400 MHz at 10 %, by count."""

import numpy as np
import pytest

from detectors.presence.budget import (
    PARAMETERS,
    SHARE,
    WEIGHTS_BYTES,
    cycles_left,
    macs,
    share_of_clock,
    stages,
    table,
    worst,
)
from detectors.presence.front_end import Mixer


@pytest.mark.parametrize("playing", [False, True])
def test_four_microphones_at_96_khz_with_the_largest_network_fit(playing):
    assert share_of_clock(macs(stages(4, 96_000, PARAMETERS), playing)) <= SHARE


def test_the_hop_that_costs_most_fits_with_three_cycles_for_each_mac_of_64_bits():
    rows = stages(4, 96_000, PARAMETERS)
    assert worst(rows) > macs(rows) > 0
    assert share_of_clock(worst(rows)) <= SHARE
    (wide,) = (row.wide for row in rows if row.wide)
    left = cycles_left(worst(rows), wide)
    assert left >= 3.0
    # All its cycles, those of 64 bits and the others, are the share.
    assert (worst(rows) - wide) / 2 + left * wide == pytest.approx(0.1 * 400e6 * 0.05)


def test_what_is_done_now_and_then_costs_its_whole_in_the_hop_that_does_it():
    """A look at lines: a transform of a second each half second, one of two seconds of means each second; 2.5 N lg2 N a transform."""
    (lines,) = (row for row in stages(4, 96_000, 0) if row.name == "lines")
    whole = 4 * (2.5 * 4_000 * np.log2(4_000) + 2.5 * 40 * np.log2(40))
    assert lines.more == pytest.approx(0.9 * whole, rel=0.01)


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
    assert share_of_clock(40_000_000) == pytest.approx(1.0)


def test_the_table_adds_up():
    lines = table(4, 96_000, 100_000).splitlines()
    counts = [int(line.split("|")[2].replace(",", "")) for line in lines if line.endswith(("%|", "% |"))]
    assert counts[-2] == sum(counts[:-3])
