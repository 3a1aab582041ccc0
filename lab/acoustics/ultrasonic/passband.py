"""Complex envelopes become what the converter delivers: samples at 96 or 192 kHz.

    y_m[n] = ADC( N( sum_c Re{e_cm(t - D) exp(j w_c t)} + music_m(t - D) ) + noise_m ),   t = n / rate

The carrier is folded into the interpolation filter: with taps h[p + kL] and n = tL + p,
Re{exp(j w n) sum_k h[p + kL] x[t - k]} = Re{sum_k (h exp(j w .))[p + kL] (x[t - k] exp(j w (t - k) L))}, so that the carrier is
only made at the envelope's rate, from an integer phase, and one real sum of 2 P products is left per sample. The microphone's
response and the converter's band over the envelope's band are folded into the same taps.

Distortion keeps what the converter's decimation filter lets through: of the tone with itself a gain, 3/4 a3 |e|^2; of the
music all, with the tone 2 a2 m + 3 a3 m^2. Products about two and three times the carrier are not made, as they would alias.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import scipy.signal
from numpy.typing import NDArray

from lab.acoustics.compiled import compiled
from lab.acoustics.converter import distortion, full_scale_pa, gaussian, noise_density, noise_keys
from lab.acoustics.device import UltrasonicSpec
from lab.acoustics.microphone import band_sos
from lab.acoustics.ultrasonic.filters import Oscillator, low_pass, shaped
from lab.acoustics.ultrasonic.unit import Unit
from lab.errors import BadInput

Complex = NDArray[np.complex128]
SCENE_RATES_HZ = (2000, 4000, 8000, 16000)
# Share of the envelope's rate that passes: edge of the rule "rate >= 1.3 x 4 v f0 / c".
PASS = 1.0 / 2.6
TONE_TAPS, TONE_DB = 24, 85.0  # per phase; stop band from rate - pass edge
MUSIC_TAPS, MUSIC_DB = 48, 75.0  # passes 0.45 of its rate
NOISE_TAPS = 33  # at 96 kHz
TILE = 64


class Passband:
    """The converter's stream of one unit, from block to block; the cut into blocks changes no bit.

    spec, unit: of the device. scene_rate_hz: of the envelopes, 2000 to 16000. audible_rate_hz: of the pressure from music
    and noise that `process` is given, a multiple of the scene's rate up to the converter's own; None where there is none.
    rng: keys of the self-noise. noise: False leaves the self-noise out. Raises BadInput for rates it cannot join.

    Interpolation: what lies within rate / 2.6 of the carrier passes (to 0.01 dB), images are 80 dB down. All streams are
    late by `latency` samples of the converter.
    """

    def __init__(
        self,
        spec: UltrasonicSpec,
        unit: Unit,
        scene_rate_hz: int,
        rng: np.random.Generator,
        audible_rate_hz: int | None = None,
        noise: bool = True,
    ) -> None:
        if scene_rate_hz not in SCENE_RATES_HZ:
            raise BadInput(f"scene_rate_hz = {scene_rate_hz}: envelopes come at {_either(SCENE_RATES_HZ)} Hz")
        rate = spec.rate_hz
        self.spec, self.unit, self.scene_rate_hz, self.audible_rate_hz = (
            spec,
            unit,
            scene_rate_hz,
            audible_rate_hz,
        )
        self.ratio = rate // scene_rate_hz
        self._music = np.zeros((1, 1), dtype=np.float32)
        tone_delay = self.latency = TONE_TAPS // 2 * self.ratio
        if audible_rate_hz is not None:
            if rate % audible_rate_hz or audible_rate_hz % scene_rate_hz:
                raise BadInput(
                    f"audible_rate_hz = {audible_rate_hz}: needs a divisor of {rate} and a multiple of {scene_rate_hz}"
                )
            ratio = rate // audible_rate_hz
            if ratio > 1:
                h = ratio * low_pass(
                    rate, 0.45 * audible_rate_hz, 0.55 * audible_rate_hz, MUSIC_TAPS * ratio, MUSIC_DB
                )
                self._music = np.ascontiguousarray(h.reshape(MUSIC_TAPS, ratio).T, dtype=np.float32)
            else:
                self._music = np.ones((1, 1), dtype=np.float32)
            music_delay = 0 if ratio == 1 else MUSIC_TAPS // 2 * ratio
            self.latency = max(tone_delay, music_delay)
            taps, extra = self._music.shape[1], (self.latency - music_delay) // ratio
            self._heard = np.zeros((unit.channels, taps - 1 + extra), dtype=np.float32)
        self._extra = (self.latency - tone_delay) // self.ratio
        self._branches: dict[float, _Branch] = {}
        self._start = 0
        self._a2, self._a3 = distortion(spec.thd_one_percent_db_spl, spec.thd_ten_percent_db_spl)
        self._keys = noise_keys(rng, unit.channels)
        self._noise = np.where(unit.sensitivity[:, None] > 0.0, noise_taps(spec), 0.0).astype(np.float32)
        self._noisy = noise
        self._high_pass = band_sos(rate, *spec.band_hz)[0]
        self._state = np.zeros((2, unit.channels))
        self._steps = float(2 ** (spec.bits - 1))

    @property
    def latency_s(self) -> float:
        return self.latency / self.spec.rate_hz

    def process(
        self, samples: int, envelopes: Mapping[float, NDArray], audible_pa: NDArray | None = None
    ) -> NDArray[np.float32]:
        """The next block.

        samples: at the scene's rate. envelopes: carrier in Hz -> (M, samples) in Pa, peak; carriers may come and go.
        audible_pa: (M, samples * audible_rate_hz / scene_rate_hz). Returns (M, samples * ratio) in [-1, 1).
        Raises BadInput for a carrier too near half the rate or below 20 kHz.
        """
        channels = self.unit.channels
        for carrier in envelopes:
            if carrier not in self._branches:
                self._branches[carrier] = self._branch(carrier)
        mixed = [
            branch.mix(envelopes.get(carrier), self._start + self._extra, samples)
            for carrier, branch in self._branches.items()
        ]
        compress(mixed, [branch.strength for branch in self._branches.values()], self._a3)
        held = [branch.extend(part) for branch, part in zip(self._branches.values(), mixed, strict=True)]
        shape = (0, channels, TONE_TAPS - 1 + samples)
        real = (
            np.stack([part.real for part in held]).astype(np.float32) if held else np.empty(shape, np.float32)
        )
        imag = (
            np.stack([part.imag for part in held]).astype(np.float32) if held else np.empty(shape, np.float32)
        )
        taps = [branch.taps for branch in self._branches.values()]
        taps = np.stack(taps) if taps else np.empty((0, 2, channels, self.ratio, TONE_TAPS), np.float32)
        out = np.empty((channels, samples * self.ratio), dtype=np.float32)
        _emit(
            real,
            imag,
            taps,
            self._with_history(samples, audible_pa),
            self._music,
            self.unit.sensitivity.astype(np.float32),
            self._keys,
            self._start * self.ratio + 2**40,
            self._noise,
            self._noisy,
            np.float32(2.0 * self._a2),
            np.float32(3.0 * self._a3),
            self._high_pass,
            self._state,
            self._steps / full_scale_pa(self.spec),
            self._steps,
            out,
        )
        self._start += samples
        self._branches = {
            carrier: branch
            for carrier, branch in self._branches.items()
            if carrier in envelopes or np.any(branch.history)
        }
        return out

    def _branch(self, carrier_hz: float) -> _Branch:
        half = self.spec.rate_hz / 2
        if not 20000.0 <= carrier_hz <= half - PASS * self.scene_rate_hz:
            raise BadInput(
                f"carrier = {carrier_hz:g} Hz: at {self.spec.rate_hz} Hz and an envelope of {self.scene_rate_hz} Hz a "
                f"carrier lies within 20000 to {half - PASS * self.scene_rate_hz:g} Hz"
            )
        return _Branch(self.spec, self.unit, carrier_hz, self.scene_rate_hz, self._extra)

    def _with_history(self, samples: int, audible_pa: NDArray | None) -> NDArray[np.float32]:
        if self.audible_rate_hz is None:
            if audible_pa is not None:
                raise ValueError("audible_pa: this stream was made without an audible_rate_hz")
            return np.empty((self.unit.channels, 0), dtype=np.float32)
        shape = (self.unit.channels, samples * (self.audible_rate_hz // self.scene_rate_hz))
        new = (
            np.zeros(shape, dtype=np.float32)
            if audible_pa is None
            else np.asarray(audible_pa, dtype=np.float32)
        )
        if new.shape != shape:
            raise ValueError(f"audible_pa: {shape} needed, got {new.shape}")
        whole = np.concatenate([self._heard, new], axis=1)
        self._heard = whole[:, whole.shape[1] - self._heard.shape[1] :]
        return whole


def compress(envelopes: list[Complex], strengths: list[NDArray[np.float64]], a3: float) -> None:
    """The tones' third-order gain change on themselves and on each other, in place.

    envelopes: (M, n) each, in Pa. strengths: (M, 1) each, response of the microphones at the carrier. a3: 1 / Pa^2.
    """
    if not envelopes:
        return
    power = [np.square(np.abs(e)) * strength**2 for e, strength in zip(envelopes, strengths, strict=True)]
    total = sum(power[1:], start=power[0])
    for own, envelope in zip(power, envelopes, strict=True):
        envelope *= 1.0 + 0.75 * a3 * (2.0 * total - own)


class _Branch:
    """One carrier: its oscillator, the taps of every microphone, and the last envelopes."""

    def __init__(
        self, spec: UltrasonicSpec, unit: Unit, carrier_hz: float, scene_rate_hz: int, extra: int
    ) -> None:
        rate, ratio = spec.rate_hz, spec.rate_hz // scene_rate_hz
        edge = PASS * scene_rate_hz
        h = ratio * low_pass(rate, edge, scene_rate_hz - edge, TONE_TAPS * ratio, TONE_DB)
        # The high-pass is a filter of its own behind the distortion.
        low = scipy.signal.sosfreqz(band_sos(rate, *spec.band_hz)[:1], [carrier_hz], fs=rate)[1][0]

        def respond(offset_hz):
            at = carrier_hz + offset_hz
            behind = scipy.signal.sosfreqz(
                band_sos(rate, *spec.band_hz)[1:], np.clip(at, 0.0, rate / 2.000001), fs=rate
            )
            return unit.microphones(at) * behind[1]

        g = shaped(h, rate, respond, scene_rate_hz - edge)
        g = g * np.exp(2j * np.pi * (carrier_hz / rate) * np.arange(g.shape[1]))
        g = g.reshape(unit.channels, TONE_TAPS, ratio).transpose(0, 2, 1)
        self.taps = np.stack([g.real, g.imag]).astype(np.float32)
        self.strength = np.abs(respond(np.zeros(1)) * low)
        self.history = np.zeros((unit.channels, TONE_TAPS - 1 + extra), dtype=np.complex128)
        self._oscillator = Oscillator(carrier_hz, scene_rate_hz)

    def mix(self, envelope: NDArray | None, start: int, samples: int) -> Complex:
        """The envelope on the carrier as its rate sees it, (M, samples)."""
        shape = (len(self.history), samples)
        if envelope is None:
            return np.zeros(shape, dtype=np.complex128)
        if envelope.shape != shape:
            raise ValueError(f"envelope: {shape} needed, got {envelope.shape}")
        return envelope * self._oscillator.read(start, samples)

    def extend(self, mixed: Complex) -> Complex:
        whole = np.concatenate([self.history, mixed], axis=1)
        self.history = whole[:, whole.shape[1] - self.history.shape[1] :]
        return whole


def noise_taps(spec: UltrasonicSpec) -> NDArray[np.float64]:
    """Linear-phase filter, of odd length, from unit white noise to the self-noise in Pa; its density within 0.6 dB to 44 kHz."""
    taps = (NOISE_TAPS - 1) * spec.rate_hz // 96_000 + 1
    frequency = np.fft.rfftfreq(1024, 1.0 / spec.rate_hz)
    low_pass_only = band_sos(spec.rate_hz, *spec.band_hz)[1:]
    behind = scipy.signal.sosfreqz(
        low_pass_only, np.minimum(frequency, spec.rate_hz / 2.000001), fs=spec.rate_hz
    )[1]
    wanted = np.sqrt(noise_density(spec, frequency) * spec.rate_hz / 2.0) * np.abs(behind)
    return np.roll(np.fft.irfft(wanted), taps // 2)[:taps] * np.kaiser(taps, 2.0)


@compiled
def _emit(
    real,
    imag,
    taps,
    heard,
    music_taps,
    sensitivity,
    keys,
    first,
    noise,
    noisy,
    a2,
    a3,
    sos,
    state,
    gain,
    steps,
    out,
):
    """See the module. real, imag (C, M, P - 1 + delay + n); taps (C, 2, M, L, P); heard (M, history + n'); out (M, n L)."""
    carriers, channels = taps.shape[0], out.shape[0]
    ratio = taps.shape[3]
    music_ratio, music_order = music_taps.shape
    samples = out.shape[1] // ratio
    with_music = heard.shape[1] > 0
    width = TILE * ratio
    reach = noise.shape[1] - 1
    total = np.empty((channels, width), dtype=np.float32)
    music = np.empty(width, dtype=np.float32)
    sums = np.empty(max(TILE, width), dtype=np.float32)
    white = np.empty(width + reach, dtype=np.float32)
    scratch = np.empty(width + reach, dtype=np.float32)
    zero, one = np.float32(0.0), np.float32(1.0)
    x = np.empty(channels)
    for begin in range(0, samples, TILE):
        count = min(TILE, samples - begin)
        wide = count * ratio
        for channel in range(channels):
            row = total[channel]
            row[:wide] = zero
            for carrier in range(carriers):
                re, im = real[carrier, channel], imag[carrier, channel]
                for phase in range(ratio):
                    _bandpass(
                        re,
                        im,
                        begin,
                        taps[carrier, 0, channel, phase],
                        taps[carrier, 1, channel, phase],
                        sums,
                        count,
                    )
                    for t in range(count):
                        row[t * ratio + phase] += sums[t]
            if with_music:
                inputs = wide // music_ratio
                offset = begin * ratio // music_ratio
                own = heard[channel]
                for phase in range(music_ratio):
                    sums[:inputs] = zero
                    for k in range(music_order):
                        weight = music_taps[phase, k] * sensitivity[channel]
                        at = offset + music_order - 1 - k
                        source = own[at : at + inputs]
                        for t in range(inputs):
                            sums[t] += weight * source[t]
                    for t in range(inputs):
                        music[t * music_ratio + phase] = sums[t]
                for n in range(wide):
                    m = music[n]
                    line = one + m * (a2 + a3 * m)
                    # a2 and a3 hold 2 a2 and 3 a3: the music's own terms are half and a third of them.
                    row[n] = row[n] * line + m * (
                        one + m * (np.float32(0.5) * a2 + np.float32(1 / 3) * a3 * m)
                    )
            if noisy and noise[channel, reach // 2] != zero:
                length = wide + reach
                gaussian(
                    keys[channel],
                    (first + begin * ratio - reach) // 2,
                    white[:length],
                    scratch[:length],
                )
                for k in range(reach + 1):
                    weight = noise[channel, k]
                    source = white[k : k + wide]
                    for n in range(wide):
                        row[n] += weight * source[n]
        b0, b1, b2, a1, a_2 = sos[0], sos[1], sos[2], sos[4], sos[5]
        for n in range(wide):
            for channel in range(channels):
                v = gain * total[channel, n]
                y = b0 * v + state[0, channel]
                state[0, channel] = b1 * v - a1 * y + state[1, channel]
                state[1, channel] = b2 * v - a_2 * y
                x[channel] = y
            for channel in range(channels):
                out[channel, begin * ratio + n] = min(max(np.rint(x[channel]), -steps), steps - 1.0) / steps


@compiled
def _bandpass(re, im, begin, taps_re, taps_im, sums, count):
    """One phase of the interpolation: count real sums over the taps."""
    order = len(taps_re)
    sums[:count] = np.float32(0.0)
    for k in range(order):
        a, b = taps_re[k], taps_im[k]
        at = begin + order - 1 - k
        u, v = re[at : at + count], im[at : at + count]
        for t in range(count):
            sums[t] += a * u[t] - b * v[t]


def _either(values) -> str:
    return " or ".join(str(value) for value in values)
