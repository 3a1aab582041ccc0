"""The late part of impulse responses: reflections in random order under the energy that rays have traced.

Reflections arrive as a Poisson process of rate 4 pi c^3 t^2 / V (Kuttruff, Room Acoustics), each of random
sign; scaled by the root of that rate they are noise of unit power, sparse at first. The noises of the
microphones are mixed to the coherence of a diffuse field and shaped, octave by octave, by the energy
traced to each microphone.

pyroomacoustics has a sequence of this kind. It draws one for each microphone, which makes the reverberation
of microphones centimetres apart independent, and counts reflections that fall on one sample once in its
normalisation and twice in the sequence, 1.3 dB too much energy at 16 kHz.
"""

from __future__ import annotations

import numpy as np
import scipy.fft
from numpy.typing import ArrayLike, NDArray

from lab.acoustics.diffuse import mixing_filters

DENSEST_PER_S = 10_000.0  # more reflections per second sound no denser
CROSSOVER_OCTAVES = 0.5  # width of the transition between two octave bands


def late_responses(
    energy: NDArray,
    bin_s: float,
    arrival_s: NDArray,
    microphones_m: NDArray,
    centres_hz: ArrayLike,
    volume_m3: float,
    speed_m_s: float,
    rate_hz: int,
    rng: np.random.Generator,
) -> NDArray[np.float64]:
    """Late parts, shape (M, samples); time 0 is the emission.

    energy: traced to each microphone, by band and bin of `bin_s`, shape (M, bands, bins); as a response whose
    spectrum is flat. arrival_s: of the direct sound, (M,). microphones_m: (M, 3). centres_hz: (bands,).
    """
    channels, bands, bins = energy.shape
    samples = round(bins * bin_s * rate_hz)
    noise = np.stack([reflections(start, samples, volume_m3, speed_m_s, rate_hz, rng) for start in arrival_s])
    mixing = mixing_filters(microphones_m, rate_hz, speed_m_s)
    length = scipy.fft.next_fast_len(samples + mixing.shape[-1], real=True)
    spectrum = scipy.fft.rfft(noise, length)
    if channels > 1:
        delay = np.exp(2j * np.pi * scipy.fft.rfftfreq(length) * (mixing.shape[-1] // 2))
        spectrum = np.einsum("ijf,jf->if", scipy.fft.rfft(mixing, length), spectrum) * delay
    weights = octave_weights(scipy.fft.rfftfreq(length, 1.0 / rate_hz), centres_hz)
    time_s = np.arange(samples) / rate_hz
    bin_centres_s = (np.arange(bins) + 0.5) * bin_s
    responses = np.zeros((channels, samples))
    for band in range(bands):
        signal = scipy.fft.irfft(spectrum * weights[band], length)[:, :samples]
        for channel in range(channels):
            density = np.interp(time_s, bin_centres_s, energy[channel, band]) / (bin_s * rate_hz)
            responses[channel] += signal[channel] * np.sqrt(density)
    responses[time_s < np.asarray(arrival_s)[:, None]] = 0.0
    return responses


def reflections(
    start_s: float,
    samples: int,
    volume_m3: float,
    speed_m_s: float,
    rate_hz: int,
    rng: np.random.Generator,
) -> NDArray[np.float64]:
    """Reflections of random sign from `start_s` on, of unit expected power per sample; shape (samples,).

    Arrival times come from the inverse of the expected count N(t): cubic until the rate reaches
    DENSEST_PER_S, linear from there on.
    """
    growth = 4.0 * np.pi * speed_m_s**3 / volume_m3
    dense_s = np.sqrt(DENSEST_PER_S / growth)
    end_s = samples / rate_hz

    def count(time_s: float) -> float:
        cubic = growth / 3.0 * min(time_s, dense_s) ** 3
        return cubic + DENSEST_PER_S * max(time_s - dense_s, 0.0)

    expected = count(end_s) - count(start_s)
    if expected <= 0.0:
        return np.zeros(samples)
    places = count(start_s) + rng.uniform(0.0, expected, rng.poisson(expected))
    times_s = np.where(
        places < count(dense_s),
        np.cbrt(3.0 * places / growth),
        dense_s + (places - count(dense_s)) / DENSEST_PER_S,
    )
    rates = np.minimum(growth * times_s**2, DENSEST_PER_S)
    sizes = rng.choice([-1.0, 1.0], len(times_s)) * np.sqrt(rate_hz / rates)
    slots = np.minimum((times_s * rate_hz).astype(np.int64), samples - 1)
    return np.bincount(slots, sizes, minlength=samples)


def octave_weights(
    frequency_hz: NDArray, centres_hz: ArrayLike, crossover_octaves: float = CROSSOVER_OCTAVES
) -> NDArray[np.float64]:
    """Weights of octave bands that add up to 1 at every frequency; shape (bands, F).

    The first band goes on down to 0 Hz, the last one up. crossover_octaves: width of a transition, above 0 to 1.
    """
    centres = np.asarray(centres_hz, dtype=np.float64)
    edges = centres[:-1] * np.sqrt(2.0)
    with np.errstate(divide="ignore"):
        octaves_above = np.log2(np.asarray(frequency_hz)[None, :] / edges[:, None])
    position = np.clip(octaves_above / crossover_octaves + 0.5, 0.0, 1.0)
    below = np.cos(0.5 * np.pi * position) ** 2
    steps = np.concatenate([np.zeros((1, below.shape[1])), below, np.ones((1, below.shape[1]))])
    return np.diff(steps, axis=0)
