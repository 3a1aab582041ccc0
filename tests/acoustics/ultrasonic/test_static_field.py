"""The static field: closed forms without turbulence, turbulence on top, shadows, cuts and memory."""

from __future__ import annotations

import tracemalloc

import numpy as np
import pytest

from lab.acoustics.shoebox import Climate
from lab.acoustics.ultrasonic import turbulence
from lab.acoustics.ultrasonic.images import lattice
from lab.acoustics.ultrasonic.stage import Carrier, Stage, make_stage
from lab.acoustics.ultrasonic.static_field import POINTS, StaticField, lagrange, path_weights
from lab.acoustics.ultrasonic.turbulence import AIRS, Air, AirSpec, phase_variance
from lab.errors import BadInput

SIZE = (5.0, 4.0, 2.7)
CARRIER = Carrier.in_air(34_000.0, Climate())
SPEAKER = np.array([1.0, 1.9, 1.2])
MICROPHONES = SPEAKER + np.array(
    [[0.035, 0.0, 0.07], [0.0, 0.035, 0.07], [-0.035, 0.0, 0.07], [0.0, -0.035, 0.07]]
)
STILL = AirSpec(drift_k_per_h=0.0)


def stage(order: int) -> Stage:
    pattern = 0.55 + 0.45 * np.linspace(-1.0, 1.0, 65)
    return make_stage(
        SIZE, np.full(6, 0.9), CARRIER, SPEAKER, MICROPHONES, [1.0, 0.0, 0.0], pattern, image_order=order
    )


def field(order: int = 2, rate_hz: int = 8000, air: AirSpec = STILL, seed: int = 1, **options) -> StaticField:
    return StaticField(stage(order), rate_hz, air, np.random.default_rng(seed), **options)


@pytest.fixture
def frozen(monkeypatch: pytest.MonkeyPatch) -> None:
    """Air that neither moves nor warms."""
    monkeypatch.setitem(AIRS, "quiet", Air(0.0, 0.0, 0.63, 0.015))


def decibels(error: np.ndarray, truth: np.ndarray) -> float:
    return 10 * np.log10(np.mean(np.abs(error) ** 2) / np.mean(np.abs(truth) ** 2))


def test_the_direct_path_is_as_loud_as_its_distance_says() -> None:
    length, weight = path_weights(stage(2))
    assert 20 * np.log10(np.abs(weight[0, 0])) == pytest.approx(-20 * np.log10(length[0, 0]), abs=0.1)
    assert length[0, 0] == pytest.approx(np.hypot(0.035, 0.07))
    _, coupled = path_weights(stage(2), coupling=np.array([0.5, 1.0, 1.0, 2.0j]))
    assert coupled[0, 0] / weight[0, 0] == pytest.approx(0.5) and coupled[3, 0] / weight[
        3, 0
    ] == pytest.approx(2.0j)
    assert np.array_equal(coupled[:, 1:], weight[:, 1:])


def test_an_echo_leaves_the_loudspeaker_where_the_wall_sees_it() -> None:
    """The wall behind the loudspeaker gets what it emits backwards: 0.1 of the pressure, the one in front all of it."""
    one = stage(1)
    length, weight = path_weights(one)
    free = 0.9 * np.exp(-CARRIER.absorption_np_m * length) / length
    behind = int(np.flatnonzero((lattice(0, 1).cell == [-1, 0, 0]).all(axis=1))[0])
    front = int(np.flatnonzero((lattice(0, 1).cell == [1, 0, 0]).all(axis=1))[0])
    assert np.abs(weight[:, behind] / free[:, behind]) == pytest.approx(0.1, abs=0.01)
    assert np.abs(weight[:, front] / free[:, front]) == pytest.approx(1.0, abs=0.01)


def test_a_steady_tone_in_air_at_rest_is_the_sum_of_its_paths(frozen: None) -> None:
    """Residual against the plain sum of all 377 paths: -130 dB."""
    one = field(order=6)
    one.read(one.memory, 0.2)
    heard = one.read(100, 0.2)
    truth = 0.2 * path_weights(stage(6))[1].sum(axis=1, keepdims=True)
    assert decibels(heard - truth, truth) < -130.0


