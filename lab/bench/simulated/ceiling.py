"""The ceiling of detection: a receiver that knows the echo of who moves to the last sample, and hears it in the device's noise alone.

    s_m = b_m(with the person) - b_m(without),      d^2 = 2 sum over m, f of |S_m(f)|^2 / (n N_m(f)),      P = Phi(d - q)

Both envelopes are rendered without noise, the tone steady at 34 kHz and 85 dB SPL at 1 m, from the same unit, room and air; what is left is
all that the person causes, echoes and shadows. s is known, Gaussian noise of the device's spectrum N is not: the matched filter over the
window in which a detection counts is the best there is (Neyman and Pearson, Phil. Trans. A 231, 1933). q gives one false alarm in
FALSE_ALARM_DAYS with a decision every HOP_S.

    P_energy = 1 - prod over windows of F(chi^2; 2 M B, d_w^2),     d_w^2 with N + A for N

is one that does not know the echo's shape, only that it moves: energy in all B bins of MOTION_HZ, both sides, at all M microphones, over
ENERGY_S (Urkowitz, Proc. IEEE 55(4), 1967), at the same rate of false alarms, in the noise and in the flicker A of the air
through which all echoes go, each bin weighed by both (A by Welch's method, IEEE Trans. AU 15(2), 1967, over AIR_S). Fans, curtains, music and
lines of others are left out: no detector that has to live with them does better. Ceilings, not targets.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import scipy.fft
import scipy.signal
from numpy.typing import NDArray
from scipy.special import ndtr, ndtri
from scipy.stats import chi2, ncx2

from detectors.interface import BASEBAND, Emission
from lab.acoustics.cache import DiskCache
from lab.acoustics.ultrasonic.baseband import Baseband, noise_filter
from lab.bench.simulated.scene import Scene
from lab.bench.simulated.ultrasound import UltrasonicScene
from lab.errors import BadInput
from lab.scenario.trial import Trial

TONE = Emission((34_000.0,), 85.0)
BEFORE_S = 0.6  # the tone comes up and fills the room
HOP_S, FALSE_ALARM_DAYS = 0.05, 10.0
FALSE_ALARM = HOP_S / (86_400.0 * FALSE_ALARM_DAYS)  # probability at each decision
THRESHOLD = float(-ndtri(FALSE_ALARM))  # q: 5.3
ENERGY_S, MOTION_HZ = 0.5, (10.0, 1200.0)
AIR_S = 0.5
_STEP_S = 0.05


@dataclass(frozen=True)
class Ceiling:
    """matched, energy: probabilities of detection. headroom_db: 20 lg(d / q), what the matched filter has to spare."""

    matched: float
    energy: float
    headroom_db: float


def ceiling(trial: Trial, label: str) -> Ceiling:
    """For the first event of this label, within the window in which the scenario counts a detection. Raises BadInput without one."""
    mover, onset_s, closes_s = _wanted(trial, label)
    heard, noise = _envelope(_with_only(trial, {mover}), onset_s, closes_s)
    still, _ = _envelope(_with_only(trial, set()), onset_s, closes_s)
    d = np.sqrt(detectability(heard - still, noise))
    rate_hz = trial.spec.device.ultrasonic.baseband_rate_hz
    return Ceiling(
        matched=float(ndtr(d - THRESHOLD)),
        energy=energy_probability(heard - still, in_air(still, noise, rate_hz), rate_hz),
        headroom_db=float(20.0 * np.log10(max(d, 1e-9) / THRESHOLD)),
    )


def detectability(signal: NDArray[np.complex128], noise: NDArray[np.float64]) -> float:
    """d^2 of a known signal (M, n) in complex Gaussian noise of E|.|^2 per sample and bin noise (M, F) on an even grid from 0 Hz.

    Microphones without noise are dead and tell nothing.
    """
    return float(np.sum(_by_bin(signal, noise)))


def energy_probability(signal: NDArray[np.complex128], noise: NDArray[np.float64], rate_hz: float) -> float:
    """Of at least one window of ENERGY_S in which the energy beyond the carrier reaches the threshold. signal, noise: see `detectability`."""
    size = round(ENERGY_S * rate_hz)
    shift_hz = np.abs(np.fft.fftfreq(size, 1.0 / rate_hz))
    band = (shift_hz >= MOTION_HZ[0]) & (shift_hz <= MOTION_HZ[1])
    missed = 1.0
    for first in range(0, signal.shape[1] - size + 1, size):
        d2 = _by_bin(signal[:, first : first + size], noise)[:, band]
        freedom = 2.0 * d2.size
        missed *= float(ncx2.cdf(chi2.isf(FALSE_ALARM, freedom), freedom, max(float(d2.sum()), 1e-9)))
    return 1.0 - missed


def in_air(still: NDArray[np.complex128], noise: NDArray[np.float64], rate_hz: float) -> NDArray[np.float64]:
    """Power per sample and bin (M, n) of the noise (M, F) and of how `still`, (M, samples), at least AIR_S long, flickers about its trend."""
    size = round(AIR_S * rate_hz)
    air = scipy.signal.welch(still, nperseg=size, detrend="linear", return_onesided=False, axis=1)[1]
    return air + noise[:, np.arange(size) * noise.shape[1] // size]


def _by_bin(signal: NDArray[np.complex128], noise: NDArray[np.float64]) -> NDArray[np.float64]:
    """d^2 by living microphone and bin."""
    n = signal.shape[1]
    alive = noise.max(axis=1) > 0.0
    spectrum = np.abs(scipy.fft.fft(signal[alive], axis=1)) ** 2
    place = np.arange(n) * noise.shape[1] // n
    return 2.0 * spectrum / (n * noise[alive][:, place])


def _wanted(trial: Trial, label: str) -> tuple[str, float, float]:
    """(mover, onset, end of the window) of the first event of this label."""
    world = UltrasonicScene(Scene(trial, DiskCache(), None), 1, _rate(trial))
    found = [
        (event.onset_s, event.offset_s, mover.name)
        for mover in world.scene.movers
        for event in mover.truth()
        if event.label == label
    ]
    if not found:
        raise BadInput(f"{trial.scenario_id}: trial {trial.index} has no {label}")
    onset_s, offset_s, name = min(found)
    expect = trial.spec.expect
    closes_s = offset_s + expect.latency_s
    if expect.within_s is not None:
        closes_s = min(closes_s, onset_s + expect.within_s)
    return name, onset_s, min(closes_s, trial.spec.duration_s)


def _with_only(trial: Trial, names: set[str]) -> Trial:
    movers = tuple(mover for mover in trial.spec.movers if mover.name in names)
    changed = {"movers": movers, "sources": (), "interferers": ()}
    return replace(trial, spec=trial.spec.model_copy(update=changed))


def _envelope(
    trial: Trial, onset_s: float, closes_s: float
) -> tuple[NDArray[np.complex128], NDArray[np.float64]]:
    """(M, n) between onset and the window's end, without noise, and the noise's power per sample and bin (M, F)."""
    device = trial.spec.device.ultrasonic
    channels = len(trial.spec.device.microphones_m)
    world = UltrasonicScene(Scene(trial, DiskCache(), None), channels, _rate(trial))
    chain = Baseband(device, world.unit, world.rate_hz, trial.rng("ultrasound", "converter"), noise=False)
    step = round(_STEP_S * world.rate_hz)
    parts = []
    for number in range(int(np.ceil(closes_s / _STEP_S))):
        if (number + 1) * _STEP_S > onset_s - BEFORE_S:
            world.emit(TONE)
        part = chain.process(step, world.read(step))
        if number * _STEP_S >= onset_s:
            parts.append(part.astype(np.complex128))
    return np.concatenate(parts, axis=1), noise_filter(device, world.unit)


def _rate(trial: Trial) -> int:
    if trial.spec.device.ultrasonic is None:
        raise BadInput(f"{trial.scenario_id}: device {trial.spec.device.id} has no {BASEBAND}")
    return trial.spec.device.ultrasonic.baseband_rate_hz
