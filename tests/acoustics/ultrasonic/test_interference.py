"""What else sounds above hearing: lines, sweeps, hiss and keys at the microphones."""

from __future__ import annotations

import numpy as np
import pytest
from pydantic import TypeAdapter, ValidationError

from lab.acoustics.levels import db_spl_from_pa
from lab.acoustics.shoebox import Climate
from lab.acoustics.ultrasonic.interference import AnyInterfererSpec, make_interferer
from lab.acoustics.ultrasonic.stage import Carrier, make_stage
from lab.errors import BadInput

SIZE = (5.0, 4.0, 2.7)
CARRIER = Carrier.in_air(34_000.0, Climate())
DEVICE = np.array([1.0, 1.9, 1.2])
MICROPHONES = DEVICE + np.array([[0.035, 0.0, 0.05], [0.0, 0.035, 0.05], [-0.035, 0.0, 0.05]])
RATE = 8000
ADAPTER = TypeAdapter(AnyInterfererSpec)


def made(kind: str, seed: int = 1, order: int = 2, rate_hz: int = RATE, walls: float = 0.9, **keys):
    place = {} if "distance_m" in keys else {"position_m": (4.0, 2.5, 1.0)}
    spec = ADAPTER.validate_python({"kind": kind, "name": "other", **place, **keys})
    stage = make_stage(
        SIZE, np.full(6, walls), CARRIER, DEVICE, MICROPHONES, [1, 0, 0], np.ones(9), image_order=order
    )
    return make_interferer(spec, stage, DEVICE, rate_hz, np.random.default_rng(seed))


def level_db(envelope: np.ndarray) -> float:
    """Of the pressure whose envelope (peak) this is."""
    return float(db_spl_from_pa(np.sqrt(np.mean(np.abs(envelope) ** 2) / 2.0)))


@pytest.mark.parametrize("offset_hz", [0.7, -500.0])
def test_another_device_is_one_line_at_its_offset(offset_hz: float) -> None:
    heard = made("second_device", offset_hz=offset_hz).read(80_000)
    spectrum = np.abs(np.fft.fft(heard[0]))
    frequency = np.fft.fftfreq(80_000, 1 / RATE)
    assert frequency[spectrum.argmax()] == pytest.approx(offset_hz, abs=0.06)
    assert np.abs(heard).std(axis=1) == pytest.approx(0.0, abs=1e-12)


def test_its_level_and_phase_are_those_of_its_distance() -> None:
    """Free field against p exp(-(a + jk) r) / r with k at the other tone: 0.01 dB, 1e-6 rad between microphones."""
    heard = made("second_device", order=0, offset_hz=300.0, level_db_spl=85.0).read(1)[:, 0]
    distance = np.linalg.norm(MICROPHONES - [4.0, 2.5, 1.0], axis=1)
    loss = 20 * np.log10(distance) + 8.686 * CARRIER.absorption_np_m * distance
    for one, lost in zip(heard, loss, strict=True):
        assert level_db(np.array([one])) == pytest.approx(85.0 - lost, abs=0.01)
    turned = np.angle(
        heard[1] / heard[0] * np.exp(2j * np.pi * 34_300.0 / CARRIER.speed_m_s * (distance[1] - distance[0]))
    )
    assert turned == pytest.approx(0.0, abs=1e-6)


