"""Through real PortAudio and a JACK loopback of 1024 samples at 96 kHz, 8 channels."""

from __future__ import annotations

import pytest


def test_eight_channels_come_back_bit_for_bit(takes):
    take = takes.exact_round_trip
    assert take["equal"]
    assert take["valid"], take["reason"]
    assert take["alignment"]["lag_samples"] == pytest.approx(1024.0, abs=1e-6)
    assert take["alignment"]["tail_lag_samples"] == pytest.approx(1024.0, abs=1e-6)
    assert take["alignment"]["skew_ppm"] == pytest.approx(0.0, abs=1e-3)


@pytest.mark.parametrize("suffix", ["flac", "wav"])
def test_a_capture_on_disk_is_what_was_heard(takes, suffix):
    take = takes.files[suffix]
    assert take["equal"]
    assert take["valid"], take["reason"]
    assert not take["in_memory"]


def test_blocks_are_handed_out_and_heard_while_the_sound_runs(takes):
    take = takes.block_by_block
    assert take["heard_while_handing_out"]
    assert take["equal"]
    assert take["reason"] == ""
    assert take["shapes"] == [[8, 2400]]


def test_playback_that_runs_dry_is_invalid(takes):
    assert "playback ran dry" in takes.starved["reason"]


def test_an_error_in_mid_capture_ends_the_sound_and_keeps_the_file(takes):
    assert "interrupted" in takes.abandoned["reason"]
    assert takes.abandoned["bytes"] > 0


def test_a_full_disk_ends_the_capture_as_invalid(takes):
    take = takes.full_disk
    assert take["defects"] == ["DISK"]
    assert "full.flac" in take["reason"]
    assert take["bytes"] > 10_000


def test_an_error_of_a_reader_reaches_the_caller(takes):
    assert takes.broken_reader["error"] == "the reader fell over"


def test_a_path_that_is_not_there_is_named_and_ends_early(takes):
    take = takes.no_path
    assert take["defects"] == ["NO_ACOUSTIC_PATH"]
    assert "output 3" in take["reason"] and "input 4" in take["reason"]
    assert take["frames"] < 14_400


def test_wrong_plugs_are_found(takes):
    assert takes.channels["heard"] == [[1], [0], []]
    crossed, missing = takes.channels["findings"]
    assert "output 1 should be heard on input 2, it is on 1" in crossed
    assert "output 3 should be heard on input 2, it is on no input" in missing


def test_the_response_of_a_cable_is_flat(takes):
    assert takes.response["gain_db"] == pytest.approx([0.0, 0.0, 0.0], abs=0.05)
    assert takes.response["delay_s"] == [0.0]
    assert takes.response["reason"] == ""


def test_a_cable_has_no_background_noise(takes):
    assert takes.quiet["silent"]
    assert takes.quiet["seconds"] == pytest.approx(0.4)
    assert takes.quiet["reason"] == ""
    assert takes.quiet["changed"] == []


def test_devices_are_listed_with_their_connectors(takes):
    assert "loopback (JACK Audio Connection Kit, 8 out, 8 in)" in takes.devices["names"]


@pytest.mark.parametrize(
    ("what", "said"),
    [
        ("device", "no such card"),
        ("device", "This machine has: "),
        ("rate", "does not start at 44100 Hz"),
        ("connector", "has 8 outputs, connector 9 is asked for"),
    ],
)
def test_what_the_interface_cannot_do_is_refused(takes, what, said):
    assert said in takes.refusals[what]


@pytest.mark.parametrize(
    ("spoilt", "defects", "said"),
    [
        ("lost", ["CORRUPTED", "LOST_BLOCK"], "1024.00 samples (10.67 ms) are missing"),
        ("lost_physical", ["LOST_BLOCK"], "1024.00 samples (10.67 ms) are missing"),
        ("doubled", ["LOST_BLOCK"], "1024.00 samples (10.67 ms) are too many"),
        ("silenced", ["CORRUPTED"], "1024 of"),
        ("silenced_physical", ["LOST_BLOCK"], "1 gaps without any noise"),
        ("wrong_path", ["WRONG_LAG", "WRONG_LEVEL"], "1024.00 samples (10.67 ms), allowed are 0 to 1000"),
        ("wrong_path", ["WRONG_LAG", "WRONG_LEVEL"], "-6.0 dB off"),
        ("clipped", ["CLIPPED"], "full scale was reached on input 1"),
    ],
)
def test_a_spoilt_capture_is_invalid_with_its_reason(takes, spoilt, defects, said):
    take = takes.spoilt[spoilt]
    assert not take["valid"]
    assert take["defects"] == defects
    assert said in take["reason"]


def test_the_noise_of_a_converter_spoils_nothing(takes):
    assert takes.spoilt["noisy"]["valid"], takes.spoilt["noisy"]["reason"]


def test_a_room_that_gets_louder_is_heard_at_both_ends_of_a_capture(takes):
    """White noise of 0.001 and 0.01 RMS at 96 kHz: 120 + 3.0 + 10 log10(6950 / 48000) - 60 or - 40 dB SPL."""
    assert takes.louder["reason"] == ""
    before_s, after_s = takes.louder["seconds"]
    assert before_s == pytest.approx(0.515, abs=0.001)
    assert after_s == pytest.approx(0.5, abs=0.05)
    before, after = takes.louder["band_db"]
    assert before == pytest.approx([54.6] * 2, abs=0.5)
    assert after == pytest.approx([74.6] * 2, abs=0.5)
    assert "background noise: input 1: went from" in takes.louder["findings"][0]
