import math

import numpy as np
import pytest

from lab.acoustics.ultrasonic.facets import FacetEcho
from lab.acoustics.ultrasonic.stage import Carrier, make_stage
from lab.errors import BadInput
from lab.movers.door import DoorSpec, make
from lab.movers.mover import Doorway, Surroundings

SIZE = (5.0, 4.0, 2.7)
DEVICE = np.array([1.5, 2.2, 1.0])
DOORWAY = Doorway(name="hall", wall="east", along_m=2.0, width_m=0.8)
ROOM = Surroundings(size_m=SIZE, device_m=DEVICE, duration_s=60.0, doorways=(DOORWAY,))
OPEN_SHUT = ({"at_s": 2.0, "to_deg": 80.0, "edge_m_s": 0.8}, {"at_s": 8.0, "to_deg": 0.0, "edge_m_s": 0.5})


def door(room=ROOM, **keys):
    return make(
        DoorSpec(**({"kind": "door", "name": "leaf", "doorway": "hall"} | keys)),
        room,
        np.random.default_rng(2),
    )


def test_it_opens_and_shuts_on_its_schedule():
    angle = np.degrees(door(swings=OPEN_SHUT).angle(np.array([0.0, 1.99, 7.0, 20.0])))
    np.testing.assert_allclose(angle, [0.0, 0.0, 80.0, 0.0], atol=1e-9)


def test_its_edge_peaks_at_the_speed_asked_for():
    moving = door(swings=OPEN_SHUT)
    (leaf,) = moving.pose(np.arange(0.0, 15.0, 0.001))
    edge = leaf.centre_m[0] + 0.5 * leaf.edge_u_m[0]
    speed = np.linalg.norm(np.diff(edge, axis=0), axis=-1) / 0.001
    assert speed[:7000].max() == pytest.approx(0.8, rel=0.01)
    assert speed[7000:].max() == pytest.approx(0.5, rel=0.01)
    assert moving.top_speed_m_s == pytest.approx(0.8)


@pytest.mark.parametrize("hinge", ["lower", "upper"])
@pytest.mark.parametrize("wall", ["west", "east", "south", "north"])
def test_it_fills_its_doorway_and_opens_into_the_room(wall, hinge):
    room = Surroundings(
        size_m=SIZE,
        device_m=np.array([2.5, 2.0, 1.0]),
        duration_s=60.0,
        doorways=(Doorway(name="hall", wall=wall, along_m=2.0),),
    )
    (leaf,) = door(room, hinge=hinge, swings=({"at_s": 1.0, "to_deg": 90.0},)).pose(np.array([0.0, 30.0]))
    axis = 0 if wall in ("west", "east") else 1
    assert leaf.centre_m[0, 0, 1 - axis] == pytest.approx(2.0)
    assert min(leaf.centre_m[0, 0, axis], SIZE[axis] - leaf.centre_m[0, 0, axis]) == pytest.approx(0.01)
    assert 0.4 < min(leaf.centre_m[0, 1, axis], SIZE[axis] - leaf.centre_m[0, 1, axis]) < 0.5


def test_a_draught_sways_an_ajar_door_and_leaves_a_shut_one():
    time = np.arange(0.0, 120.0, 0.05)
    ajar = np.degrees(door(start_deg=20.0, draught_deg=3.0).angle(time))
    assert 5.0 < np.ptp(ajar) <= 6.0
    np.testing.assert_array_equal(door(draught_deg=3.0).angle(time), 0.0)


def test_its_glint_passes_the_device_in_a_burst_below_two_hundred_hertz():
    """Doppler while it swings only, and within 2 v f0 / c of its edge."""
    carrier = Carrier(34_000.0, 343.2, 0.126)
    stage = make_stage(SIZE, np.ones(6), carrier, DEVICE, [DEVICE], (1, 0, 0), np.ones(2), image_order=0)
    echo = FacetEcho(door(swings=OPEN_SHUT[:1]), stage, 2000).read(14_000)[0]
    change = np.abs(np.diff(echo))
    assert change[:3900].max() < 1e-5 * change.max()
    assert change[12_000:].max() < 1e-6 * change.max()
    power = np.square(np.abs(np.fft.fft(echo * np.hanning(len(echo)))))
    shift = np.abs(np.fft.fftfreq(len(echo), 1.0 / 2000.0))
    assert power[shift < 165.0].sum() > 0.999 * power.sum()


def test_it_is_clutter():
    assert door().truth() == ()
    assert door().blockers(np.zeros(1)) is None


@pytest.mark.parametrize(
    ("keys", "message"),
    [
        ({"doorway": "cellar"}, r"movers\.leaf\.doorway = 'cellar': the room has 'hall'"),
        (
            {"swings": ({"at_s": 1.0, "to_deg": 90.0}, {"at_s": 1.5, "to_deg": 0.0})},
            r"movers\.leaf\.swings\[1\]\.at_s = 1\.5",
        ),
    ],
)
def test_an_unknown_doorway_and_overlapping_swings_are_refused(keys, message):
    with pytest.raises(BadInput, match=message):
        door(**keys)


def test_a_device_in_the_leafs_way_is_refused():
    near = Surroundings(size_m=SIZE, device_m=np.array([4.6, 2.0, 1.0]), duration_s=60.0, doorways=(DOORWAY,))
    with pytest.raises(BadInput, match="swing into the device"):
        door(near, swings=OPEN_SHUT)
    assert math.isclose(door(near, start_deg=10.0).angle(np.zeros(1))[0], math.radians(10.0))
