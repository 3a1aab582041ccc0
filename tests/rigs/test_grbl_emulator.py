"""The emulated controller against the manual: what is sent, what comes back, and when, in a time made by hand."""

import math
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rigs.emulators.grbl import GrblEmulator

HOMING = {22: 1, 24: 600.0, 25: 3000.0, 26: 10}
QUICK = {110: 6000.0, 111: 6000.0, 112: 6000.0, 120: 500.0, 121: 500.0, 122: 500.0}


class Bench:
    """An emulator and a clock that only moves when told to."""

    def __init__(self, settings: dict[int, float] | None = None, **options):
        self.now_s = 0.0
        self.grbl = GrblEmulator(QUICK | (settings or {}), clock=lambda: self.now_s, **options)
        self.wait(0.01)

    def send(self, text: str | bytes, wait_s: float = 0.0) -> list[str]:
        """Lines that come back at once, and within a time."""
        said = self.grbl.feed(text if isinstance(text, bytes) else text.encode("latin-1"))
        return lines(said) + (self.wait(wait_s) if wait_s else [])

    def wait(self, seconds: float) -> list[str]:
        said, until = b"", self.now_s + seconds
        while self.now_s < until:
            self.now_s = min(until, self.now_s + 0.02)
            said += self.grbl.tick()
        return lines(said)

    def status(self) -> str:
        return self.send("?")[0]

    def state(self) -> str:
        return self.status()[1:].split("|")[0]


def lines(said: bytes) -> list[str]:
    return [line for line in said.decode().split("\r\n") if line]


def bench_at_home(**changes) -> Bench:
    bench = Bench(HOMING | {20: 1, 21: 1} | {int(key[1:]): value for key, value in changes.items()})
    assert bench.send("$H\n", 60.0) == ["ok"]
    return bench


def test_power_up_says_the_banner_and_with_homing_the_lock():
    assert lines(GrblEmulator(clock=lambda: 0.0).tick()) == ["Grbl 1.1h ['$' for help]"]
    locked = lines(GrblEmulator({22: 1}, clock=lambda: 0.0).tick())
    assert locked == ["Grbl 1.1h ['$' for help]", "[MSG:'$H'|'$X' to unlock]"]


@pytest.mark.parametrize(
    ("sent", "received"),
    [
        ("\n", ["ok"]),
        ("\r", ["ok"]),
        ("(comment) ; and another\n", ["ok"]),
        ("$I\n", ["[VER:1.1h.20190830:]", "[OPT:V,15,128]", "ok"]),
        ("$G\n", ["[GC:G0 G54 G17 G21 G90 G94 M5 M9 T0 F0 S0]", "ok"]),
        ("$N\n", ["$N0=", "$N1=", "ok"]),
        ("g0 x0\n", ["ok"]),
        ("$X\n", ["ok"]),
        ("$H\n", ["error:5"]),
        ("$20=1\n", ["error:10"]),
        ("$0=2\n", ["error:6"]),
        ("$99=1\n", ["error:3"]),
        ("$100=-1\n", ["error:4"]),
        ("$nonsense\n", ["error:3"]),
        ("$$$\n", ["error:3"]),
        ("X\n", ["error:2"]),
        ("5\n", ["error:1"]),
        ("G1X5\n", ["error:22"]),
        ("G1F5\n", ["error:26"]),
        ("G0G1X5F5\n", ["error:21"]),
        ("G1X5X6F5\n", ["error:25"]),
        ("G1X5F-5\n", ["error:4"]),
        ("G2X5I5F5\n", ["error:20"]),
        ("G4\n", ["error:28"]),
        ("G1X5F5P2\n", ["error:36"]),
        ("G80\nX1\n", ["ok", "error:31"]),
        ("G10L2P9X0\n", ["error:29"]),
        ("$J=X5\n", ["error:22"]),
        ("$J=G2X5F5\n", ["error:20"]),
        ("$J=M3X5F5\n", ["error:16"]),
        ("$JX5F5\n", ["error:3"]),
    ],
)
def test_every_line_has_one_answer_as_in_the_manual(sent, received):
    assert Bench().send(sent) == received


def test_settings_are_printed_one_a_line_and_kept_through_power_loss():
    bench = Bench()
    assert "$110=6000.000" in bench.send("$$\n")
    assert bench.send("$110=1234.5\n", 0.1) == ["ok"]
    bench.grbl.reboot()
    assert "$110=1234.500" in bench.send("$$\n")


