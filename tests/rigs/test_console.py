"""The device console over a real pty, against a device that boots, answers, reports and misbehaves."""

from __future__ import annotations

import threading
import time
from typing import Self

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from rigs.console import DeviceConsole, Identity
from rigs.console_patterns import ConsolePatterns
from rigs.emulators.device import DeviceEmulator, Firmware
from rigs.emulators.wire import PtyServer
from rigs.errors import BadReply, LinkLost, NoReply, RigError
from rigs.links import LinkSpec, open_link
from rigs.profile import find_emulator, find_instrument, load_profile

PATTERNS = load_profile("earshot_console", "console")
PATIENCE_S = 20.0  # a deadline, never a measure: the machine may be busy


class Bench:
    def __init__(
        self, device: DeviceEmulator | None = None, patterns: ConsolePatterns = PATTERNS, power=None
    ) -> None:
        self.device = device or DeviceEmulator()
        self.server = PtyServer(self.device, "console")
        self.link = open_link(LinkSpec(self.server.url))
        self.console = DeviceConsole(self.link, patterns, power, name="speaker")

    def settle(self) -> None:
        """Everything the device has said so far has been read: its clock comes after it."""
        self.console.read_clock(PATIENCE_S)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.link.close()
        self.server.close()


@pytest.fixture
def bench():
    with Bench() as one:
        yield one


def exchange(bench: Bench, act) -> bytes:
    """What the host sends while `act` runs."""
    before = len(bench.server.received)
    act()
    return bytes(bench.server.received[before:])


def test_identity_is_asked_and_read(bench):
    sent = exchange(bench, lambda: bench.console.identify(PATIENCE_S))
    assert sent == b"version\n"
    assert bench.console.identify(PATIENCE_S) == Identity("1.0.0", "reference", "0" * 64)


def test_sensitivity_is_set_in_the_devices_words(bench):
    assert (
        exchange(bench, lambda: bench.console.set_sensitivity("watermark", 5.5))
        == b"threshold watermark 5.5\n"
    )
    assert bench.device.thresholds == {"watermark": 5.5}
    bench.console.set_sensitivity("watermark", "7")
    assert bench.device.thresholds == {"watermark": 7.0}


def test_a_sensitivity_the_device_refuses_is_said_with_its_words(bench):
    with pytest.raises(BadReply, match="speaker: 'threshold footsteps 5' was answered with .error: no label"):
        bench.console.set_sensitivity("footsteps", 5.0, PATIENCE_S)


def test_events_come_with_label_score_and_two_clocks(bench):
    bench.settle()
    mark = bench.console.mark()
    bench.device.report("watermark", 9.581)
    bench.settle()
    bench.device.report("watermark", 7.2)
    bench.settle()
    first, second = bench.console.events_since(mark)
    assert (first.label, first.score, second.score) == ("watermark", 9.58, 7.2)
    assert mark.monotonic_ns < first.monotonic_ns < second.monotonic_ns < time.monotonic_ns()
    assert 0.0 <= first.device_time_s <= second.device_time_s
    assert bench.console.events_since(bench.console.mark()) == []


def test_the_devices_clock_is_placed_between_question_and_answer():
    with Bench(DeviceEmulator(clock=lambda: 100.0)) as bench:
        reading = bench.console.read_clock(PATIENCE_S)
    assert reading.device_time_s == 0.0  # counted from its boot
    assert reading.sent_ns < reading.received_ns
    assert reading.sent_ns + 1_500_000_000 <= reading.monotonic_ns(1.5) <= reading.received_ns + 1_500_000_000


def test_a_reset_waits_until_the_device_is_ready_and_keeps_its_boot_log():
    with Bench(DeviceEmulator(boot_s=0.2)) as bench:
        bench.link.wait_line(lambda line: line.endswith(b"ready"), PATIENCE_S)  # it hears nothing before
        mark = bench.console.mark()
        log = bench.console.reset(PATIENCE_S)
        assert log[0].endswith("boot: firmware 1.0.0 build reference") and log[-1].endswith("ready")
        assert any("microphones 4" in line for line in log)
        assert bench.console.boot_log == log
        assert bench.console.boots_since(mark) == 1


def test_power_is_cycled_by_what_the_rig_has_for_it(bench):
    console = DeviceConsole(bench.link, PATTERNS, power=bench.server.reboot, name="speaker")
    assert console.power_cycle(PATIENCE_S)[-1].endswith("ready")
    with pytest.raises(RigError, match="speaker: power cycle refused: nothing in the rig switches its power"):
        bench.console.power_cycle(1.0)


def test_a_reboot_in_a_trial_is_seen_and_forgets_settings(bench):
    bench.console.set_sensitivity("watermark", 3.0, PATIENCE_S)
    mark = bench.console.mark()
    bench.server.reboot()
    bench.settle()
    assert bench.console.boots_since(mark) == 1
    assert bench.device.thresholds == {"watermark": 6.5}


def test_a_crash_in_the_middle_of_a_line_is_seen(bench):
    bench.settle()
    mark = bench.console.mark()
    bench.server.say(b"[ 5.000] EVT waterm")
    bench.server.say(b"[    0.000] boot: firmware 1.0.0\r\n[    0.000] ready\r\n")
    bench.settle()
    assert bench.console.boots_since(mark) == 1


