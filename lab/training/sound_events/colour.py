"""What stands between the air and a file: microphones, gain, converters and codecs nobody has measured.

Every step is drawn wide on purpose. The recordings that a detector is judged by were made with telephones, field recorders and
studio microphones, were cut, made louder and coded; no physical model of one device covers that.
"""

from __future__ import annotations

import numpy as np
import scipy.fft
import scipy.signal
from numpy.typing import NDArray

from detectors.sound_events.features import RATE_HZ

EQ_HZ = (60.0, 150.0, 400.0, 1000.0, 2200.0, 4000.0, 7800.0)
EQ_DB = 4.0  # standard deviation at each of these
ROUGH_DB = 7.0
LOW_CUT_HZ, HIGH_CUT_HZ = (
    (20.0, 160.0),
    (3800.0, 7900.0),
)  # a higher cut takes doors away and leaves their label
PEAK_DBFS = (-55.0, 5.0)  # above 0 it clips
NOISE_DBFS = (-100.0, -65.0)
_FRAME = 512


def equalised(audio: NDArray[np.float32], rng: np.random.Generator, spread_db: float = EQ_DB) -> NDArray:
    """Through a smooth random response without phase, straight between EQ_HZ over log frequency."""
    gain_db = spread_db * rng.standard_normal(len(EQ_HZ))
    length = scipy.fft.next_fast_len(len(audio) + RATE_HZ // 10, real=True)
    hz = np.maximum(scipy.fft.rfftfreq(length, 1.0 / RATE_HZ), 20.0)
    gain = 10.0 ** (np.interp(np.log(hz), np.log(EQ_HZ), gain_db) / 20.0)
    return scipy.fft.irfft(scipy.fft.rfft(audio, length) * gain, length)[: len(audio)].astype(np.float32)


def roughened(audio: NDArray[np.float32], rng: np.random.Generator) -> NDArray[np.float32]:
    """A computed sound less clean than physics makes it, of equal peak: another balance of bands, noise that goes with its envelope, and
    the loud parts squeezed. Recordings have all three (`likeness`), and computed steps and doors nothing above 3 kHz."""
    audio = equalised(audio, rng, ROUGH_DB)
    peak = float(np.max(np.abs(audio))) or 1.0
    if rng.random() < 0.6:
        smooth = scipy.signal.lfilter([0.01], [1.0, -0.99], np.abs(audio))
        noise = equalised(rng.standard_normal(len(audio)).astype(np.float32), rng, ROUGH_DB)
        audio = audio + 10.0 ** (rng.uniform(-32.0, -8.0) / 20.0) * 2.0 * smooth * noise
    if rng.random() < 0.5:
        drive = float(rng.uniform(1.0, 4.0))
        audio = np.tanh(drive * audio / peak) / np.tanh(drive) * peak
    return np.asarray(audio, np.float32)


def captured(audio: NDArray[np.float32], rng: np.random.Generator) -> NDArray[np.int16]:
    """A scene in any unit as some device stored it, int16 (samples,)."""
    audio = equalised(audio, rng)
    if rng.random() < 0.7:
        audio = _cut(audio, "highpass", float(np.exp(rng.uniform(*np.log(LOW_CUT_HZ)))), rng)
    if rng.random() < 0.35:
        audio = _cut(audio, "lowpass", float(rng.uniform(*HIGH_CUT_HZ)), rng)
    if rng.random() < 0.15:
        audio = _compressed(audio, float(rng.uniform(0.2, 0.6)))
    if rng.random() < 0.15:
        audio = _coded(audio, float(rng.uniform(25.0, 45.0)), float(rng.uniform(4500.0, 7900.0)))
    peak = float(np.max(np.abs(audio))) or 1.0
    peak_dbfs = rng.uniform(*PEAK_DBFS) if rng.random() < 0.6 else rng.uniform(-20.0, 0.0)
    audio = audio * np.float32(10.0 ** (peak_dbfs / 20.0) / peak)
    audio += 10.0 ** (rng.uniform(*NOISE_DBFS) / 20.0) * rng.standard_normal(len(audio))
    steps = 2.0 ** (float(rng.choice([11, 12, 13])) if rng.random() < 0.1 else 15.0)
    return (np.clip(np.round(audio * steps), -steps, steps - 1.0) * (2.0**15 / steps)).astype(np.int16)


def _cut(audio: NDArray, kind: str, hz: float, rng: np.random.Generator) -> NDArray[np.float32]:
    order = int(rng.integers(1, 3)) if kind == "highpass" else int(rng.integers(2, 7))
    sos = scipy.signal.butter(order, min(hz, 0.49 * RATE_HZ), kind, fs=RATE_HZ, output="sos")
    return scipy.signal.sosfilt(sos, audio).astype(np.float32)


def _compressed(audio: NDArray, share: float) -> NDArray[np.float32]:
    """A slow automatic gain: takes `share` of every change of level, within 0.2 s."""
    smooth = scipy.signal.lfilter([1.0 - 0.9997], [1.0, -0.9997], np.square(audio))
    level = np.sqrt(smooth + 1e-4 * np.mean(np.square(audio)) + 1e-20)
    return (audio * (level / level.max()) ** -share).astype(np.float32)


def _coded(audio: NDArray, depth_db: float, high_hz: float) -> NDArray[np.float32]:
    """What a lossy codec of few bits leaves out: all above `high_hz`, and what lies `depth_db` below its octave's loudest bin."""
    hz, _, spectrum = scipy.signal.stft(audio, RATE_HZ, nperseg=_FRAME)
    power = np.abs(spectrum)
    octave = np.clip(np.log2(np.maximum(hz, 60.0) / 60.0).astype(int), 0, 6)
    for band in range(7):
        inside = octave == band
        loudest = power[inside].max(axis=0, keepdims=True)
        spectrum[inside] *= power[inside] > loudest * 10.0 ** (-depth_db / 20.0)
    spectrum[hz > high_hz] = 0.0
    coded = scipy.signal.istft(spectrum, RATE_HZ, nperseg=_FRAME)[1]
    return np.resize(coded, len(audio)).astype(np.float32)
