from __future__ import annotations

import tracemalloc

import numpy as np
import pytest
from pydantic import ValidationError

from lab.acoustics.levels import db_spl_from_pa
from lab.errors import BadInput
from lab.sources.availability import check_available
from lab.sources.loudness import active_rms
from lab.sources.media import MediaSpec, MediaStream, open_media
from lab.sources.noise import NoiseSpec
from lab.sources.segments import distinct_seconds
from tests.sources.recordings import write_corpus

RATE_HZ = 16_000
MARK = {"key": "reference", "start_s": 2.5, "duration_s": 2.05}


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    return write_corpus(tmp_path_factory.mktemp("made"))


def spec(**keys) -> MediaSpec:
    return MediaSpec(**{"kind": "media", "name": "tv", "distance_m": 3.0, "level_db_spl": 70.0} | keys)


def play(
    chosen: MediaSpec, made=None, seed: int = 1, duration_s: float = 6.0, rate_hz: int = RATE_HZ
) -> MediaStream:
    folder = made.parent / "audio" if made else None
    return open_media(chosen, seed=seed, rate_hz=rate_hz, duration_s=duration_s, split="test", folder=folder)


def level_db(audio: np.ndarray, rate_hz: int = RATE_HZ) -> float:
    return float(db_spl_from_pa(active_rms(audio, rate_hz)))


SOURCES = {
    "procedural": {"classes": ("speech", "music")},
    "clicks": {"classes": ("click_track", "drum_loop", "stutter"), "period_s": 0.128},
    "recordings": {"corpus": "made", "classes": ("speech", "music")},
    "marked": {"corpus": "made", "classes": ("speech", "music"), "watermark": MARK},
    "marked word": {"corpus": "made", "classes": ("talk", "wake_word"), "watermark": MARK | {"on": "word"}},
    "lone words": {
        "corpus": "made",
        "classes": ("wake_word",),
        "play": "once",
        "schedule": {"poisson_per_h": 1500.0},
        "watermark": {"key": "reference", "on": "word"},
    },
}


def source(name: str, made) -> MediaSpec:
    keys = SOURCES[name]
    return spec(**(keys | {"corpus": str(made)} if "corpus" in keys else keys))


@pytest.mark.parametrize("name", SOURCES)
def test_the_way_it_is_read_changes_no_bit_and_no_fact(name, made):
    one, other = (
        play(source(name, made), made, duration_s=12.0),
        play(source(name, made), made, duration_s=12.0),
    )
    whole = one.read(12 * RATE_HZ)
    assert np.array_equal(whole, np.concatenate(list(other.chunks(799))))
    assert (one.segments, one.truth, one.measured) == (other.segments, other.truth, other.measured)
    assert np.isfinite(whole).all() and np.any(whole)


@pytest.mark.parametrize("name", SOURCES)
def test_another_seed_plays_something_else(name, made):
    one = play(source(name, made), made, seed=1, duration_s=12.0).read(12 * RATE_HZ)
    other = play(source(name, made), made, seed=2, duration_s=12.0).read(12 * RATE_HZ)
    assert abs(np.corrcoef(one, other)[0, 1]) < 0.5


def test_nothing_comes_before_the_start_or_after_the_trial():
    stream = play(spec(start_s=1.5))
    heard = stream.read(7 * RATE_HZ)
    assert not heard[: round(1.5 * RATE_HZ)].any() and not heard[6 * RATE_HZ :].any()
    assert heard[round(1.6 * RATE_HZ) : 6 * RATE_HZ].any()


@pytest.mark.parametrize("classes", [("talk",), ("music",), ("loop",)])
def test_recordings_loud_and_soft_come_out_at_the_same_level(made, classes):
    for seed in range(4):
        stream = play(spec(corpus=str(made), classes=classes), made, seed, duration_s=30.0)
        heard = stream.read(30 * RATE_HZ)
        for s in stream.segments[:-1]:
            part = heard[round(s.at_s * RATE_HZ) : round((s.at_s + s.duration_s) * RATE_HZ)]
            assert level_db(part) == pytest.approx(70.0, abs=1.5)


