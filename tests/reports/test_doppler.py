"""The Doppler picture: lines stand where they are, at their level re the carrier."""

import numpy as np
import pytest
import soundfile

from lab.errors import BadInput
from reports.doppler import FLOOR_DB, doppler_map, main, strongest_lines, write_spectrogram

RATE, CARRIER = 96_000, 34_000.0


@pytest.fixture
def wav(tmp_path):
    """A carrier of 0.1, and a line 40 dB below it, 250 Hz above, in the second half of two seconds."""
    time = np.arange(2 * RATE) / RATE
    samples = 0.1 * np.cos(2 * np.pi * CARRIER * time)
    samples += 0.001 * np.cos(2 * np.pi * (CARRIER + 250.0) * time) * (time >= 1.0)
    path = tmp_path / "tone.wav"
    soundfile.write(path, np.stack([samples, 0.0 * samples], axis=1), RATE, "PCM_24")
    return path


def test_lines_stand_where_they_are(wav):
    found = doppler_map(wav, CARRIER)
    late = found.level_db[:, found.time_s > 1.2].mean(axis=1)
    early = found.level_db[:, found.time_s < 0.8].mean(axis=1)
    at = np.argmin(np.abs(found.shift_hz - 250.0))
    assert found.level_db[np.argmin(np.abs(found.shift_hz))].mean() == pytest.approx(0.0, abs=0.1)
    assert late[at] == pytest.approx(-40.0, abs=0.2)
    assert early[at] < -100.0
    assert found.level_db.min() >= FLOOR_DB
    assert found.mean_db[at] == pytest.approx(-43.0, abs=0.6)


def test_the_picture_is_drawn(wav, tmp_path):
    png = write_spectrogram(wav, CARRIER, "A line above a tone", tmp_path / "tone.png")
    assert png.read_bytes()[:4] == b"\x89PNG"


def test_a_file_that_does_not_reach_the_carrier_is_refused(tmp_path):
    path = tmp_path / "low.wav"
    soundfile.write(path, np.zeros(48_000), 48_000)
    with pytest.raises(BadInput, match="holds up to 24000 Hz"):
        doppler_map(path, CARRIER)


def test_the_strongest_lines_are_measured_over_the_time_asked_for(wav):
    (line,) = strongest_lines(wav, CARRIER, from_s=1.0)
    assert line.shift_hz == 250.0
    assert line.level_db == pytest.approx(-40.0, abs=0.1)
    assert strongest_lines(wav, CARRIER, until_s=1.0) == []


def test_lines_of_a_phase_modulated_tone_stand_at_their_bessel_levels(tmp_path):
    """x = 0.1 rad at 60 Hz: first sidebands 20 log10(J1 / J0) = -26.0 dB, second -58.0 dB."""
    time = np.arange(3 * RATE) / RATE
    path = tmp_path / "pm.wav"
    samples = 0.1 * np.cos(2 * np.pi * CARRIER * time + 0.1 * np.sin(2 * np.pi * 60.0 * time))
    soundfile.write(path, samples, RATE, "FLOAT")
    found = {line.shift_hz: line.level_db for line in strongest_lines(path, CARRIER, count=4)}
    assert set(found) == {-60.0, 60.0, -120.0, 120.0}
    for shift, level in ((60.0, -26.0), (120.0, -58.0)):
        assert found[shift] == pytest.approx(level, abs=0.1)
        assert found[-shift] == pytest.approx(level, abs=0.1)


def test_the_lines_are_printed(wav, tmp_path, capsys):
    assert main([str(wav), "--from", "1", "--carrier", "34000"]) == 0
    assert capsys.readouterr().out.splitlines()[1].startswith("+250\t-40.0\t")
    assert main([str(tmp_path / "none.wav")]) == 3
    assert "none.wav" in capsys.readouterr().err
