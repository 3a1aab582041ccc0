"""What passes through the guardian, what it refuses after a trip, and what trips it."""

from __future__ import annotations

import os
import signal
import subprocess
import threading
import time

import pytest

from rigs.errors import LinkLost, Unsafe
from rigs.guardian import Guarded, Guardian, GuardianState
from rigs.guardian.guarded import PASSES
from rigs.links import LinkState
from rigs.links.log import Direction, read_log
from tests.rigs.guardian.lab import CALM, SAFE
from tests.rigs.guardian.waiting import LONG_S, SAFE_END, is_safe, wait_for


def test_bytes_pass_with_the_time_they_had_on_the_wire(stage):
    with Guardian.start([Guarded("stage", stage.url, safe=SAFE)], **CALM) as guardian:
        link = guardian.link("stage")
        before = time.monotonic_ns()
        link.write(b"G0 X1\n")
        line = link.wait_line(timeout_s=LONG_S)
        assert line == b"ok"
        assert before < line.at_ns < time.monotonic_ns()
        long = b"(" + b"x" * 20_000 + b")\n"
        assert link.request(long, timeout_s=LONG_S) == b"ok\n"
    assert stage.received == b"G0 X1\n" + long, "an orderly release sends nothing"


def test_what_the_lab_says_after_the_safe_bytes_is_refused(stage):
    with Guardian.start([Guarded("stage", stage.url, safe=SAFE)], **CALM) as guardian:
        link = guardian.link("stage")
        guardian.beat()
        guardian.trip("emergency stop")
        wait_for(lambda: guardian.state is GuardianState.TRIPPED)
        assert guardian.safe_after_ms["stage"] is not None
        for call in (
            lambda: link.write(b"G1 X9\n"),
            lambda: link.request(b"?"),
            lambda: link.wait_line(),
            guardian.beat,
        ):
            with pytest.raises(Unsafe, match="safe state.*emergency stop.*refused"):
                call()
    assert stage.received == SAFE_END


def test_whoever_waits_is_told_that_the_rig_was_made_safe(stage):
    stage.set_faults(silence=True)
    with Guardian.start([Guarded("stage", stage.url, safe=SAFE)], **CALM) as guardian:
        link = guardian.link("stage")
        threading.Thread(
            target=lambda: stage.wait_received(b"$H\n", LONG_S) and guardian.trip("emergency stop"),
            daemon=True,
        ).start()
        with pytest.raises(Unsafe, match="emergency stop"):
            link.request(b"$H\n", timeout_s=600)


def test_an_error_in_the_lab_makes_the_rig_safe(stage):
    told = []
    with (
        pytest.raises(ZeroDivisionError),
        Guardian.start([Guarded("stage", stage.url, safe=SAFE)], **CALM) as guardian,
    ):
        guardian.on_trip(told.append)
        guardian.link("stage").write(b"G1 X5\n")
        stage.wait_received(b"G1 X5\n", LONG_S)
        1 / 0  # noqa: B018
    assert is_safe(stage)
    assert guardian.state is GuardianState.RELEASED
    assert told == ["ZeroDivisionError: division by zero"]


def test_a_dead_guardian_is_replaced_by_the_lab(stage, relays, ports):
    told = []
    with Guardian.start([Guarded(name, url, safe=SAFE) for name, url in ports.items()], **CALM) as guardian:
        guardian.on_trip(told.append)
        os.kill(guardian.pid, signal.SIGKILL)
        assert is_safe(stage)
        assert is_safe(relays)
        wait_for(lambda: guardian.state is GuardianState.LOST)
        with pytest.raises(Unsafe, match="the guardian has died"):
            guardian.beat()
    assert len(told) == 1


def test_a_guardian_told_to_end_makes_the_rig_safe_first(stage):
    with Guardian.start([Guarded("stage", stage.url, safe=SAFE)], **CALM) as guardian:
        os.kill(guardian.pid, signal.SIGTERM)
        assert is_safe(stage)


