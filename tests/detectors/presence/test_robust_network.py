"""Faults of a stream, held by the shipped builds with their network: two captures of a room in which somebody stands, then walks.

Each is rendered once, with the detector in the loop, and heard again with a fault on the way in. That is the capture which the faulty
detector would have made as long as it commands what was commanded before; where it does not, hearing ends.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import cache

import numpy as np
import pytest
from numpy.typing import NDArray

from detectors.build import load_build
from detectors.interface import BASEBAND, PLAYBACK, SILENT, ULTRASONIC, Block, Emission, StreamFormat
from detectors.presence.context import Occupancy
from detectors.stack import Stack
from lab.bench.simulated.bench import SimulatedBench
from lab.bench.simulated.session import SimulatedSession
from lab.scenario.load import load_scenario

BLOCK_S, BACK_S, FOUND_S = 0.05, 5.0, 2.0
CONVERTER_HZ = 96_000
FULL_SCALE_DB_SPL = 130.0
GARBAGE = 1e30  # a number, but none that a converter gives
SCENE = """
format = "earshot-scenario/1"
id = "faults"
title = "A person stands at 2.5 m and then walks towards the device"
device = "ultrasonic_speaker"
trials = 1
duration_s = {duration_s}
[room]
size_m = [5.0, 4.0, 2.7]
rt60_s = 0.3
[placement]
position_m = [0.4, 2.0, 1.2]
[[movers]]
kind = "walker"
name = "person"
route = "radial"
distance_m = 2.5
travel_m = 1.4
start_s = {walk_s}
"""
WALKED_S = 2.2  # 1.4 m at 1.2 m/s, and getting to it
MUSIC = """
[[sources]]
kind = "playback"
name = "music"
level_db_spl = 60.0
"""


@dataclass(frozen=True)
class Course:
    """When what happens: a fault that comes and, where it can, goes, and a walk that begins later than BACK_S after it."""

    build: str
    scene: str
    start_s: float
    stop_s: float
    walk_s: float
    duration_s: float


# Long enough for faults that come while somebody walks, too.
ENVELOPE = Course("presence_baseband", SCENE, start_s=7.0, stop_s=8.5, walk_s=13.6, duration_s=22.5)
SAMPLES = Course("presence", SCENE + MUSIC, start_s=10.5, stop_s=12.0, walk_s=17.1, duration_s=19.2)
COURSES = {BASEBAND: ENVELOPE, ULTRASONIC: SAMPLES}

Streams = dict[str, NDArray]


@dataclass(frozen=True, eq=False)
class Capture:
    """formats, streams: by name. commanded: what was emitted in each block."""

    course: Course
    formats: Mapping[str, StreamFormat]
    streams: Streams
    commanded: tuple[Emission, ...]

    @property
    def carrier_hz(self) -> float:
        return self.commanded[-1].carriers_hz[0]


@dataclass(frozen=True, eq=False)
class Heard:
    """when: seconds, (n,), at which scores were known, as far as the capture holds. before: whether somebody was there as the walk began."""

    when: NDArray
    presence: NDArray
    major: NDArray
    before: Occupancy

    def during(self, start_s: float, stop_s: float) -> NDArray:
        return self.presence[(self.when > start_s) & (self.when <= stop_s)]


def session(course: Course, stack: Stack, folder) -> SimulatedSession:
    path = folder / f"{course.build}.toml"
    path.write_text(course.scene.format(duration_s=course.duration_s, walk_s=course.walk_s))
    scenario = load_scenario(path)
    return SimulatedBench(block_s=BLOCK_S).open(scenario.draw(scenario.cells()[0], 0, 1), stack.needs)


def render(course: Course, folder) -> Capture:
    """With the build in the loop. The tone stays on when somebody has been found: another may find them later."""
    stack = Stack(load_build(course.build))
    opened = session(course, stack, folder)
    stack.open(opened.formats)
    emission, commanded, parts = SILENT, [], []
    while (block := opened.next(emission)) is not None:
        parts.append(block.streams)
        commanded.append(emission)
        wanted = stack.feed(block)
        emission = wanted if block.start_s < course.walk_s else emission
    streams = {name: np.concatenate([part[name] for part in parts], axis=1) for name in opened.formats}
    return Capture(course, opened.formats, streams, tuple(commanded))


def listen(capture: Capture, streams: Streams) -> Heard:
    """What the build hears of these streams, until it commands what the capture does not hold."""
    course, stack = capture.course, Stack(load_build(capture.course.build))
    stack.open(capture.formats)
    (detector,) = stack.detectors.values()
    steps = {name: round(BLOCK_S * form.rate_hz) for name, form in capture.formats.items()}
    clock_hz = max(form.rate_hz for form in capture.formats.values())
    length, emission, before = round(BLOCK_S * clock_hz), SILENT, detector.occupancy
    for number, commanded in enumerate(capture.commanded):
        if emission != commanded:
            break
        parts = {name: streams[name][:, number * step : (number + 1) * step] for name, step in steps.items()}
        emission = stack.feed(Block(number * length, length, clock_hz, parts))
        if (number + 1) * BLOCK_S <= course.walk_s + 1e-6:
            before = detector.occupancy
    tracks = {track.label: track for track in detector.tracks()}
    presence = tracks["presence"]
    return Heard(presence.times_s, presence.scores, tracks["major_motion"].scores, before)


def faulty(capture: Capture, kind: str, start_s: float, stop_s: float) -> Streams:
    """The capture with a fault that neither starts nor ends with a block; one that is not among GOING has no end."""
    name = BASEBAND if BASEBAND in capture.formats else ULTRASONIC
    rate_hz = capture.formats[name].rate_hz
    streams = {key: samples.copy() for key, samples in capture.streams.items()}
    samples = streams[name]
    first, last = round((start_s + 0.007) * rate_hz), round((stop_s + 0.004) * rate_hz)
    during, rest = slice(first, last), slice(first, None)
    if kind == "nan":
        samples[:, during] = np.nan
    elif kind == "one nan":
        samples[2, first] = np.nan
    elif kind == "nan at one microphone":
        samples[1, rest] = np.nan
    elif kind == "clipping":
        samples[:, during] = overdriven(samples[:, during])
    elif kind == "dead microphone":
        samples[3, rest] = 0.0
    elif kind == "dead microphone that comes back":
        samples[3, during] = 0.0
    elif kind == "microphone of noise":
        samples[0, rest] = 1e-5 * np.random.default_rng(7).standard_normal(samples.shape[1] - first)
    elif kind == "loose contact":
        samples[0, during] *= np.repeat(np.arange(40) % 2, (last - first) // 40 + 1)[: last - first]
    elif kind == "tone":
        samples[:, rest] += tone(capture, samples.shape[1] - first, rate_hz)
    elif kind == "tone for a while":
        samples[:, during] += tone(capture, last - first, rate_hz)
    elif kind == "lost samples":
        lose(capture, streams, name, first, 17)
    elif kind == "lost block":
        lose(capture, streams, name, first, round(BLOCK_S * CONVERTER_HZ))
    elif kind == "lost block of playback":
        played_hz = capture.formats[PLAYBACK].rate_hz
        skip(streams[PLAYBACK], first * played_hz // rate_hz, round(BLOCK_S * played_hz))
    elif kind == "lost block, playback with it":
        count = round(BLOCK_S * CONVERTER_HZ)
        lose(capture, streams, name, first, count)
        played_hz = capture.formats[PLAYBACK].rate_hz
        skip(streams[PLAYBACK], first * played_hz // rate_hz, count * played_hz // CONVERTER_HZ)
    elif kind == "suspended":
        suspend(capture, streams, start_s, stop_s)
    elif kind == "suspended and moved":
        lose(capture, streams, name, last, 17)
        samples[:, last:] *= np.float32(0.7)
        suspend(capture, streams, start_s, stop_s)
    elif kind == "garbage":
        samples[:, first] = GARBAGE
    elif kind == "garbage at one microphone":
        samples[2, first] = GARBAGE
    else:
        raise ValueError(kind)
    return streams


GOING = (
    "nan",
    "clipping",
    "dead microphone that comes back",
    "loose contact",
    "tone for a while",
    "suspended",
    "suspended and moved",
)


def overdriven(samples: NDArray) -> NDArray:
    """40 dB too loud for a converter."""
    parts = (100.0 * samples).astype(samples.dtype).view(np.float32)
    return np.clip(parts, -1.0, 1.0).view(samples.dtype)


def tone(capture: Capture, count: int, rate_hz: int) -> NDArray:
    """Of another device, 60 dB SPL at the microphones, 311 Hz above the carrier: among people's Doppler. (M, count)."""
    (channels,) = {form.channels for name, form in capture.formats.items() if name != PLAYBACK}
    amplitude = np.sqrt(2.0) * 10.0 ** ((60.0 - FULL_SCALE_DB_SPL) / 20.0)
    above = 0.0 if BASEBAND in capture.formats else capture.carrier_hz
    bearing = np.random.default_rng(3).uniform(0.0, 2.0 * np.pi, (channels, 1))
    turned = amplitude * np.exp(1j * (bearing + 2.0 * np.pi * (above + 311.3) * np.arange(count) / rate_hz))
    return (turned if BASEBAND in capture.formats else turned.real).astype(
        np.complex64 if BASEBAND in capture.formats else np.float32
    )