def test_switching_homing_off_switches_soft_limits_off():
    bench = Bench({22: 1, 20: 1})
    assert bench.send("$22=0\n", 0.1) == ["ok"]
    assert "$20=0" in bench.send("$$\n")


def test_a_line_may_have_79_characters():
    bench = Bench()
    assert bench.send("G1X1F5000" + " " * 90 + "\n", 1.0) == ["ok"]  # blanks do not count
    assert bench.send("G4P" + "0" * 76 + "\n", 0.1) == ["ok"]
    assert bench.send("G4P" + "0" * 77 + "\n", 0.1) == ["error:11"]


def test_bytes_that_find_the_receive_buffer_full_are_lost():
    bench = Bench()
    bench.send("G1X50F60\n")
    bench.send("G4P0\n")  # stops reading until the move has ended
    assert bench.send("G4P0.001\n" * 20) == []
    assert bench.grbl.lost_bytes == 20 * 9 - 128
    answers = bench.wait(60.0)
    assert answers.count("ok") == 1 + 128 // 9


def test_real_time_bytes_need_no_room():
    bench = Bench()
    bench.send("G1X50F60\nG4P0\n")
    bench.send("(" * 200)
    bench.wait(1.0)
    assert bench.state() == "Run"


def test_nothing_is_heard_while_a_setting_is_stored():
    bench = Bench()
    assert bench.send("$1=255\nG4P0\n", 0.01) == []
    assert bench.send("G4P0\n", 1.0) == ["ok"]  # of the setting; the two lines are gone
    assert bench.grbl.lost_bytes == 10


def test_reports_carry_the_offset_first_the_overrides_next_and_then_rarely():
    bench = Bench()
    reports = [bench.status() for _ in range(22)]
    assert [n for n, report in enumerate(reports) if "WCO:" in report] == [0, 10, 20]
    assert [n for n, report in enumerate(reports) if "Ov:" in report] == [1, 11, 21]
    bench.send("G1X90F60\n", 0.1)
    moving = [bench.status() for _ in range(65)]
    assert [b - a for a, b in pairwise(n for n, report in enumerate(moving) if "WCO:" in report)] == [30]


def test_a_new_offset_is_in_the_next_report():
    bench = Bench()
    for _ in range(3):
        bench.status()
    bench.send("G10L2P1X-5Y1.5\n", 0.1)
    assert "|WCO:-5.000,1.500,0.000" in bench.status()
    assert bench.send("$10=0\n", 0.1) == ["ok"]
    assert bench.status().startswith("<Idle|WPos:5.000,-1.500,0.000|")
    assert bench.send("G92X0\n", 0.1) == ["ok"]
    assert "|WCO:0.000,1.500,0.000" in bench.status()


def test_reports_in_inches():
    bench = Bench({13: 1})
    bench.send("G0X25.4\n", 5.0)
    assert "MPos:1.0000,0.0000,0.0000" in bench.status()


def test_a_move_takes_the_time_of_its_trapezoid():
    bench = Bench()
    way, speed, ramp = 100.0, 50.0, 500.0
    bench.send(f"G1X{way}F{speed * 60}\nG4P0\n")
    took = 0.0
    while not bench.wait(0.001):
        took += 0.001
    assert took == pytest.approx(way / speed + speed / ramp, abs=0.02)
    assert bench.grbl.machine_mm == (100.0, 0.0, 0.0)


def test_a_short_move_never_reaches_its_speed():
    bench = Bench()
    bench.send("G1X1F6000\n", math.sqrt(1 / 500))
    assert float(bench.status().split("FS:")[1].split(",")[0]) <= 60 * math.sqrt(500) + 1
    assert bench.grbl.machine_mm[0] == pytest.approx(0.5, abs=0.05)


def test_hold_brakes_with_the_ramp_then_waits_and_goes_on():
    bench = Bench()
    bench.send("G1X100F6000\n", 0.5)
    assert bench.send("!?") == ["<Run|MPos:40.000,0.000,0.000|FS:6000,0|WCO:0.000,0.000,0.000>"]
    assert bench.wait(0.05) == []
    assert bench.state() == "Hold:1"
    bench.wait(0.2)
    assert bench.state() == "Hold:0"
    assert bench.grbl.machine_mm[0] == pytest.approx(50.0, abs=0.01)
    bench.wait(5.0)
    assert bench.grbl.machine_mm[0] == pytest.approx(50.0, abs=0.01)
    bench.send("~", 3.0)
    assert bench.state() == "Idle"
    assert bench.grbl.machine_mm[0] == 100.0


