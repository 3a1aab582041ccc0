"""Training scenes: a few seconds of a home, drawn and rendered, with what is heard in each 20 ms.

    scene = captured(background + sum over things of gain x (dry * response of the room)),   gain: by the SNR of each thing

SNR: RMS of the thing while active over RMS of the background while active, both as they arrive, 50 Hz-7 kHz. A frame is labelled 1 where
an event is heard in it, 0 where none of its label sounds, UNSURE in the pauses of an event, where it dies away, and all through one
that the background covers.
"""

from __future__ import annotations

import zlib
from dataclasses import dataclass

import numpy as np
import scipy.signal
from numpy.typing import NDArray
from pydantic import TypeAdapter

from detectors.interface import Event
from detectors.sound_events.features import RATE_HZ, STEP
from lab.sources.catalogue import SourceSpec, open_source
from lab.sources.householdlike import household_like
from lab.sources.loudness import active_rms
from lab.sources.noise import NoiseSpec, NoiseStream
from lab.sources.transmission import transmission_filter
from lab.training.sound_events.colour import captured, equalised, roughened
from lab.training.sound_events.drawing import FAMILIES, Family, draw_families
from lab.training.sound_events.recordings import Recordings, Sample, drawn, respeed, walk
from lab.training.sound_events.rooms import SPLITS, Room

