"""The stack on recordings: any length, rate and number of channels; what a rate cannot carry; what is written."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import soundfile

from detectors.build import load_build
from detectors.stack import Stack
from lab.errors import BadInput
from lab.runs.recording import beyond, detect, facts_of, write_detections
from lab.sources.alarms import AlarmSpec, open_alarm
from lab.sources.musiclike import music_like
from reports.detected import COLUMNS, clock, spectrogram, write_picture
from tests.detectors.sound_events.little_network import BASE, heads

BUILD = f"""
format = "earshot-build/1"
id = "little"
[[detector]]
name = "sound_events"
streams = ["audible"]
model = "{BASE.as_posix()}"
weights = [{", ".join(f'"{path.as_posix()}"' for path in heads())}]
threshold = 0.5
refractory_s = 30.0
settings = {{events = ["smoke_alarm"]}}
"""


@pytest.fixture
def stack(tmp_path: Path) -> Stack:
    path = tmp_path / "little.toml"
    path.write_text(BUILD)
    return Stack(load_build(path))


def alarm(rate_hz: int, seconds: float = 24.0) -> np.ndarray:
    spec = AlarmSpec(kind="alarm", name="a", rule="wall", start_s=2.0, carrier_hz=3100.0, level_db_spl=74.0)
    sound = open_alarm(spec, seed=1, rate_hz=rate_hz, duration_s=seconds, split="test")
    hiss = 1e-4 * np.random.default_rng(2).standard_normal(round(seconds * rate_hz))
    return sound.read(round(seconds * rate_hz)) + hiss


@pytest.mark.parametrize("rate_hz", [8_000, 16_000, 44_100])
def test_an_alarm_in_one_of_two_channels_is_heard_at_any_rate(
    tmp_path: Path, stack: Stack, rate_hz: int
) -> None:
    path = tmp_path / "stereo.wav"
    sound = alarm(rate_hz)
    soundfile.write(path, np.column_stack([1e-4 * np.ones(len(sound)), sound]), rate_hz, subtype="FLOAT")
    events = detect(path, stack).events
    assert [event.label for event in events] == ["smoke_alarm"]
    assert 5.0 < events[0].offset_s < 24.0
    facts = facts_of(path)
    assert (facts.rate_hz, facts.channels, facts.seconds) == (rate_hz, 2, 24.0)


def test_a_telephone_rate_carries_alarms_but_no_glass() -> None:
    labels = ("smoke_alarm", "glass_break", "footsteps", "watermark")
    assert beyond(8_000, labels) == ("glass_break",)
    assert beyond(16_000, labels) == ()
    assert beyond(4_000, labels) == ("smoke_alarm", "glass_break")


def test_detections_are_a_dcase_file_with_their_scores(tmp_path: Path, stack: Stack) -> None:
    path = tmp_path / "alarm.flac"
    soundfile.write(path, alarm(16_000), 16_000)
    events = detect(path, stack).events
    write_detections(tmp_path / "found.tsv", [(path.name, event) for event in events])
    head, row = (tmp_path / "found.tsv").read_text().splitlines()
    assert head.split("\t") == ["filename", "onset", "offset", "event_label", "score", "stage", "detector"]
    cells = row.split("\t")
    assert cells[0] == "alarm.flac" and cells[3] == "smoke_alarm" and cells[5:] == ["device", "sound_events"]
    assert float(cells[4]) == pytest.approx(events[0].score, abs=1e-4)


def test_a_picture_shows_the_carrier_where_it_sounds_and_is_a_picture(tmp_path: Path, stack: Stack) -> None:
    path = tmp_path / "alarm.wav"
    soundfile.write(path, alarm(16_000), 16_000, subtype="FLOAT")
    seconds, hz, level_db = spectrogram(path)
    assert seconds == 24.0 and level_db.shape == (len(hz), min(COLUMNS, 1499))
    carrier = level_db[np.argmin(abs(hz - 3100.0))]
    at_s = (np.arange(len(carrier)) + 0.5) * seconds / len(carrier)
    assert carrier[(at_s > 2.1) & (at_s < 2.4)].min() > -12.0
    assert carrier[at_s < 1.9].max() < -30.0
    output = detect(path, stack)
    out = write_picture(path, output.tracks, output.events, {"sound_events": 0.5}, tmp_path / "alarm.png")
    assert out.read_bytes().startswith(b"\x89PNG") and out.stat().st_size > 20_000


def test_a_click_is_not_lost_in_a_picture_of_an_hour(tmp_path: Path) -> None:
    path = tmp_path / "hour.wav"
    with soundfile.SoundFile(path, "w", 2_000, 1, "PCM_16") as file:
        for minute in range(60):
            block = np.zeros(60 * 2_000)
            if minute == 41:
                block[500:520] = 0.9 * (-1.0) ** np.arange(20)
            file.write(block)
    _, _, level_db = spectrogram(path)
    assert level_db.shape[1] == COLUMNS
    loud = np.flatnonzero(level_db.max(axis=0) > -60.0)
    assert len(loud) <= 2 and abs(loud[0] - (41 * 60 + 0.25) / 3600 * COLUMNS) < 1.5


def test_moments_read_as_people_say_them() -> None:
    assert [clock(12.5, 30.0), clock(187.0, 600.0), clock(50_700.0, 86_400.0)] == ["12.5", "3:07", "14:05"]


def test_too_short_for_a_picture_is_said(tmp_path: Path) -> None:
    path = tmp_path / "short.wav"
    soundfile.write(path, music_like(1, 16_000, 0.25)[:400], 16_000)
    with pytest.raises(BadInput, match="too short for a picture"):
        spectrogram(path)
