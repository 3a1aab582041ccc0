"""What is played and recorded through the JACK server, in a process of its own: `python takes.py FOLDER`.

Prints one JSON object with the facts of every take; the tests judge them.
"""

from __future__ import annotations

import json
import resource
import sys
import threading
from dataclasses import asdict, replace
from pathlib import Path

import numpy as np

from rigs.audio import AudioSpec, Capture, Duplex, Pilot, play_record
from rigs.audio.background import background, judge_background, measure_background
from rigs.audio.channels import measure_channels
from rigs.audio.devices import forget_devices, list_devices
from rigs.audio.playback import Clip
from rigs.audio.response import Sweep, measure_response
from rigs.audio.storage import read_blocks
from rigs.errors import AudioFault

RATE_HZ = 96_000
SPEC = AudioSpec(
    outputs=8,
    inputs=8,
    rate_hz=RATE_HZ,
    pilot=Pilot(silence_s=0.03, duration_s=0.03, listen_s=0.05),
    lag_samples=(1024, 1024),
    path_gain_db=0.0,
    path_gain_tolerance_db=0.1,
    exact=True,
)
PAIR = replace(SPEC, outputs=2, inputs=2)  # ports take time to open and to close
PHYSICAL = replace(PAIR, exact=False, lag_samples=(0, 4800))
NOISE = (0.1 * np.random.default_rng(1).standard_normal((8, 14_400))).astype(np.float32)
PART = NOISE[:2]


def facts(capture: Capture) -> dict:
    return {
        "alignment": asdict(capture.alignment),
        "valid": capture.verdict.valid,
        "reason": capture.verdict.reason,
        "defects": sorted(finding.defect.name for finding in capture.verdict.findings),
        "frames": capture.body_frames,
    }


class Between(Duplex):
    """Stands between sound card and lab and does something to one block in the middle of the body."""

    def _arrived(self, recorded, played):
        if (
            self.body_at is not None
            and self._feed.played > self.body_at + NOISE.shape[1] // 2
            and not self.flags & 1024
        ):
            self.flags |= 1024
            recorded = self.spoil(recorded)
        super()._arrived(recorded, played)

    def spoil(self, recorded):
        return recorded[:, :0]


class Doubling(Between):
    def spoil(self, recorded):
        return np.concatenate([recorded, recorded], axis=1)


class Silencing(Between):
    def spoil(self, recorded):
        return np.zeros_like(recorded)


class Noisy(Duplex):
    """Adds the noise of a converter."""

    def _arrived(self, recorded, played):
        noise = 1e-5 * np.random.default_rng().standard_normal(recorded.shape)
        super()._arrived(recorded + noise.astype(np.float32), played)


class Rising(Duplex):
    """A room that gets 20 dB louder while the body plays."""

    def _arrived(self, recorded, played):
        rms = 1e-3 if self._feed.body_start is None else 1e-2
        noise = rms * np.random.default_rng(self._feed.played).standard_normal(recorded.shape)
        super()._arrived(recorded + noise.astype(np.float32), played)


class NoisySilencing(Silencing):
    def _arrived(self, recorded, played):
        noise = 1e-5 * np.random.default_rng().standard_normal(recorded.shape)
        super()._arrived(recorded + noise.astype(np.float32), played)


def exact_round_trip(folder: Path) -> dict:
    capture = play_record(SPEC, NOISE)
    return facts(capture) | {"equal": bool(np.array_equal(capture.samples, NOISE))}


def files(folder: Path) -> dict:
    answer = {}
    body = np.round(NOISE * 2**23).astype(np.float32) / np.float32(
        2**23
    )  # what a 24-bit converter would give
    for suffix in ("flac", "wav"):
        capture = play_record(SPEC, body, folder / f"take.{suffix}")
        read = np.concatenate(list(capture.blocks(5000)), axis=1)
        answer[suffix] = facts(capture) | {
            "equal": bool(np.array_equal(read, body)),
            "in_memory": capture.samples is not None,
            "bytes": capture.path.stat().st_size,
        }
    return answer


def block_by_block(folder: Path) -> dict:
    """A bench that hears block k before it hands out block k + 3."""
    heard = []
    spec = replace(SPEC, ahead_s=0.05)
    with Duplex(spec, folder / "blocks.flac") as duplex:

        def hand_out():
            for start in range(0, NOISE.shape[1], 2400):
                duplex.player.put(NOISE[:, start : start + 2400])
            duplex.player.finish()

        feeder = threading.Thread(target=hand_out)
        feeder.start()
        early = None
        while (block := duplex.recorder.get(2400)) is not None:
            early = feeder.is_alive() if early is None else early
            heard.append(block)
        feeder.join()
        alignment, verdict = duplex.result()
    together = np.concatenate(heard, axis=1)
    return {
        "equal": bool(np.array_equal(together, NOISE)),
        "reason": verdict.reason,
        "lag": alignment.lag_samples,
        "heard_while_handing_out": early,
        "shapes": sorted({block.shape for block in heard}),
    }


def starved(folder: Path) -> dict:
    """The lab hands out a piece and then nothing until it has heard that piece: the sound card waits for nobody."""
    with Duplex(replace(PAIR, ahead_s=0.02)) as duplex:
        duplex.player.put(PART[:, :2400])
        duplex.recorder.get(9600)
        duplex.player.finish()
        while duplex.recorder.get(9600) is not None:
            pass
        _, verdict = duplex.result()
    return {"reason": verdict.reason}


