"""What reaches the microphones with nothing moving: the direct path and the echoes of the walls.

    y_m(t) = sum_i h_mi g_i(t) exp(j phi_i(t)) S(t - tau_mi),    h_mi = D_i w_i exp(-(a + jk) r_mi) / r_mi,  tau = r / c

over the images i of the loudspeaker, with phi from turbulence, g from bodies in the way and S the emitted envelope. Paths
of at most OWN_ORDER reflections have phases of their own, later ones share one with those of like direction and length.
Gains run straight from knot to knot (KNOT_HZ). The direct path goes round the housing and not through the far field:
1 / r times a coupling per microphone, without the loudspeaker's pattern.

Direct and own paths are delayed by six-point Lagrange interpolation, whose error stays below -50 dB for modulation up to a
tenth of the rate and two samples of delay or more, the others to the nearest sample. A tone that has been the same for as
long as the room remembers needs no delays: the same sum of gains, taken at the knots only.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import ArrayLike, NDArray

from lab.acoustics.compiled import compiled
from lab.acoustics.ultrasonic.shadow import Blockers, Shadow
from lab.acoustics.ultrasonic.stage import Stage
from lab.acoustics.ultrasonic.turbulence import FRAME, KNOT_HZ, AirSpec, Turbulence
from lab.errors import BadInput

OWN_ORDER = 2
STRETCHES = 4  # of lengths, in each octant of directions, of the paths that share phases
POINTS = 6  # of the interpolation
# time_s (T,) to how far the device is from its place, (T, 3) in m.
Shake = Callable[[NDArray[np.float64]], NDArray[np.float64]]


def path_weights(stage: Stage, coupling: ArrayLike | None = None) -> tuple[NDArray, NDArray]:
    """Length r_mi in m and complex weight h_mi of every path, both (M, N); the direct path comes first.

    coupling: (M,), complex, of the direct path; 1 (the default) is free field.
    """
    source = stage.source
    ray = stage.receivers.position_m[:, :1] - source.position_m
    length = np.linalg.norm(ray, axis=-1)
    cosine = np.sum(ray * source.mirror * source.axis, axis=-1) / length
    loudness = np.interp(cosine, np.linspace(-1.0, 1.0, len(source.pattern)), source.pattern)
    # Here the microphones are themselves and the loudspeaker is mirrored, so their axis is as it is.
    heard = stage.receivers
    arrival = -(ray @ heard.axis) / length
    loudness = loudness * np.interp(arrival, np.linspace(-1.0, 1.0, len(heard.pattern)), heard.pattern)
    loudness[:, 0] = 1.0
    propagation = stage.carrier.absorption_np_m + 1j * stage.carrier.wavenumber
    weight = loudness * source.weight * np.exp(-propagation * length) / length
    if coupling is not None:
        weight[:, 0] *= np.asarray(coupling)
    return length, weight


class StaticField:
    """Streams the field of one tone without its moving echoes.

    stage: the images of its loudspeaker are the paths, whatever their order, drawn tail included. rate_hz: of the
    envelope, a multiple of KNOT_HZ. air: how phases move. rng: one made anew of the same seed gives several tones the same
    air. coupling: see `path_weights`. blockers: of the movers that shade paths. shakes: what moves the whole device; its spectrum
    must stay below KNOT_HZ / 2. Raises BadInput for another rate.
    `read` may be cut anywhere without changing a bit; memory does not grow.
    """

    def __init__(
        self,
        stage: Stage,
        rate_hz: int,
        air: AirSpec,
        rng: np.random.Generator,
        *,
        coupling: ArrayLike | None = None,
        blockers: Sequence[Blockers] = (),
        shakes: Sequence[Shake] = (),
    ) -> None:
        if rate_hz <= 0 or rate_hz % KNOT_HZ:
            raise BadInput(f"rate_hz = {rate_hz}: the static field needs a multiple of {KNOT_HZ} Hz")
        self.rate_hz = rate_hz
        self.channels = stage.channels
        self._hop = rate_hz // KNOT_HZ
        length, weight = path_weights(stage, coupling)
        own = np.flatnonzero((stage.source.order > 0) & (stage.source.order <= OWN_ORDER))
        self._shaded = slice(self.channels, self.channels + len(own))
        group = _groups(stage, own)
        self._turbulence = _air(stage, group, length, air, rng)
        self._shadow = Shadow(stage, own, blockers)
        self._shakes, self._stretch = tuple(shakes), _stretch(stage, group)
        exact = group < self._shaded.stop
        delay = length / stage.carrier.speed_m_s * rate_hz
        self._delay, self._tap, self._group, self._first = _taps(delay, weight, group, exact)
        self._sums = np.zeros((self.channels, group.max() + 1), np.complex128)
        for channel in range(self.channels):
            mine = slice(self._first[channel], self._first[channel + 1])
            np.add.at(self._sums[channel], self._group[mine], self._tap[mine])
        self.memory = int(self._delay.max()) + 1
        self._history = np.zeros(self.memory, np.complex128)
        self._same = self.memory
        reach = int(delay[:, 0].max()) + POINTS
        self._direct_history = np.zeros((self.channels, reach), np.complex128)
        self._frame = -1
        self._used = 0
        self._phasor = np.zeros((self._sums.shape[1], FRAME + 1), np.complex128)
        self._total = np.zeros((self.channels, FRAME + 1), np.complex128)
        self._next_frame()  # of the second before 0, for its last knot
        self._next_frame()

    def read(
        self, samples: int, pressure_pa: ArrayLike, direct_pa: NDArray[np.complex128] | None = None
    ) -> NDArray[np.complex128]:
        """The next samples at the microphones in Pa, (M, samples).

        pressure_pa: the emitted envelope S in Pa at 1 m over these samples, (samples,), or one value for all of them.
        direct_pa: (M, samples), what the direct path to each microphone carries beyond that, as the cone turns the phase
        of what leaves sideways less than on its axis; nothing if left out.
        """
        emitted = np.empty(self.memory + samples, np.complex128)
        emitted[: self.memory] = self._history
        emitted[self.memory :] = pressure_pa
        same = np.empty(samples, np.int64)
        self._same = _count_same(emitted, self.memory, self._same, same)
        real, imag = emitted.real.copy(), emitted.imag.copy()
        out = np.empty((self.channels, samples), np.complex128)
        more = self._more_direct(samples, direct_pa)
        done = 0
        while done < samples:
            if self._used == FRAME * self._hop:
                self._next_frame()
            take = min(samples - done, FRAME * self._hop - self._used)
            _field(
                out, real, imag, same, self.memory, done, take, self._used, self._hop,
                self._total, self._phasor, self._tap, self._delay, self._group, self._first,
            )  # fmt: skip
            if more is not None:
                _add_direct(out, more, done, take, self._used, self._hop, self._phasor)
            done += take
            self._used += take
        self._history = emitted[samples:].copy()
        return out

    def _more_direct(
        self, samples: int, direct_pa: NDArray[np.complex128] | None
    ) -> NDArray[np.complex128] | None:
        """What the direct paths add, before the air turns it; it goes on while anything is under way."""
        if direct_pa is None and not self._direct_history.any():
            return None
        held = self._direct_history.shape[1]
        joined = np.zeros((self.channels, held + samples), np.complex128)
        joined[:, :held] = self._direct_history
        if direct_pa is not None:
            joined[:, held:] = direct_pa
        self._direct_history = joined[:, samples:].copy()
        more = np.zeros((self.channels, samples), np.complex128)
        for channel in range(self.channels):
            mine = slice(self._first[channel], self._first[channel + 1])
            direct = self._group[mine] == channel
            for delay, gain in zip(self._delay[mine][direct], self._tap[mine][direct], strict=True):
                more[channel] += gain * joined[channel, held - delay : held - delay + samples]
        return more

    def _next_frame(self) -> None:
        knots = np.arange(1, FRAME + 1) + self._frame * FRAME
        self._phasor[:, 0] = self._phasor[:, -1]
        turns = self._turbulence.frame() / (2.0 * np.pi)
        for shake in self._shakes:
            turns -= self._stretch @ shake(knots / KNOT_HZ).T
        # Single precision costs a third of the time and, once whole turns are gone, adds noise at -135 dB.
        turns -= np.rint(turns)
        phase = (2.0 * np.pi * turns).astype(np.float32)
        self._phasor.real[:, 1:] = np.cos(phase)
        self._phasor.imag[:, 1:] = np.sin(phase)
        gain = self._shadow.gain(knots / KNOT_HZ)
        if gain is not None:
            self._phasor[self._shaded, 1:] *= gain
        np.matmul(self._sums, self._phasor, out=self._total)
        self._frame += 1
        self._used = 0


def _groups(stage: Stage, own: NDArray[np.int64]) -> NDArray[np.int64]:
    """Which phase each path has, (M, N): one per microphone for the direct ones, one per own path, then the shared ones."""
    channels = stage.channels
    ray = stage.source.position_m[0] - stage.receivers.position_m[:, 0].mean(axis=0)
    later = np.flatnonzero(stage.source.order > OWN_ORDER)
    group = np.zeros(len(ray), np.int64)
    group[own] = channels + np.arange(len(own))
    if len(later):
        octant = (ray[later] > 0.0) @ np.array([1, 2, 4])
        length = np.linalg.norm(ray[later], axis=1)
        bounds = np.quantile(length, np.arange(1, STRETCHES) / STRETCHES)
        _, shared = np.unique(octant * STRETCHES + np.searchsorted(bounds, length), return_inverse=True)
        group[later] = channels + len(own) + shared
    groups = np.tile(group, (channels, 1))
    groups[:, 0] = np.arange(channels)
    return groups


def _stretch(stage: Stage, group: NDArray[np.int64]) -> NDArray[np.float64]:
    """By how many wavelengths each group of paths grows per metre that the device moves along x, y, z: (G, 3).

    Loudspeaker and microphones move by s, an image by its mirrored s: r grows by u (mirror s - s), u from microphone to image.
    Paths that share a phase are stretched by their mean.
    """
    ray = stage.source.position_m[0] - stage.receivers.position_m[:, 0].mean(axis=0)
    growth = (stage.source.mirror - 1.0) * ray / np.linalg.norm(ray, axis=1, keepdims=True)
    growth = np.tile(growth, (stage.channels, 1)) / stage.carrier.wavelength_m
    count = np.bincount(group.ravel())
    return np.stack([np.bincount(group.ravel(), growth[:, axis]) / count for axis in range(3)], axis=-1)


def _air(
    stage: Stage, group: NDArray, length_m: NDArray, air: AirSpec, rng: np.random.Generator
) -> Turbulence:
    """Every group moves like a path of the mean direction and length of its members."""
    count = np.bincount(group.ravel())
    ray = stage.source.position_m - stage.receivers.position_m[:, :1]
    vector = np.stack([np.bincount(group.ravel(), ray[..., axis].ravel()) for axis in range(3)], axis=-1)
    direction = vector / np.linalg.norm(vector, axis=1, keepdims=True)
    return Turbulence(
        air, stage.carrier, direction, np.bincount(group.ravel(), length_m.ravel()) / count, rng
    )


def _taps(
    delay: NDArray, weight: NDArray, group: NDArray, exact: NDArray
) -> tuple[NDArray[np.int64], NDArray[np.complex128], NDArray[np.int64], NDArray[np.int64]]:
    """Delays in samples (J,), gains (J,) and groups (J,) by microphone, and where each microphone starts (M + 1,)."""
    columns: list[list[NDArray]] = [[], [], []]
    first = [0]
    for channel in range(len(delay)):
        fine, coarse = np.flatnonzero(exact[channel]), np.flatnonzero(~exact[channel])
        start = np.maximum(np.floor(delay[channel, fine]).astype(np.int64) - (POINTS // 2 - 1), 0)
        points = np.arange(POINTS)
        filters = lagrange(delay[channel, fine] - start) * weight[channel, fine, None]
        at = np.concatenate(
            [(start[:, None] + points).ravel(), np.rint(delay[channel, coarse]).astype(np.int64)]
        )
        of = np.concatenate([np.repeat(group[channel, fine], POINTS), group[channel, coarse]])
        gain = np.concatenate([filters.ravel(), weight[channel, coarse]])
        key, inverse = np.unique(np.stack([at, of]), axis=1, return_inverse=True)
        merged = np.zeros(key.shape[1], np.complex128)
        np.add.at(merged, inverse.ravel(), gain)
        for column, values in zip(columns, (key[0], merged, key[1]), strict=True):
            column.append(values)
        first.append(first[-1] + key.shape[1])
    delays, gains, groups = (np.concatenate(column) for column in columns)
    return delays, gains, groups, np.array(first)


def lagrange(delay: NDArray[np.float64]) -> NDArray[np.float64]:
    """Interpolation filters (P, POINTS) that delay by these samples (P,), 0 to POINTS - 1; best in the middle."""
    points = np.arange(POINTS)
    filters = np.ones((len(delay), POINTS))
    for point in points:
        for other in points[points != point]:
            filters[:, point] *= (delay - other) / (point - other)
    return filters


@compiled
def _count_same(emitted, start, same_before, same):
    """For how many samples each has been what it is; returns that of the last."""
    run = same_before
    for t in range(len(same)):
        run = run + 1 if emitted[start + t] == emitted[start + t - 1] else 0
        same[t] = run
    return run


@compiled
def _field(
    out, real, imag, same, memory, done, take, used, hop, total, phasor, tap, delay, group, first
):  # fmt: skip
    """Samples done to done + take of the block, which are used to used + take of the frame."""
    channels = out.shape[0]
    sum_real, sum_imag = np.empty(hop), np.empty(hop)
    parts = np.arange(hop) / hop
    a = 0
    while a < take:
        knot = (used + a) // hop
        end = min(take, (knot + 1) * hop - used)
        # Each sample decides by itself which way it goes, so the cuts of a reader decide nothing.
        steady = same[done + a] >= memory
        b = a + 1
        while b < end and (same[done + b] >= memory) == steady:
            b += 1
        n = b - a
        offset = used + a - knot * hop
        part = parts[offset : offset + n]
        now = memory + done + a
        for m in range(channels):
            row = out[m, done + a : done + b]
            if steady:
                left = total[m, knot]
                step = total[m, knot + 1] - left
                x, y = real[now : now + n], imag[now : now + n]
                for t in range(n):
                    row[t] = (left + part[t] * step) * complex(x[t], y[t])
                continue
            sum_real[:n] = 0.0
            sum_imag[:n] = 0.0
            for j in range(first[m], first[m + 1]):
                left = tap[j] * phasor[group[j], knot]
                step = tap[j] * phasor[group[j], knot + 1] - left
                lr, li, sr, si = left.real, left.imag, step.real, step.imag
                # Slices from 0: a loop over them is vectorised, one over shifted indices is not.
                back = now - delay[j]
                x, y = real[back : back + n], imag[back : back + n]
                for t in range(n):
                    gr, gi = lr + part[t] * sr, li + part[t] * si
                    sum_real[t] += gr * x[t] - gi * y[t]
                    sum_imag[t] += gr * y[t] + gi * x[t]
            for t in range(n):
                row[t] = complex(sum_real[t], sum_imag[t])
        a = b


@compiled
def _add_direct(out, more, done, take, used, hop, phasor):  # fmt: skip
    """Turn the direct paths' part by the phase of its microphone and add it."""
    for m in range(out.shape[0]):
        for t in range(take):
            knot, offset = divmod(used + t, hop)
            left, right = phasor[m, knot], phasor[m, knot + 1]
            out[m, done + t] += (left + offset / hop * (right - left)) * more[m, done + t]
