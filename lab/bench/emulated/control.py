"""What a person does at a real bench, done to the virtual device by messages: put it into a room, switch it off.

One JSON object a line on a Unix socket, one answer each:

    {"do": "place", "scenario": "near.toml", "cell": "distance_m=1.0", "trial": 3, "seed": 1, "plays": {"tv": 1}}
    {"do": "power", "on": false}    {"do": "alarm", "on": true}    {"do": "amplifier", "on": true}
    {"do": "reboot"}    {"do": "status"}    {"do": "stop"}
    {"do": "say", "text": "\\u0007"}    {"do": "faults", "silence": true}    of its console and its wire
    {"ok": {...}}   {"error": "...", "bad_input": true}
"""

from __future__ import annotations

import json
import socket
import threading
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from lab.errors import BadInput, EarshotError, LabFailure

ANSWER_S = 300.0  # a large room on a busy machine
LONGEST_MESSAGE = 1 << 20

Act = Callable[..., Mapping[str, Any]]


class ControlServer:
    """Answers requests in a thread. acts: name -> function, called with what else the request says."""

    def __init__(self, path: Path, acts: Mapping[str, Act]) -> None:
        self._acts = acts
        self._socket = socket.socket(socket.AF_UNIX)
        self._socket.bind(str(path))
        self._socket.listen(4)
        threading.Thread(target=self._accept, name="control", daemon=True).start()

    def close(self) -> None:
        self._socket.close()

    def _accept(self) -> None:
        while True:
            try:
                peer, _ = self._socket.accept()
            except OSError:  # closed
                return
            threading.Thread(target=self._serve, args=(peer,), name="control", daemon=True).start()

    def _serve(self, peer: socket.socket) -> None:
        with peer, peer.makefile("rwb") as stream:
            try:
                while line := stream.readline(LONGEST_MESSAGE):
                    stream.write(json.dumps(self.answer(line)).encode() + b"\n")
                    stream.flush()
            except OSError:  # the asker is gone
                return

    def answer(self, line: bytes) -> dict[str, Any]:
        """The answer to one request, whatever it is."""
        try:
            request = json.loads(line)
            act = self._acts[request.pop("do")]
        except (ValueError, RecursionError, KeyError, TypeError, AttributeError):
            known = ", ".join(self._acts)
            return {"error": f'not a request: {{"do": one of {known}, ...}} is wanted', "bad_input": True}
        try:
            return {"ok": dict(act(**request))}
        except TypeError as error:
            return {"error": f"request not understood: {error}", "bad_input": True}
        except EarshotError as error:
            return {"error": str(error), "bad_input": isinstance(error, BadInput)}
        except Exception as error:  # noqa: BLE001 - said to the asker; the device goes on
            return {"error": f"{type(error).__name__}: {error}", "bad_input": False}


def ask(path: Path, do: str, timeout_s: float = ANSWER_S, **request: Any) -> dict[str, Any]:
    """Send one request and return its answer. Raises BadInput, or LabFailure when nobody answers."""
    try:
        with socket.socket(socket.AF_UNIX) as peer:
            peer.settimeout(timeout_s)
            peer.connect(str(path))
            with peer.makefile("rwb") as stream:
                stream.write(json.dumps({"do": do, **request}).encode() + b"\n")
                stream.flush()
                line = stream.readline(LONGEST_MESSAGE)
    except OSError as error:
        raise LabFailure(f"virtual device: no answer to {do}: {error}") from None
    if not line.endswith(b"\n"):
        raise LabFailure(f"virtual device: ended before it answered {do}")
    answer = json.loads(line)
    if "error" in answer:
        raise (BadInput if answer.get("bad_input") else LabFailure)(answer["error"])
    return answer["ok"]