def test_unplugging_is_seen_through_the_guardian(stage):
    with Guardian.start([Guarded("stage", stage.url, safe=SAFE)], **CALM) as guardian:
        link = guardian.link("stage")
        changed = threading.Condition()
        states: list[LinkState] = []

        def note(state: LinkState) -> None:
            with changed:
                states.append(state)
                changed.notify_all()

        link.subscribe_state(note)
        stage.unplug()
        with changed:
            assert changed.wait_for(lambda: states == [LinkState.LOST], LONG_S)
        with pytest.raises(LinkLost, match=r"stage \(link lost, .*unplugged"):
            link.write(b"x")
        stage.plug()
        with changed:
            assert changed.wait_for(lambda: states == [LinkState.LOST, LinkState.OPEN], LONG_S)
        assert link.request(b"?\n", timeout_s=LONG_S) == b"ok\n"


def test_safe_bytes_do_not_queue_behind_a_long_line(stage):
    """The instrument holds up its line in the middle of a long write; what had not left is forgotten."""
    program = b"G1 X1\n" * 20_000
    with Guardian.start([Guarded("stage", stage.url, safe=SAFE)], **CALM) as guardian:
        link = guardian.link("stage")
        stage.emulator.hearing.clear()
        writing = threading.Thread(target=lambda: _write_until_refused(link, program), daemon=True)
        writing.start()
        time.sleep(0.2)
        guardian.trip("emergency stop")
        stage.emulator.hearing.set()
        assert is_safe(stage)
        assert len(stage.received) < len(program)
        writing.join()


def _write_until_refused(link, data: bytes) -> None:
    try:
        for start in range(0, len(data), 600):
            link.write(data[start : start + 600])
    except (Unsafe, LinkLost):
        pass


def test_a_word_of_an_instrument_stops_everything(stage, relays):
    button = Guarded("button", relays.url, stop_on=(b"ESTOP",))
    with Guardian.start([Guarded("stage", stage.url, safe=SAFE), button], **CALM) as guardian:
        for piece in (b"button E", b"S", b"T", b"OP pressed\n"):
            relays.say(piece)
        assert is_safe(stage)
        wait_for(lambda: guardian.state is GuardianState.TRIPPED)
        assert guardian.reason == "emergency stop: button said ESTOP"


def test_a_stop_button_whose_cable_is_pulled_stops_everything(stage, relays):
    button = Guarded("button", relays.url, stop_on=(b"ESTOP",), stop_when_lost=True)
    with Guardian.start([Guarded("stage", stage.url, safe=SAFE), button], **CALM) as guardian:
        relays.unplug()
        assert is_safe(stage)
        wait_for(lambda: guardian.state is GuardianState.TRIPPED)
        assert guardian.reason == "emergency stop: button is gone"


def test_release_does_not_wait_for_what_is_unplugged(stage, relays, ports):
    with Guardian.start([Guarded(name, url, safe=SAFE) for name, url in ports.items()], **CALM) as guardian:
        stage.unplug()
        guardian.trip("emergency stop")
        assert is_safe(relays)
    assert guardian.state is GuardianState.RELEASED
    stage.plug()
    assert is_safe(stage)


def test_a_player_is_ended_with_everything_else(stage):
    player = subprocess.Popen(["sleep", "600"])
    with Guardian.start([Guarded("stage", stage.url, safe=SAFE)], **CALM) as guardian:
        guardian.end_on_trip(player.pid)
        guardian.trip("emergency stop")
        assert player.wait(LONG_S) == -signal.SIGKILL


def test_the_log_of_the_wire_holds_the_safe_bytes(stage, tmp_path):
    log = tmp_path / "stage.log"
    with Guardian.start([Guarded("stage", stage.url, safe=SAFE, log=log)], **CALM) as guardian:
        guardian.link("stage").request(b"G0 X1\n", timeout_s=LONG_S)
        guardian.trip("emergency stop")
    sent = [record.data for record in read_log(log) if record.direction is Direction.SENT]
    assert sent == [b"G0 X1\n", *SAFE * PASSES]
