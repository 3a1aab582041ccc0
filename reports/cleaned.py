"""Pictures of an envelope as heard and with the device's own music taken out, side by side."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import scipy.signal
from matplotlib.figure import Figure
from numpy.typing import NDArray

from reports import style

RATE_HZ, SETTLE_S, MICROPHONE, FRAME = 4_000, 2.0, 0, 512


def band_db(envelope: NDArray[np.complex64], low_hz: float = 20.0, high_hz: float = 1200.0) -> float:
    """Power on both sides of the carrier at the microphone shown, after the first two, dB re the carrier."""
    signal = envelope[MICROPHONE, round(SETTLE_S * RATE_HZ) :].astype(complex)
    frequency, power = scipy.signal.welch(signal, RATE_HZ, "blackmanharris", FRAME, return_onesided=False)
    band = (np.abs(frequency) >= low_hz) & (np.abs(frequency) <= high_hz)
    return float(10 * np.log10(power[band].sum() * RATE_HZ / FRAME / np.abs(signal.mean()) ** 2))


def write_cleaned(before: NDArray, after: NDArray, title: str, png: Path) -> Path:
    """Both over time, side by side in one colour scale."""
    with style.look():
        figure = Figure(figsize=(8.2, 3.4))
        axes = figure.subplots(1, 2, sharey=True)
        for axis, envelope, when in zip(axes, (before, after), ("as heard", "cleaned up"), strict=True):
            signal = envelope[MICROPHONE]
            frequency, time, power = scipy.signal.spectrogram(
                signal,
                RATE_HZ,
                "blackmanharris",
                FRAME,
                3 * FRAME // 4,
                detrend=False,
                return_onesided=False,
                mode="psd",
            )
            order = np.argsort(frequency)
            line = np.abs(signal[round(SETTLE_S * RATE_HZ) :].mean()) ** 2
            level = 10 * np.log10(np.maximum(power[order] * RATE_HZ / FRAME / line, 1e-14))
            image = axis.pcolormesh(
                time, frequency[order] / 1000, level, cmap="magma", vmin=-100, vmax=-30, rasterized=True
            )
            axis.set(xlabel="time (s)", ylim=(-1.4, 1.4))
            style.set_title(axis, when if axis is axes[1] else f"{title}: {when}")
        axes[0].set_ylabel("shift (kHz)")
        figure.colorbar(image, ax=axes, label="dB re carrier")
    png.parent.mkdir(parents=True, exist_ok=True)
    style.to_png(figure, png, dpi=130)
    return png
