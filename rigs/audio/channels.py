"""Which output reaches which input: a wrong plug is found before anything is measured through it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from rigs.audio.alignment import find_pilot
from rigs.audio.capture import Capture, play_record
from rigs.audio.spec import AudioSpec
from rigs.audio.verdict import AudioVerdict, Defect, Finding


@dataclass(frozen=True, eq=False)
class ChannelTable:
    """gain_db: (outputs, inputs), the level at which each output's pilot came back; -inf where it did not."""

    spec: AudioSpec
    gain_db: NDArray[np.float64]

    def heard(self, output: int) -> list[int]:
        """Inputs (from 0) that hear an output, the loudest first."""
        order = np.argsort(-self.gain_db[output], kind="stable")
        return [int(channel) for channel in order if np.isfinite(self.gain_db[output, channel])]

    def judge(self, wires: Sequence[tuple[int, int]]) -> list[Finding]:
        """Findings for each (output, input) that should be a path and is none, with what was heard instead."""
        findings = []
        for output, channel in wires:
            heard = self.heard(output)
            if channel not in heard:
                others = ", ".join(str(self.spec.in_connectors[one]) for one in heard) or "no input"
                detail = (
                    f"output {self.spec.out_connectors[output]} should be heard on input {self.spec.in_connectors[channel]}, "
                    f"it is on {others}; check the plugs and output_map, input_map"
                )
                findings.append(Finding(Defect.NO_ACOUSTIC_PATH, detail))
        return findings


def measure_channels(spec: AudioSpec) -> tuple[ChannelTable, AudioVerdict]:
    """Play the pilot on one output after the other and listen for it on all inputs.

    The path that is meant to align captures may be the one with the wrong plug: another is taken then.
    """
    pilot, rate_hz = spec.pilot, spec.rate_hz
    chirp = pilot.chirp(rate_hz)
    slot = len(chirp) + max(pilot.silence(rate_hz), pilot.samples(rate_hz))
    playback = np.zeros((spec.outputs, slot * spec.outputs), np.float32)
    for output in range(spec.outputs):
        playback[output, output * slot : output * slot + len(chirp)] = chirp
    capture = _first_heard(spec, playback)
    gain_db = np.full((spec.outputs, spec.inputs), -np.inf)
    for output in range(spec.outputs):
        for channel, heard in enumerate(np.asarray(capture.samples)[:, output * slot : (output + 1) * slot]):
            fix = find_pilot(heard, pilot, rate_hz)
            if fix.ratio_db >= spec.peak_ratio_db:
                gain_db[output, channel] = fix.gain_db
    return ChannelTable(spec, gain_db), capture.verdict


def _first_heard(spec: AudioSpec, playback: NDArray[np.float32]) -> Capture:
    """A capture aligned by the first path that is one, beginning with the spec's own."""
    ways = [(output, channel) for output in range(spec.outputs) for channel in range(spec.inputs)]
    ways.sort(key=lambda way: (way[0] != spec.pilot_output, way[1] != spec.reference_input))
    for output, channel in ways:
        capture = play_record(replace(spec, pilot_output=output, reference_input=channel), playback)
        if capture.body_at is not None:
            break
    return capture
