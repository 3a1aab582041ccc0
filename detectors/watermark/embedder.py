"""Hides marks in a host: noise blocks repeated over segments, turned over by a key, shaped under the mask."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.signal import resample_poly

from detectors.errors import DetectorError
from detectors.watermark.key import Key
from detectors.watermark.layout import BLOCK_SAMPLES, HIGH_HZ, LOW_HZ, RATE_HZ, mark_samples
from detectors.watermark.pattern import block_spectra, carrier
from detectors.watermark.shaping import shape

LOWEST_RATE_HZ = 8000
NOISE_TO_MASK_DB = -4.5  # under the limit of -3 dB by as much as two measures of one host may differ
FULL_SCALE_DB_SPL = 92.0
FAINT_DB_SPL = 35.0  # below this in-band level, room and microphone noise cover host and mark alike
SPARSE_SHARE = 0.35  # with fewer sounding blocks than this, too few repeats are left to compare


@dataclass(frozen=True, eq=False)
class Marked:
    """A host with its marks.

    audio: shape as given, float32. onset_s, offset_s: the marked stretch. marks: how many marks it holds, end to end.
    host_to_mark_db: power ratio over the stretch and its channels, inf when host or mark is silent.
    noise_to_mask_db: the embedder's own mean over frames and bands, worst mark and channel.
    warnings: why this host may not carry a mark; empty when all is well.
    """

    audio: NDArray[np.float32]
    onset_s: float
    offset_s: float
    marks: int
    host_to_mark_db: float
    noise_to_mask_db: float
    warnings: tuple[str, ...] = ()


def mark_duration_s(key: Key) -> float:
    """Length of one mark, the least a host must offer: 2.048 s for 16 segments of 4 blocks."""
    return mark_samples(key.segments, key.blocks) / RATE_HZ


def embed(
    audio: NDArray,
    rate_hz: int,
    key: Key,
    start_s: float = 0.0,
    duration_s: float | None = None,
    noise_to_mask_db: float = NOISE_TO_MASK_DB,
    full_scale_db_spl: float = FULL_SCALE_DB_SPL,
) -> Marked:
    """Mark `audio`, (channels, samples) or (samples,), from `start_s` on with as many whole marks as fit.

    duration_s: stretch to mark, None for all the rest. rate_hz: an integer from 8000 up. noise_to_mask_db: the mean
    each mark is scaled to, in each channel. full_scale_db_spl: level at which a sine of amplitude 1 is heard; the
    default also fits samples in pascal. Raises DetectorError for a lower rate, for samples that are not
    finite, and for a stretch shorter than one mark.
    """
    host = np.asarray(audio, dtype=np.float32)
    if host.ndim not in (1, 2) or host.size == 0:
        raise DetectorError(f"the host holds no audio: shape {host.shape}, expected (channels, samples)")
    if rate_hz != int(rate_hz) or rate_hz < LOWEST_RATE_HZ:
        raise DetectorError(f"rate_hz: a whole number from {LOWEST_RATE_HZ}, got {rate_hz}")
    if not np.all(np.isfinite(host)):
        raise DetectorError("the host holds samples that are not finite numbers")
    channels = np.atleast_2d(host)
    rate_hz = int(rate_hz)
    left_s = channels.shape[1] / rate_hz - start_s
    one_s = mark_duration_s(key)
    marks = math.floor(min(left_s, math.inf if duration_s is None else duration_s) / one_s + 1e-9)
    if start_s < 0 or marks < 1:
        asked = "" if duration_s is None else f", {duration_s:g} s of it wanted"
        raise DetectorError(
            f"too short: one mark takes {one_s:g} s, the host offers {max(0.0, left_s):.3f} s"
            f" from {start_s:g} s on{asked}"
        )
    first = round(start_s * rate_hz)
    length = math.ceil(marks * one_s * rate_hz)
    stretch = channels[:, first : first + length]
    stretch = np.pad(stretch, ((0, 0), (0, length - stretch.shape[1])))
    mark, ratio_db = _marks(
        _resample(stretch, rate_hz, RATE_HZ), key, marks, rate_hz, noise_to_mask_db, full_scale_db_spl
    )
    mark = _resample(mark, RATE_HZ, rate_hz)
    marked = channels.copy()
    end = min(first + length, marked.shape[1], first + mark.shape[1])
    marked[:, first:end] += mark[:, : end - first].astype(np.float32)
    host_power, mark_power = (float(np.mean(np.square(part, dtype=np.float64))) for part in (stretch, mark))
    silent = host_power == 0 or mark_power == 0
    return Marked(
        audio=marked.reshape(host.shape),
        onset_s=first / rate_hz,
        offset_s=first / rate_hz + marks * one_s,
        marks=marks,
        host_to_mark_db=math.inf if silent else 10 * math.log10(host_power / mark_power),
        noise_to_mask_db=ratio_db,
        warnings=_warnings(stretch, rate_hz, key, full_scale_db_spl),
    )


def _marks(
    host: NDArray, key: Key, marks: int, rate_hz: int, noise_to_mask_db: float, full_scale_db_spl: float
) -> tuple[NDArray[np.float32], float]:
    """All marks of a host at 16 kHz, (channels, samples), and the worst noise-to-mask ratio."""
    high_hz = min(HIGH_HZ, 0.45 * rate_hz)
    samples = mark_samples(key.segments, key.blocks)
    host = np.pad(host[:, : marks * samples], ((0, 0), (0, max(0, marks * samples - host.shape[1]))))
    out, worst_db = [], -math.inf
    for number in range(marks):
        part = host[:, number * samples : (number + 1) * samples]
        spectra = block_spectra(key, part.mean(axis=0), number, high_hz)
        shaped = [
            shape(carrier(key, spectra), channel, rate_hz / 2, noise_to_mask_db, full_scale_db_spl)
            for channel in part
        ]
        out.append(np.stack([mark for mark, _ in shaped]))
        worst_db = max(worst_db, *(ratio_db for _, ratio_db in shaped))
    return np.concatenate(out, axis=1), worst_db


def _resample(signal: NDArray, from_hz: int, to_hz: int) -> NDArray:
    if from_hz == to_hz:
        return signal
    divisor = math.gcd(from_hz, to_hz)
    return resample_poly(signal, to_hz // divisor, from_hz // divisor, axis=1)


def _warnings(stretch: NDArray, rate_hz: int, key: Key, full_scale_db_spl: float) -> tuple[str, ...]:
    """Will this host carry it? Level and share of sounding blocks of the loudest channel, in the mark's band."""
    inside = _resample(stretch, rate_hz, RATE_HZ)
    inside = inside[np.argmax(np.mean(inside**2, axis=1))]
    spectrum = np.fft.rfft(inside)
    spectrum[np.fft.rfftfreq(len(inside), 1 / RATE_HZ) < LOW_HZ] = 0
    band = np.fft.irfft(spectrum, len(inside))
    blocks = len(band) // BLOCK_SAMPLES
    power = np.mean(band[: blocks * BLOCK_SAMPLES].reshape(blocks, BLOCK_SAMPLES) ** 2, axis=1)
    level_db = full_scale_db_spl + 10 * math.log10(2 * power.mean() + 1e-30)
    sounding = float(np.mean(power > power.max() * 1e-3)) if power.max() > 0 else 0.0
    found = []
    if level_db < FAINT_DB_SPL:
        found.append(
            f"quiet host: {max(level_db, -99):.0f} dB SPL above {LOW_HZ:.0f} Hz, a mark is unlikely to be heard under"
            f" {FAINT_DB_SPL:.0f} dB"
        )
    if sounding < SPARSE_SHARE:
        found.append(
            f"sparse host: it sounds in {sounding:.0%} of the blocks; from {SPARSE_SHARE:.0%} on a mark carries"
        )
    if rate_hz < 2 * HIGH_HZ:
        found.append(
            f"narrow host: at {rate_hz} Hz the mark ends at {0.45 * rate_hz:.0f} Hz instead of {HIGH_HZ:.0f} Hz"
        )
    return tuple(found)
