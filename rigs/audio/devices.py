"""Which sound cards there are. The only place that brings PortAudio up and down."""

from __future__ import annotations

from dataclasses import dataclass
from types import ModuleType

from rigs.audio.spec import AudioSpec
from rigs.errors import AudioFault


@dataclass(frozen=True)
class AudioDevice:
    """One entry of PortAudio's list. rate_hz: what it prefers."""

    index: int
    name: str
    host_api: str
    inputs: int
    outputs: int
    rate_hz: float

    def __str__(self) -> str:
        return f"{self.name} ({self.host_api}, {self.outputs} out, {self.inputs} in)"


def portaudio() -> ModuleType:
    """sounddevice, imported on first use. Raises AudioFault where PortAudio is missing."""
    try:
        import sounddevice
    except (ImportError, OSError) as error:
        raise AudioFault(f"no sound on this machine: {error} (Debian: libportaudio2)") from error
    return sounddevice


def list_devices() -> tuple[AudioDevice, ...]:
    """All devices as PortAudio saw them when it started; see `refresh_devices`."""
    sounddevice = portaudio()
    hosts = [host["name"] for host in sounddevice.query_hostapis()]
    return tuple(
        AudioDevice(
            index=index,
            name=entry["name"],
            host_api=hosts[entry["hostapi"]],
            inputs=entry["max_input_channels"],
            outputs=entry["max_output_channels"],
            rate_hz=entry["default_samplerate"],
        )
        for index, entry in enumerate(sounddevice.query_devices())
    )


def find_device(spec: AudioSpec) -> AudioDevice:
    """The one device that has the names and the connectors. Raises AudioFault with what there is instead."""
    devices = list_devices()
    named = [
        one
        for one in devices
        if spec.device.lower() in one.name.lower() and spec.host_api.lower() in one.host_api.lower()
    ]
    exact = [one for one in named if one.name.lower() == spec.device.lower()]
    named = exact or named
    wanted = f'audio device "{spec.device}"' + (f" of {spec.host_api}" if spec.host_api else "")
    if len(named) != 1:
        what = "is not there" if not named else f"is {len(named)} devices"
        there = "; ".join(str(one) for one in (named or devices)) or "no audio device at all"
        raise AudioFault(f"{wanted} {what}. This machine has: {there}")
    device = named[0]
    for kind, has, needs in (
        ("outputs", device.outputs, max(spec.out_connectors)),
        ("inputs", device.inputs, max(spec.in_connectors)),
    ):
        if needs > has:
            raise AudioFault(f"{wanted} has {has} {kind}, connector {needs} is asked for")
    return device


def refresh_devices() -> None:
    """Look again, after plugging in or starting a JACK server. Ends every open stream."""
    forget_devices()
    portaudio()._initialize()


def forget_devices() -> None:
    """Let go of all devices. Needed before a JACK server stops, whose end aborts a process that still uses it."""
    sounddevice = portaudio()
    while sounddevice._initialized:
        sounddevice._terminate()