def test_it_comes_and_goes_softly_when_it_is_switched() -> None:
    heard = np.abs(made("second_device", start_s=0.5, stop_s=1.5).read(2 * RATE)[0])
    assert np.all(heard[: RATE // 2] == 0.0) and np.all(heard[3 * RATE // 2 :] == 0.0)
    assert heard[RATE] > 0.0 and np.abs(np.diff(heard)).max() < 0.01 * heard[RATE]


def test_a_sweep_crosses_the_band_at_its_own_pace_in_both_directions() -> None:
    """Free field, 20 kHz in 1 s: instantaneous frequency within 1 Hz of the sweep's at the moment it left; 0 outside."""
    keys = {"low_hz": 25_000.0, "high_hz": 45_000.0, "sweep_s": 2.0, "level_db_spl": 100.0}
    heard = made("pest_repeller", order=0, **keys).read(4 * RATE)[0]
    loud = np.abs(heard) > 0.99 * np.abs(heard).max()
    frequency = np.diff(np.unwrap(np.angle(heard))) * RATE / (2 * np.pi)
    both = loud[1:] & loud[:-1]
    slope = np.diff(frequency) * RATE
    steady = both[1:] & both[:-1]
    assert np.abs(np.abs(slope[steady]) - 20_000.0).max() < 20.0
    assert {1.0, -1.0} == set(np.sign(slope[steady]))
    assert np.abs(frequency[both]).max() < 0.45 * RATE
    assert 0.25 < np.mean(np.abs(heard) > 0.0) < 0.45  # 0.96 of 8 kHz in 20 kHz, and echo-free
    loss = 20 * np.log10(np.linalg.norm(MICROPHONES[0] - [4.0, 2.5, 1.0]))
    assert level_db(heard[loud]) == pytest.approx(100.0 - loss - 3.3, abs=0.5)


def test_a_sweep_elsewhere_is_not_heard() -> None:
    assert not made("pest_repeller", low_hz=50_000.0, high_hz=60_000.0).read(2 * RATE).any()


def test_hiss_has_the_level_of_its_third_octave_and_is_white() -> None:
    """A third octave at 34 kHz is 7.9 kHz wide, so all of an 8 kHz scene holds 0.07 dB more."""
    heard = made("hiss", level_db_spl=84.0).read(10 * RATE)
    assert level_db(heard) == pytest.approx(84.07, abs=0.3)
    power = np.mean(np.abs(np.fft.fft(heard[0].reshape(100, -1), axis=1)) ** 2, axis=0)
    assert np.ptp(10 * np.log10(power.reshape(8, -1).mean(axis=1))) < 0.6


def test_near_hiss_is_coherent_with_the_phase_of_its_direction_and_far_hiss_is_not() -> None:
    near = made("hiss", order=0).read(RATE)
    expected = CARRIER.wavenumber * np.diff(np.linalg.norm(MICROPHONES[:2] - [4.0, 2.5, 1.0], axis=1))[0]
    cross = np.vdot(near[1], near[0]) / np.sqrt(np.vdot(near[0], near[0]) * np.vdot(near[1], near[1]))
    assert cross == pytest.approx(np.exp(1j * expected), abs=1e-6)
    far = made("hiss", order=4, walls=0.98).read(RATE)
    cross = np.vdot(far[1], far[0]) / np.sqrt(np.vdot(far[0], far[0]) * np.vdot(far[1], far[1]))
    assert np.abs(cross) < 0.6


def test_bursts_come_by_chance_with_their_mean_share_of_the_time() -> None:
    heard = made("hiss", burst_s=1.0, gap_s=3.0, rate_hz=200).read(200 * 2000)[0]
    assert np.mean(np.abs(heard) > 0.0) == pytest.approx(0.25, abs=0.05)


def test_keys_are_clicks_that_die_away_between_pauses() -> None:
    heard = np.abs(made("keys", burst_s=1.5, gap_s=5.0).read(60 * RATE)[0])
    loud = heard > 0.02 * heard.max()
    assert 0.01 < np.mean(loud) < 0.3
    assert np.max(np.diff(np.flatnonzero(loud))) > RATE  # a pause
    smooth = np.convolve(heard**2, np.ones(16) / 16, mode="same")
    top = int(smooth.argmax())
    assert smooth[top + 160 : top + 200].mean() < 0.3 * smooth[top]


@pytest.mark.parametrize(
    ("kind", "keys"),
    [
        ("second_device", {"offset_hz": 12.5, "start_s": 0.2}),
        ("pest_repeller", {"sweep_s": 0.5}),
        ("hiss", {"burst_s": 0.3, "gap_s": 0.2}),
        ("keys", {"burst_s": 0.3, "gap_s": 0.2}),
    ],
)
def test_the_way_it_is_read_changes_no_bit(kind: str, keys: dict) -> None:
    whole = made(kind, distance_m=3.0, **keys).read(3 * RATE)
    assert whole.any() and whole.shape == (3, 3 * RATE)
    one, rng, parts = made(kind, distance_m=3.0, **keys), np.random.default_rng(0), []
    while (done := sum(part.shape[1] for part in parts)) < 3 * RATE:
        parts.append(one.read(min(int(rng.integers(1, 1500)), 3 * RATE - done)))
    assert np.array_equal(np.concatenate(parts, axis=1), whole)
    assert not np.array_equal(made(kind, seed=2, distance_m=3.0, **keys).read(3 * RATE), whole)


def test_what_cannot_be_is_refused() -> None:
    for kind, keys, message in (
        ("second_device", {"offset_hz": 501.0}, "offset_hz"),
        ("pest_repeller", {"low_hz": 40_000.0, "high_hz": 30_000.0}, "must be above low_hz"),
        ("hiss", {"start_s": 5.0, "stop_s": 4.0}, "must be later than start_s"),
        ("hiss", {"distance_m": 2.0, "position_m": (1.0, 1.0, 1.0)}, "exactly one of"),
    ):
        with pytest.raises(ValidationError, match=message):
            made(kind, **keys)
    with pytest.raises(BadInput, match=r"interferers\.other\.distance_m = 20"):
        made("second_device", distance_m=20.0)
    with pytest.raises(BadInput, match=r"interferers\.other\.offset_hz = 500: at most 320 Hz at 800 Hz"):
        made("second_device", offset_hz=500.0, rate_hz=800)
