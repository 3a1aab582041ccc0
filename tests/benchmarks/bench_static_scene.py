"""How fast a scene in which nothing moves is rendered: seconds of audio per second of processor time, one core.

`python -m tests.benchmarks.bench_static_scene` prints the table; `pytest tests/benchmarks/bench_static_scene.py`
holds the lower limits. The scene: one source 3 m away in a room of 8 x 5 x 2.7 m at 0.3 s, a diffuse pink noise,
four microphones with self-noise, band limits, clipping and 16 bits, at 16 kHz. The library's own `simulate()` does
the convolution and adds a white noise to each microphone, and nothing else; it holds the whole signal in memory.
"""

from __future__ import annotations

import time
from collections.abc import Callable

import numpy as np
import pytest

from lab.acoustics.convolve import OverlapSave
from lab.acoustics.device import load_device
from lab.acoustics.diffuse import DiffuseField
from lab.acoustics.microphone import Microphone
from lab.acoustics.paths import impulse_responses
from lab.acoustics.placement import PlacementSpec, place_device, place_source
from lab.acoustics.room import RoomSpec, calibrate
from lab.sources.noise import NoiseSpec, NoiseStream

RATE_HZ = 16_000
SECONDS = 60
SIZE_M = (8.0, 5.0, 2.7)
LIMITS = {"blocks of 1 s": 400.0, "blocks of 50 ms": 300.0}
ROOM_LIMIT_S, PATHS_LIMIT_S = 1.5, 0.25


class Scene:
    """The room, the places and the source of the scene; the source is stored, as its making is timed elsewhere."""

    def __init__(self) -> None:
        rng = np.random.default_rng(1)
        self.device = load_device("four_mic_speaker")
        self.room = calibrate(RoomSpec(size_m=SIZE_M, rt60_s=0.3), seed=1)
        centre = place_device(PlacementSpec(rule="table"), SIZE_M, rng, reach_m=3.0)
        self.source = place_source(SIZE_M, centre, rng, distance_m=3.0)
        self.microphones = centre + np.asarray(self.device.microphones_m)
        self.responses = impulse_responses(self.room, self.source, self.microphones, RATE_HZ, seed=1)
        self.signal = 0.05 * rng.standard_normal(SECONDS * RATE_HZ, dtype=np.float32)

    def read(self) -> Callable[[int], np.ndarray]:
        position = 0

        def read(n: int) -> np.ndarray:
            nonlocal position
            position += n
            return self.signal[position - n : position]

        return read


def ours(scene: Scene, block: int) -> None:
    spec = NoiseSpec(kind="noise", name="background", colour="pink", snr_db=10.0)
    noise = NoiseStream(spec, channels=4, rate_hz=RATE_HZ, seed=1, split="test")
    field = DiffuseField(scene.microphones, RATE_HZ, scene.room.climate.speed_m_s, noise.read)
    source = OverlapSave(scene.responses, scene.read())
    microphones = Microphone(scene.device.audible, 4, np.random.default_rng(1))
    for _ in range(SECONDS * RATE_HZ // block):
        pressure = source.read(block)
        pressure += np.float32(0.01) * field.read(block)
        microphones.process(pressure)


def convolution(scene: Scene, block: int) -> None:
    source = OverlapSave(scene.responses, scene.read())
    for _ in range(SECONDS * RATE_HZ // block):
        source.read(block)


def library(scene: Scene, snr_db: float | None) -> Callable[[], None]:
    import pyroomacoustics as pra

    room = pra.ShoeBox(SIZE_M, fs=RATE_HZ, materials=pra.Material(0.35), max_order=3)
    room.add_source(scene.source, signal=scene.signal)
    room.add_microphone_array(scene.microphones.T)
    room.compute_rir()
    # The same responses, so that the same work is timed.
    room.rir = [[row.astype(np.float64)] for row in scene.responses]
    return lambda: room.simulate(snr=snr_db, recompute_rir=False)


def times_real_time(work: Callable[[], None], rounds: int = 4) -> float:
    """Best of some rounds, after one that compiles and fills caches."""
    work()
    best = float("inf")
    for _ in range(rounds):
        began = time.process_time()
        work()
        best = min(best, time.process_time() - began)
    return SECONDS / best


@pytest.fixture(scope="module")
def scene() -> Scene:
    return Scene()


@pytest.mark.parametrize(("name", "block_s"), [("blocks of 1 s", 1.0), ("blocks of 50 ms", 0.05)])
def test_scene_speed(scene, name, block_s):
    assert times_real_time(lambda: ours(scene, round(block_s * RATE_HZ))) >= LIMITS[name]


def test_room_and_paths_cost():
    rooms, paths = preparation()
    assert rooms <= ROOM_LIMIT_S
    assert paths <= PATHS_LIMIT_S


def preparation(count: int = 6) -> tuple[float, float]:
    """Processor seconds per calibrated room and per set of four impulse responses, on average; no cache."""
    spec = RoomSpec(size_m=SIZE_M, rt60_s=0.3)
    array = np.asarray(load_device("four_mic_speaker").microphones_m) + (3.0, 2.0, 0.7)
    calibrate(RoomSpec(size_m=(3.0, 2.5, 2.5), rt60_s=0.3), 0)  # imports
    began = time.process_time()
    rooms = [calibrate(spec, seed) for seed in range(count)]
    middle = time.process_time()
    for seed, room in enumerate(rooms):
        impulse_responses(room, (6.0, 2.0, 1.1), array, RATE_HZ, seed)
    return (middle - began) / count, (time.process_time() - middle) / count


def main() -> None:
    scene = Scene()
    whole = times_real_time(lambda: ours(scene, 16_000))
    whole_library = times_real_time(library(scene, 10.0))
    bare = times_real_time(lambda: convolution(scene, 16_000))
    bare_library = times_real_time(library(scene, None))
    room_s, paths_s = preparation()
    rows = [
        ("static scene, 16 kHz, 4 microphones, blocks of 1 s", whole, "x real time"),
        ("  in blocks of 50 ms", times_real_time(lambda: ours(scene, 800)), "x real time"),
        ("  simulate() of the library, white noise", whole_library, "x real time"),
        ("  ratio", whole / whole_library, ""),
        ("convolution alone", bare, "x real time"),
        ("  simulate() of the library, no noise", bare_library, "x real time"),
        ("  ratio", bare / bare_library, ""),
        ("calibrated room, 8 x 5 x 2.7 m, 0.3 s", 1000.0 * room_s, "ms"),
        ("impulse responses, one source, 4 microphones", 1000.0 * paths_s, "ms"),
    ]
    for name, value, unit in rows:
        print(f"{name:52}{value:8.1f} {unit}")


if __name__ == "__main__":
    main()