def lose(capture: Capture, streams: Streams, name: str, at: int, count: int) -> None:
    """`count` samples of the converter are missing; an envelope turns by what the carrier turned meanwhile."""
    if name == BASEBAND:
        streams[name][:, at:] *= np.exp(2j * np.pi * capture.carrier_hz * count / CONVERTER_HZ)
        count = round(count * capture.formats[name].rate_hz / CONVERTER_HZ)
    skip(streams[name], at, count)


def skip(samples: NDArray, at: int, count: int) -> None:
    if count:
        samples[:, at:-count] = samples[:, at + count :].copy()


def suspend(capture: Capture, streams: Streams, start_s: float, stop_s: float) -> None:
    for name, form in capture.formats.items():
        streams[name][:, round((start_s + 0.007) * form.rate_hz) : round((stop_s + 0.004) * form.rate_hz)] = 0


@pytest.fixture(scope="module")
def capture(tmp_path_factory) -> Callable[[str], Capture]:
    folder = tmp_path_factory.mktemp("faults")
    return cache(lambda form: render(COURSES[form], folder))


def found_late(heard: Heard, course: Course) -> bool:
    walking = (heard.when > course.walk_s) & (heard.when <= course.walk_s + FOUND_S)
    return bool(np.any(heard.major[walking] >= 0.5))


