"""Playing and recording through PortAudio as fast as the processor allows, where real time is not the point.

A JACK server without loopback lets its clock go; PortAudio's own ports are wired to each other:

    with JackServer(JackSpec(loopback=False, channels=2)) as server: ...    # then, in a process with its environment:
    capture = play_record_freewheel(server.name, AudioSpec(device="system", ...), playback)

Only for what needs no other programme. A server with loopback ports must never freewheel: it hangs.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from rigs.audio.capture import Capture, play_record
from rigs.audio.duplex import Duplex
from rigs.audio.spec import AudioSpec
from rigs.emulators.jack_client import JackClient
from rigs.errors import AudioFault


def play_record_freewheel(
    server: str,
    spec: AudioSpec,
    playback: NDArray[np.float32],
    record_to: Path | None = None,
    on_block: Callable[[NDArray[np.float32]], None] | None = None,
) -> Capture:
    """`rigs.audio.play_record` without a clock; output connector k is wired to input connector k.

    server: its name, loopback off. spec: device "system"; the only programme that uses this server.
    """

    class Freewheeling(Duplex):
        def __init__(self, *arguments, **options) -> None:
            super().__init__(*arguments, hold=True, **options)

        def result(self, timeout_s=None):
            with freewheel(server):
                self.begin()
                return super().result(timeout_s)

    return play_record(spec, playback, record_to, on_block, duplex=Freewheeling)


@contextmanager
def freewheel(server: str) -> Iterator[None]:
    """Wire PortAudio's ports to each other and let the clock go while inside. Raises AudioFault."""
    with JackClient(server) as client:
        ports = client.ports()
        ours = sorted(port for port in ports if port.startswith("PortAudio"))
        outs = [port for port in ours if ":out_" in port]
        ins = {port.rpartition("_")[2]: port for port in ours if ":in_" in port}
        if not outs or not ins:
            raise AudioFault(f"JACK server {server}: no stream of PortAudio is open, its ports are {ports}")
        if any(port.startswith("loopback:") for port in ports):
            raise AudioFault(f"JACK server {server} has loopback ports and would hang in freewheel")
        for port in outs:
            for other in client.connections(port):
                client.disconnect(port, other)
        for port in ins.values():
            for other in client.connections(port):
                client.disconnect(other, port)
        for port in outs:
            if into := ins.get(port.rpartition("_")[2]):
                client.connect(port, into)
        client.freewheel(True)
        try:
            yield
        finally:
            client.freewheel(False)