@pytest.mark.parametrize(
    ("order", "modulation_hz", "rate_hz", "limit_db"),
    [(2, 200.0, 8000, -75.0), (2, 800.0, 16_000, -45.0), (6, 200.0, 8000, -36.0), (6, 200.0, 16_000, -40.0)],
)
def test_every_path_carries_the_modulation_with_its_own_delay(
    frozen: None, order: int, modulation_hz: float, rate_hz: int, limit_db: float
) -> None:
    """A tone with phase modulation of 0.6 rad against the closed form sum h S(t - tau), relative to the echoes: -75 dB for
    paths of up to two reflections at 200 Hz, -45 dB at a twentieth of the rate, where its third line is at 2.4 kHz; with
    later paths on whole samples -36 dB at 8 kHz, -40 dB at twice the rate."""

    def emitted(time_s: np.ndarray) -> np.ndarray:
        return 0.2 * np.exp(0.6j * np.sin(2 * np.pi * modulation_hz * time_s))

    one = field(order=order, rate_hz=rate_hz)
    time = np.arange(4000) / rate_hz
    heard = one.read(4000, emitted(time))[:, 2000:]
    length, weight = path_weights(stage(order))
    late = time[2000:] - (length / CARRIER.speed_m_s)[..., None]
    truth = np.sum(weight[..., None] * emitted(late), axis=1)
    echoes = np.sum(weight[:, 1:, None] * emitted(late[:, 1:]), axis=1)
    assert decibels(heard - truth, echoes) < limit_db


def test_interpolated_delays_are_right_to_a_tenth_of_the_rate() -> None:
    """Worst delay between 2 and 3 samples, at a tenth of the rate: -50 dB; a constant passes unchanged."""
    delay = np.linspace(2.0, 3.0, 21)
    filters = lagrange(delay)
    assert filters.sum(axis=1) == pytest.approx(1.0)
    response = filters @ np.exp(-2j * np.pi * 0.1 * np.arange(POINTS))
    assert 20 * np.log10(np.abs(response - np.exp(-2j * np.pi * 0.1 * delay)).max()) < -50.0


def emitted_with_a_stop() -> np.ndarray:
    pressure = np.full(20_000, 0.3 + 0j)
    pressure[4000:4200] *= np.linspace(1.0, 0.5, 200)
    pressure[4200:] *= 0.5
    pressure[15_000:] = 0.0
    return pressure


def test_the_way_it_is_read_changes_no_bit() -> None:
    pressure = emitted_with_a_stop()
    air = AirSpec(air="hvac", cycle_min=5.0)
    whole = field(4, air=air).read(len(pressure), pressure)
    rng, cut, parts, done = np.random.default_rng(0), field(4, air=air), [], 0
    while done < len(pressure):
        size = int(min(rng.integers(1, 900), len(pressure) - done))
        parts.append(cut.read(size, pressure[done : done + size]))
        done += size
    assert np.array_equal(np.concatenate(parts, axis=1), whole)


def test_the_short_cut_for_a_steady_tone_is_the_same_sum() -> None:
    """Short cut against all delays at work (a tone that flickers by 1e-13): -130 dB, also where it takes over."""
    pressure = np.full(6000, 0.3 + 0j)
    flicker = pressure * (1.0 + 1e-13 * (np.arange(6000) % 2))
    quick, slow = field(4).read(6000, pressure), field(4).read(6000, flicker)
    assert decibels(quick - slow, slow) < -130.0


