import math

import numpy as np
import pytest
from scipy.signal import welch

from lab.acoustics.shoebox import Climate
from lab.acoustics.ultrasonic.bodies import Facets, Points, Spheroids
from lab.acoustics.ultrasonic.directivity import lobed, omni
from lab.acoustics.ultrasonic.product import ProductEcho, control_rate_hz, least_rate_hz
from lab.acoustics.ultrasonic.retarded import retarded
from lab.acoustics.ultrasonic.scattering import end_factor, support_m
from lab.acoustics.ultrasonic.stage import Carrier, make_stage
from lab.errors import BadInput

CARRIER = Carrier.in_air(34_000.0, Climate())
SIZE = (5.0, 4.0, 2.7)
LOUDSPEAKER = np.array([2.5, 0.3, 0.8])
MICROPHONES = LOUDSPEAKER + 0.035 * np.array([[1, 0, 0], [0, 1, 0], [-1, 0, 0], [0, -1, 0]])
RATE_HZ = 2000


class Body:
    """Whatever moves as it is told: `shapes` of the moments (T,)."""

    def __init__(self, shapes, top_speed_m_s=2.0, pose_rate_hz=250.0):
        self.name, self.pose = "body", shapes
        self.top_speed_m_s, self.pose_rate_hz = top_speed_m_s, pose_rate_hz


def swinging(t):
    """Three limbs of a walker-like body, and two points; speeds up to 2 m/s."""
    phase = np.arange(3)[:, None]
    centre = np.stack(
        [1.5 + 0.4 * t + 0.08 * np.sin(9 * t + phase), 2.0 + 0.1 * phase + 0 * t, 0.4 + 0.4 * phase + 0 * t],
        axis=-1,
    )
    tilt = 0.5 * np.sin(9 * t + phase)
    axis = np.stack([np.sin(tilt), 0 * tilt, np.cos(tilt)], axis=-1)
    limbs = Spheroids(
        centre, axis, np.array([0.06, 0.07, 0.15]), np.array([0.2, 0.25, 0.28]), np.array([0.5, 0.8, 0.6])
    )
    return limbs, Points(centre[:2] + np.array([0.0, 0.5, 0.1]), np.array([0.1, 0.02]))


def stage(pattern=None, walls=0.8, image_order=2, **more):
    pattern = lobed(np.random.default_rng(1), 8.0) if pattern is None else pattern
    return make_stage(
        SIZE,
        np.full(6, walls),
        CARRIER,
        LOUDSPEAKER,
        MICROPHONES,
        (0.3, 1, 0.2),
        pattern,
        image_order=image_order,
        **more,
    )


def formula(shapes, place):
    """The product in plain numpy, every pose at its own moment, all double."""
    echo = 0.0
    for shape in shapes:
        if isinstance(shape, Points):
            centre, scale = shape.position_m, shape.amplitude_m
            axis, a, c = np.zeros_like(centre), np.zeros(len(centre)), np.zeros(len(centre))
        else:
            centre, scale, axis, a, c = (
                shape.centre_m,
                shape.reflection,
                shape.axis,
                shape.radius_m,
                shape.half_length_m,
            )
        for p, n, size, length, strength in zip(centre, axis, a, c, scale, strict=True):

            def field(ends, e, shaped, p=p, n=n, size=size, length=length):
                way = p - ends.position_m[e][:, None]
                r = np.linalg.norm(way, axis=2)
                cosine = np.sum(way * n, axis=2) / r
                s = r - support_m(cosine, size, length)
                level = end_factor(s, cosine, size, length) if size else 1.0 / r
                if shaped:
                    off = np.sum(way * (ends.mirror * ends.axis)[:, None], axis=2) / r
                    level = level * np.interp(off, np.linspace(-1, 1, len(ends.pattern)), ends.pattern)
                phase = np.exp(-(CARRIER.absorption_np_m + 1j * CARRIER.wavenumber) * s)
                return np.sum(ends.weight[e][:, None] * level * phase, axis=0)

            back = np.stack([field(place.receivers, m, False) for m in range(place.channels)])
            echo = echo + strength * field(place.source, 0, True) * back
    return echo


def residual_db(ours, truth):
    return 10.0 * math.log10(np.sum(np.abs(ours - truth) ** 2) / np.sum(np.abs(truth) ** 2))


