"""Worker processes: they take chunks of trials, survive Ctrl-C of the parent, and never outlive it."""

from __future__ import annotations

import multiprocessing
import os
import signal
import threading
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from multiprocessing.connection import wait as wait_for
from typing import Any

from lab.errors import LabFailure

# One thread each: pyroomacoustics' results depend on its thread count, and the processes fill the cores.
_THREADS = ("PRA_NUM_THREADS", "OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "NUMBA_NUM_THREADS")

_POLL_S = 0.2

_stop: Any = None


def stop_requested() -> bool:
    """True in a worker once the parent wants it to hand over what it has."""
    return _stop is not None and _stop.is_set()


def run_chunks(
    chunks: Iterable[Any],
    work: Callable[[Any], Any],
    setup: Callable[..., None],
    setup_arguments: tuple,
    jobs: int,
    on_result: Callable[[Any], None],
    enough: threading.Event | None = None,
) -> None:
    """Call `work(chunk)` in `jobs` processes and `on_result(answer)` here, in order of completion.

    On any error or interrupt the workers stop at their next `stop_requested()`; what they had finished
    is still given to `on_result` before the error goes on. So they do once `enough` is set, which is no error.
    `setup(*setup_arguments)` runs once a process.
    """
    for name in _THREADS:
        os.environ[name] = "1"
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["lab.runs.worker"])
    stop = context.Event()
    pool = ProcessPoolExecutor(jobs, context, _start, (stop, setup, setup_arguments))
    pending: set[Future] = set()
    try:
        with _deferred_interrupt() as interrupted:
            pending = {pool.submit(work, chunk) for chunk in chunks}
            while pending and not interrupted.is_set() and not (enough and enough.is_set()):
                done, _ = wait(pending, timeout=_POLL_S, return_when=FIRST_COMPLETED)
                for future in done:
                    pending.discard(future)
                    on_result(future.result())
        if interrupted.is_set():
            raise KeyboardInterrupt
        if pending:
            stop.set()
            _hand_over(pending, on_result)
    except BrokenProcessPool:
        raise LabFailure(
            "a worker process died (out of memory, or killed); finished trials are kept, go on with --resume"
        ) from None
    except BaseException:
        stop.set()
        _hand_over(pending, on_result)
        raise
    finally:
        pool.shutdown(wait=True, cancel_futures=True)


@contextmanager
def _deferred_interrupt() -> Iterator[threading.Event]:
    """Turn the first Ctrl-C into an event, so that no write is cut in half; a second one interrupts at once."""
    interrupted = threading.Event()
    if threading.current_thread() is not threading.main_thread():
        yield interrupted
        return
    previous = signal.getsignal(signal.SIGINT)

    def note(_signal: int, _frame: Any) -> None:
        interrupted.set()
        signal.signal(signal.SIGINT, previous)

    signal.signal(signal.SIGINT, note)
    try:
        yield interrupted
    finally:
        signal.signal(signal.SIGINT, previous)


def _hand_over(pending: set[Future], on_result: Callable[[Any], None]) -> None:
    """Keep what running workers had finished. A second fault here must not hide the first."""
    for future in pending:
        future.cancel()
    for future in pending:
        if not future.cancelled():
            try:
                on_result(future.result())
            except Exception:  # noqa: BLE001, S112 - the first error is the one to report
                continue


def _start(stop: Any, setup: Callable[..., None], arguments: tuple) -> None:
    global _stop
    _stop = stop
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the parent decides what Ctrl-C means
    parent = multiprocessing.parent_process()
    if parent is not None:
        threading.Thread(target=_die_with, args=(parent.sentinel,), daemon=True).start()
    setup(*arguments)


def _die_with(sentinel: Any) -> None:
    wait_for([sentinel])
    os._exit(1)
