"""The service on a port, until it is told to stop."""

from __future__ import annotations

import signal
import socket
from collections.abc import Callable

import numpy as np
import uvicorn

from detectors.sound_events.verifier import RATE_HZ, Clip, OnnxVerifier
from detectors.sound_events.wire import is_loopback
from lab.errors import BadInput, LabFailure
from lab.verifier.service import application
from lab.verifier.settings import ServiceSettings

CONNECTIONS = 64


def serve(
    verifier: OnnxVerifier, settings: ServiceSettings, host: str, port: int, ready: Callable[[str], None]
) -> None:
    """Answer until SIGTERM, or SIGINT, which then raises KeyboardInterrupt; what is under way is finished first.

    port: 0 for any free one. ready: told the address once connections are taken. Raises BadInput for a host other than this
    machine without a token, LabFailure where the port cannot be had.
    """
    if settings.token is None and not is_loopback(host):
        raise BadInput(
            f"--host {host}: others can reach it, so --token-file is needed; allowed without: 127.0.0.1"
        )
    try:
        listening = socket.create_server(
            (host, port), family=socket.AF_INET6 if ":" in host else socket.AF_INET
        )
    except OSError as error:
        raise LabFailure(f"{host} port {port}: cannot listen: {error.strerror or error}") from None
    config = uvicorn.Config(
        application(verifier, settings),
        log_level="error",
        access_log=False,
        server_header=False,
        lifespan="off",
        limit_concurrency=CONNECTIONS,
        timeout_graceful_shutdown=max(1, round(settings.stop_s)),
    )
    # The first clip is slow: compiled code is fetched and memory laid out.
    verifier.judge(Clip(np.zeros(RATE_HZ, np.float32), verifier.labels[0], 0.0))
    with listening:
        # uvicorn stops in order at SIGTERM and then raises it again; this is what it meets then.
        signal.signal(signal.SIGTERM, lambda *_: None)
        shown = f"[{host}]" if ":" in host else host
        ready(f"http://{shown}:{listening.getsockname()[1]}")
        uvicorn.Server(config).run(sockets=[listening])