@pytest.mark.parametrize(
    ("part", "limit_db"), [(slice(0, 1), -80.0), (slice(1, 2), -90.0), (slice(0, 2), -80.0)]
)
def test_the_stream_is_the_formula(part, limit_db):
    """Limbs -85 dB, points -97 dB with poses at 250 Hz, relative to the moving echo."""
    place = stage(tail_rng=np.random.default_rng(2))
    ours = ProductEcho(Body(lambda t: swinging(t)[part]), place, RATE_HZ).read(4000)
    truth = formula(swinging(np.arange(4000) / RATE_HZ)[part], place)
    assert ours.shape == (4, 4000)
    assert residual_db(ours, truth) < limit_db


@pytest.mark.parametrize("pace", [0.05, 0.2, 0.4, 0.7])
@pytest.mark.parametrize("rate_hz", [2000, 4000])
def test_slow_bodies_are_interpolated_as_well_as_they_are_computed(pace, rate_hz):
    def slowly(t):
        return swinging(pace * t)

    place = stage(tail_rng=np.random.default_rng(2))
    ours = ProductEcho(Body(slowly), place, rate_hz).read(2 * rate_hz)
    assert residual_db(ours, formula(slowly(np.arange(2 * rate_hz) / rate_hz), place)) < -90.0


def test_who_sets_off_is_not_heard_before():
    def starting(t):
        return swinging(0.1 * np.maximum(t - 1.3, 0.0))

    heard = ProductEcho(Body(starting), stage(), RATE_HZ).read(4000)
    before = heard[:, : round(1.3 * RATE_HZ) - 8]
    assert np.ptp(np.abs(before), axis=1).max() < 1e-6 * np.abs(before).max()
    assert np.ptp(np.abs(heard), axis=1).min() > 0.1 * np.abs(before).max()


def test_more_knots_come_closer():
    """Poses at every sample leave single precision alone, -106 dB."""
    place = stage(pattern=omni())
    truth = formula(swinging(np.arange(1000) / RATE_HZ), place)
    fine = ProductEcho(Body(swinging, pose_rate_hz=2000.0), place, RATE_HZ).read(1000)
    coarse = ProductEcho(Body(swinging, pose_rate_hz=130.0), place, RATE_HZ).read(1000)
    assert residual_db(fine, truth) < -100.0
    assert residual_db(fine, truth) < residual_db(coarse, truth) - 20.0


@pytest.mark.parametrize("lengths", [[1, 7, 100, 892, 3000], [4000], [33] * 121 + [7]])
def test_the_cut_into_blocks_changes_no_bit(lengths):
    place = stage()
    whole = ProductEcho(Body(swinging), place, RATE_HZ).read(4000)
    stream = ProductEcho(Body(swinging), place, RATE_HZ)
    pieces = np.concatenate([stream.read(n) for n in lengths], axis=1)
    np.testing.assert_array_equal(pieces, whole)


def test_its_doppler_spectrum_is_that_of_exact_retarded_time():
    """Power -0.15 dB in all; bins within 40 dB of the peak 0.5 dB in the mean; the waveform is another (+0.5 dB)."""
    place = stage()
    body = Body(swinging)
    ours = ProductEcho(body, place, RATE_HZ).read(8000)
    exact = retarded(body, place, np.arange(8000) / RATE_HZ)
    spectra = [welch(x, RATE_HZ, nperseg=256, return_onesided=False)[1].mean(axis=0) for x in (ours, exact)]
    assert abs(10.0 * math.log10(spectra[0].sum() / spectra[1].sum())) < 0.5
    heard = spectra[1] > 1e-4 * spectra[1].max()
    assert heard.sum() > 50
    assert np.abs(10.0 * np.log10(spectra[0][heard] / spectra[1][heard])).mean() < 0.7
    assert residual_db(ours, exact) > -10.0