def test_an_echo_is_not_taken_for_an_answer():
    with Bench(DeviceEmulator(echo=True)) as bench:
        assert bench.console.identify(PATIENCE_S).version == "1.0.0"
        bench.console.set_sensitivity("watermark", 4.0, PATIENCE_S)
        assert bench.device.thresholds == {"watermark": 4.0}


def test_reports_between_question_and_answer_are_no_answers(bench):
    stop = threading.Event()

    def chatter():
        while not stop.wait(0.005):
            bench.device.report("watermark", 8.0)

    talker = threading.Thread(target=chatter)
    talker.start()
    try:
        for _ in range(5):
            assert bench.console.identify(PATIENCE_S).build_id == "reference"
    finally:
        stop.set()
        talker.join()


def test_a_silent_device_is_named_with_the_question(bench):
    bench.server.set_faults(silence=True)
    with pytest.raises(NoReply, match=r"speaker: no answer to 'version' within 0.1 s"):
        bench.console.identify(0.2)


def test_replies_that_are_late_and_in_pieces_are_read(bench):
    bench.server.set_faults(late_s=0.1, split=7)
    assert bench.console.identify(PATIENCE_S).version == "1.0.0"


def test_an_unplugged_console_ends_the_question_and_comes_back(bench):
    bench.server.set_faults(silence=True)
    asked = threading.Thread(target=lambda: bench.server.wait_received(b"version") and bench.server.unplug())
    asked.start()
    with pytest.raises(LinkLost):
        bench.console.identify(2 * PATIENCE_S)
    asked.join()
    bench.server.set_faults(silence=False, unplug=False)
    deadline = time.monotonic() + PATIENCE_S
    while True:
        try:
            assert bench.console.identify(2.0).version == "1.0.0"
            break
        except (LinkLost, NoReply):
            assert time.monotonic() < deadline
            time.sleep(0.05)


def test_hostile_text_is_kept_harmless_and_nothing_is_lost_after_it(bench):
    bench.settle()
    mark = bench.console.mark()
    bench.server.say(b"\x1b[2J\x00<img src=x onerror=alert(1)>\x07\r\n")
    bench.server.say(b"\xff\xfe\xfd\r\n" + "\u202eevil\r\n".encode())
    bench.server.say(b"A" * 1_000_000 + b"\r\n")
    bench.device.report("watermark", 9.0)
    bench.settle()
    texts = [line.text for line in bench.console.lines_since(mark)]
    assert all(text.isprintable() and "<" not in text for text in texts)
    assert texts[0] == r"\x1b[2J\x00\x3cimg src=x onerror=alert(1)>\x07"
    assert texts[1:3] == [r"\xff\xfe\xfd", r"\u202eevil"]
    assert texts[3].startswith("AAAA") and "cut" in texts[3] and len(texts[3]) < 5000
    assert [event.score for event in bench.console.events_since(mark)] == [9.0]


def test_a_command_is_one_printable_line():
    patterns = ConsolePatterns(identity="(?P<version>x)", sensitivity_command="set {label} {value}")
    with Bench(patterns=patterns) as bench:
        with pytest.raises(RigError, match="a command is one line of printable text"):
            bench.console.set_sensitivity("watermark", "1\nreset")
        assert bytes(bench.server.received) == b""


def test_what_a_profile_lacks_is_refused_by_name(bench):
    plain = DeviceConsole(bench.link, ConsolePatterns(identity="(?P<version>x)"), name="speaker")
    for act, said in (
        (lambda: plain.set_sensitivity("watermark", 1.0), "its profile has no sensitivity_command"),
        (lambda: plain.read_clock(), "its profile has no clock_command"),
        (lambda: plain.reset(), "nothing in the rig switches its power"),
    ):
        with pytest.raises(RigError, match=said):
            act()


def test_more_events_than_are_kept_are_an_error_not_a_short_list(bench, monkeypatch):
    monkeypatch.setattr("rigs.console.KEPT_EVENTS", 3)
    console = DeviceConsole(bench.link, PATTERNS, name="speaker")
    mark = console.mark()
    for _ in range(5):
        bench.device.report("watermark", 8.0)
    bench.settle()
    with pytest.raises(BadReply, match="5 came in since the mark, only the last 3 are kept"):
        console.events_since(mark)
    assert len(bench.console.events_since(mark)) == 5


def test_driver_profile_and_emulator_are_found_by_name():
    instrument = find_instrument("console")
    assert instrument.driver is DeviceConsole and isinstance(PATTERNS, instrument.profile)
    assert isinstance(find_emulator("console")(PATTERNS), DeviceEmulator)


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.binary(min_size=1, max_size=80), min_size=1, max_size=8))
def test_any_garbage_before_a_question_leaves_it_answered(bench, pieces):
    for piece in pieces:
        bench.server.say(piece)
    bench.server.say(b"\n")
    assert bench.console.identify(PATIENCE_S).build_id == "reference"


@settings(max_examples=200, deadline=None)
@given(st.lists(st.binary(max_size=400), max_size=6))
def test_the_emulated_device_survives_any_typing(pieces):
    device = DeviceEmulator(Firmware(thresholds={"watermark": 6.5}))
    for piece in pieces:
        assert isinstance(device.feed(piece), bytes)
    assert b"firmware 1.0.0" in device.feed(b"\nversion\n")
