"""The Doppler picture: lines stand where they are, at their level re the carrier."""

import numpy as np
import pytest
import soundfile

from lab.errors import BadInput
from reports.doppler import FLOOR_DB, doppler_map, write_spectrogram

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
