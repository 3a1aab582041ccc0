"""Plays a trial's media on output 1 and records input 5: `python player.py SCENARIO CACHE OUT.npy`.

In a process of its own, as PortAudio must end before its JACK server does.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

import numpy as np

from lab.acoustics.cache import DiskCache
from lab.bench.emulated.wiring import full_scale_pa
from lab.bench.simulated.scene import Scene
from lab.scenario.load import load_scenario
from rigs.audio import AudioSpec, Pilot, play_record
from rigs.audio.devices import forget_devices

RATE_HZ = 48_000


def main(scenario: str, cache: str, out: str) -> None:
    loaded = load_scenario(Path(scenario))
    trial = loaded.draw(loaded.cells()[0], 0, 1)
    scene = Scene(trial, DiskCache(Path(cache)), None, RATE_HZ)
    media = scene.play(scene.placed[0].spec).read(round(trial.spec.duration_s * RATE_HZ)) / full_scale_pa(
        110.0
    )
    spec = AudioSpec(
        rate_hz=RATE_HZ,
        output_map=(1,),
        input_map=(5,),
        pilot=Pilot(silence_s=0.2, duration_s=0.1, listen_s=0.3),
        lag_samples=(0, 9600),
        lag_tolerance=1.0,
    )
    capture = play_record(spec, media[None, :].astype(np.float32))
    np.save(out, capture.samples)
    print(
        json.dumps(
            {
                "valid": capture.verdict.valid,
                "reason": capture.verdict.reason,
                "lag": capture.alignment.lag_samples,
                "change": capture.alignment.change_samples,
                "frames": capture.body_frames,
            }
        )
    )


if __name__ == "__main__":
    main(*sys.argv[1:])
    forget_devices()