def abandoned(folder: Path) -> dict:
    """An error in the middle of a capture: the sound ends, the file stays."""
    path = folder / "abandoned.flac"
    try:
        with Duplex(PAIR, path) as duplex:
            duplex.player.put(PART)
            duplex.recorder.get(4800)
            raise RuntimeError("the lab fell over")
    except RuntimeError:
        pass
    return {"reason": duplex.result()[1].reason, "bytes": path.stat().st_size}


def full_disk(folder: Path) -> dict:
    """The file may not grow past 30 kB; the sound ends early and what fits is kept."""
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (30_000, limits[1]))
    try:
        capture = play_record(PAIR, PART, folder / "full.flac")
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    return facts(capture) | {"bytes": capture.path.stat().st_size}


def broken_reader(folder: Path) -> dict:
    def fall_over(block):
        raise RuntimeError("the reader fell over")

    try:
        play_record(PAIR, PART, on_block=fall_over)
    except RuntimeError as error:
        return {"error": str(error)}
    return {"error": ""}


def no_path(folder: Path) -> dict:
    crossed = replace(PHYSICAL, outputs=1, inputs=1, output_map=(3,), input_map=(4,))
    capture = play_record(crossed, PART[:1])
    return facts(capture)


def channels(folder: Path) -> dict:
    """Outputs 1, 2, 3 wired to inputs 2, 1 and to nothing."""
    spec = replace(PHYSICAL, outputs=3, inputs=2, output_map=(1, 2, 3), input_map=(2, 1))
    table, _ = measure_channels(spec)
    findings = table.judge([(0, 0), (1, 0), (2, 0)])
    return {"heard": [table.heard(k) for k in range(3)], "findings": [str(one) for one in findings]}


def response(folder: Path) -> dict:
    measured, verdict = measure_response(
        replace(PHYSICAL, outputs=1, inputs=1), 0, Sweep(RATE_HZ, seconds=0.5)
    )
    return {
        "gain_db": measured.gain_db([100.0, 1000.0, 5000.0])[0].tolist(),
        "delay_s": measured.delay_s().tolist(),
        "reason": verdict.reason,
    }


def quiet(folder: Path) -> dict:
    spec = replace(PHYSICAL, outputs=1, inputs=1, full_scale_db_spl=(120.0,))
    before, verdict = measure_background(spec, 0.4)
    return {
        "silent": before.dba[0] == -np.inf,
        "seconds": before.seconds,
        "reason": verdict.reason,
        "changed": [str(one) for one in judge_background(spec, before, before)],
    }


def louder(folder: Path) -> dict:
    pilot = replace(PHYSICAL.pilot, quiet_s=0.5)
    spec = replace(PHYSICAL, pilot=pilot, full_scale_db_spl=(120.0, 120.0))
    path = folder / "louder.flac"
    with Rising(spec, path, source=Clip(PART), live=False) as duplex:
        _, verdict = duplex.result()
        spans = duplex.quiet
    before, after = (background(spec, read_blocks(path, 4800, *span)) for span in spans)
    return {
        "seconds": [before.seconds, after.seconds],
        "band_db": [before.band_db, after.band_db],
        "findings": [str(one) for one in judge_background(spec, before, after)],
        "reason": verdict.reason,
    }


def refusals(folder: Path) -> dict:
    answer = {}
    for name, wrong in {
        "device": replace(PAIR, device="no such card"),
        "rate": replace(PAIR, rate_hz=44_100),
        "connector": replace(PAIR, output_map=(1, 9)),
    }.items():
        try:
            play_record(wrong, PART)
        except AudioFault as fault:
            answer[name] = str(fault)
    return answer


def spoilt(folder: Path) -> dict:
    wrong_path = replace(PHYSICAL, lag_samples=(0, 1000), path_gain_db=6.0)
    loud = np.clip(20.0 * PART, -1.0, 1.0).astype(np.float32)
    return {
        "lost": facts(play_record(PAIR, PART, duplex=Between)),
        "lost_physical": facts(play_record(PHYSICAL, PART, duplex=Between)),
        "doubled": facts(play_record(PHYSICAL, PART, duplex=Doubling)),
        "silenced": facts(play_record(PAIR, PART, duplex=Silencing)),
        "silenced_physical": facts(play_record(PHYSICAL, PART, duplex=NoisySilencing)),
        "noisy": facts(play_record(PHYSICAL, PART, duplex=Noisy)),
        "wrong_path": facts(play_record(wrong_path, PART)),
        "clipped": facts(play_record(PHYSICAL, loud)),
    }


def devices(folder: Path) -> dict:
    return {"names": [str(device) for device in list_devices()]}


TAKES = (
    devices,
    exact_round_trip,
    files,
    block_by_block,
    starved,
    abandoned,
    full_disk,
    broken_reader,
    no_path,
    channels,
    response,
    quiet,
    louder,
    refusals,
    spoilt,
)

if __name__ == "__main__":
    into = Path(sys.argv[1])
    print(json.dumps({take.__name__: take(into) for take in TAKES}))
    forget_devices()
