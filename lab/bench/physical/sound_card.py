"""The sound card of a bench as `rigs.audio` wants it, and the server of a bench that has none."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace

from rigs.audio import AudioSpec, Pilot
from rigs.audio.devices import forget_devices, refresh_devices
from rigs.emulators.jack import JackServer, JackSpec
from rigs.rig_file import RigFile

PATIENT_S = 5.0  # for a stack that is slower than the clock of a software sound card, which waits no longer than 10 s for anybody


def audio_spec(rig: RigFile) -> AudioSpec:
    """Channel map, pilot, and what lag, level and clock of this bench must be."""
    audio = rig.audio
    media = [index for index, output in enumerate(audio.outputs) if output.plays == "media"]
    pilot_output = media[0] if media else 0
    reference = min(range(len(audio.inputs)), key=lambda index: audio.inputs[index].microphone)
    ms = audio.rate_hz / 1000.0
    return AudioSpec(
        device=audio.device,
        host_api=audio.host_api,
        rate_hz=audio.rate_hz,
        outputs=len(audio.outputs),
        inputs=len(audio.inputs),
        output_map=tuple(output.channel for output in audio.outputs),
        input_map=tuple(wire.channel for wire in audio.inputs),
        full_scale_db_spl=tuple(wire.full_scale_db_spl for wire in audio.inputs),
        pilot=_pilot(rig, audio.outputs[pilot_output].full_scale_db_spl),
        pilot_output=pilot_output,
        reference_input=reference,
        lag_samples=(round(audio.lag_ms[0] * ms), round(audio.lag_ms[1] * ms)),
        path_gain_db=audio.path_gain_db,
        peak_ratio_db=audio.peak_db,
        lag_tolerance=audio.jitter_ms * ms,
        max_skew_ppm=audio.skew_ppm,
        exact=rig.kind == "loopback" and audio.jack is not None,
        patient_s=PATIENT_S if rig.tone is not None and audio.jack is not None else 0.0,
    )


def _pilot(rig: RigFile, full_scale_db_spl: float) -> Pilot:
    """RMS 1.0 is 3 dB above a full-scale sine."""
    level = min(rig.audio.pilot_db_spl - full_scale_db_spl - 3.01, -3.2)
    listen_s = max(0.5, rig.audio.lag_ms[1] / 1000.0 + 0.1)
    pilot = Pilot(level_dbfs=level, listen_s=listen_s, quiet_s=rig.background.listen_s)
    if rig.audio.pilot_hz is None:
        return pilot
    low, high = (edge / rig.audio.rate_hz for edge in rig.audio.pilot_hz)
    return replace(pilot, low=low, high=high)


@contextmanager
def sound_card(rig: RigFile) -> Iterator[None]:
    """While inside, the sound card of the rig file is there; a JACK server is started where the bench wants one.

    A server that the environment already names is used and left running. Raises AudioFault.
    """
    if rig.audio.jack is None or os.environ.get("JACK_DEFAULT_SERVER"):
        yield
        return
    spec = JackSpec(rate_hz=rig.audio.rate_hz, period=rig.audio.jack.period, channels=rig.audio.jack.channels)
    with JackServer(spec) as server, borrowed(server.environment()):
        yield


@contextmanager
def borrowed(environment: Mapping[str, str]) -> Iterator[None]:
    """While inside, sound goes through the server that this environment names."""
    before = {name: os.environ.get(name) for name in environment}
    os.environ |= environment
    try:
        refresh_devices()
        yield
    finally:
        forget_devices()  # PortAudio aborts the process when its server goes first
        for name, value in before.items():
            if value is None:
                os.environ.pop(name, None)
            else:
                os.environ[name] = value
