import math

import numpy as np
import pytest

from lab.acoustics.ultrasonic import rotor as rotors
from lab.acoustics.ultrasonic.facets import FacetEcho
from lab.acoustics.ultrasonic.rotor import AngleTable, RotorEcho, angle_table
from lab.acoustics.ultrasonic.stage import Carrier, make_stage
from lab.movers.blades import Fan, Run, Spinning, flat_blades

SIZE = (5.0, 4.0, 2.7)
DEVICE = np.array([1.0, 2.0, 1.0])
CARRIER = Carrier(34_000.0, 343.2, 0.126)
RATE = 16_000


def stage(order=0, microphones=(DEVICE,), reflection=0.8):
    return make_stage(
        SIZE,
        np.full(6, reflection),
        CARRIER,
        DEVICE,
        microphones,
        (1.0, 0.0, 0.0),
        np.ones(2),
        image_order=order,
    )


def fan(view_deg=30.0, tip_m=0.1, rpm=1500.0, blades=3, head_deg=0.0, **run):
    return Fan(
        "fan",
        Spinning(
            flat_blades(blades, 0.3 * tip_m, tip_m, 0.5 * tip_m, 0.6 * tip_m, math.radians(25.0)),
            Run(rpm * math.pi / 30.0, **run),
            pivot_m=DEVICE + np.array([1.5, 0.0, 0.0]),
            offset_m=0.05,
            bearing_rad=math.pi + math.radians(view_deg),
            tilt_rad=0.0,
            head_rad=(-math.radians(head_deg), math.radians(head_deg)),
            head_period_s=6.0 if head_deg else 0.0,
        ),
    )


def db(values):
    return 10.0 * np.log10(np.mean(np.square(np.abs(values))))


def spectrum(echo):
    """Power by line of a whole second, and the frequencies."""
    return np.square(np.abs(np.fft.fft(echo) / len(echo))), np.fft.fftfreq(len(echo), 1.0 / RATE)


def retarded_points(moving, room, time_s, cell_m):
    """The same fan as points a fraction of a wavelength apart, each with its own scattering time, by image: (T,)."""
    rotor, k, c = moving.rotor, CARRIER.wavenumber, CARRIER.speed_m_s
    origin, frame = rotor.hub(0.0)
    total = np.zeros(len(time_s), dtype=complex)
    for centre, u, v in zip(rotor.blades.centre_m, rotor.blades.edge_u_m, rotor.blades.edge_v_m, strict=True):
        a, b = (
            (np.arange(n) + 0.5) / n - 0.5
            for n in (math.ceil(np.linalg.norm(edge) / cell_m) for edge in (u, v))
        )
        points = (centre + a[:, None, None] * u + b[None, :, None] * v).reshape(-1, 3, 1)
        normal = np.cross(u, v)
        area = np.linalg.norm(normal) / (len(a) * len(b))
        normal = (normal / np.linalg.norm(normal))[:, None]

        def turned(vector, angle):
            x, y, z = vector[..., 0, :], vector[..., 1, :], vector[..., 2, :]
            cos, sin = np.cos(angle), np.sin(angle)
            return np.einsum(
                "ij,j...->...i", frame, np.stack([x * cos - y * sin, x * sin + y * cos, z + 0 * cos])
            )

        for j, ear in enumerate(room.receivers.position_m[0]):
            late = np.zeros((len(points), len(time_s)))
            for _ in range(6):
                angle = rotor.angles((time_s - late).ravel())[1].reshape(late.shape)
                place = origin + turned(points, angle)
                late = np.linalg.norm(place - ear, axis=-1) / c
            facing = turned(np.broadcast_to(normal, (len(points), 3, 1)), angle)
            out = late * c
            ear_cosine = np.sum((place - ear) * facing, axis=-1) / out
            for i, lamp in enumerate(room.source.position_m[0]):
                r = np.linalg.norm(place - lamp, axis=-1)
                cosine = np.sum((place - lamp) * facing, axis=-1) / r
                oblique = 4.0 * cosine * ear_cosine / (np.abs(cosine) + np.abs(ear_cosine))
                weight = room.source.weight[0, i] * room.receivers.weight[0, j]
                path = np.exp(-(CARRIER.absorption_np_m + 1j * k) * (r + out)) / (r * out)
                total += 1j * k / (4.0 * math.pi) * area * weight * np.sum(oblique * path, axis=0)
    return total


@pytest.mark.parametrize(
    ("view_deg", "order", "residual_db"), [(20.0, 0, -40.0), (60.0, 0, -20.0), (35.0, 1, -40.0)]
)
def test_table_is_the_retarded_solution(view_deg, order, residual_db):
    """Against points a twelfth of a wavelength apart with their own scattering times: waveform within -44 dB near the blades' glint, -24 dB
    far off it, where the echo is 25 dB weaker; power within 0.2 dB."""
    moving, room = fan(view_deg, tip_m=0.06, rpm=3000.0), stage(order, reflection=0.7)
    time = np.arange(0, 107, 2 if order == 0 else 12)  # one blade's share of a turn
    echo = RotorEcho(moving, room, RATE).read(107)[0, time]
    points = retarded_points(moving, room, time / RATE, CARRIER.wavelength_m / 12.0)
    assert db(echo - points) - db(points) < residual_db
    assert abs(db(echo) - db(points)) < 0.2