def test_on_hold_no_line_is_answered():
    bench = Bench()
    bench.send("G1X100F600\n", 1.0)
    bench.send("!", 1.0)
    assert bench.send("G4P0\n$I\n", 5.0) == []
    assert bench.send("~", 20.0)[0] == "ok"


def test_the_queue_is_kept_through_a_hold_and_lost_with_a_reset_that_keeps_the_place():
    bench = Bench()
    bench.send("G1X10F600\nX20\nX30\n", 0.5)
    bench.send("!", 1.0)
    assert bench.send(b"\x18", 0.1) == ["Grbl 1.1h ['$' for help]"]
    assert bench.state() == "Idle"
    place = bench.grbl.machine_mm
    bench.wait(5.0)
    assert bench.grbl.machine_mm == place != (0.0, 0.0, 0.0)


def test_a_reset_in_motion_is_alarm_3_and_the_waiting_line_is_answered_before_the_banner():
    bench = Bench()
    bench.send("G1X100F600\n", 1.0)
    bench.send("G4P0\n")
    assert bench.send(b"\x18", 1.0) == [
        "ALARM:3",
        "ok",
        "Grbl 1.1h ['$' for help]",
        "[MSG:'$H'|'$X' to unlock]",
    ]
    assert bench.send("G0X1\n") == ["error:9"]
    assert bench.send("$X\n") == ["[MSG:Caution: Unlocked]", "ok"]
    assert bench.send("G0X1\n") == ["ok"]


def test_after_a_hard_limit_everything_is_ignored_until_reset():
    bench = bench_at_home()
    bench.send("G53G1X-150F3000\n", 1.0)
    assert lines(bench.grbl.alarm()) == ["ALARM:1", "[MSG:Reset to continue]"]
    assert bench.send("?$X\n\n?!~", 5.0) == []
    assert bench.send(b"\x18", 0.1) == ["Grbl 1.1h ['$' for help]", "[MSG:'$H'|'$X' to unlock]"]
    assert bench.state() == "Alarm"


def test_running_into_a_switch_is_a_hard_limit_where_the_switch_is():
    bench = bench_at_home(_20=0)
    bench.send("G53G1X5F600\n", 3.0)
    assert not bench.grbl.moving
    assert bench.grbl.machine_mm[0] == pytest.approx(0.0, abs=0.2)
    assert bench.send(b"\x18", 1.0)[0].startswith("Grbl")


def test_without_hard_limits_the_end_stop_takes_the_steps():
    bench = bench_at_home(_20=0, _21=0)
    bench.send("G53G1X50F6000\n", 3.0)
    assert bench.grbl.machine_mm[0] == 50.0
    assert bench.grbl.carriage.lost_mm == pytest.approx(47.0, abs=0.2)


def test_a_target_beyond_the_travel_stops_softly_and_is_alarm_2():
    bench = bench_at_home()
    bench.send("G53G1X-50F600\n", 1.0)
    assert bench.send("G53G1X-201F600\n", 2.0) == ["ALARM:2", "[MSG:Reset to continue]"]
    place = bench.grbl.machine_mm
    assert bench.send(b"\x18", 0.1) == ["ok", "Grbl 1.1h ['$' for help]", "[MSG:'$H'|'$X' to unlock]"]
    assert bench.send("$X\n")[-1] == "ok"
    assert bench.grbl.machine_mm == place


def test_homing_finds_the_switch_from_anywhere_and_says_nothing_meanwhile():
    bench = Bench(HOMING | {23: 1}, carriage_mm=(12.0, 150.0, 199.0))
    assert bench.send("$H\n", 0.5) == []
    assert bench.send("??", 0.1) == []
    answer = bench.wait(60.0)
    assert answer[0] == "ok"
    assert bench.state() == "Idle"
    assert bench.grbl.machine_mm == (-199.0, -1.0, -1.0)
    assert bench.grbl.carriage.position_mm == pytest.approx([1.0, 199.0, 199.0], abs=0.2)


