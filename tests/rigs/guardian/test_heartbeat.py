"""When a heartbeat is due, and what happens when it is missed."""

from __future__ import annotations

import time

import pytest

from rigs.errors import Unsafe
from rigs.guardian import Guarded, Guardian, GuardianState
from tests.rigs.guardian.lab import SAFE
from tests.rigs.guardian.waiting import LONG_S, is_safe, wait_for


def test_a_missed_heartbeat_stops_going_on(stage):
    with Guardian.start([Guarded("stage", stage.url, safe=SAFE)], silence_s=0.2) as guardian:
        guardian.beat()
        assert is_safe(stage)
        wait_for(lambda: guardian.reason)
        with pytest.raises(Unsafe, match="no heartbeat from the lab for 0.2 s"):
            guardian.beat()


def test_listening_alone_needs_no_heartbeat(stage):
    with Guardian.start([Guarded("stage", stage.url, safe=SAFE)], silence_s=0.05) as guardian:
        stage.say(b"Grbl 1.1h\n")
        assert guardian.link("stage").wait_line(timeout_s=LONG_S) == b"Grbl 1.1h"
        time.sleep(0.2)
        assert guardian.state is GuardianState.WATCHING
        assert not stage.received


def test_the_first_byte_to_an_instrument_needs_one(stage):
    with Guardian.start([Guarded("stage", stage.url, safe=SAFE)], silence_s=0.05) as guardian:
        guardian.link("stage").write(b"G1 X9\n")
        assert is_safe(stage)


def test_an_instrument_without_safe_bytes_needs_none(relays):
    with Guardian.start([Guarded("console", relays.url)], silence_s=0.05) as guardian:
        link = guardian.link("console")
        assert link.request(b"version\n", timeout_s=LONG_S) == b"ok\n"
        time.sleep(0.2)
        assert link.request(b"version\n", timeout_s=LONG_S) == b"ok\n"


def test_a_blocking_operation_beats_within_its_own_limit(stage):
    """Held up longer than a heartbeat may be missed; three chances, for a machine that is held up itself."""
    held_s = 0.0
    for _ in range(3):
        with (
            Guardian.start([Guarded("stage", stage.url, safe=SAFE)]) as guardian,
            pytest.raises(Unsafe, match="no heartbeat"),
            guardian.keep_beating(within_s=0.7),
        ):
            began = time.monotonic()
            wait_for(lambda guardian=guardian: guardian.reason)
            held_s = time.monotonic() - began
        assert is_safe(stage)
        if held_s >= 0.7:
            break
    assert held_s >= 0.7
