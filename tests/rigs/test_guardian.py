"""Whatever happens to the lab, every instrument ends with its safe bytes, and hears nothing after them."""

from __future__ import annotations

import json
import os
import random
import signal
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from rigs.emulators.wire import PtyServer
from rigs.errors import BadRigFile, LinkBusy, LinkLost, RigBusy, Unsafe
from rigs.guardian import Guarded, Guardian, GuardianState
from rigs.guardian.guarded import PASSES
from rigs.links import LinkSpec, LinkState, open_link
from rigs.links.log import Direction, read_log
from rigs.locks import lease
from tests.rigs import guarded_lab
from tests.rigs.guarded_lab import CALM, SAFE

LONG_S = 60.0
SAFE_END = b"".join(SAFE) * PASSES


class Listener:
    """Answers lines with `ok`; hears nothing while `deaf`, as an instrument that holds up its line."""

    def __init__(self) -> None:
        self.hearing = threading.Event()
        self.hearing.set()

    def feed(self, data: bytes) -> bytes:
        self.hearing.wait()
        return b"ok\n" * data.count(b"\n")

    def tick(self) -> bytes:
        return b""


@pytest.fixture
def stage() -> Iterator[PtyServer]:
    with PtyServer(Listener(), "stage") as server:
        yield server
        server.emulator.hearing.set()


@pytest.fixture
def relays() -> Iterator[PtyServer]:
    with PtyServer(Listener(), "relays") as server:
        yield server


@pytest.fixture
def ports(stage: PtyServer, relays: PtyServer) -> dict[str, str]:
    return {"stage": stage.url, "relays": relays.url}


@pytest.fixture
def lab(tmp_path: Path, ports: dict[str, str]) -> Iterator[Callable[..., subprocess.Popen[str]]]:
    """Starts a lab in another process; kills it at the end."""
    started = []

    def start(*options: str) -> subprocess.Popen[str]:
        started.append(guarded_lab.start(tmp_path, ports, *options))
        return started[-1]

    yield start
    for process in started:
        process.kill()
        process.communicate()


def wait_until_going(process: subprocess.Popen[str]) -> None:
    for line in process.stdout:
        if line == "going\n":
            return
    raise AssertionError("the lab ended before it was going")


def wait_for(condition: Callable[[], object]) -> None:
    deadline = time.monotonic() + LONG_S
    while not condition():
        assert time.monotonic() < deadline, "it did not happen"
        time.sleep(0.01)


def is_safe(server: PtyServer) -> bool:
    return server.wait_received(lambda received: received.endswith(SAFE_END), LONG_S)


def wait_until_free(folder: Path) -> None:
    """Until the guardian, which shares the lease, has ended."""
    deadline = time.monotonic() + LONG_S
    while True:
        try:
            lease("bench", "checking", folder).release()
            return
        except RigBusy:
            assert time.monotonic() < deadline, "the guardian did not end"


def records(folder: Path) -> list[dict]:
    return [json.loads(line) for line in (folder / "guardian.jsonl").read_text().splitlines()]


@pytest.mark.parametrize(
    ("end", "reason", "options"),
    [
        (lambda process: process.send_signal(signal.SIGKILL), "the lab has", ()),
        (lambda process: process.send_signal(signal.SIGTERM), "the lab has", ()),
        (lambda process: os.killpg(process.pid, signal.SIGINT), "KeyboardInterrupt", ()),
        (lambda process: process.send_signal(signal.SIGSTOP), "no heartbeat", ("beat",)),
    ],
    ids=["killed", "terminated", "Ctrl-C", "stopped"],
)
def test_rig_is_safe_when_the_lab_is(lab, stage, relays, tmp_path, end, reason, options):
    process = lab(*options)
    wait_until_going(process)
    end(process)
    assert is_safe(stage)
    assert is_safe(relays)
    process.kill()
    wait_until_free(tmp_path)
    assert stage.received.endswith(SAFE_END)
    (safe, *_) = [record for record in records(tmp_path) if record["what"] == "safe"]
    assert reason in safe["reason"]
    assert set(safe["safe_after_ms"]) == {"stage", "relays"}


@pytest.mark.parametrize("option", ["hang", "leave", "fork"])
def test_rig_is_safe_when_the_lab_does(lab, stage, relays, tmp_path, option):
    """hang: its main thread is stuck. leave: it ends in mid-work. fork: a child of it lives on."""
    process = lab(option)
    if option == "fork":
        sleeper = int(process.stdout.readline())
    wait_until_going(process)
    if option == "fork":
        process.kill()
    assert is_safe(stage)
    assert is_safe(relays)
    if option == "fork":
        os.kill(sleeper, signal.SIGKILL)


