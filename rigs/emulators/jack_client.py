"""The few calls of libjack that a test bench needs: is a server there, wires, freewheel.

By ctypes and not by the command-line tools, which some distributions ship in a package of their own.
"""

from __future__ import annotations

import ctypes
import ctypes.util
from typing import Self

from rigs.errors import AudioFault

NO_START_SERVER, SERVER_NAME = 0x01, 0x04  # JackOptions of jack/types.h
ALREADY = 17  # EEXIST, a wire that is there


class JackClient:
    """A client of one server; it has no ports of its own. Raises AudioFault when the server does not answer."""

    def __init__(self, server: str, name: str = "earshot") -> None:
        library = ctypes.util.find_library("jack")
        if library is None:
            raise AudioFault(f"JACK server {server}: libjack is not installed")
        self._jack = ctypes.CDLL(library)
        self._jack.jack_client_open.restype = ctypes.c_void_p
        self._jack.jack_port_by_name.restype = ctypes.c_void_p
        for call in ("jack_get_ports", "jack_port_get_all_connections"):
            getattr(self._jack, call).restype = ctypes.POINTER(ctypes.c_char_p)
        self._server = server
        status = ctypes.c_int()
        self._client = ctypes.c_void_p(
            self._jack.jack_client_open(
                name.encode(),
                NO_START_SERVER | SERVER_NAME,
                ctypes.byref(status),
                ctypes.c_char_p(server.encode()),
            )
        )
        if not self._client:
            raise AudioFault(f"JACK server {server} does not answer (status 0x{status.value:02x})")
        self._jack.jack_activate(self._client)

    def ports(self) -> list[str]:
        return self._names(self._jack.jack_get_ports(self._client, None, None, ctypes.c_ulong(0)))

    def connections(self, port: str) -> list[str]:
        handle = ctypes.c_void_p(self._jack.jack_port_by_name(self._client, port.encode()))
        return self._names(self._jack.jack_port_get_all_connections(self._client, handle))

    def connect(self, out: str, into: str) -> None:
        error = self._jack.jack_connect(self._client, out.encode(), into.encode())
        if error not in (0, ALREADY):
            raise AudioFault(f"JACK server {self._server} refuses the wire from {out} to {into} ({error})")

    def disconnect(self, out: str, into: str) -> None:
        if error := self._jack.jack_disconnect(self._client, out.encode(), into.encode()):
            raise AudioFault(f"JACK server {self._server} keeps the wire from {out} to {into} ({error})")

    def freewheel(self, on: bool) -> None:
        if error := self._jack.jack_set_freewheel(self._client, int(on)):
            raise AudioFault(f"JACK server {self._server} refuses freewheel ({error})")

    def close(self) -> None:
        self._jack.jack_client_close(self._client)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _names(self, array: ctypes.Array) -> list[str]:
        names: list[str] = []
        if array:
            while array[len(names)]:
                names.append(array[len(names)].decode())
            self._jack.jack_free(array)
        return names
