"""How fast a capture above hearing is put together: seconds of audio per second of processor time, one core.

`python -m tests.benchmarks.bench_ultrasonic_passband` prints the table; `pytest tests/benchmarks/bench_ultrasonic_passband.py`
holds the ratios to numpy and scipy. Four microphones, 96 kHz, 24 bits, envelopes ready made at 8 kHz: interpolation, carrier, spread of
the unit, fresh shaped noise, converter. Beside it the same in numpy and scipy with numpy's normals.
"""

from __future__ import annotations

import time
from collections.abc import Callable

import numpy as np
import pytest
import scipy.signal

from lab.acoustics.converter import full_scale_pa, gaussian, noise_keys
from lab.acoustics.device import load_device
from lab.acoustics.loudspeaker import Loudspeaker
from lab.acoustics.ultrasonic.baseband import Baseband, FrontEnd
from lab.acoustics.ultrasonic.passband import Passband, noise_taps
from lab.acoustics.ultrasonic.unit import UnitSpec, draw_unit

SPEC = load_device("ultrasonic_speaker").ultrasonic
UNIT = draw_unit(UnitSpec(), SPEC, 4, np.random.default_rng(0))
CARRIER_HZ, SCENE_HZ, AUDIBLE_HZ, SECONDS = 34_000.0, 8_000, 16_000, 10
# Over the same work in numpy and scipy, in the same run.
PASSBAND_RATIO, BASEBAND_RATIO, NORMALS_RATIO = 4.0, 15.0, 6.0
RNG = np.random.default_rng(1)
ENVELOPE = RNG.standard_normal((4, SCENE_HZ)) + 1j * RNG.standard_normal((4, SCENE_HZ))
MUSIC = 0.1 * RNG.standard_normal((4, AUDIBLE_HZ)).astype(np.float32)


def passband(block: int = SCENE_HZ, music: bool = False) -> None:
    chain = Passband(SPEC, UNIT, SCENE_HZ, np.random.default_rng(1), AUDIBLE_HZ if music else None)
    heard = MUSIC[:, : block * AUDIBLE_HZ // SCENE_HZ] if music else None
    for _ in range(SECONDS * SCENE_HZ // block):
        chain.process(block, {CARRIER_HZ: ENVELOPE[:, :block]}, heard)


def baseband(block: int = SCENE_HZ, scene_hz: int = SCENE_HZ) -> None:
    chain = Baseband(SPEC, UNIT, scene_hz, np.random.default_rng(1))
    for _ in range(SECONDS * scene_hz // block):
        chain.process(block, {CARRIER_HZ: ENVELOPE[:, :block]})


def front_end() -> None:
    chain, pcm = FrontEnd(SPEC, 4), np.zeros((4, SPEC.rate_hz), dtype=np.float32)
    for _ in range(SECONDS):
        chain.process(pcm)


def loudspeaker() -> None:
    chain = Loudspeaker(SPEC.driver, AUDIBLE_HZ, np.random.default_rng(1))
    for _ in range(SECONDS):
        chain.play(MUSIC[0])


def library() -> None:
    """Without the unit's spread, distortion and state from block to block."""
    rng = np.random.default_rng(1)
    carrier = np.exp(2j * np.pi * CARRIER_HZ / SPEC.rate_hz * np.arange(SPEC.rate_hz))
    shape = noise_taps(SPEC)
    for _ in range(SECONDS):
        tone = np.real(scipy.signal.resample_poly(ENVELOPE, SPEC.rate_hz // SCENE_HZ, 1, axis=1) * carrier)
        noise = scipy.signal.oaconvolve(
            rng.standard_normal(tone.shape, dtype=np.float32), shape[None], "same", axes=1
        )
        full = 2.0 ** (SPEC.bits - 1)
        np.clip(np.rint((tone + noise) * (full / full_scale_pa(SPEC))), -full, full - 1.0).astype(np.float32)


def normals(own: bool) -> Callable[[], None]:
    """384 thousand a second: what four channels at 96 kHz take."""
    count = 4 * SPEC.rate_hz
    out, scratch = np.empty((2, 8192), dtype=np.float32)
    key, rng = noise_keys(np.random.default_rng(1), 1)[0], np.random.default_rng(1)

    def work() -> None:
        for start in range(0, SECONDS * count, len(out)):
            if own:
                gaussian(key, start // 2, out, scratch)
            else:
                rng.standard_normal(out=out, dtype=np.float32)

    return work


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
def library_speed() -> float:
    return times_real_time(library, 2)


def test_the_passband_outruns_numpy(library_speed):
    assert times_real_time(passband) >= PASSBAND_RATIO * library_speed


def test_the_baseband_outruns_numpy_at_the_converters_rate(library_speed):
    assert times_real_time(baseband) >= BASEBAND_RATIO * library_speed


def test_the_noise_outruns_numpy():
    assert times_real_time(normals(True)) >= NORMALS_RATIO * times_real_time(normals(False))


def main() -> None:
    rows = [
        ("passband, 4 channels, 96 kHz, blocks of 1 s", times_real_time(passband)),
        ("  in blocks of 50 ms", times_real_time(lambda: passband(SCENE_HZ // 20))),
        ("  with music at the microphones", times_real_time(lambda: passband(music=True))),
        ("  numpy and scipy, fewer effects", times_real_time(library, 2)),
        ("baseband 4 kHz from 8 kHz, blocks of 1 s", times_real_time(baseband)),
        ("  in blocks of 50 ms", times_real_time(lambda: baseband(SCENE_HZ // 20))),
        ("  from 4 kHz, blocks of 1 s", times_real_time(lambda: baseband(4_000, 4_000))),
        ("front end, 96 to 4 kHz, 4 channels", times_real_time(front_end)),
        ("loudspeaker, 16 kHz", times_real_time(loudspeaker)),
        ("normals for 4 channels at 96 kHz", times_real_time(normals(True))),
        ("  of numpy", times_real_time(normals(False))),
    ]
    for name, value in rows:
        print(f"{name:48}{value:8.0f} x real time{1000.0 / value:9.2f} ms/s")


if __name__ == "__main__":
    main()
