"""A trial on disk: what the microphones hear, the truth, and what was drawn."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path

import soundfile

from detectors.interface import AUDIBLE, SILENT, Event, StreamNeed
from lab.bench.simulated.bench import SimulatedBench
from lab.runs.trial import drawn_values
from lab.scenario.trial import Trial

# A WAV header counts bytes in 32 bits; above this the 64-bit form is written under the same name.
_WAV_LIMIT_BYTES = 2**32 - 2**20
_SUBTYPES = {8: "PCM_U8", 16: "PCM_16", 24: "PCM_24"}


def write_trial(trial: Trial, stem: Path, corpus: Path | None = None) -> tuple[Path, Path, Path]:
    """Write STEM.wav, STEM.tsv and STEM.json, streaming; returns their paths.

    corpus: folder of recordings, None for the cache.
    """
    spec = trial.spec.device.audible
    session = SimulatedBench(corpus=corpus).open(trial, {AUDIBLE: StreamNeed((spec.rate_hz,))})
    form = session.formats[AUDIBLE]
    stem.parent.mkdir(parents=True, exist_ok=True)
    wav, tsv, drawn = (stem.with_name(stem.name + ending) for ending in (".wav", ".tsv", ".json"))
    subtype = _SUBTYPES.get(spec.bits, "PCM_24")
    size = trial.spec.duration_s * form.rate_hz * form.channels * 3
    with soundfile.SoundFile(
        wav, "w", form.rate_hz, form.channels, subtype, format="RF64" if size > _WAV_LIMIT_BYTES else "WAV"
    ) as file:
        while (block := session.next(SILENT)) is not None:
            file.write(block.streams[AUDIBLE].T)
    facts = session.facts()
    write_events(tsv, [(wav.name, event) for event in facts.truth])
    content = {
        "scenario": trial.scenario_id,
        "hash": trial.scenario_hash,
        "cell": dict(trial.cell.values),
        "trial": trial.index,
        "seed": trial.seed,
        "drawn": drawn_values(trial),
        "clusters": dict(facts.clusters),
        "measured": dict(facts.measured),
        "segments": [asdict(segment) for segment in facts.segments],
        "invalid": facts.invalid,
    }
    drawn.write_text(json.dumps(content, indent=1) + "\n")
    return wav, tsv, drawn


def write_events(path: Path, events: list[tuple[str, Event]]) -> None:
    """A DCASE file: filename, onset, offset, event_label, tab-separated with a header."""
    lines = ["filename\tonset\toffset\tevent_label"]
    lines += [f"{name}\t{e.onset_s:.4f}\t{e.offset_s:.4f}\t{e.label}" for name, e in events]
    path.write_text("\n".join(lines) + "\n")
