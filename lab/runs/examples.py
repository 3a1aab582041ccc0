"""Clips of the worst misses and false alarms, rendered again from their seeds, with the credit each recording is due."""

from __future__ import annotations

import zlib
from collections.abc import Callable, Container, Iterable, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from detectors.build import Build
from detectors.interface import AUDIBLE, BASEBAND, SILENT, ULTRASONIC, StreamNeed
from lab.bench.physical.bench import CAPTURES, capture_name
from lab.bench.physical.kept import heard_again, last_note
from lab.bench.simulated.bench import SimulatedBench
from lab.runs.echo import RATE_HZ, TOLD, audible_echo, envelope_of
from lab.runs.options import RunOptions
from lab.runs.plan import Planned
from lab.runs.render import TONE, render_command
from lab.runs.sound_file import written
from lab.scenario.trial import Trial
from lab.scoring.outcome import Outcome
from lab.scoring.worst import false_alarms, misses
from lab.sources.segments import Segment
from lab.store.results import Credit, Example, Results
from lab.store.store import Store

FOLDER = "clips"
Clip = tuple[
    NDArray[np.float32], int, Sequence[Segment], str
]  # audio, rate, what was played, how to hear it all
# Of a trial of a scenario file, between two moments, of what a detector hears: its echo where it listens above hearing only.
Cut = Callable[[Trial, Path, float, float, bool], Clip]
_BEFORE_S, _AFTER_S = 3.5, 1.5  # around the moment: a mark lasts 2 s and is decided at its end
_PEAK = 0.7


def write_examples(
    results: Results, store: Store, planned: Sequence[Planned], options: RunOptions, build: Build
) -> Results:
    """Add up to `options.examples` misses and as many false alarms to each scenario, with a clip of each. Who misses what is not asked for
    misses nothing."""
    cut = from_captures(options) if options.rig is not None else _rendered(options)
    above = {one.name for one in build.detectors if AUDIBLE not in one.streams}
    scenarios = []
    for scenario, one in zip(results.scenarios, planned, strict=True):
        outcomes = [
            Outcome.from_json(kept).asked(one.scenario.first.expect.labels)
            for record in store.trials(results.run, one.scenario.id, one.scenario.hash)
            if record.index < one.trials_per_cell
            for kept in record.outcomes
        ]
        examples = [
            _example(cut, one, scenario.seed, options.out, above, *worst)
            for worst in _worst(outcomes, options.examples)
        ]
        scenarios.append(scenario.model_copy(update={"examples": examples}))
    return results.model_copy(update={"scenarios": scenarios})


def _worst(outcomes: Iterable[Outcome], limit: int) -> list[tuple[str, Outcome, float, float]]:
    """(kind, outcome, moment in s, score), the worst first of each kind."""
    valid = [outcome for outcome in outcomes if outcome.invalid is None]
    missed = [
        ("miss", outcome, target.offset_s, target.peak.score if target.peak else float("nan"))
        for outcome, target in misses(valid, limit)
    ]
    alarms = [("false_alarm", outcome, m.at_s, m.score) for outcome, m in false_alarms(valid, limit)]
    return missed + alarms


def _example(
    cut: Cut,
    one: Planned,
    seed: int,
    out: Path,
    above: Container[str],
    kind: str,
    outcome: Outcome,
    at_s: float,
    score: float,
) -> Example:
    cell = next(c for c in one.scenario.cells() if dict(c.values) == dict(outcome.cell))
    trial = one.scenario.draw(cell, outcome.index, seed)
    start_s = max(0.0, at_s - _BEFORE_S)
    echo = outcome.rule.detector in above
    audio, rate_hz, segments, command = cut(trial, one.scenario.path, start_s, at_s + _AFTER_S, echo)
    # A cell's key may hold what a file name may not; its checksum tells the clips of two cells apart.
    name = f"{one.scenario.id}-{kind}-{zlib.crc32(cell.key.encode()):08x}-{outcome.index}.flac"
    path = out / FOLDER / name
    path.parent.mkdir(exist_ok=True)
    peak = float(np.max(np.abs(audio), initial=0.0))
    with written(path, rate_hz, audio.shape[1] if audio.ndim > 1 else 1, "PCM_16") as append:
        append(audio * (_PEAK / peak) if peak > 0 else audio)
    return Example(
        kind=kind,
        cell=dict(cell.values),
        trial=outcome.index,
        detector=outcome.rule.detector,
        label=outcome.rule.label,
        at_s=at_s,
        score=score if np.isfinite(score) else 0.0,
        threshold=outcome.rule.threshold,
        clip=f"{FOLDER}/{name}",
        note=TOLD if echo and rate_hz == RATE_HZ else None,
        credits=_credits(segments, start_s, at_s + _AFTER_S),
        command=command,
    )


def _rendered(options: RunOptions) -> Cut:
    """Cuts from trials rendered again; what lies before a cut is rendered but not kept."""
    bench = SimulatedBench(corpus=options.corpus)

    def cut(trial: Trial, path: Path, start_s: float, end_s: float, echo: bool) -> Clip:
        stream, need = (BASEBAND, (RATE_HZ,)) if echo else (AUDIBLE, (16000, 48000))
        session = bench.open(trial, {stream: StreamNeed(need, 1)})
        rate_hz = session.formats[stream].rate_hz
        kept = []
        while (block := session.next(TONE if echo else SILENT)) is not None and block.start_s < end_s:
            samples = block.streams[stream][0]
            first = max(0, round((start_s - block.start_s) * rate_hz))
            last = max(0, round((end_s - block.start_s) * rate_hz))
            kept.append(samples[first:last])
        audio = np.concatenate(kept) if kept else np.zeros(0, np.float32)
        segments = session.facts().segments
        if echo:
            return audible_echo(audio), RATE_HZ, segments, render_command(path, trial, ULTRASONIC)
        return audio, rate_hz, segments, render_command(path, trial)

    return cut


def from_captures(options: RunOptions) -> Cut:
    """Cuts from what a bench has recorded; the command tells where the whole capture is."""
    assert options.rig is not None
    rig, folder = options.rig, options.out / CAPTURES

    def cut(trial: Trial, path: Path, start_s: float, end_s: float, echo: bool) -> Clip:
        note = last_note(folder, capture_name(trial))
        audio, rate_hz, segments = heard_again(note, trial, rig, start_s, end_s, above=echo)
        if echo:
            assert trial.spec.device.ultrasonic is not None, "refused by the plan"
            envelope = envelope_of(audio, rate_hz, trial.spec.device.ultrasonic.carrier_band_hz)
            audio, rate_hz = audible_echo(envelope), RATE_HZ
        return audio, rate_hz, segments, f"{CAPTURES}/{note.stem}"

    return cut


def _credits(segments: Sequence[Segment], start_s: float, end_s: float) -> list[Credit]:
    heard = [s for s in segments if s.at_s < end_s and s.at_s + s.duration_s > start_s]
    named = {(s.title, s.author, s.licence) for s in heard}
    return [Credit(title=title, author=author, licence=licence) for title, author, licence in sorted(named)]