@pytest.mark.parametrize("form", [BASEBAND, ULTRASONIC])
def test_without_a_fault_nobody_is_there_until_the_walk(capture, form):
    one = capture(form)
    heard, course = listen(one, one.streams), one.course
    sensing = heard.during(course.start_s - 1.0, course.walk_s)
    assert np.isfinite(sensing).all() and sensing.max() < 0.25
    assert heard.before is Occupancy.VACANT
    assert found_late(heard, course)


FAULTS = [
    *(
        (BASEBAND, kind)
        for kind in (
            "nan",
            "one nan",
            "nan at one microphone",
            "clipping",
            "dead microphone",
            "dead microphone that comes back",
            "microphone of noise",
            "loose contact",
            "tone",
            "tone for a while",
            "lost samples",
            "lost block",
            "suspended",
            "suspended and moved",
        )
    ),
    (BASEBAND, "garbage"),
    (BASEBAND, "garbage at one microphone"),
    *(
        (ULTRASONIC, kind)
        for kind in (
            "nan",
            "clipping",
            "dead microphone",
            "tone",
            "lost samples",
            "lost block",
            "lost block of playback",
            "lost block, playback with it",
            "suspended and moved",
        )
    ),
    (ULTRASONIC, "garbage at one microphone"),
]


@pytest.mark.parametrize(("form", "kind"), FAULTS)
def test_a_fault_shows_nobody_and_is_over_within_five_seconds(capture, form, kind):
    one = capture(form)
    course = one.course
    heard = listen(one, faulty(one, kind, course.start_s, course.stop_s))
    assert not np.any(heard.during(0.0, course.walk_s) >= 0.5)
    assert heard.before is Occupancy.VACANT
    ends_s = (course.stop_s if kind in GOING else course.start_s) + 0.007
    back = heard.during(ends_s + BACK_S, course.walk_s + 0.3)
    assert len(back) > 5 and np.isfinite(back).all()
    assert found_late(heard, course)


@pytest.mark.parametrize("form", [BASEBAND, ULTRASONIC])
@pytest.mark.parametrize("kind", ["nan", "clipping", "suspended"])
def test_what_cannot_be_used_has_no_score(capture, form, kind):
    one = capture(form)
    short = replace(one, commanded=one.commanded[: round(one.course.stop_s / BLOCK_S)])
    heard = listen(short, faulty(one, kind, one.course.start_s, one.course.stop_s))
    during = heard.during(one.course.start_s + 0.1, one.course.stop_s)
    assert len(during) > 20 and np.isnan(during).all()


@pytest.mark.parametrize("kind", ["nan", "dead microphone", "tone", "lost block", "suspended and moved"])
def test_a_fault_while_somebody_walks_does_not_latch(capture, kind):
    one = capture(BASEBAND)
    start_s, stop_s = one.course.walk_s + 1.8, one.course.walk_s + 2.8
    heard = listen(one, faulty(one, kind, start_s, stop_s))
    assert np.nanmax(heard.during(one.course.walk_s, start_s)) >= 0.5
    last_s = max(stop_s if kind in GOING else start_s, one.course.walk_s + WALKED_S)
    after = heard.during(last_s + BACK_S, one.course.duration_s)
    assert len(after) > 10 and np.isfinite(after).all() and after.max() < 0.5


@pytest.mark.parametrize(
    ("start_s", "stop_s"),
    [
        (0.3, 2.3),
        (0.3, 4.0),
    ],
)
def test_a_fault_in_calibration_leaves_it_as_it_would_have_been(capture, tmp_path, start_s, stop_s):
    """The emission depends on the fault, so that this is rendered with the fault in the loop."""
    usual = capture(BASEBAND).commanded[-1]
    course = replace(ENVELOPE, walk_s=stop_s + BACK_S + 0.5, duration_s=stop_s + BACK_S + 2.5)
    stack = Stack(load_build(course.build))
    opened = session(course, stack, tmp_path)
    stack.open(opened.formats)
    emission = SILENT
    while (block := opened.next(emission)) is not None:
        if start_s <= block.start_s < stop_s:
            block.streams[BASEBAND][:] = np.nan
        emission = stack.feed(block)
    (detector,) = stack.detectors.values()
    presence = detector.tracks()[0]
    settled = (presence.times_s > stop_s + BACK_S) & (presence.times_s <= course.walk_s)
    assert np.isfinite(presence.scores[settled]).all() and presence.scores[settled].max() < 0.5
    assert presence.scores[presence.times_s > course.walk_s].max() >= 0.5
    assert not detector.calibrations[-1].blocked
    assert emission.level_db_spl == pytest.approx(usual.level_db_spl, abs=3.0)