TARGETS = (
    "smoke_alarm", "co_alarm", "legacy_smoke_alarm", "appliance_beep", "glass_break", "footsteps", "door_close", "door_knock",
)  # fmt: skip
ALARMS = TARGETS[:3]
UNSURE = -1
# Families, and labels of the corpus, of which nobody says whether they are these events. A recorded lorry that reverses is one of them; the
# computed one is in the family `endless` and is taught as an appliance's beep.
UNSAID = {
    "notification": ("appliance_beep",),
    "reversing_beeper": ("appliance_beep",),
    "tv_alarm": (*ALARMS, "appliance_beep"),
    "door_close_vehicle": ("door_close",),
}
FURNISHED = 0.4  # share of panes
SHORT_S, LONG_S = 12.0, 24.0
LONG = 0.3  # share of scenes of rhythmic things that are long
SNR_DB = (-5.0, 40.0)
PLAYED_SNR_DB = (10.0, 30.0)
STEADY = ("vacuum", "fan", "rain")  # that go on behind everything else
RECORDED = 0.45  # share of things that are recordings, where there are any
COVERED_DB = {True: -10.0, False: -2.0}  # loudest frame over background: tonal or not
HEARD_DB = -25.0  # below the loudest frame
HELD = 12  # frames after one in which a short sound is heard: a head answers late, and its answer is smoothed
AFTER_S = 0.3
_SPECS: TypeAdapter = TypeAdapter(SourceSpec)
_FADE = np.linspace(0.0, 1.0, RATE_HZ // 100, dtype=np.float32)


@dataclass(frozen=True, eq=False)
class Scene:
    """audio: int16 (samples,). labels: int8 (frames, len(TARGETS)). families: what was drawn. snr_db: of each of them. recorded: whether any
    recording is in it as a thing."""

    audio: NDArray[np.int16]
    labels: NDArray[np.int8]
    families: tuple[str, ...]
    snr_db: tuple[float, ...]
    recorded: bool = False

    @property
    def seconds(self) -> float:
        return len(self.audio) / RATE_HZ

    @property
    def float_audio(self) -> NDArray[np.float32]:
        return self.audio.astype(np.float32) / np.float32(2.0**15)


@dataclass(frozen=True, eq=False)
class Heard:
    """One thing as it arrives, from the beginning of the scene on, and its events."""

    audio: NDArray[np.float32]
    events: tuple[Event, ...]
    recorded: bool


def draw_scene(
    split: str, index: int, seed: int, rooms: list[Room], recordings: Recordings, clutter: bool = False
) -> Scene:
    """Scene `index` of a split: a pure function of its arguments. clutter: without labelled things, for mining."""
    rng = np.random.default_rng([seed, SPLITS[split], int(clutter), index])
    names = draw_families(rng, clutter)
    room = rooms[rng.integers(len(rooms))]
    rhythmic = bool(names) and FAMILIES[names[0]].tonal
    seconds = LONG_S if (clutter or rhythmic) and rng.random() < LONG else SHORT_S
    samples = round(seconds * RATE_HZ)
    background = _background(split, samples, room, recordings, rng)
    loudness = max(active_rms(background, RATE_HZ), 1e-9)
    labels = np.zeros((samples // STEP, len(TARGETS)), np.int8)
    total, snrs, recorded = background.astype(np.float32), [], False
    for name in names:
        family = FAMILIES[name]
        heard = _thing(family, split, seconds, room, recordings, rng)
        snr_db = float(rng.uniform(*SNR_DB))
        own = active_rms(heard.audio, RATE_HZ)
        if own <= 0.0:
            continue
        audio = heard.audio * np.float32(loudness / own * 10.0 ** (snr_db / 20.0))
        total += audio
        snrs.append(snr_db)
        recorded |= heard.recorded
        for event in heard.events:
            _label(labels, event, audio, loudness, family.tonal, name)
        if name in UNSAID:
            _unsure(labels, audio, loudness, UNSAID[name])
    return Scene(captured(total, rng), labels, tuple(names), tuple(snrs), recorded)


def play(
    sample: Sample, split: str, draw: int, seed: int, rooms: list[Room], recordings: Recordings
) -> Scene:
    """One recording in one draw of room, background and microphone, at its own speed; a step comes as a walk, a long one as a cut."""
    key = zlib.crc32(sample.recording.path.encode())
    rng = np.random.default_rng([seed, SPLITS[split], key, draw])
    seconds = SHORT_S
    samples = round(seconds * RATE_HZ)
    room = rooms[rng.integers(len(rooms))]
    background = _background(split, samples, room, Recordings(), rng)
    loudness = max(active_rms(background, RATE_HZ), 1e-9)
    start_s = float(rng.uniform(1.0, 3.0))
    audio = sample.audio
    if sample.event == "footsteps":
        origin = sample.recording.origin
        audio, _ = walk(recordings.events["footsteps"][origin], rng, seconds - start_s, steady=True)
    first = round(start_s * RATE_HZ)
    audio = audio[: samples - first]
    dry = np.zeros(samples, np.float32)
    dry[first : first + len(audio)] = audio
    wet = _in_room(dry, room, rng)
    snr_db = float(rng.uniform(*PLAYED_SNR_DB))
    wet *= np.float32(loudness / max(active_rms(wet, RATE_HZ), 1e-9) * 10.0 ** (snr_db / 20.0))
    labels = np.zeros((samples // STEP, len(TARGETS)), np.int8)
    if sample.event is not None:
        event = Event(start_s, start_s + len(audio) / RATE_HZ, sample.event)
        _label(labels, event, wet, loudness, sample.event in ALARMS, "")
    elif sample.recording.label in UNSAID:
        _unsure(labels, wet, loudness, UNSAID[sample.recording.label])
    return Scene(captured(background + wet, rng), labels, (sample.recording.label,), (snr_db,), True)


def _thing(
    family: Family, split: str, seconds: float, room: Room, recordings: Recordings, rng: np.random.Generator
) -> Heard:
    start_s = float(rng.uniform(0.2, seconds - 2.5))
    if family.tonal:
        start_s = float(rng.uniform(0.0, 0.45 * seconds))
    keys = family.keys(rng)
    seed = int(rng.integers(2**31))
    places = [
        label
        for label in family.recorded
        if label in (recordings.events if label == family.label else recordings.others)
    ]
    if places and rng.random() < RECORDED:
        dry, events = _recorded(family, str(rng.choice(places)), start_s, seconds, recordings, rng)
        return Heard(_in_room(dry, room, rng), events, True)
    spec = _SPECS.validate_python({**keys, "name": "thing", "distance_m": 1.0, "start_s": start_s})
    stream = open_source(spec, seed=seed, rate_hz=RATE_HZ, duration_s=seconds, split=split)
    dry = stream.read(round(seconds * RATE_HZ))
    if family.struck:
        if family.label == "glass_break" and rng.random() < FURNISHED:
            dry = dry + _furniture(dry, split, seed, start_s, seconds, rng)
        dry = roughened(dry, rng)
    return Heard(_in_room(dry, room, rng), stream.truth, False)


def _furniture(
    dry: NDArray[np.float32], split: str, seed: int, start_s: float, seconds: float, rng: np.random.Generator
) -> NDArray[np.float32]:
    """What a pane takes along: its frame, what was thrown, what stood on the sill. Windows are not broken in free air."""
    thing = str(rng.choice(("wood", "wood", "metal", "plastic")))
    keys = {"kind": "impact", "object": thing, "name": "thing", "distance_m": 1.0}
    spec = _SPECS.validate_python({**keys, "start_s": start_s + float(rng.uniform(0.0, 0.08))})
    stream = open_source(spec, seed=seed, rate_hz=RATE_HZ, duration_s=seconds, split=split)
    audio = stream.read(len(dry))
    own = active_rms(audio, RATE_HZ)
    gain = active_rms(dry, RATE_HZ) / own * 10.0 ** (rng.uniform(-12.0, 6.0) / 20.0) if own > 0.0 else 0.0
    return audio * np.float32(gain)


def _recorded(
    family: Family,
    label: str,
    start_s: float,
    seconds: float,
    recordings: Recordings,
    rng: np.random.Generator,
) -> tuple[NDArray[np.float32], tuple[Event, ...]]:
    """A recording, or a walk of recorded steps, where it falls in the scene."""
    tree = recordings.events if label == family.label else recordings.others
    samples = drawn(tree, label, rng)
    if family.label == "footsteps":
        audio, _ = walk(samples, rng, seconds - start_s)
    else:
        audio = respeed(samples[0].audio, rng)
    audio = equalised(audio, rng)
    out = np.zeros(round(seconds * RATE_HZ), np.float32)
    first = round(start_s * RATE_HZ)
    audio = audio[: len(out) - first]
    out[first : first + len(audio)] = audio
    event = Event(start_s, start_s + len(audio) / RATE_HZ, family.label) if family.label else None
    return out, (event,) if event else ()


def _in_room(dry: NDArray[np.float32], room: Room, rng: np.random.Generator) -> NDArray[np.float32]:
    """Through one response of the room, of which the direct sound may count more or less; now and then dry, or through a door more."""
    if rng.random() < 0.12:
        return dry
    response = room.responses[rng.integers(len(room.responses))].copy()
    response[RATE_HZ // 400 :] *= np.float32(10.0 ** (rng.uniform(-8.0, 4.0) / 20.0))
    if rng.random() < 0.12:
        response = scipy.signal.fftconvolve(
            response, transmission_filter(str(rng.choice(("open_door", "closed_door"))), RATE_HZ)
        )
    return scipy.signal.oaconvolve(dry, response)[: len(dry)].astype(np.float32)


def _background(
    split: str, samples: int, room: Room, recordings: Recordings, rng: np.random.Generator
) -> NDArray[np.float32]:
    """One or two of: coloured noise, a home at work, a television, a vacuum cleaner, a fan, rain, voices, a recording. Unit RMS each before
    they are mixed."""
    total = np.zeros(samples, np.float32)
    for layer in range(1 + int(rng.random() < 0.35)):
        one = _layer(split, samples, room, recordings, rng)
        loud = active_rms(one, RATE_HZ)
        if loud > 0.0:
            total += one * np.float32(
                (1.0 if layer == 0 else 10.0 ** (rng.uniform(-20.0, 0.0) / 20.0)) / loud
            )
    # No room is silent: what lies under everything else.
    total += 10.0 ** (rng.uniform(-45.0, -20.0) / 20.0) * rng.standard_normal(samples).astype(np.float32)
    return total


def _layer(
    split: str, samples: int, room: Room, recordings: Recordings, rng: np.random.Generator
) -> NDArray[np.float32]:
    seconds, seed = samples / RATE_HZ, int(rng.integers(2**31))
    kinds = ("noise", "home", "media", "steady", "babble", "recorded")
    kind = str(rng.choice(kinds, p=(0.28, 0.14, 0.23, 0.12, 0.07, 0.16)))
    if kind == "recorded" and recordings.backgrounds:
        label = str(rng.choice(list(recordings.backgrounds)))
        audio = respeed(drawn(recordings.backgrounds, label, rng)[0].audio, rng)
        if len(audio) < samples:
            audio = np.tile(audio, 1 + samples // len(audio))
        first = int(rng.integers(len(audio) - samples + 1))
        return equalised(audio[first : first + samples], rng)
    if kind == "home":
        return equalised(household_like(seed, RATE_HZ, seconds), rng)
    if kind in ("media", "steady"):
        spec = {"name": "layer", "level_db_spl": 60.0, "distance_m": 1.0}
        if kind == "media":
            spec |= {"kind": "media", "classes": [str(rng.choice(("speech", "music")))]}
        else:
            spec |= {"kind": "background", "sound": str(rng.choice(STEADY)), "lasts_s": seconds}
        stream = open_source(
            _SPECS.validate_python(spec), seed=seed, rate_hz=RATE_HZ, duration_s=seconds, split=split
        )
        return _in_room(stream.read(samples), room, rng)
    colour = "babble" if kind == "babble" else str(rng.choice(("pink", "white"), p=(0.75, 0.25)))
    spec = NoiseSpec(kind="noise", name="noise", colour=colour, level_db_spl=50.0)
    noise = NoiseStream(spec, channels=1, rate_hz=RATE_HZ, seed=seed, split=split).read(samples)[0]
    return equalised(noise, rng, 7.0) * _swell(samples, rng)


def _swell(samples: int, rng: np.random.Generator) -> NDArray[np.float32]:
    """Noise that comes and goes by some dB over seconds."""
    at = np.linspace(0.0, samples, 8)
    level_db = rng.uniform(0.0, 4.0) * rng.standard_normal(8)
    return (10.0 ** (np.interp(np.arange(samples), at, level_db) / 20.0)).astype(np.float32)


def _frame_rms(audio: NDArray[np.float32], frames: int) -> NDArray[np.float64]:
    return np.sqrt(np.square(audio[: frames * STEP], dtype=np.float64).reshape(frames, STEP).mean(axis=1))


def _label(
    labels: NDArray[np.int8], event: Event, audio: NDArray, loudness: float, tonal: bool, family: str
) -> None:
    """Marks one event: 1 where heard, UNSURE elsewhere in its span and shortly after."""
    if event.label not in TARGETS or family == "notification":
        return
    column = TARGETS.index(event.label)
    level = _frame_rms(audio, len(labels))
    first = int(event.onset_s * RATE_HZ / STEP)
    last = min(len(labels), int(np.ceil((event.offset_s + AFTER_S) * RATE_HZ / STEP)))
    if last <= first:
        return
    inside = level[first:last]
    heard = inside > inside.max() * 10.0 ** (HEARD_DB / 20.0)
    heard &= inside > loudness * 10.0 ** ((COVERED_DB[tonal] - 10.0) / 20.0)
    if inside.max() < loudness * 10.0 ** (COVERED_DB[tonal] / 20.0):
        heard[:] = False
    if not tonal:
        last = min(len(labels), last + HELD)
        heard = (
            np.convolve(np.pad(heard, (0, last - first - len(heard))), np.ones(HELD + 1))[: last - first]
            > 0.0
        )
    span = labels[first:last, column]
    span[heard] = 1
    span[~heard & (span == 0)] = UNSURE


def _unsure(labels: NDArray[np.int8], audio: NDArray, loudness: float, columns: tuple[str, ...]) -> None:
    """Nobody says whether a telephone is an appliance, nor whether a film's alarm is an alarm: neither is taught."""
    heard = _frame_rms(audio, len(labels)) > 0.02 * loudness
    where = np.flatnonzero(heard)
    if not len(where):
        return
    span = slice(where[0], min(len(labels), where[-1] + 15))
    for name in columns:
        column = labels[span, TARGETS.index(name)]
        column[column == 0] = UNSURE
