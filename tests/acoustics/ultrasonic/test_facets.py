import numpy as np
import pytest

from lab.acoustics.shoebox import Climate
from lab.acoustics.ultrasonic.bodies import Facets
from lab.acoustics.ultrasonic.facets import FacetEcho, control_rate_hz, select_images
from lab.acoustics.ultrasonic.stage import Carrier, make_stage
from lab.errors import BadInput

SIZE = (10.0, 10.0, 10.0)
DEVICE = np.array([2.0, 5.0, 5.0])
LOSSLESS = Carrier(34_000.0, 343.2, 0.0)


class Plate:
    """A rectangle that drifts away along x, turned about z."""

    name, pose_rate_hz = "plate", 50.0

    def __init__(
        self, distance_m, width_m, height_m, speed_m_s=0.1, turn_deg=0.0, top_speed_m_s=None, front=None
    ):
        self.distance_m, self.edges, self.speed_m_s = distance_m, (width_m, height_m), speed_m_s
        self.turn = np.radians(turn_deg)
        self.top_speed_m_s = speed_m_s if top_speed_m_s is None else top_speed_m_s
        if front is not None:
            self.front = np.array(front)

    def pose(self, time_s):
        ones = np.ones((1, len(time_s), 1))
        centre = DEVICE + np.stack(
            [self.distance_m + self.speed_m_s * time_s, 0 * time_s, 0 * time_s], axis=-1
        )
        across = self.edges[0] * np.array([np.sin(self.turn), np.cos(self.turn), 0.0])
        up = self.edges[1] * np.array([0.0, 0.0, 1.0])
        return (Facets(centre[None], ones * across, ones * up, np.ones(1)),)


def stage(carrier=LOSSLESS, microphones=((2.0, 5.0, 5.0),), order=0, reflection=0.8):
    return make_stage(
        SIZE,
        np.full(6, reflection),
        carrier,
        DEVICE,
        microphones,
        (1.0, 0.0, 0.0),
        np.ones(2),
        image_order=order,
    )


def db(ratio):
    return 10.0 * np.log10(np.mean(np.square(np.abs(ratio))))


def point_sampled(plate, time_s, pitch_m):
    """The same integral by points, (T,), with the obliquity at each of them."""
    (facets,) = plate.pose(time_s)
    counts = [int(np.ceil(edge / pitch_m)) for edge in plate.edges]
    a, b = (((np.arange(n) + 0.5) / n - 0.5) for n in counts)
    u, v = facets.edge_u_m[0, 0], facets.edge_v_m[0, 0]
    offset = (a[:, None, None] * u + b[None, :, None] * v).reshape(-1, 3)
    normal = np.cross(u, v) / np.linalg.norm(np.cross(u, v))
    out = []
    for centre in facets.centre_m[0]:
        ray = centre + offset - DEVICE
        r = np.linalg.norm(ray, axis=-1)
        cosine = np.abs(ray @ normal) / r
        out.append(np.sum(cosine * np.exp(-2j * LOSSLESS.wavenumber * r) / r**2))
    cell = np.prod(plate.edges) / len(offset)
    return 1j * LOSSLESS.wavenumber / (2.0 * np.pi) * cell * np.array(out)


def test_a_large_plate_is_a_plane_mirror():
    """Image source 1 / (2 r): target strength r^2 / 4, +3.5 dB at 3 m. Level within 0.4 dB, phase within 0.1 rad (its edges ring)."""
    echo = FacetEcho(Plate(3.0, 1.5, 1.5), stage(), 2000).read(4000)[0]
    path = 2.0 * (3.0 + 0.1 * np.arange(4000) / 2000)
    ratio = echo * path * np.exp(1j * LOSSLESS.wavenumber * path)
    assert abs(db(ratio)) < 0.4
    assert abs(np.angle(ratio.mean())) < 0.1
    assert db(echo * 3.03**2) == pytest.approx(3.5, abs=0.4)


@pytest.mark.parametrize(("distance_m", "turn_deg"), [(1.0, 0.0), (1.0, 3.0), (2.0, 12.0), (3.0, 40.0)])
def test_doppler_power_is_that_of_fine_points(distance_m, turn_deg):
    """Points a twelfth of a wavelength apart: 0.5 dB of power, glint and edges alike; the waveform's residual is below -20 dB."""
    plate = Plate(distance_m, 0.5, 0.4, speed_m_s=0.2, turn_deg=turn_deg)
    echo = FacetEcho(plate, stage(), 400).read(20)[0]
    points = point_sampled(plate, np.arange(20) / 400.0, LOSSLESS.wavelength_m / 12.0)
    assert abs(db(echo) - db(points)) < 0.5
    assert db(echo - points) - db(points) < -20.0


@pytest.mark.parametrize("turn_deg", [0.0, 5.0, 20.0])
def test_finer_parts_change_the_power_by_less_than_half_a_decibel(turn_deg):
    plate = Plate(1.5, 0.8, 0.8, turn_deg=turn_deg)
    usual, fine = (FacetEcho(plate, stage(order=1), 400, edge_rad=rad).read(400)[0] for rad in (0.5, 0.06))
    assert abs(db(usual) - db(fine)) < 0.5


def test_swapping_loudspeaker_and_microphone_changes_nothing():
    here, there = np.array([2.0, 5.0, 5.0]), np.array([3.0, 6.5, 5.2])
    one, other = (
        make_stage(SIZE, np.full(6, 0.8), LOSSLESS, a, [b], (1.0, 0.0, 0.0), np.ones(2), image_order=1)
        for a, b in ((here, there), (there, here))
    )
    plate = Plate(2.0, 0.3, 0.3, turn_deg=10.0)
    np.testing.assert_allclose(
        FacetEcho(plate, one, 200).read(20), FacetEcho(plate, other, 200).read(20), rtol=2e-4, atol=1e-7
    )


