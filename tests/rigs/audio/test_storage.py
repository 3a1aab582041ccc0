import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from rigs.audio.storage import Writer, bytes_needed, check_space, read_blocks
from rigs.errors import AudioFault

ROOT = Path(__file__).parents[3]


def whole(blocks):
    return np.concatenate(list(blocks), axis=1)


def every_24_bit_edge():
    values = np.array([-(2**23), -(2**23) + 1, -1, 0, 1, 2**23 - 2, 2**23 - 1]) / 2**23
    noise = np.round(np.random.default_rng(0).uniform(-1.0, 1.0, 5000) * (2**23 - 1)) / 2**23
    return np.stack([np.resize(values, 5000), noise]).astype(np.float32)


@pytest.mark.parametrize("suffix", ["flac", "wav", "w64"])
def test_what_a_24_bit_converter_gives_is_kept_exactly(tmp_path, suffix):
    samples = every_24_bit_edge()
    writer = Writer(tmp_path / f"take.{suffix}", 96_000, 2, 1.0)
    for start in range(0, 5000, 999):
        writer.write(samples[:, start : start + 999])
    writer.close()
    np.testing.assert_array_equal(whole(read_blocks(writer.path, 700)), samples)
    np.testing.assert_array_equal(whole(read_blocks(writer.path, 700, 123, 4567)), samples[:, 123:4567])


def test_a_long_wav_is_rf64(tmp_path):
    writer = Writer(tmp_path / "long.wav", 8000, 1)
    writer.write(np.zeros((1, 8000), np.float32))
    writer.close()
    assert writer.path.read_bytes()[:4] == b"RF64"
    assert whole(read_blocks(writer.path, 1000)).shape == (1, 8000)


KILLED = """
import os, signal, sys
import numpy as np
from pathlib import Path
from rigs.audio.storage import Writer
writer = Writer(Path(sys.argv[1]), 48_000, 2, 10.0)
rng = np.random.default_rng(0)
for _ in range(100):
    writer.write(np.round(rng.uniform(-0.5, 0.5, (2, 4800)) * 2**23).astype(np.float32) / np.float32(2**23))
os.kill(os.getpid(), signal.SIGKILL)
"""


@pytest.mark.parametrize("suffix", ["flac", "w64"])
def test_what_a_killed_process_wrote_can_be_read(tmp_path, suffix):
    path = tmp_path / f"killed.{suffix}"
    subprocess.run([sys.executable, "-c", KILLED, path], check=False, cwd=ROOT, timeout=120.0)
    rng = np.random.default_rng(0)
    written = np.concatenate(
        [np.round(rng.uniform(-0.5, 0.5, (2, 4800)) * 2**23) / 2**23 for _ in range(100)], axis=1
    )
    read = whole(read_blocks(path, 5000))
    assert read.shape[1] > 400_000  # all but what libsndfile still held
    np.testing.assert_array_equal(read, written[:, : read.shape[1]].astype(np.float32))
    np.testing.assert_array_equal(whole(read_blocks(path, 5000, 7000, 27_000)), read[:, 7000:27_000])


def test_a_disk_without_room_is_refused_before_anything_plays(tmp_path):
    with pytest.raises(AudioFault, match="the recording needs .* GB .* Make room"):
        check_space(tmp_path, 10**18)
    with pytest.raises(AudioFault, match="Make room"):
        Writer(tmp_path / "year.flac", 192_000, 8, 3e8)
    assert list(tmp_path.iterdir()) == []
    assert bytes_needed(8, 96_000, 3600.0) == 8 * 96_000 * 3600 * 4


@pytest.mark.parametrize(
    ("name", "channels", "said"), [("a.mp3", 1, ".flac, .wav, .w64"), ("a.flac", 9, "use .w64")]
)
def test_a_file_that_cannot_hold_the_recording_is_refused(tmp_path, name, channels, said):
    with pytest.raises(AudioFault, match=said):
        Writer(tmp_path / name, 48_000, channels, 1.0)
