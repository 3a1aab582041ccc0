"""A trial on disk: what the microphones hear, the truth, and what was drawn."""

from __future__ import annotations

import json
import shlex
from dataclasses import asdict, dataclass
from pathlib import Path

from detectors.interface import AUDIBLE, SILENT, ULTRASONIC, Emission, Event, StreamNeed
from lab.bench.simulated.bench import SimulatedBench
from lab.corpora.audio import check_folder
from lab.corpora.split import Split
from lab.errors import BadInput
from lab.runs.sound_file import written
from lab.runs.trial import drawn_values
from lab.scenario.trial import Trial

# A WAV header counts bytes in 32 bits; above this the 64-bit form is written under the same name.
_WAV_LIMIT_BYTES = 2**32 - 2**20
TONE = Emission((34_000.0,), 85.0)  # what a device emits when nobody says otherwise
_SUBTYPES = {8: "PCM_U8", 16: "PCM_16", 24: "PCM_24"}


@dataclass(frozen=True)
class Rendered:
    """What was written. carrier_hz: of the tone the device emitted meanwhile, None for a stream people can hear."""

    wav: Path
    truth: Path
    drawn: Path
    carrier_hz: float | None


def write_trial(
    trial: Trial, stem: Path, corpus: Path | None = None, stream: str | None = None, tone: Emission = TONE
) -> Rendered:
    """Write STEM.wav, STEM.tsv and STEM.json, streaming.

    corpus: folder of recordings, None for the cache. stream: `audible` or `ultrasonic`; None for ultrasonic where the
    device has it and something moves or the device plays. tone: what the device emits if it is ultrasonic.
    """
    check_folder(corpus)
    device = trial.spec.device
    stream = stream or _worth_hearing(trial)
    converter = device.audible if stream == AUDIBLE else device.ultrasonic
    if converter is None:
        raise BadInput(f"{trial.scenario_id}: device {device.id} has no [ultrasonic] converter to render")
    session = SimulatedBench(corpus=corpus).open(trial, {stream: StreamNeed((converter.rate_hz,))})
    emission = tone if stream == ULTRASONIC else SILENT
    form = session.formats[stream]
    stem.parent.mkdir(parents=True, exist_ok=True)
    wav, tsv, drawn = (stem.with_name(stem.name + ending) for ending in (".wav", ".tsv", ".json"))
    subtype = _SUBTYPES.get(converter.bits, "PCM_24")
    size = trial.spec.duration_s * form.rate_hz * form.channels * 3
    container = "RF64" if size > _WAV_LIMIT_BYTES else "WAV"
    with written(wav, form.rate_hz, form.channels, subtype, container) as append:
        while (block := session.next(emission)) is not None:
            append(block.streams[stream].T)
    facts = session.facts()
    write_events(tsv, [(wav.name, event) for event in facts.truth])
    content = {
        "scenario": trial.scenario_id,
        "hash": trial.scenario_hash,
        "cell": dict(trial.cell.values),
        "trial": trial.index,
        "seed": trial.seed,
        "stream": stream,
        "emission": asdict(emission),
        "drawn": drawn_values(trial),
        "clusters": dict(facts.clusters),
        "measured": dict(facts.measured),
        "segments": [asdict(segment) for segment in facts.segments],
        "invalid": facts.invalid,
    }
    drawn.write_text(json.dumps(content, indent=1) + "\n")
    return Rendered(wav, tsv, drawn, *(emission.carriers_hz or (None,)))


def render_command(path: Path | str, trial: Trial, stream: str = AUDIBLE) -> str:
    """The command line that renders a trial again."""
    words = ["lab", "render", str(path), "--trial", str(trial.index), "--seed", str(trial.seed)]
    if trial.cell.key:
        words += ["--cell", trial.cell.key]
    if trial.spec.split != Split.TEST:
        words += ["--split", trial.spec.split]
    if stream != AUDIBLE:
        words += ["--stream", stream]
    return shlex.join(words)


def _worth_hearing(trial: Trial) -> str:
    spec = trial.spec
    played = any(source.kind == "playback" for source in spec.sources)
    return ULTRASONIC if spec.device.ultrasonic is not None and (spec.movers or played) else AUDIBLE


def write_events(path: Path, events: list[tuple[str, Event]]) -> None:
    """A DCASE file: filename, onset, offset, event_label, tab-separated with a header."""
    lines = ["filename\tonset\toffset\tevent_label"]
    lines += [f"{name}\t{e.onset_s:.4f}\t{e.offset_s:.4f}\t{e.label}" for name, e in events]
    path.write_text("\n".join(lines) + "\n")