def test_behind_a_plate_its_echo_cancels_the_direct_sound():
    """Babinet: the field behind a plate much larger than the first Fresnel zone is shadow. Left over: below -15 dB."""
    behind = np.array([4.0, 5.0, 5.0])
    echo = FacetEcho(Plate(1.0, 1.2, 1.2), stage(microphones=[behind]), 200).read(100)[0]
    direct = np.exp(-2j * LOSSLESS.wavenumber) / 2.0
    assert db((direct + echo) / direct) < -15.0


def test_a_plate_seen_from_its_own_plane_is_silent():
    echo = FacetEcho(Plate(2.0, 0.4, 0.4, turn_deg=90.0), stage(), 200).read(20)
    assert np.abs(echo).max() < 1e-6


def test_a_one_sided_plate_is_silent_from_behind():
    seen = FacetEcho(Plate(2.0, 0.4, 0.4, front=(-1.0, 0.0, 0.0)), stage(), 200).read(20)
    np.testing.assert_array_equal(seen, FacetEcho(Plate(2.0, 0.4, 0.4), stage(), 200).read(20))
    with pytest.raises(BadInput, match="lights the front"):
        FacetEcho(Plate(2.0, 0.4, 0.4, front=(1.0, 0.0, 0.0)), stage(), 200)


def test_lengths_of_blocks_change_no_sample():
    def fresh():
        return FacetEcho(Plate(2.0, 0.4, 0.4, turn_deg=5.0), stage(order=1), 4000)

    whole, parted = fresh().read(20_000), fresh()
    parts = [parted.read(n) for n in (1, 7, 992, 9000, 10_000)]
    np.testing.assert_array_equal(np.concatenate(parts, axis=1), whole)


def test_slow_envelopes_lose_nothing_by_interpolation():
    """80 Hz inside against 8 kHz inside: -60 dB."""
    slow = FacetEcho(Plate(1.5, 0.3, 0.3, turn_deg=4.0), stage(order=1), 8000)
    fast = FacetEcho(Plate(1.5, 0.3, 0.3, turn_deg=4.0, top_speed_m_s=15.0), stage(order=1), 8000)
    assert (slow.control_rate_hz, fast.control_rate_hz) == (64, 8000)
    truth = fast.read(8000)
    assert db(slow.read(8000) - truth) - db(truth) < -60.0


def test_a_resting_plate_has_a_constant_echo():
    echo = FacetEcho(Plate(2.0, 0.4, 0.4, speed_m_s=0.0), stage(), 1000).read(5000)
    np.testing.assert_allclose(echo, echo[0, 0], rtol=1e-9)


def test_air_and_directivity_weigh_an_echo():
    air = Carrier.in_air(34_000.0, Climate())
    dry, damp = (
        FacetEcho(Plate(2.0, 0.4, 0.4), stage(c), 200).read(50)
        for c in (Carrier(34e3, air.speed_m_s, 0.0), air)
    )
    assert db(damp) - db(dry) == pytest.approx(-8.686 * air.absorption_np_m * 4.02, abs=0.05)
    aside = make_stage(
        SIZE, np.ones(6), LOSSLESS, DEVICE, [DEVICE], (0.0, 1.0, 0.0), [0.0, 0.5, 1.0], image_order=0
    )
    assert db(FacetEcho(Plate(2.0, 0.4, 0.4), aside, 200).read(50)) - db(
        FacetEcho(Plate(2.0, 0.4, 0.4), stage(), 200).read(50)
    ) == pytest.approx(-6.02, abs=0.05)


def test_each_microphone_hears_what_it_would_alone():
    """Phases of an array's microphones are taken from those of its middle, to 1e-4 rad; only the plate's pattern is the middle's."""
    array = DEVICE + 0.035 * np.array([[1.0, 0, 0.3], [0, 1.0, 0], [-1.0, 0, 0], [0, -1.0, -0.2]])
    plate = Plate(0.8, 0.005, 0.005, turn_deg=20.0)
    together = FacetEcho(plate, stage(microphones=array), 200).read(50)
    for one, microphone in zip(together, array, strict=True):
        alone = FacetEcho(plate, stage(microphones=[microphone]), 200).read(50)[0]
        assert np.abs(np.angle(one / alone)).max() < 1e-4
        np.testing.assert_allclose(np.abs(one), np.abs(alone), rtol=0.05)


def test_kept_energy_rises_with_the_pairs_to_all_of_it():
    room = stage(order=3)
    kept = [select_images(room, np.array([6.0, 5.0, 4.0]), n).kept_energy for n in (1, 49, 96, 800, 63 * 63)]
    assert kept == sorted(kept)
    assert kept[-1] == pytest.approx(1.0)


def test_each_kept_pair_is_heard_once():
    """One pair is the direct ray there and back; the usual ones are as many as asked for, none twice."""
    one = select_images(stage(order=3), np.array([6.0, 5.0, 4.0]), 1)
    np.testing.assert_array_equal([one.source[0], one.middle[0]], [DEVICE, DEVICE])
    usual = select_images(stage(order=3), np.array([6.0, 5.0, 4.0]))
    hears = np.repeat(np.arange(len(usual.middle)), np.diff(usual.begins))
    assert (len(usual.pairs), len(usual.middle)) == (96, 8)
    assert len(set(zip(hears, usual.pairs, strict=True))) == 96


def test_a_rate_too_low_for_the_speed_is_refused():
    with pytest.raises(BadInput, match=r"envelope of at least 5152 Hz, not 4000 Hz"):
        control_rate_hz(10.0, stage(), 4000)