def test_homing_without_a_switch_is_alarm_9_and_with_a_stuck_one_alarm_8():
    bench = Bench(HOMING)
    bench.grbl.carriage.blocked.add(0)
    assert bench.send("$H\n", 60.0)[:3] == ["ALARM:9", "ok", "Grbl 1.1h ['$' for help]"]
    bench = Bench(HOMING)
    bench.grbl.carriage.pressed.add(1)
    assert bench.send("$H\n", 60.0)[0] == "ALARM:8"
    bench = Bench(HOMING)
    bench.send("$H\n", 1.0)
    assert bench.send(b"\x18", 1.0)[0] == "ALARM:6"


def test_a_jog_has_its_own_state_and_ends_when_cancelled():
    bench = bench_at_home()
    assert bench.send("$J=G91X-100F600\n", 0.5) == ["ok"]
    assert bench.state() == "Jog"
    assert bench.send("G0X1\n") == ["error:9"]
    bench.send(b"\x85", 0.5)
    assert bench.state() == "Idle"
    assert -20.0 < bench.grbl.machine_mm[0] < -1.0
    assert bench.send("$J=G91X300F600\n") == ["error:15"]
    assert bench.state() == "Idle"
    assert bench.send("$G\n")[0].startswith("[GC:G0 G54 G17 G21 G90 G94")


def test_settings_wait_for_rest():
    bench = Bench()
    bench.send("G1X50F600\n", 0.2)
    assert bench.send("$$\n") == ["error:8"]
    assert bench.send("$1=25\n") == ["error:8"]
    assert bench.send("$H\n") == ["error:8"]


def test_check_mode_moves_nothing_and_ends_with_a_reset():
    bench = Bench()
    assert bench.send("$C\n") == ["[MSG:Enabled]", "ok"]
    assert bench.send("G1X50F600\nG1X\n", 5.0) == ["ok", "error:2"]
    assert bench.grbl.machine_mm == (0.0, 0.0, 0.0)
    assert bench.send("$C\n", 0.1) == ["[MSG:Disabled]", "ok", "Grbl 1.1h ['$' for help]"]


def test_the_door_stops_the_stage_and_a_resume_goes_on():
    bench = Bench()
    bench.send("G1X50F600\n", 1.0)
    assert bench.send(b"\x84", 0.5) == ["[MSG:Check Door]"]
    assert bench.state() == "Door:0"
    bench.send("~", 10.0)
    assert bench.grbl.machine_mm[0] == 50.0


def test_overrides_slow_a_running_move_down():
    bench = Bench()
    bench.send("G1X50F600\n", 0.5)
    bench.send(b"\x92" * 5, 0.5)
    assert "|FS:300,0|" in bench.status()
    assert "Ov:50,100,100" in bench.status() + bench.status()


def test_startup_lines_run_by_themselves_and_are_no_answers():
    bench = Bench()
    assert bench.send("$N0=G54\n", 0.1) == ["ok"]
    assert bench.send(b"\x18", 0.1) == ["Grbl 1.1h ['$' for help]", ">G54:ok"]


def test_sleep_ends_with_a_reset_only():
    bench = Bench()
    assert set(bench.send("$SLP\n")) == {"[MSG:Sleeping]", "ok"}
    assert bench.send("G4P0\n", 1.0) == []
    assert bench.send(b"\x18", 0.1)[1] == "[MSG:'$H'|'$X' to unlock]"


SAYINGS = (
    b"G1X50F600\n",
    b"$J=G91X5F600\n",
    b"$H\n",
    b"$X\n",
    b"$C\n",
    b"G4P0.1\n",
    b"$1=25\n",
    b"G10L2P1X1\n",
    b"M0\n",
)
REALTIME = (b"!", b"~", b"?", b"\x18", b"\x84", b"\x85", b"\x91", b"$SLP\n", b"G53G0X-90\n", b"\n")


@settings(max_examples=150, deadline=None)
@given(
    st.lists(
        st.tuples(
            st.one_of(st.sampled_from(SAYINGS + REALTIME), st.binary(max_size=200)),
            st.sampled_from((0.0, 0.02, 0.5, 7.0)),
        ),
        max_size=25,
    )
)
def test_whatever_is_sent_a_reset_brings_the_controller_back(said):
    bench = Bench(HOMING | {20: 1, 21: 1})
    for data, pause_s in said:
        bench.grbl.feed(data)
        if pause_s:
            bench.now_s += pause_s
            bench.grbl.tick()
    bench.send(b"\x18", 1.0)
    bench.send(b"\x18", 1.0)  # the first one may have been an alarm
    assert bench.send("\n$X\n", 0.1)[-1] == "ok"
    assert bench.state() == "Idle"
    assert not bench.grbl.moving