def test_kills_at_ten_random_points(lab, stage, relays, tmp_path):
    """From before the guardian exists to the middle of work: nothing was sent, or the end is safe."""
    chance = random.Random(20)
    for number in range(10):
        stage.received.clear()
        relays.received.clear()
        process = lab()
        if number % 2:
            wait_until_going(process)
        time.sleep(chance.uniform(0.0, 0.1 if number % 2 else 0.3))
        process.kill()
        process.wait()
        wait_until_free(tmp_path)
        for server in (stage, relays):
            heard = heard_until_now(server)
            assert heard.endswith(SAFE_END) or (heard == b"" and number % 2 == 0)


def heard_until_now(server: PtyServer) -> bytes:
    """What the instrument has received, nothing of it still on the way; needs the port to be free."""
    with open_link(LinkSpec(server.url)) as link:
        link.write(b"?")
        assert server.wait_received(lambda received: received.endswith(b"?"), LONG_S)
    return bytes(server.received[:-1])


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


def test_a_missed_heartbeat_stops_going_on(stage):
    with Guardian.start([Guarded("stage", stage.url, safe=SAFE)], silence_s=0.2) as guardian:
        guardian.beat()
        assert is_safe(stage)
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


def test_an_instrument_unplugged_at_that_moment_is_made_safe_when_it_is_back(lab, stage, relays, tmp_path):
    process = lab()
    wait_until_going(process)
    stage.unplug()
    process.kill()
    assert is_safe(relays)
    with pytest.raises(RigBusy, match="its guardian is still making the rig safe"):
        lease("bench", "checking", tmp_path)
    stage.received.clear()
    stage.plug()
    assert is_safe(stage)
    assert stage.received == SAFE_END
    wait_until_free(tmp_path)


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


def test_a_player_is_ended_with_everything_else(stage):
    player = subprocess.Popen(["sleep", "600"])
    with Guardian.start([Guarded("stage", stage.url, safe=SAFE)], **CALM) as guardian:
        guardian.end_on_trip(player.pid)
        guardian.trip("emergency stop")
        assert player.wait(LONG_S) == -signal.SIGKILL


def test_a_hung_lab_that_does_not_stop_playing_is_ended(lab, stage):
    process = lab("hang", "deaf", "end-hung")
    wait_until_going(process)
    assert is_safe(stage)
    assert process.wait(LONG_S) == -signal.SIGKILL


def test_a_hung_lab_that_stopped_playing_is_left_alone(lab, stage, tmp_path):
    """Three chances, for a machine that is held up itself."""
    for _ in range(3):
        process = lab("hang", "end-hung")
        wait_until_going(process)
        assert is_safe(stage)
        process.send_signal(signal.SIGTERM)  # the guardian sees it only after it has decided
        ended_by = -process.wait(LONG_S)
        wait_until_free(tmp_path)
        stage.received.clear()
        if ended_by == signal.SIGTERM:
            break
    assert ended_by == signal.SIGTERM


def test_the_log_of_the_wire_holds_the_safe_bytes(stage, tmp_path):
    log = tmp_path / "stage.log"
    with Guardian.start([Guarded("stage", stage.url, safe=SAFE, log=log)], **CALM) as guardian:
        guardian.link("stage").request(b"G0 X1\n", timeout_s=LONG_S)
        guardian.trip("emergency stop")
    sent = [record.data for record in read_log(log) if record.direction is Direction.SENT]
    assert sent == [b"G0 X1\n", *SAFE * PASSES]


def test_a_port_in_use_or_absent_stops_the_start(stage, relays):
    with open_link(LinkSpec(relays.url)), pytest.raises(LinkBusy, match=r"relays: in use by process"):
        Guardian.start([Guarded("stage", stage.url, safe=SAFE), Guarded("relays", relays.url, safe=SAFE)])
    with pytest.raises(LinkLost, match="/dev/none: cannot be opened"):
        Guardian.start([Guarded("stage", stage.url, safe=SAFE), Guarded("relays", "/dev/none", safe=SAFE)])
    with open_link(LinkSpec(stage.url)):
        pass  # given back
    assert not stage.received


def test_safe_bytes_that_take_too_long_are_refused():
    with pytest.raises(
        BadRigFile, match=r"relays: making it safe takes 1\.\d+ s; at most 0\.40 s are allowed"
    ):
        Guardian.start([Guarded("relays", "/dev/none", 9600, safe=(b"\xa0\x01\x00\xa1",) * 64)])


def test_what_is_guarded_crosses_to_the_other_process():
    link = LinkSpec("/dev/ttyUSB0", 9600, terminator=b"\r\xff", usb_path="1-1.4", parity="E", dtr=False)
    guarded = Guarded("relays", safe=(b"\x00\xff", b"!"), link=link, log=Path("/tmp/x.log"), gap_s=0.01)
    assert Guarded.from_json(json.loads(json.dumps(guarded.to_json()))) == Guarded(
        "relays", "", 115200, guarded.safe, link, guarded.log, 0.01
    )
