import math

import numpy as np
import pytest
import scipy.signal

from lab.acoustics.ultrasonic import facets
from lab.acoustics.ultrasonic.facets import FacetEcho
from lab.acoustics.ultrasonic.stage import Carrier, make_stage
from lab.errors import BadInput
from lab.movers.curtain import WAVES, CurtainSpec, make
from lab.movers.mover import Surroundings

SIZE = (5.0, 4.0, 2.7)
DEVICE = np.array([2.0, 2.0, 1.5])
ROOM = Surroundings(size_m=SIZE, device_m=DEVICE, duration_s=600.0)
CARRIER = Carrier(34_000.0, 343.2, 0.0)


def curtain(**keys):
    spec = CurtainSpec(
        **({"kind": "curtain", "name": "veil", "wall": "east", "along_m": 2.0, "air": "steady"} | keys)
    )
    return make(spec, ROOM, np.random.default_rng(5)), spec


def free_field():
    return make_stage(SIZE, np.ones(6), CARRIER, DEVICE, [DEVICE], (1, 0, 0), np.ones(2), image_order=0)


def moving_db(echo):
    return 10.0 * np.log10(np.mean(np.square(np.abs(echo - echo.mean()))))


@pytest.mark.parametrize("wavelength_m", [0.4, 1.0])
def test_doppler_power_is_that_of_a_point_sampled_sheet(wavelength_m):
    """The curved surface itself, from the formula, as points 1.3 mm apart (an eighth of a wavelength): 0.5 dB."""
    size = {"width_m": 0.5, "height_m": 0.4, "top_m": 1.7, "amplitude_m": 0.03, "wavelength_m": wavelength_m}
    sheet, spec = curtain(**size, loss_db=0.0)
    moments = 48
    echo = FacetEcho(sheet, free_field(), 64).read(moments)[0]
    s = (np.arange(380) + 0.5) * 0.5 / 380 - 0.25
    z = (np.arange(300) + 0.5) * 0.4 / 300
    points = []
    for t in np.arange(moments) / 64:
        wave, slope = np.zeros((2, len(s)))
        for (share, shorter, faster), phase in zip(WAVES, sheet.phases_rad, strict=True):
            number = 2.0 * math.pi / wavelength_m * shorter
            angle = number * s + phase - 2.0 * math.pi * spec.frequency_hz * faster * t
            wave += share * 0.03 * np.sin(angle)
            slope += share * 0.03 * number * np.cos(angle)
        depth = z[:, None] / 0.4
        x = 5.0 - spec.offset_m - depth * wave - DEVICE[0]
        y, up = 2.0 + s - DEVICE[1], 1.7 - z[:, None] - DEVICE[2]
        r = np.sqrt(x * x + y * y + up * up)
        # (x + y dx/ds + up dx/dz) ds dz is cosine times area.
        facing = (x + y * depth * slope + up * -wave / 0.4) / r
        total = np.sum(facing * np.exp(-2j * CARRIER.wavenumber * r) / r**2)
        points.append(1j * CARRIER.wavenumber / (2.0 * math.pi) * total * (0.5 / 380) * (0.4 / 300))
    assert abs(moving_db(echo) - moving_db(np.array(points))) < 0.5


def test_its_glints_exceed_a_torso():
    """With 8 dB of loss at 2.9 m the strongest tenth of a minute lies above -18.6 dB of target strength, and below a mirror's."""
    sheet, _ = curtain(amplitude_m=0.02, frequency_hz=0.4)
    echo = FacetEcho(sheet, free_field(), 200).read(6000)[0]
    strength = np.quantile(20.0 * np.log10(np.abs(echo)), 0.9) + 40.0 * np.log10(2.88)
    assert -18.6 < strength < 3.2


def test_doppler_stays_below_what_the_hem_does():
    sheet, _ = curtain(amplitude_m=0.03, frequency_hz=0.5)
    echo = FacetEcho(sheet, free_field(), 1000).read(20_000)[0]
    power = np.square(np.abs(np.fft.fft(echo * np.hanning(len(echo)))))
    shift = np.abs(np.fft.fftfreq(len(echo), 1e-3))
    limit = 2.0 * sheet.top_speed_m_s * 34_000.0 / 343.2
    assert power[shift < limit].sum() > 0.9999 * power.sum()
    assert power[(shift > 2.0) & (shift < 60.0)].sum() > 0.1 * power.sum()