@pytest.mark.parametrize("rate_hz", [16_000, 48_000])
def test_the_marked_part_has_the_asked_level(made, rate_hz):
    stream = play(spec(corpus=str(made), classes=["speech", "music"], watermark=MARK), made, rate_hz=rate_hz)
    heard = stream.read(6 * rate_hz)
    (event,) = stream.truth
    part = heard[round(event.onset_s * rate_hz) : round(event.offset_s * rate_hz)]
    assert level_db(part, rate_hz) == pytest.approx(70.0, abs=0.7)


def test_a_mark_is_reported_where_it_was_asked(made):
    stream = play(spec(corpus=str(made), classes=["talk"], watermark=MARK), made)
    stream.read(6 * RATE_HZ)
    (event,) = stream.truth
    assert event.label == "watermark"
    assert (event.onset_s, event.offset_s) == pytest.approx((2.5, 4.548), abs=0.003)
    assert stream.measured["noise_to_mask_db"] <= -3.0
    assert stream.cluster in ("speaker:1", "speaker:2")


def test_a_mark_the_device_must_ignore_is_no_truth_but_is_there(made):
    quiet = play(spec(corpus=str(made), classes=["talk"], watermark=MARK | {"expected": False}), made)
    loud = play(spec(corpus=str(made), classes=["talk"], watermark=MARK), made)
    assert np.array_equal(quiet.read(6 * RATE_HZ), loud.read(6 * RATE_HZ))
    assert quiet.truth == () and "host_to_mark_db" in quiet.measured


def test_a_mark_avoids_the_silent_parts_of_a_recording(made):
    """Four of thirty seconds are speech, the rest is a tick every five."""
    shares = []
    for seed in range(6):
        stream = play(spec(corpus=str(made), classes=["knocks"], watermark=MARK), made, seed)
        stream.read(6 * RATE_HZ)
        shares.append(stream.measured["active_share"])
    assert np.median(shares) > 0.7


def test_a_marked_word_lies_in_the_middle_of_its_mark(made):
    stream = play(source("marked word", made), made)
    stream.read(6 * RATE_HZ)
    (event,) = stream.truth
    assert event.onset_s == pytest.approx(2.5, abs=0.001)
    (word,) = [s for s in stream.segments if s.recording.startswith("word")]
    assert word.at_s + 0.35 == pytest.approx(0.5 * (event.onset_s + event.offset_s), abs=0.2)
    assert [s.recording for s in stream.segments if not s.recording.startswith("talk")] == [word.recording]


def test_a_lone_word_starts_on_time_and_its_mark_begins_before_it(made):
    once = spec(
        corpus=str(made),
        classes=["wake_word"],
        play="once",
        start_s=2.0,
        watermark={"key": "reference", "on": "word"},
    )
    stream = play(once, made)
    stream.read(6 * RATE_HZ)
    (event,), (word,) = stream.truth, stream.segments
    assert word.at_s == pytest.approx(2.0, abs=0.001)
    assert event.onset_s < 2.0 < event.offset_s


def test_a_schedule_starts_as_often_as_it_says(made):
    scheduled = spec(corpus=str(made), classes=["wake_word"], play="once", schedule={"poisson_per_h": 120.0})
    stream = play(scheduled, made, duration_s=3600.0)
    for _ in stream.chunks(RATE_HZ):
        pass
    starts = np.array([s.at_s for s in stream.segments])
    assert len(starts) == pytest.approx(120, abs=33)  # three standard deviations
    assert np.std(np.diff(starts)) == pytest.approx(30.0, rel=0.35)
    assert np.all(np.diff(starts) >= [s.duration_s for s in stream.segments[:-1]])


def test_segments_cover_the_trial_and_credit_what_was_heard(made):
    stream = play(spec(corpus=str(made), classes=["talk", "music"]), made, duration_s=60.0)
    stream.read(60 * RATE_HZ)
    assert sum(s.duration_s for s in stream.segments) == pytest.approx(60.0, abs=0.001)
    for before, after in zip(stream.segments, stream.segments[1:], strict=False):
        assert after.at_s == pytest.approx(before.at_s + before.duration_s, abs=0.001)
    assert {s.author for s in stream.segments} == {"A. Nobody"}
    assert distinct_seconds(stream.segments) < 51.0  # of 51 s of recordings, some heard twice