def test_echoes_outlive_the_tone_by_the_longest_path_and_no_longer() -> None:
    one = field(4)
    heard = one.read(20_000, emitted_with_a_stop())
    after = np.abs(heard[0, 15_000:])
    assert after[20] > 0.0 and after[one.memory // 2] > 0.0
    assert np.all(after[one.memory :] == 0.0)
    assert one.memory / 8000 == pytest.approx(path_weights(stage(4))[0].max() / CARRIER.speed_m_s, abs=2e-3)


def test_turbulence_moves_the_direct_path_as_much_as_the_formula_says(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Free field, 400 s of still air: power of what moves against the direct path within 1 dB of the variance."""
    one = StaticField(stage(0), 2000, STILL, np.random.default_rng(2))
    heard = np.concatenate([one.read(2000, 1.0)[0, ::20] for _ in range(400)])[10:]
    moving = np.var(heard) / np.abs(np.mean(heard)) ** 2
    mu2 = AIRS["quiet"].index_variance(293.15, CARRIER.speed_m_s)
    expected = float(phase_variance(CARRIER.wavenumber, mu2, np.hypot(0.035, 0.07)))
    assert 10 * np.log10(moving / expected) == pytest.approx(0.0, abs=1.0)


def test_stronger_air_moves_more() -> None:
    moving = []
    for air in ("quiet", "hvac", "fan_jet"):
        one = field(3, 2000, AirSpec(air=air, drift_k_per_h=0.0))
        heard = np.concatenate([one.read(2000, 1.0)[:, ::20] for _ in range(60)], axis=1)[:, 10:]
        moving.append(10 * np.log10(np.mean(np.var(heard, axis=1))))
    assert moving[0] + 8.0 < moving[1] < moving[2] - 3.0


def test_a_body_in_the_room_shades_the_walls_behind_it(frozen: None) -> None:
    def stands(time_s: np.ndarray):
        return np.tile([2.5, 1.9, 0.0], (len(time_s), 1)), 0.2, 1.75

    empty, shaded, outside = (
        field(1, blockers=blockers).read(2000, 1.0)[:, -1]
        for blockers in (
            (),
            (stands,),
            (lambda time_s: (np.tile([7.0, 1.9, 0.0], (len(time_s), 1)), 0.2, 1.75),),
        )
    )
    assert np.array_equal(empty, outside)
    front = int(np.flatnonzero((lattice(0, 1).cell == [1, 0, 0]).all(axis=1))[0])
    echo = path_weights(stage(1))[1][:, front]
    gain = 1.0 + np.real((shaded - empty) / echo)
    assert np.all(20 * np.log10(np.abs(gain)) < -6.0)


def test_a_body_that_comes_in_changes_the_field_smoothly(frozen: None) -> None:
    def walks(time_s: np.ndarray):
        return np.stack([np.full_like(time_s, 2.5), 0.3 + 1.2 * time_s, 0.0 * time_s], axis=-1), 0.2, 1.75

    heard = field(2, 2000, blockers=(walks,)).read(5600, 1.0)[:, 200:]
    assert np.abs(np.diff(heard)).max() < 0.1 * np.ptp(np.abs(heard))
    assert np.ptp(np.abs(heard)) > 0.05


def test_each_direct_path_may_carry_a_modulation_of_its_own() -> None:
    """The difference, sent over the direct paths alone: a field whose whole tone is changed by it in free field."""
    time = np.arange(6000) / 8000
    music = 0.2 * np.exp(0.3j * np.sin(2 * np.pi * 150.0 * time))
    own = 0.2 * np.exp(0.1j * np.sin(2 * np.pi * 150.0 * time))
    difference = np.tile(own - music, (4, 1))
    whole = field(0).read(6000, own)
    one, parts = field(0), []
    for start, stop in ((0, 1), (1, 700), (700, 6000)):
        parts.append(one.read(stop - start, music[start:stop], difference[:, start:stop]))
    assert decibels(np.concatenate(parts, axis=1) - whole, whole) < -130.0
    assert np.array_equal(one.read(400, 0.0)[:, 50:], np.zeros((4, 350)))


def test_memory_does_not_grow() -> None:
    """300 s: less than 0.5 MB, the interpreter's own stores; one block kept a second would be 38 MB."""
    one = field(3, 2000, AirSpec(air="hvac", cycle_min=2.0, sun_k=3.0))
    one.read(20_000, 0.1)  # what is compiled once is no growth
    tracemalloc.start()
    held = []
    for seconds in (20, 300):
        for _ in range(seconds):
            one.read(2000, 0.1)
        held.append(tracemalloc.get_traced_memory()[0])
    tracemalloc.stop()
    assert held[1] - held[0] < 500_000


def test_a_rate_that_knots_do_not_divide_is_refused() -> None:
    with pytest.raises(
        BadInput, match=f"rate_hz = 4410: the static field needs a multiple of {turbulence.KNOT_HZ} Hz"
    ):
        field(rate_hz=4410)
