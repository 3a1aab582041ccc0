"""What a device's front end holds: complex samples about a carrier, at a rate that a detector can afford.

    b_m(t) = [h * sum_c e_cm(t) exp(j 2 pi (f_c - f_b) t)] / full scale + noise,      PCM = Re{b exp(j 2 pi f_b n / rate)}

Front end: h is a Kaiser-windowed sinc of 26 samples of the baseband, flat to 0.4 of its rate, 80 dB down from 0.6 of it.
`FrontEnd` computes it from the converter's samples, `Baseband` from the scene's envelopes, without the converter's rate in
between: for false-alarm hours. The second has no microphone distortion, no clipping and no music, and refuses where that
matters; moving echoes of both agree within -50 dB of the moving part, without noise.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from lab.acoustics.compiled import compiled
from lab.acoustics.converter import distortion, full_scale_pa, gaussian, noise_density, noise_keys
from lab.acoustics.device import UltrasonicSpec
from lab.acoustics.ultrasonic.filters import Oscillator, band_response, low_pass, shaped
from lab.acoustics.ultrasonic.passband import PASS, SCENE_RATES_HZ, compress
from lab.acoustics.ultrasonic.unit import Unit
from lab.errors import BadInput

FLAT, STOP, STOP_DB = 0.4, 0.6, 80.0  # of the baseband's rate
SPAN = 26  # samples of the baseband under the filter
NOISE_TAPS = 25


class FrontEnd:
    """The converter's samples to baseband, as the device's own processor does; late by `latency` samples of the baseband.

    spec: of the device. channels: number of microphones. Any cut into blocks gives the same bits.
    """

    latency = SPAN // 2

    def __init__(self, spec: UltrasonicSpec, channels: int) -> None:
        self.spec, self.channels = spec, channels
        self.ratio = spec.rate_hz // spec.baseband_rate_hz
        rate = spec.baseband_rate_hz
        h = 2.0 * low_pass(spec.rate_hz, FLAT * rate, STOP * rate, SPAN * self.ratio, STOP_DB)
        turn = np.exp(2j * np.pi * spec.baseband_carrier_hz / spec.rate_hz * np.arange(len(h)))
        self._taps = _parts(np.tile(h * turn, (channels, 1)))
        self._oscillator = Oscillator(spec.baseband_carrier_hz, rate)
        self._history = np.zeros((channels, len(h) - 1))
        self._spare = np.zeros((channels, 0))
        self._start = 0

    def process(self, pcm: NDArray) -> NDArray[np.complex64]:
        """pcm: (M, n), any n. Returns (M, n') of the baseband; samples short of one wait for the next block."""
        pcm = np.asarray(pcm, dtype=np.float64)
        if pcm.ndim != 2 or len(pcm) != self.channels:
            raise ValueError(f"pcm: ({self.channels}, n) needed, got {pcm.shape}")
        pending = np.concatenate([self._spare, pcm], axis=1)
        samples = pending.shape[1] // self.ratio
        self._spare = pending[:, samples * self.ratio :]
        whole = np.concatenate([self._history, pending[:, : samples * self.ratio]], axis=1)
        self._history = whole[:, whole.shape[1] - self._history.shape[1] :]
        out = np.empty((self.channels, samples), dtype=np.complex64)
        silent = np.empty((self.channels, 0))
        _receive(whole, *self._taps, self.ratio, False, np.empty(0, np.uint64), 0, silent, silent, out)
        # exp(-j w n) at the newest sample under the filter is taken at the output's rate.
        turn = np.conj(self._oscillator.read(self._start, samples))
        self._start += samples
        return (out * turn).astype(np.complex64)


class Baseband:
    """The same from the scene's envelopes, with noise of the right density; late by `latency` samples of the baseband.

    spec, unit: of the device. scene_rate_hz: of the envelopes, a multiple of baseband_rate_hz. rng: keys of the noise.
    noise: False leaves it out. playback: whether anything audible plays. Raises BadInput where this form is no substitute
    for the passband: music through the own loudspeaker or loud in the room distorts the microphones' tone.
    """

    latency = SPAN // 2

    def __init__(
        self,
        spec: UltrasonicSpec,
        unit: Unit,
        scene_rate_hz: int,
        rng: np.random.Generator,
        noise: bool = True,
        playback: bool = False,
    ) -> None:
        rate = spec.baseband_rate_hz
        if playback:
            raise BadInput(
                "stream baseband cannot be rendered directly while music plays, as microphones mix it with the tone; "
                "ask for the ultrasonic stream, or for its front end's output"
            )
        if scene_rate_hz not in SCENE_RATES_HZ or scene_rate_hz % rate:
            allowed = ", ".join(str(value) for value in SCENE_RATES_HZ if value % rate == 0)
            raise BadInput(
                f"scene_rate_hz = {scene_rate_hz}: a baseband of {rate} Hz takes envelopes at {allowed} Hz"
            )
        self.spec, self.unit, self.scene_rate_hz, self.ratio = (
            spec,
            unit,
            scene_rate_hz,
            scene_rate_hz // rate,
        )
        self._taps = _parts(self._filter() / full_scale_pa(spec))
        self._history = np.zeros((unit.channels, self._taps[0].shape[1] - 1), dtype=np.complex128)
        heard = _noise_taps(spec) / full_scale_pa(spec)
        self._noise = _parts(np.where(unit.sensitivity[:, None] > 0.0, heard, 0.0)[:, : None if noise else 0])
        self._keys = noise_keys(rng, unit.channels)
        self._a3 = distortion(spec.thd_one_percent_db_spl, spec.thd_ten_percent_db_spl)[1]
        self._oscillators: dict[float, Oscillator] = {}
        self._strength: dict[float, NDArray[np.float64]] = {}
        self._start = 0

    def process(self, samples: int, envelopes: Mapping[float, NDArray]) -> NDArray[np.complex64]:
        """The next block.

        samples: at the scene's rate, a multiple of `ratio`. envelopes: carrier in Hz -> (M, samples) in Pa, peak.
        Returns (M, samples / ratio). Raises BadInput for a carrier outside the front end's band.
        """
        if samples % self.ratio:
            raise ValueError(f"samples: a multiple of {self.ratio} needed, got {samples}")
        channels = self.unit.channels
        shape = (channels, samples)
        for carrier, envelope in envelopes.items():
            if carrier not in self._oscillators:
                self._oscillators[carrier] = self._tune(carrier)
                self._strength[carrier] = np.abs(self.unit.microphones(carrier))
            if envelope.shape != shape:
                raise ValueError(f"envelope: {shape} needed, got {envelope.shape}")
        parts = [envelope.astype(np.complex128) for envelope in envelopes.values()]
        compress(parts, [self._strength[carrier] for carrier in envelopes], self._a3)
        whole = np.concatenate([self._history, np.zeros(shape, dtype=np.complex128)], axis=1)
        for carrier, part in zip(envelopes, parts, strict=True):
            if carrier != self.spec.baseband_carrier_hz:
                part *= self._oscillators[carrier].read(self._start, samples)
            whole[:, -samples:] += part
        self._history = whole[:, whole.shape[1] - self._history.shape[1] :]
        out = np.empty((channels, samples // self.ratio), dtype=np.complex64)
        first = self._start // self.ratio + 2**40
        _receive(whole, *self._taps, self.ratio, True, self._keys, first, *self._noise, out)
        self._start += samples
        return out

    def _tune(self, carrier_hz: float) -> Oscillator:
        spec = self.spec
        centre, rate = spec.baseband_carrier_hz, spec.baseband_rate_hz
        # Shifted, the envelope must not fold back into what passes.
        reach = min(FLAT * rate, (1.0 - PASS) * self.scene_rate_hz - FLAT * rate)
        if abs(carrier_hz - centre) > reach:
            raise BadInput(
                f"carrier = {carrier_hz:g} Hz: the baseband about {centre:g} Hz takes tones within {reach:g} Hz of it; "
                "ask for the ultrasonic stream"
            )
        return Oscillator(carrier_hz - centre, self.scene_rate_hz)

    def _filter(self) -> NDArray[np.complex128]:
        spec, rate = self.spec, self.scene_rate_hz
        base = spec.baseband_rate_hz
        h = low_pass(rate, FLAT * base, STOP * base, SPAN * self.ratio, STOP_DB)

        def respond(offset_hz):
            at = spec.baseband_carrier_hz + offset_hz
            given = self.unit.microphones(at) * band_response(spec, at)
            middle = given[:, :1]  # offset 0 comes first
            # Both ends of a sampled band are one frequency: fade to the middle's value beyond what an envelope holds.
            fade = np.clip((np.abs(offset_hz) / rate - PASS) / (0.5 - PASS), 0.0, 1.0)
            return middle + (given - middle) * 0.5 * (1.0 + np.cos(np.pi * fade))

        return shaped(h, rate, respond, rate / 2)


def noise_filter(spec: UltrasonicSpec, unit: Unit, bins: int = 256) -> NDArray[np.float64]:
    """E|.|^2 of the baseband's noise per sample at each microphone, bin by bin: (M, bins) from 0 Hz; 0 for a dead microphone."""
    taps = _noise_taps(spec) / full_scale_pa(spec)
    power = 2.0 * np.square(np.abs(np.fft.fft(taps, bins)))
    return np.where(unit.sensitivity[:, None] > 0.0, power, 0.0)


def _noise_taps(spec: UltrasonicSpec) -> NDArray[np.complex128]:
    """Filter from complex unit noise at the baseband's rate to self-noise and rounding in Pa, as the front end leaves them.

    PCM noise of one-sided density N is complex noise of power 2 N per Hz; what the front end folds over is in it.
    """
    rate, ratio = spec.baseband_rate_hz, spec.rate_hz // spec.baseband_rate_hz
    size = 128
    h = low_pass(spec.rate_hz, FLAT * rate, STOP * rate, SPAN * ratio, STOP_DB)
    offset = np.fft.fftfreq(size * ratio, 1.0 / spec.rate_hz)
    at = np.minimum(np.abs(spec.baseband_carrier_hz + offset), spec.rate_hz / 2.000001)
    rounding = (full_scale_pa(spec) * 2.0 ** (1 - spec.bits)) ** 2 / 12.0 / (spec.rate_hz / 2.0)
    density = noise_density(spec, at) * np.square(np.abs(band_response(spec, at))) + rounding
    density *= np.square(np.abs(np.fft.fft(h, size * ratio)))
    folded = np.sqrt(2.0 * rate * density.reshape(ratio, size).sum(axis=0))
    taps = np.roll(np.fft.ifft(folded), NOISE_TAPS // 2)[:NOISE_TAPS]
    # The generator's real and imaginary parts have unit variance each.
    return taps * np.hamming(NOISE_TAPS) / np.sqrt(2.0)


def _parts(taps: NDArray[np.complex128]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    return np.ascontiguousarray(taps.real), np.ascontiguousarray(taps.imag)


@compiled
def _receive(x, taps_re, taps_im, ratio, complex_input, keys, first, noise_re, noise_im, out):
    """out[m, t] = sum_j taps[m, j] x[m, t ratio + order - 1 - j] + noise. x (M, order - 1 + samples ratio), real or complex.

    noise_re, noise_im: (M, NOISE_TAPS), or (M, 0) for none. out: (M, samples), complex64.
    """
    channels, order = taps_re.shape
    samples, noise_order = out.shape[1], noise_re.shape[1]
    column, other = np.empty(samples + order // ratio + 1), np.empty(samples + order // ratio + 1)
    re, im = np.empty(samples), np.empty(samples)
    pairs = np.empty(2 * (samples + noise_order), dtype=np.float32)
    scratch = np.empty_like(pairs)
    for channel in range(channels):
        re[:], im[:] = 0.0, 0.0
        for phase in range(ratio):
            # The samples with j = phase modulo ratio, oldest first, side by side.
            count = (order - phase + ratio - 1) // ratio
            source = x[channel, order - 1 - (phase + (count - 1) * ratio) :]
            for t in range(samples + count - 1):
                column[t] = source[t * ratio].real
            if complex_input:
                for t in range(samples + count - 1):
                    other[t] = source[t * ratio].imag
            for k in range(count):
                j = phase + k * ratio
                at = count - 1 - k
                if complex_input:
                    _add(re, im, taps_re[channel, j], taps_im[channel, j], column[at:], other[at:])
                else:
                    _scale(re, im, taps_re[channel, j], taps_im[channel, j], column[at:])
        if noise_order > 0 and noise_re[channel, noise_order // 2] != 0.0:
            length = samples + noise_order - 1
            gaussian(keys[channel], first - (noise_order - 1), pairs[: 2 * length], scratch[: 2 * length])
            if len(column) < length:
                column, other = np.empty(length), np.empty(length)
            for t in range(length):
                column[t], other[t] = pairs[2 * t], pairs[2 * t + 1]
            for k in range(noise_order):
                at = noise_order - 1 - k
                _add(re, im, noise_re[channel, k], noise_im[channel, k], column[at:], other[at:])
        for t in range(samples):
            out[channel, t] = np.complex64(complex(re[t], im[t]))


@compiled
def _add(re, im, a, b, u, v):
    for t in range(len(re)):
        re[t] += a * u[t] - b * v[t]
        im[t] += a * v[t] + b * u[t]


@compiled
def _scale(re, im, a, b, u):
    for t in range(len(re)):
        re[t] += a * u[t]
        im[t] += b * u[t]
