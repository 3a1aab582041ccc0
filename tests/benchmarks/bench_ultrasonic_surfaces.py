"""How fast echoes of moving surfaces are rendered: seconds of envelope per second of processor time, one core.

`python -m tests.benchmarks.bench_ultrasonic_surfaces` prints the table; `pytest` on this file holds the lower limits. The scene: a room
of 5 x 4 x 2.7 m, |R| = 0.85, images of order 3, four microphones on 7 cm. Fans are read at 16 kHz (a rate that carries their
tips), from a table that is already there; what building one costs is listed beside. The curtain (1.2 x 1.8 m, 3 cm at 0.5 Hz) and the door are
integrated as they go and read at 8 kHz. Beside them the same fan integrated as it goes, without a table.
"""

from __future__ import annotations

import time
from collections.abc import Callable

import numpy as np
import pytest

from lab.acoustics.shoebox import Climate
from lab.acoustics.ultrasonic.echo import Echo
from lab.acoustics.ultrasonic.facets import FacetEcho
from lab.acoustics.ultrasonic.rotor import AngleTable, RotorEcho
from lab.acoustics.ultrasonic.stage import Carrier, Stage, make_stage
from lab.movers import ceiling_fan, curtain, door, pedestal_fan, tower_fan
from lab.movers.mover import Doorway, Surroundings

SIZE_M = (5.0, 4.0, 2.7)
DEVICE = np.array([1.0, 1.5, 0.75])
ROOM = Surroundings(
    size_m=SIZE_M,
    device_m=DEVICE,
    duration_s=60.0,
    doorways=(Doorway(name="hall", wall="north", along_m=3.0),),
)
# A fan's whole chain to baseband, of which this is a part, is held to 300 elsewhere.
LIMITS = {"curtain": 50.0, "fixed fan": 500.0, "swinging fan": 150.0, "ceiling fan": 500.0}


def stage() -> Stage:
    array = DEVICE + 0.035 * np.array([[1.0, 0, 0], [0, 1.0, 0], [-1.0, 0, 0], [0, -1.0, 0]])
    return make_stage(
        SIZE_M, np.full(6, 0.85), Carrier.in_air(34_000.0, Climate()), DEVICE, array, (1.0, 0.3, 0.1),
        np.linspace(0.2, 1.0, 33), image_order=3,
    )  # fmt: skip


def movers() -> dict[str, object]:
    def made(module, spec, **keys):
        return module.make(spec(name="it", **keys), ROOM, np.random.default_rng(1))

    fan = {
        "module": pedestal_fan,
        "spec": pedestal_fan.PedestalFanSpec,
        "kind": "pedestal_fan",
        "distance_m": 2.5,
    }
    hung = {
        "module": curtain,
        "spec": curtain.CurtainSpec,
        "kind": "curtain",
        "wall": "east",
        "along_m": 2.0,
        "air": "steady",
    }
    swings = [{"at_s": 4.0 * i, "to_deg": 80.0 * (i % 2 == 0)} for i in range(100)]
    return {
        "fixed fan": made(**fan),
        "swinging fan": made(**fan, oscillation_deg=45.0),
        "ceiling fan": made(
            ceiling_fan, ceiling_fan.CeilingFanSpec, kind="ceiling_fan", position_m=(3.0, 2.0)
        ),
        "tower fan": made(tower_fan, tower_fan.TowerFanSpec, kind="tower_fan", distance_m=2.5),
        "curtain": made(**hung),
        "curtain, 10 cm at 1.5 Hz": made(**hung, amplitude_m=0.1, frequency_hz=1.5, offset_m=0.2),
        "door": made(door, door.DoorSpec, kind="door", doorway="hall", swings=swings),
    }


def echo(mover: object, room: Stage) -> Echo:
    return RotorEcho(mover, room, 16_000) if hasattr(mover, "rotor") else FacetEcho(mover, room, 8000)


def times_real_time(stream: Echo, seconds: int, rounds: int = 4) -> float:
    """Best of some rounds, after one that compiles and fills tables; blocks of 1 s."""
    best = float("inf")
    for turn in range(rounds + 1):
        began = time.process_time()
        for _ in range(seconds):
            stream.read(stream.rate_hz)
        if turn:
            best = min(best, time.process_time() - began)
    return seconds / best


def processor_s(work: Callable[[], object]) -> float:
    began = time.process_time()
    work()
    return time.process_time() - began


@pytest.mark.parametrize("name", LIMITS)
def test_speed(name):
    assert times_real_time(echo(movers()[name], stage()), seconds=8) >= LIMITS[name]


def main() -> None:
    room, all_movers = stage(), movers()
    print(f"{'mover':32}{'x real time':>12}{'kept energy':>13}{'table, s':>10}")
    for name, mover in all_movers.items():
        stream = echo(mover, room)
        rate = times_real_time(stream, 2 if "1.5" in name else 8)
        built = ""
        if hasattr(mover, "rotor"):
            low, high = mover.rotor.head_rad
            table = AngleTable(mover.rotor, room, 12, 0.5)
            heads = np.arange(low, high + 1e-9, table.head_step_rad)
            built = f"{processor_s(lambda t=table, h=heads: t.read(h, np.zeros(len(h)))):10.2f}"
        print(f"{name:32}{rate:12.0f}{stream.kept_energy:13.2f}{built}")
    direct = FacetEcho(all_movers["fixed fan"], room, 16_000)
    print(f"{'fixed fan without a table':32}{times_real_time(direct, 1, 2):12.1f}{direct.kept_energy:13.2f}")


if __name__ == "__main__":
    main()
