"""The pool of processes hands over what is done when the rest is not wanted any more."""

from __future__ import annotations

import threading
import time

from lab.runs.pool import run_chunks, stop_requested


def _slowly(chunk: int) -> int:
    for _ in range(100 if chunk else 1):
        if stop_requested():
            break
        time.sleep(0.05)
    return chunk


def _nothing() -> None:
    return


def test_enough_ends_a_run_with_what_had_begun_and_no_error():
    enough, found = threading.Event(), []

    def keep(chunk: int) -> None:
        found.append(chunk)
        enough.set()

    run_chunks(range(40), _slowly, _nothing, (), 2, keep, enough)
    assert found[0] == 0 and 1 < len(found) < 20, found
