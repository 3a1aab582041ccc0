"""Lag and skew of a capture, from its content alone: latencies reported by sound cards are wrong.

Each pilot is found at the maximum of |sum_n x[n + k] conj(p[n])|, p the analytic pilot; the envelope is read 16 times finer
about the peak and a parabola through its top gives the fraction. Head and tail give

    lag = position_head - played_head,    skew = (lag_tail - lag_head) / (played_tail - played_head)
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import scipy.fft
from numpy.typing import NDArray

from rigs.audio.pilot import Pilot
from rigs.audio.spec import AudioSpec
from rigs.audio.verdict import Defect, Finding

REFLECTION_S = 0.010  # what stands this close to the peak is the room, not a rival
FINER = 16
WHOLE = 0.01  # of a sample: what counts as a whole lag


@dataclass(frozen=True)
class PilotFix:
    """Where a pilot was found. position: samples, fractional, from the start of what was searched. ratio_db: peak over
    second peak. gain_db: its level over the level it was played at."""

    position: float
    ratio_db: float
    gain_db: float


@dataclass(frozen=True)
class Alignment:
    """lag_samples: at the head, recorded after played. skew_ppm: the recorder's clock over the player's. peak_ratio_db,
    gain_db: the worse of head and tail, and the mean gain in dB. tail_lag_samples: NaN if no tail was found."""

    lag_samples: float
    skew_ppm: float
    peak_ratio_db: float
    tail_lag_samples: float = math.nan
    gain_db: float = math.nan

    @property
    def change_samples(self) -> float:
        return self.tail_lag_samples - self.lag_samples


def find_pilot(recorded: NDArray, pilot: Pilot, rate_hz: int) -> PilotFix:
    """Search one channel, shape (n,) with n >= the pilot's length. Digital silence gives a ratio of 0 dB."""
    wave = pilot.analytic(rate_hz)
    recorded = np.asarray(recorded, np.float64)
    starts = len(recorded) - len(wave) + 1
    if starts < 1:
        return PilotFix(math.nan, 0.0, -math.inf)
    envelope = np.abs(_correlate(recorded, wave, 1)[:starts])
    peak = int(np.argmax(envelope))
    if not envelope[peak] > 0.0:
        return PilotFix(math.nan, 0.0, -math.inf)
    near = math.ceil(REFLECTION_S * rate_hz)
    rivals = np.concatenate([envelope[: max(0, peak - near)], envelope[peak + near + 1 :]])
    rival = float(np.max(rivals)) if len(rivals) else 0.0
    ratio_db = 20.0 * math.log10(envelope[peak] / rival) if rival > 0.0 else 200.0
    # The analytic pilot holds twice the energy of the real one; so does its correlation with what it came from.
    position, height = _refine(recorded, wave, peak)
    gain_db = 20.0 * math.log10(2.0 * height / float(np.sum(np.abs(wave) ** 2)))
    return PilotFix(position, min(ratio_db, 200.0), gain_db)


def _correlate(recorded: NDArray, wave: NDArray, finer: int) -> NDArray[np.complex128]:
    """Correlation at starts 0, 1/finer, 2/finer ...; only positive frequencies, so |.| is the envelope."""
    size = scipy.fft.next_fast_len(len(recorded) + len(wave))
    product = scipy.fft.fft(recorded, size) * np.conj(scipy.fft.fft(wave, size))
    product[size // 2 :] = 0.0
    return scipy.fft.ifft(product, size * finer) * finer if finer > 1 else scipy.fft.ifft(product)


def _refine(recorded: NDArray, wave: NDArray, peak: int) -> tuple[float, float]:
    """The peak to a small fraction of a sample, and its height, from the stretch of recording about it."""
    before = min(peak, 64)
    stretch = recorded[peak - before : peak + len(wave) + 64]
    fine = np.abs(_correlate(stretch, wave, FINER))
    first = max(1, (before - 2) * FINER)
    top = first + int(np.argmax(fine[first : (before + 2) * FINER + 1]))
    left, middle, right = fine[top - 1 : top + 2]
    bend = left - 2.0 * middle + right
    offset = 0.5 * (left - right) / bend if bend < 0.0 else 0.0
    return peak - before + (top + float(np.clip(offset, -1.0, 1.0))) / FINER, float(middle)


def judge(alignment: Alignment, spec: AudioSpec, span: int) -> list[Finding]:
    """What is wrong with an alignment; `span` is the samples between the two pilots as played."""
    if math.isnan(alignment.lag_samples):
        return [no_path(alignment.peak_ratio_db, spec)]
    findings = []
    lag, ms = alignment.lag_samples, 1000.0 / spec.rate_hz
    if spec.lag_samples and not spec.lag_samples[0] - 0.5 <= lag <= spec.lag_samples[1] + 0.5:
        low, high = spec.lag_samples
        findings.append(
            Finding(Defect.WRONG_LAG, f"{lag:.2f} samples ({lag * ms:.2f} ms), allowed are {low} to {high}")
        )
    elif spec.exact and abs(lag - round(lag)) > WHOLE:
        findings.append(
            Finding(Defect.WRONG_LAG, f"{lag:.3f} samples, a cable inside one computer has a whole lag")
        )
    if math.isnan(alignment.tail_lag_samples):
        detail = f"the pilot at the tail is not where it belongs, within {spec.pilot.silence_s:g} s"
        return [*findings, Finding(Defect.LOST_BLOCK, detail)]
    change = alignment.change_samples
    allowed = WHOLE if spec.exact else spec.lag_tolerance + spec.max_skew_ppm * 1e-6 * span
    if abs(change) > allowed:
        what = "missing from" if change < 0.0 else "too many in"
        detail = f"{abs(change):.2f} samples ({abs(change) * ms:.2f} ms) are {what} the recording, allowed are {allowed:.2f}"
        findings.append(Finding(Defect.LOST_BLOCK, detail))
    if spec.path_gain_db is not None:
        off = alignment.gain_db - spec.path_gain_db
        if not abs(off) <= spec.path_gain_tolerance_db:
            detail = (
                f"the pilot came back {off:+.1f} dB off, at {round(alignment.gain_db, 1) + 0.0:+.1f} dB, "
                f"allowed are {spec.path_gain_db:+.1f} +/- {spec.path_gain_tolerance_db:.1f} dB"
            )
            findings.append(Finding(Defect.WRONG_LEVEL, detail))
    return findings


def no_path(ratio_db: float, spec: AudioSpec) -> Finding:
    detail = (
        f"the pilot played on output {spec.out_connectors[spec.pilot_output]} was not heard on input "
        f"{spec.in_connectors[spec.reference_input]} (peak over second peak {ratio_db:.1f} dB, {spec.peak_ratio_db:g} needed)"
    )
    return Finding(Defect.NO_ACOUSTIC_PATH, detail)
