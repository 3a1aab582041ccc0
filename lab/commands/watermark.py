"""`lab watermark`: put a mark into a file, look for one, and work out the threshold."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from detectors.watermark.key import Key

app = typer.Typer(help="Hide a watermark in a recording, or hear one.", no_args_is_help=True)

KeyFile = Annotated[
    str, typer.Option("--key-file", help="Key file, or the name of a key that comes with the lab.")
]


@app.command()
def embed(
    source: Annotated[Path, typer.Argument(metavar="IN", help="Any file libsndfile reads, from 8 kHz.")],
    target: Annotated[
        Path, typer.Argument(metavar="OUT", help="Same rate and channels; format by its suffix.")
    ],
    key_file: KeyFile = "reference",
    start_s: Annotated[float, typer.Option(min=0.0, help="Where the first mark begins.")] = 0.0,
    duration_s: Annotated[float | None, typer.Option(help="How long to mark; default: to the end.")] = None,
) -> None:
    """Mark a recording, end to end with as many whole marks as fit."""
    import soundfile

    from detectors.errors import DetectorError
    from detectors.watermark.embedder import embed as put_in
    from detectors.watermark.key import load_named
    from lab.acoustics.hearing import noise_to_mask
    from lab.corpora.audio import read_audio
    from lab.errors import BadInput
    from lab.runs.sound_file import written

    key = load_named(key_file)
    audio, rate_hz = read_audio(source)
    form, subtype = _format(target, soundfile.info(source).subtype)
    try:
        marked = put_in(audio.T, rate_hz, key, start_s, duration_s)
    except DetectorError as error:
        raise BadInput(f"{source}: {error}") from None
    stretch = slice(round(marked.onset_s * rate_hz), round(marked.offset_s * rate_hz))
    heard = noise_to_mask(audio.T[:, stretch], marked.audio[:, stretch], rate_hz)
    peak = float(abs(marked.audio).max())
    partial = target.with_name(target.name + ".partial")
    with written(partial, rate_hz, len(marked.audio), subtype, form) as append:
        append(marked.audio.T)
    partial.replace(target)
    print(
        f"{target}: key {key.id}, {marked.marks} mark{'s' if marked.marks > 1 else ''}"
        f" from {marked.onset_s:.3f} s to {marked.offset_s:.3f} s\n"
        f"host to mark {marked.host_to_mark_db:.1f} dB, noise to mask {heard.mean_db:.1f} dB,"
        f" disturbed frames {heard.disturbed_share:.1%}"
    )
    for warning in marked.warnings:
        print(f"warning: {warning}")
    if peak > 1 and subtype not in ("FLOAT", "DOUBLE"):
        print(
            f"warning: peaks at {peak:.2f} of full scale are clipped; attenuate the host or write a float file"
        )


@app.command()
def detect(
    source: Annotated[Path, typer.Argument(metavar="IN", help="Any file libsndfile reads, from 8 kHz.")],
    key_file: KeyFile = "reference",
    threshold: Annotated[float | None, typer.Option(help="Score that counts; default: by design.")] = None,
) -> None:
    """List the marks of a key in a recording. All channels are used together."""
    import numpy as np
    import soxr

    from detectors.interface import AUDIBLE, Block, StreamFormat
    from detectors.stack import events_of
    from detectors.watermark.detector import THRESHOLD, WatermarkDetector
    from detectors.watermark.embedder import LOWEST_RATE_HZ, mark_duration_s
    from detectors.watermark.key import load_named
    from detectors.watermark.layout import RATE_HZ
    from lab.corpora.audio import read_audio
    from lab.errors import BadInput

    key = load_named(key_file)
    audio, rate_hz = read_audio(source)
    if rate_hz < LOWEST_RATE_HZ:
        raise BadInput(f"{source}: {rate_hz} Hz; at least {LOWEST_RATE_HZ} Hz is needed")
    if len(audio) / rate_hz < mark_duration_s(key):
        raise BadInput(f"{source}: {len(audio) / rate_hz:.2f} s; one mark takes {mark_duration_s(key):g} s")
    samples = audio if rate_hz == RATE_HZ else soxr.resample(audio, rate_hz, RATE_HZ, quality="HQ")
    # A block is known once its chunk is full, so silence carries the last mark over the end.
    samples = np.ascontiguousarray(np.pad(samples, ((0, RATE_HZ // 4), (0, 0))).T)
    detector = WatermarkDetector(key, channels=len(samples))
    detector.open({AUDIBLE: StreamFormat(RATE_HZ, len(samples))})
    detector.feed(Block(0, samples.shape[1], RATE_HZ, {AUDIBLE: samples}))
    track = detector.tracks()[0]
    limit = THRESHOLD if threshold is None else threshold
    events = events_of(track, limit, 0.75 * mark_duration_s(key))
    for event in events:
        print(f"{event.onset_s:8.2f} s  {event.offset_s:8.2f} s  key {key.id}  score {event.score:.1f}")
    if not events:
        best = int(np.nanargmax(track.scores))
        print(
            f"no mark of key {key.id} (highest score {track.scores[best]:.1f} at {track.times_s[best]:.2f} s,"
            f" threshold {limit:g})"
        )


@app.command()
def listen(
    key_file: KeyFile = "reference",
    device: Annotated[str | None, typer.Option(help="Input device, by name or number.")] = None,
    channels: Annotated[int, typer.Option(min=1, max=8, help="Microphones to use.")] = 1,
    threshold: Annotated[float | None, typer.Option(help="Score that counts; default: by design.")] = None,
) -> None:
    """Listen to a microphone until Ctrl-C and say when a mark is heard."""
    from detectors.watermark.detector import THRESHOLD
    from detectors.watermark.key import load_named
    from detectors.watermark.layout import RATE_HZ
    from lab.errors import LabFailure

    key = load_named(key_file)
    try:
        import sounddevice
    except OSError as error:
        raise LabFailure(f"cannot record: {error} (the system package of PortAudio is missing)") from None
    chosen = int(device) if device is not None and device.isdigit() else device
    try:
        stream = sounddevice.InputStream(RATE_HZ, 0, chosen, channels, dtype="float32")
    except (sounddevice.PortAudioError, ValueError) as error:
        raise LabFailure(f"cannot record {channels} channels at {RATE_HZ} Hz: {error}") from None
    with stream:
        print(f"listening for key {key.id}; Ctrl-C ends")
        blocks = (stream.read(RATE_HZ // 20)[0].T for _ in iter(int, 1))
        limit = THRESHOLD if threshold is None else threshold
        for moment_s, score in heard(blocks, key, channels, limit):
            print(f"{moment_s:8.2f} s  key {key.id}  score {score:.1f}", flush=True)


def heard(
    blocks: Iterable[NDArray], key: Key, channels: int, threshold: float
) -> Iterator[tuple[float, float]]:
    """Moment and score of every mark in live blocks of shape (channels, n) at 16 kHz, at most one per mark's length."""
    from detectors.interface import AUDIBLE, Block, StreamFormat
    from detectors.watermark.detector import WatermarkDetector
    from detectors.watermark.embedder import mark_duration_s
    from detectors.watermark.layout import RATE_HZ
    from detectors.watermark.whitening import HOP_SAMPLES

    detector = WatermarkDetector(key, channels=channels)
    detector.open({AUDIBLE: StreamFormat(RATE_HZ, channels)})
    position, hop, quiet_until_s = 0, 0, 0.0
    for block in blocks:
        detector.feed(Block(position, block.shape[1], RATE_HZ, {AUDIBLE: block}))
        position += block.shape[1]
        for score in detector.fresh:
            hop += 1
            moment_s = hop * HOP_SAMPLES / RATE_HZ
            if score >= threshold and moment_s >= quiet_until_s:
                quiet_until_s = moment_s + 0.75 * mark_duration_s(key)
                yield moment_s, float(score)