def test_the_sheet_hangs_from_its_rail_and_moves_at_its_hem():
    sheet, _ = curtain(height_m=1.5, top_m=2.2, amplitude_m=0.05, offset_m=0.15, width_m=1.0)
    (facets,) = sheet.pose(np.linspace(0.0, 20.0, 400))
    corner = lambda u, v: facets.centre_m + u * facets.edge_u_m / 2 + v * facets.edge_v_m / 2
    top = np.isclose(facets.centre_m[:, 0, 2], facets.centre_m[:, 0, 2].max())
    assert np.ptp(corner(0, -1)[top][..., 0]) < 1e-3
    np.testing.assert_allclose(corner(0, -1)[top][..., 2], 2.2)
    assert corner(0, 1)[..., 2].min() == pytest.approx(0.7)
    hem = 5.0 - 0.15 - corner(0, 1)[~top][..., 0]
    assert 0.045 < np.abs(hem).max() <= 0.05 + 1e-9


def test_its_speed_is_within_what_it_says():
    sheet, _ = curtain(air="breeze", amplitude_m=0.08, offset_m=0.2, frequency_hz=1.2)
    (facets,) = sheet.pose(np.arange(0.0, 40.0, 0.02))
    assert np.linalg.norm(np.diff(facets.centre_m, axis=1), axis=-1).max() / 0.02 <= sheet.top_speed_m_s


@pytest.mark.parametrize(
    ("wall", "axis", "inward"), [("west", 0, 1), ("east", 0, -1), ("south", 1, 1), ("north", 1, -1)]
)
def test_every_wall_has_its_front_towards_the_room(wall, axis, inward):
    sheet, _ = curtain(wall=wall)
    (facets,) = sheet.pose(np.zeros(1))
    assert sheet.front[axis] == inward
    from_wall = facets.centre_m[..., axis] if inward > 0 else SIZE[axis] - facets.centre_m[..., axis]
    np.testing.assert_allclose(from_wall, 0.12, atol=0.031)


def test_breeze_comes_and_goes():
    strength = curtain(air="breeze")[0].strength(np.arange(0.0, 1200.0, 0.1))
    assert 0.2 < np.mean(strength < 0.05) < 0.6
    assert strength.max() > 0.8


def test_hvac_moves_it_for_its_share_of_the_time_and_then_leaves_it_at_rest():
    sheet, _ = curtain(air="hvac", hvac_on_s=60.0, hvac_period_s=200.0)
    strength = sheet.strength(np.arange(0.0, 2000.0, 0.1))
    assert np.mean(strength > 0.5) == pytest.approx(0.3, abs=0.01)
    assert np.mean(strength == 0.0) > 0.5
    assert np.abs(np.diff(strength)).max() < 0.05


@pytest.mark.parametrize(
    ("keys", "message"),
    [
        ({"along_m": 0.3}, r"movers\.veil\.along_m = 0\.3: .* 0\.6 to 3\.4"),
        ({"top_m": 1.0}, r"movers\.veil\.top_m = 1"),
        ({"amplitude_m": 0.1, "offset_m": 0.05}, r"movers\.veil\.amplitude_m = 0\.1 must be less"),
        ({"air": "hvac", "hvac_period_s": 100.0}, r"movers\.veil\.hvac_on_s = 300"),
        ({"wall": "west", "offset_m": 0.5, "along_m": 2.0, "name": "veil"}, None),
    ],
)
def test_a_curtain_that_does_not_hang_there_is_refused(keys, message):
    if message is None:  # the same wall, but the device behind the sheet
        near = Surroundings(size_m=SIZE, device_m=np.array([0.3, 2.0, 1.0]), duration_s=60.0)
        with pytest.raises(BadInput, match=r"movers\.veil\.offset_m = 0\.5"):
            make(CurtainSpec(kind="curtain", **keys), near, np.random.default_rng(0))
        return
    with pytest.raises(BadInput, match=message):
        curtain(**keys)


def test_what_is_slow_is_worked_out_less_often_and_sounds_the_same(monkeypatch):
    """Rows near the rail and calm spells, at every second or fourth moment: another echo by -40 dB, and none above the hem's Doppler."""
    sheet, _ = curtain(amplitude_m=0.06, frequency_hz=0.8, height_m=1.8, air="breeze")
    used = []
    stride = FacetEcho._stride
    monkeypatch.setattr(
        FacetEcho, "_stride", lambda self, shape: used.append(stride(self, shape)) or used[-1]
    )

    def heard():
        return FacetEcho(sheet, free_field(), 2000).read(60_000)[0]

    strided = heard()
    assert set(np.concatenate(used)) >= {1, 2, 4}
    monkeypatch.setattr(facets, "STRIDES", (1,))
    every = heard()
    assert moving_db(strided - every) < moving_db(every) - 40.0
    shift = 2.0 * sheet.top_speed_m_s * CARRIER.frequency_hz / CARRIER.speed_m_s
    above = scipy.signal.butter(6, 2.0 * shift, "high", fs=2000, output="sos")
    beyond = [np.mean(np.abs(scipy.signal.sosfilt(above, echo)[2000:]) ** 2) for echo in (every, strided)]
    assert beyond[1] < 1.5 * beyond[0]