def test_an_echo_in_free_field_is_the_radar_equation():
    """Point of amplitude A at r: A exp(-2 (a + jk) r) / r^2, within -100 dB."""
    place = stage(pattern=omni(), walls=0.0)
    point = LOUDSPEAKER + np.array([0.0, 2.0, 0.0])
    still = Body(lambda t: (Points(np.broadcast_to(point, (1, len(t), 3)), np.array([0.1])),))
    far = np.linalg.norm(point - MICROPHONES, axis=1)
    loss = CARRIER.absorption_np_m + 1j * CARRIER.wavenumber
    truth = 0.1 * np.exp(-loss * (2.0 + far)) / (2.0 * far)
    ours = ProductEcho(still, place, RATE_HZ).read(5)
    assert residual_db(ours, np.tile(truth[:, None], 5)) < -95.0


@pytest.mark.parametrize("speed", [-1.2, 0.3, 1.2])
def test_a_receding_body_falls_by_its_doppler_shift(speed):
    """-2 v f0 / c, on a line in free field; within one bin of 0.25 Hz."""
    start = LOUDSPEAKER + np.array([0.0, 2.4, 0.0])

    def going(t):
        return (Points((start + np.array([0.0, speed, 0.0]) * t[:, None])[None] * 1.0, np.array([0.1])),)

    heard = ProductEcho(Body(going), stage(pattern=omni(), walls=0.0), RATE_HZ).read(1024)[0]
    spectrum = np.abs(np.fft.fft(heard * np.hanning(1024), 8192))
    peak = np.fft.fftfreq(8192, 1.0 / RATE_HZ)[np.argmax(spectrum)]
    assert peak == pytest.approx(-2.0 * speed * 34_000.0 / CARRIER.speed_m_s, abs=1.0)


def test_a_body_that_stops_and_goes_on_is_heard_without_a_step():
    """Chunks in which nothing moves are computed at one moment: they join the moving ones."""

    def halting(t):
        along = np.clip(t, 0.0, 1.5) + np.clip(t - 6.0, 0.0, 1.0)
        return swinging(along)

    place = stage()
    ours = ProductEcho(Body(halting, top_speed_m_s=2.0), place, RATE_HZ).read(14_000)
    moments = np.arange(14_000) / RATE_HZ
    truth = formula(halting(moments), place)
    calm = (moments > 1.6) & (moments < 5.9)
    assert residual_db(ours[:, calm], truth[:, calm]) < -80.0
    assert np.ptp(np.abs(ours[0, calm])) < 1e-5 * np.abs(ours[0, calm]).max()


def test_who_is_not_there_is_not_heard():
    def leaving(t):
        _, points = swinging(t)
        gone = np.where(t < 1.0, 1.0, 0.0)
        return (Points(points.position_m, points.amplitude_m[:, None] * gone),)

    heard = ProductEcho(Body(leaving), stage(), RATE_HZ).read(6000)
    assert np.all(np.abs(heard[:, :1900]).max(axis=1) > 0.0)
    np.testing.assert_array_equal(heard[:, 2010:], 0.0)


def test_facets_of_a_body_are_left_to_their_renderer():
    def with_facets(t):
        flat = np.ones((1, len(t), 3))
        return (*swinging(t), Facets(flat, flat, flat, np.array([1.0])))

    place = stage()
    ours = ProductEcho(Body(with_facets), place, RATE_HZ).read(100)
    np.testing.assert_array_equal(ours, ProductEcho(Body(swinging), place, RATE_HZ).read(100))
    with pytest.raises(BadInput, match="needs points or spheroids; facets are rendered by FacetEcho"):
        ProductEcho(Body(lambda t: with_facets(t)[2:]), place, RATE_HZ)


def test_the_control_rate_follows_the_speed():
    assert least_rate_hz(2.0, CARRIER) == pytest.approx(4.0 * 2.0 * 34_000.0 / CARRIER.speed_m_s)
    assert [control_rate_hz(v, CARRIER) for v in (0.5, 3.8, 4.0, 8.0, 25.0, 40.0)] == [
        2000,
        2000,
        4000,
        8000,
        16000,
        16000,
    ]
    with pytest.raises(BadInput, match="top_speed_m_s = 50: .* 16000 Hz carries 40.4 m/s"):
        control_rate_hz(50.0, CARRIER)


def test_a_rate_that_folds_the_doppler_shift_is_refused():
    with pytest.raises(BadInput, match="rate_hz = 2000 carries 5.05 m/s .* body moves at up to 8 m/s"):
        ProductEcho(Body(swinging, top_speed_m_s=8.0), stage(), 2000)