def test_procedural_speech_and_music_never_repeat():
    stream = play(spec(), duration_s=120.0)
    stream.read(120 * RATE_HZ)
    assert distinct_seconds(stream.segments) == pytest.approx(120.0)


def test_a_loop_counts_one_round_however_long_it_goes_on(made):
    stream = play(spec(corpus=str(made), classes=["loop"]), made, duration_s=60.0)
    stream.read(60 * RATE_HZ)
    assert distinct_seconds(stream.segments) == pytest.approx(2.048)


def test_an_hour_takes_no_more_memory_than_minutes():
    stream = play(spec(classes=["speech"]), duration_s=3600.0, rate_hz=8000)
    for _ in range(120):
        stream.read(8000)
    tracemalloc.start()
    before = tracemalloc.get_traced_memory()[0]
    for _ in range(600):
        stream.read(8000)
    grown = tracemalloc.get_traced_memory()[0] - before
    tracemalloc.stop()
    assert grown < 2_000_000


@pytest.mark.parametrize(
    ("keys", "told"),
    [
        ({"distance_m": None}, "exactly one of distance_m, position_m, rule"),
        ({"rule": "wall"}, "exactly one of distance_m, position_m, rule"),
        ({"classes": []}, "at least 1 item"),
        ({"schedule": {"poisson_per_h": 10.0}}, 'schedule needs play = "once"'),
        ({"play": "once", "watermark": MARK}, 'play = "once" needs watermark.on = "word"'),
        ({"watermark": {"key": "reference"}}, "watermark.start_s is missing"),
        ({"start_s": 3.0, "watermark": MARK}, "the source starts only at 3 s"),
        ({"watermark": MARK | {"duration_s": 1.0}}, "greater than or equal to 2.048"),
        ({"level_db_spl": "70"}, "valid number"),
        ({"period_s": 0.0}, "greater than or equal to 0.02"),
    ],
)
def test_a_contradiction_is_explained(keys, told):
    with pytest.raises(ValidationError, match=told):
        spec(**keys)


@pytest.mark.parametrize(
    ("keys", "told"),
    [
        ({"classes": ["speach"]}, "no class 'speach' in corpus 'procedural'; it has speech, music"),
        ({"corpus": "hoosehold"}, "no corpus 'hoosehold'.*did you mean 'household'"),
        ({"watermark": MARK | {"key": "nobody"}}, "watermark.key: .*nobody"),
    ],
)
def test_what_is_not_there_is_said_before_the_first_trial(tmp_path, keys, told):
    with pytest.raises(BadInput, match=f"one.toml: source 'tv': {told}"):
        check_available(spec(**keys), "test", None, tmp_path / "one.toml")


def test_a_missing_recording_is_said_before_the_first_trial(tmp_path):
    corpus = write_corpus(tmp_path)
    (tmp_path / "audio/word_2.wav").unlink()
    with pytest.raises(BadInput, match="word_2.wav: no such recording"):
        check_available(
            spec(corpus=str(corpus), classes=["speech"]), "test", tmp_path / "audio", tmp_path / "one.toml"
        )


def test_a_missing_recording_of_a_noise_is_said_before_the_first_trial(tmp_path):
    corpus = write_corpus(tmp_path)
    (tmp_path / "audio/hum.wav").unlink()
    noise = NoiseSpec(kind="noise", name="home", colour="household", snr_db=10.0, corpus=str(corpus))
    with pytest.raises(BadInput, match="one.toml: source 'home': .*hum.wav: no such recording"):
        check_available(noise, "test", tmp_path / "audio", tmp_path / "one.toml")


def test_a_class_without_recordings_in_the_split_is_an_error(made):
    with pytest.raises(BadInput, match="class 'music' has no recording in split 'train'"):
        open_media(
            spec(corpus=str(made), classes=["music"]), seed=0, rate_hz=RATE_HZ, duration_s=1.0, split="train"
        )


def test_a_mark_after_the_end_of_the_trial_is_an_error():
    with pytest.raises(BadInput, match="4.55 s, after the end of the trial at 4 s"):
        play(spec(watermark=MARK), duration_s=4.0)