def test_barely_turning_the_table_is_the_echo_at_rest():
    """At a fiftieth of a turn a minute the time of flight is nothing: -35 dB between the two renderers."""
    moving, room = fan(rpm=0.02), stage(order=1)
    table, direct = RotorEcho(moving, room, 50).read(4000), FacetEcho(moving, room, 50).read(4000)
    assert db(table - direct) - db(direct) < -35.0


def test_on_its_axis_a_fan_has_no_doppler():
    """All that is left of the motion is below -100 dB of the echo."""
    power, frequency = spectrum(RotorEcho(fan(view_deg=0.0), stage(), RATE).read(RATE)[0])
    moving = np.abs(frequency) >= 1.0
    assert 10.0 * np.log10(power[moving].sum() / power[~moving].sum()) < -100.0


@pytest.mark.parametrize("blades", [3, 5])
def test_lines_are_a_blade_passing_frequency_apart(blades):
    """1500 rpm, 25 turns a second: nothing between multiples of 25 x blades (-100 dB)."""
    power, frequency = spectrum(RotorEcho(fan(blades=blades), stage(order=1), RATE).read(RATE)[0])
    on_lines = np.isclose(np.mod(frequency, 25.0 * blades), 0.0)
    assert 10.0 * np.log10(power[~on_lines].sum() / power[on_lines].sum()) < -100.0
    assert np.sum(power[on_lines] > 1e-4 * power.max()) > 10


@pytest.mark.parametrize("view_deg", [20.0, 45.0, 90.0])
def test_doppler_reaches_what_the_tip_does(view_deg):
    """2 v sin(view) f0 / c of the tip: 99.9 % of the power lies within, half of that carries less."""
    moving = fan(view_deg)
    power, frequency = spectrum(RotorEcho(moving, stage(), RATE).read(RATE)[0])
    tip = moving.rotor.blades.radius_m * moving.rotor.speed_rad_s
    extent = 2.0 * tip * math.sin(math.radians(view_deg)) * CARRIER.frequency_hz / CARRIER.speed_m_s
    assert power[np.abs(frequency) <= 1.12 * extent].sum() > 0.999 * power.sum()
    assert power[np.abs(frequency) >= 0.4 * extent].sum() > 1e-3 * power.sum()


def test_rows_between_angles_of_the_head_are_interpolated():
    """Against a fixed head at the same angle: -50 dB."""
    room, angle = stage(), np.linspace(0.0, 2.0, 400)
    swinging = AngleTable(fan(head_deg=4.0).rotor, room, 12, 0.5)
    for head_deg in (-3.9, 0.37, 2.2):
        fixed = AngleTable(fan(30.0 + head_deg).rotor, room, 12, 0.5)
        truth = fixed.read(np.zeros(400), angle)
        got = swinging.read(np.full(400, math.radians(head_deg)), angle)
        assert db(got - truth) - db(truth) < -50.0


def test_only_visited_angles_of_the_head_are_computed():
    table = AngleTable(fan(head_deg=30.0).rotor, stage(), 7, 0.5)
    table.read(np.full(10, 0.1), np.zeros(10))
    assert np.any(table.rows, axis=(1, 2)).sum() == table.taps < len(table.rows) / 4


def test_microphones_of_an_array_are_heard_apart():
    """What a constant lag per image leaves against each microphone alone: -25 dB."""
    array = DEVICE + 0.035 * np.array([[1.0, 0, 0], [0, 1.0, 0], [-1.0, 0, 0], [0, -1.0, 0]])
    together = RotorEcho(fan(60.0), stage(order=1, microphones=array), RATE).read(640)
    for heard, microphone in zip(together, array, strict=True):
        alone = RotorEcho(fan(60.0), stage(order=1, microphones=[microphone]), RATE).read(640)[0]
        assert db(heard - alone) - db(alone) < -25.0


def test_one_room_shares_its_table_and_memory_is_bounded(monkeypatch):
    room, same = stage(order=1), stage(order=1)
    assert angle_table(fan().rotor, room) is angle_table(fan(start_s=3.0).rotor, same)
    assert angle_table(fan().rotor, room) is not angle_table(fan(21.0).rotor, room)
    monkeypatch.setattr(rotors, "MEMORY_BYTES", 1 << 20)
    for view in range(40):
        angle_table(fan(float(view)).rotor, stage(), 1)
    assert sum(table.rows.nbytes for table in rotors._tables.values()) <= 1 << 20


def test_lengths_of_blocks_change_no_sample():
    def fresh():
        return RotorEcho(fan(head_deg=2.0, start_s=0.2, ramp_s=1.0, wander=0.01), stage(), RATE)

    whole, parted = fresh().read(20_000), fresh()
    parts = [parted.read(n) for n in (1, 799, 4096, 5104, 10_000)]
    np.testing.assert_array_equal(np.concatenate(parts, axis=1), whole)


def test_a_fan_that_has_not_started_is_silent_in_doppler():
    echo = RotorEcho(fan(start_s=1.0, ramp_s=1.0), stage(), RATE).read(3 * RATE)[0]
    np.testing.assert_allclose(echo[:RATE], echo[0], rtol=1e-6)
    assert np.std(echo[2 * RATE :]) > 0.1 * np.abs(echo[0])