@app.command()
def threshold(
    sources: Annotated[list[Path], typer.Argument(metavar="IN...", help="Recordings without a mark.")],
    keys: Annotated[int, typer.Option(min=100, help="Decoy keys for each recording.")] = 20000,
    days: Annotated[float, typer.Option(min=1e-3, help="Days between false alarms.")] = 30.0,
    seed: Annotated[int, typer.Option(min=0, help="Of the decoy keys.")] = 1,
) -> None:
    """Derive the threshold for a wanted rate of false alarms, from keys that nobody embedded."""
    from detectors.watermark.layout import RATE_HZ
    from detectors.watermark.threshold import LEAST_S, decoy_peaks, together
    from lab.corpora.audio import read_mono
    from lab.errors import BadInput

    recordings = [read_mono(source, RATE_HZ) for source in sources]
    for source, audio in zip(sources, recordings, strict=True):
        if len(audio) < RATE_HZ * LEAST_S:
            raise BadInput(f"{source}: {len(audio) / RATE_HZ:.2f} s; at least {LEAST_S:g} s are needed")
    parts = []
    for number, audio in enumerate(recordings):
        for batch in range(0, keys, 4000):
            count = min(4000, keys - batch)
            parts.append(decoy_peaks(audio, count, seed=(seed * 1_000_003 + number) * 1_000_003 + batch))
    peaks = together(parts)
    print(f"{len(sources)} recordings, {keys} keys each: {peaks.hours:.0f} hours of decoys")
    for score in (4.5, 5.0, 5.5, 6.0, 6.5, 7.0):
        print(f"score {score:.1f}: {peaks.per_hour(score) * 24 * days:10.2f} alarms in {days:g} days")
    print(f"threshold for one alarm in {days:g} days: {peaks.threshold(24 * days):.2f}")


def _format(target: Path, subtype: str) -> tuple[str, str]:
    """libsndfile's format for a suffix and the source's sample type, or the format's own where it has no such type.

    Raises BadInput for an unknown suffix and a folder that is not there.
    """
    import soundfile

    from lab.errors import BadInput

    form = {"OGA": "OGG", "AIF": "AIFF"}.get(target.suffix[1:].upper(), target.suffix[1:].upper())
    if form not in soundfile.available_formats():
        raise BadInput(f"{target}: no audio format {target.suffix!r}; for instance .wav, .flac, .ogg")
    if not target.parent.is_dir():
        raise BadInput(f"{target}: no such folder to write to")
    if not soundfile.check_format(form, subtype):
        subtype = soundfile.default_subtype(form)
    return form, subtype
