"""`lab verifier`: the second stage of sound events as a service of one's own."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

app = typer.Typer(no_args_is_help=True, help="The verifier of sound events, as a service.")


@app.callback()
def _group() -> None:
    """Keeps `serve` a word of the command line although it is the only one."""


@app.command()
def serve(
    port: Annotated[int, typer.Option(min=0, max=65535, help="0 for any free one.")] = 8765,
    host: Annotated[str, typer.Option(help="Another than this machine needs --token-file.")] = "127.0.0.1",
    token_file: Annotated[
        Path | None, typer.Option(help="One line; devices must send it. They read it from the same file.")
    ] = None,
    model: Annotated[Path | None, typer.Option(help="ONNX file; default: the one that is shipped.")] = None,
    per_minute: Annotated[int, typer.Option(min=1, help="Clips; more are answered 429.")] = 60,
) -> None:
    """Judge clips that devices send, until stopped. A clip is held in memory alone and written nowhere."""
    from detectors.sound_events.verifier import SHIPPED, OnnxVerifier
    from detectors.sound_events.wire import read_token
    from lab.verifier.serve import serve as answer
    from lab.verifier.settings import ServiceSettings

    verifier = OnnxVerifier(model or SHIPPED)
    settings = ServiceSettings(
        token=None if token_file is None else read_token(token_file), per_minute=per_minute
    )
    answer(verifier, settings, host, port, lambda address: print(f"verifier at {address}", flush=True))
