"""Links through the network: a raw TCP server and an RFC 2217 server, each in front of a real pty."""

from __future__ import annotations

import queue
import select
import socket
import threading
from collections.abc import Iterator
from contextlib import suppress

import pytest
import serial
import serial.rfc2217

from rigs.emulators.wire import PtyServer
from rigs.errors import LinkLost
from rigs.links import LinkSpec, LinkState, open_link

LONG_S = 30.0

pytestmark = pytest.mark.filterwarnings("ignore:set(Daemon|Name):DeprecationWarning")  # in pyserial


class NoModemLines(serial.Serial):
    """A pseudo-terminal has none, but an RFC 2217 server asks for them."""

    cts = dsr = ri = cd = False
    dtr = rts = True


class Bridge:
    """Carries bytes between one TCP client at a time and a serial port, as a serial server on a shelf does."""

    def __init__(self, port: str, rfc2217: bool) -> None:
        self._port = NoModemLines(port, timeout=0, exclusive=True)
        self._rfc2217 = rfc2217
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.address = "{}:{}".format(*self._listener.getsockname())
        self._client: socket.socket | None = None
        self._closing = False
        self._thread = threading.Thread(target=self._serve, daemon=True)
        self._thread.start()

    def drop_client(self) -> None:
        if self._client:
            with suppress(OSError):
                self._client.shutdown(socket.SHUT_RDWR)

    def close(self) -> None:
        self._closing = True
        self.drop_client()
        self._thread.join()
        self._listener.close()
        self._port.close()

    def _serve(self) -> None:
        while not self._closing:
            ready, _, _ = select.select([self._listener], [], [], 0.05)
            if ready:
                self._client, _ = self._listener.accept()
                with suppress(ConnectionError):
                    self._carry(self._client)
                self._client.close()

    def write(self, data: bytes) -> None:
        """For the RFC 2217 manager, which answers negotiations by itself."""
        self._client.sendall(data)

    def _carry(self, client: socket.socket) -> None:
        manager = serial.rfc2217.PortManager(self._port, self) if self._rfc2217 else None
        while True:
            ready, _, _ = select.select([client, self._port], [], [])
            if client in ready:
                data = client.recv(4096)
                if not data:
                    return
                self._port.write(b"".join(manager.filter(data)) if manager else data)
            if self._port in ready:
                data = self._port.read(4096)
                client.sendall(b"".join(manager.escape(data)) if manager else data)


@pytest.fixture(params=["socket", "rfc2217"])
def bridged(request: pytest.FixtureRequest, wire: PtyServer) -> Iterator[tuple[Bridge, str]]:
    bridge = Bridge(wire.url, request.param == "rfc2217")
    yield bridge, f"{request.param}://{bridge.address}"
    bridge.close()


def test_requests_go_through(bridged: tuple[Bridge, str]):
    with open_link(LinkSpec(bridged[1], baud_rate=9600)) as link:
        assert link.request(b"*IDN?\n", timeout_s=LONG_S) == b"*IDN?\n"
        every = bytes(range(256))
        assert link.request(every, until=256, timeout_s=LONG_S) == every


def test_a_dropped_connection_is_noticed_and_made_again(bridged: tuple[Bridge, str]):
    bridge, url = bridged
    with open_link(LinkSpec(url)) as link:
        states: queue.Queue = queue.Queue()
        link.subscribe_state(states.put)
        link.request(b"there\n", timeout_s=LONG_S)
        bridge.drop_client()
        assert states.get(timeout=LONG_S) is LinkState.LOST
        assert states.get(timeout=LONG_S) is LinkState.OPEN
        assert link.request(b"again\n", timeout_s=LONG_S) == b"again\n"


def test_a_server_that_is_off_is_said():
    with socket.create_server(("127.0.0.1", 0)) as listener:
        address = "{}:{}".format(*listener.getsockname())
    with pytest.raises(LinkLost, match="cannot be opened"):
        open_link(LinkSpec(f"socket://{address}"))
