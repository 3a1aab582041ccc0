"""The stage driver on a controller that is well: bytes as in the manual, refusals, holds, settings, programs."""

from dataclasses import replace

import pytest

from rigs.errors import BadReply, BadRigFile, InstrumentAlarm, NoReply, Unsafe
from rigs.grbl import SAFE_BYTES, Stage, StageProfile, State
from rigs.grbl.limits import unguarded
from rigs.profile import find_emulator, find_instrument, load_profile, parse
from tests.rigs.stages import PROFILE, SLOW, SPEED, Aside, bench
from tests.rigs.wires import conversation, wait_until

SETTINGS = b"$13=0\r\n$20=1\r\n$21=1\r\n$22=1\r\n$130=200.000\r\n$131=200.000\r\n$132=200.000\r\n"
BANNER = b"\r\nGrbl 1.1h ['$' for help]\r\n"
IDLE = b"<Idle|MPos:-1.000,-1.000,-1.000|FS:0,0|WCO:0.000,0.000,0.000>\r\n"
THERE = b"<Idle|MPos:-50.000,-1.000,-1.000|FS:0,0>\r\n"


def test_a_session_reads_like_the_manual():
    with conversation(
        (b"?", b"<Alarm|MPos:0.000,0.000,0.000|FS:0,0|WCO:0.000,0.000,0.000>\r\n"),
        (b"\x18", BANNER + b"[MSG:'$H'|'$X' to unlock]\r\n"),
        (b"$I\n", b"[VER:1.1h.20190830:]\r\n[OPT:V,15,128]\r\nok\r\n"),
        (b"$$\n", SETTINGS + b"ok\r\n"),
        (b"?", b"<Alarm|MPos:0.000,0.000,0.000|FS:0,0|WCO:0.000,0.000,0.000>\r\n"),
        (b"?", b"<Alarm|MPos:0.000,0.000,0.000|FS:0,0>\r\n"),
        (b"$H\n", b"ok\r\n"),
        (b"?", IDLE),
        (b"?", IDLE),
        (b"G90G21G94G53G1X-50F600\n", b"ok\r\n"),
        (b"G4P0.01\n", b"ok\r\n"),
        (b"?", THERE),
        (b"?", THERE),
        (b"?", THERE),
    ) as link:
        stage = Stage(link, PROFILE, "rail")
        stage.connect()
        assert stage.state is State.ALARM
        assert not stage.homed
        stage.home()
        stage.move_to({"x": -50.0}, 600.0)
        assert stage.position_mm == {"x": -50.0, "y": -1.0, "z": -1.0}
        assert stage.homed


def test_the_stage_goes_where_it_is_told():
    with bench() as rail:
        assert rail.stage.position_mm == {"x": -1.0, "y": -1.0, "z": -1.0}
        rail.stage.move_to({"x": -100.5, "y": -20.5}, 3000)
        assert rail.stage.position_mm == {"x": -100.5, "y": -20.5, "z": -1.0}
        assert rail.grbl.carriage.position_mm == pytest.approx([199.5, 279.5, 299.0], abs=0.3)
        assert rail.stage.at_rest()
        assert rail.stage.state is State.IDLE


def test_queued_moves_are_waited_for_together():
    with bench() as rail:
        for x in range(-10, -200, -10):
            rail.stage.move_to({"x": float(x)}, 3000, wait=False)
        rail.stage.wait_until_there()
        assert rail.stage.position_mm["x"] == -190.0
        assert rail.grbl.lost_bytes == 0


def test_the_zero_of_the_stage_is_where_its_profile_says():
    profile = load_profile("grbl_rail_3m", "grbl")
    assert find_instrument("grbl").driver is Stage
    with bench(profile, grbl=find_emulator("grbl")(profile, speed=SPEED)) as rail:
        assert rail.stage.travel_mm["x"] == (0.0, 3000.0)
        assert rail.stage.position_mm["x"] == pytest.approx(-1.0)  # one millimetre off its switch
        rail.stage.move_to({"x": 2000.0}, 20000)
        assert rail.stage.position_mm["x"] == pytest.approx(2000.0)
        assert rail.grbl.carriage.position_mm[0] == pytest.approx(2002.0, abs=0.5)
        for end in (0.0, 3000.0):
            rail.stage.move_to({"x": end}, 20000)
            assert rail.stage.position_mm["x"] == pytest.approx(end)


def test_an_emulated_stage_cannot_count_upwards_from_zero():
    with pytest.raises(BadRigFile, match=r"zero_mm.x: must be at most -100 for the emulator"):
        find_emulator("grbl")(StageProfile(travel_mm={"x": (0.0, 100.0)}))


@pytest.mark.parametrize(
    ("call", "said"),
    [
        (lambda s: s.move_to({"x": 5.0}, 600), r"refused move_to\(x 5\): x goes from -300 to 0 mm"),
        (lambda s: s.move_to({"x": -301.0}, 600), "x goes from -300 to 0 mm"),
        (lambda s: s.move_to({"x": -5.0}, 3001), "at 3001 mm/min: allowed is up to 3000"),
        (lambda s: s.move_to({"x": -5.0}, 0), "allowed is up to 3000"),
        (lambda s: s.move_to({"x": -5.0}, float("nan")), "allowed is up to 3000"),
        (lambda s: s.move_to({"x": float("nan")}, 600), "nan is no number of mm"),
        (lambda s: s.move_to({"a": -5.0}, 600), "no axis a; axes are x, y, z"),
        (lambda s: s.move_to({}, 600), "no axis is named"),
        (lambda s: s.jog({"x": float("inf")}, 600), "inf is no number"),
        (lambda s: s.jog({"x": 1.0}, 99999), "allowed is up to 3000"),
        (lambda s: s.run(["G0X-5"], 60), "line 1, 'G0X-5': rapid moves"),
        (lambda s: s.run(["G1X-5F100", "F9000"], 60), "line 2, 'F9000': faster than 3000"),
    ],
)
def test_what_cannot_be_is_refused_before_a_byte_that_moves_is_sent(call, said):
    with bench() as rail:
        with pytest.raises(Unsafe, match=said) as refusal:
            call(rail.stage)
        assert str(refusal.value).startswith("stage rail (Idle) at x -1, y -1, z -1 mm: refused ")
        assert rail.sent() == []


@pytest.mark.parametrize(
    ("setting", "said"),
    [
        ({20: 0.0}, r"\$20=0: soft limits must be on \(1\)$"),
        ({21: 0.0}, r"\$21=0: hard limits must be on \(1\)$"),
        ({22: 0.0}, r"\$22=0: homing must be on \(1\)$"),
        ({20: 0.0, 21: 0.0, 22: 0.0}, r"\$20=0.*; \$21=0.*; \$22=0"),
        (
            {130: 200.0},
            r"\$130=200: the controller goes from -200 to 0 mm on x, travel_mm.x of the profile from -250 to 0$",
        ),
    ],
)
def test_a_controller_that_lets_a_stage_run_into_its_end_stops_is_refused(setting, said):
    profile = replace(PROFILE, travel_mm={"x": (-250.0, 0.0)})
    with bench(profile, connect=False, settings=setting) as rail:
        with pytest.raises(Unsafe, match=r"stage rail \(.*refused connect\(\): " + said):
            rail.stage.connect()
        with pytest.raises(Unsafe, match="connect first"):
            rail.stage.home()
        assert b"$H" not in rail.sent()


def test_limits_that_grblhal_tells_as_masks_are_on():
    settings = {"20": "1", "21": "3", "22": "5", "130": "300.000"}
    assert list(unguarded(replace(PROFILE, travel_mm={"x": (-300.0, 0.0)}), settings, ())) == []
    assert list(unguarded(replace(PROFILE, homing=False), {}, ())) == []
    assert list(unguarded(replace(PROFILE, travel_mm={"x": (-300.0, 0.0)}), {}, ())) == [
        "$20=not told: soft limits must be on (1)",
        "$21=not told: hard limits must be on (1)",
        "$22=not told: homing must be on (1)",
        "$130 is not told: the controller must know the travel of x",
    ]


def test_a_move_that_ends_on_a_limit_switch_is_an_error():
    with bench() as rail:
        rail.stage.set(21, 0)  # the controller does not stop by itself
        rail.grbl.carriage.pressed.add(0)
        with pytest.raises(InstrumentAlarm, match=r"move_to\(x -50\) ended on the limit switch of x"):
            rail.stage.move_to({"x": -50.0}, 3000)


def test_before_homing_a_move_is_refused_and_a_jog_is_not():
    with bench(home=False) as rail:
        with pytest.raises(InstrumentAlarm, match=r"stage rail \(Alarm\).*refused move_to\(x -5\): home it"):
            rail.stage.move_to({"x": -5.0}, 600)
        rail.stage.clear_alarm()
        with pytest.raises(Unsafe, match="it is not homed"):
            rail.stage.move_to({"x": -5.0}, 600)
        rail.stage.jog({"x": -5.0}, 600)
        assert rail.stage.position_mm["x"] == -5.0
        assert rail.sent()[-1] == b"$J=G91G21X-5F600"


def test_before_connecting_everything_is_refused():
    with (
        bench(connect=False) as rail,
        pytest.raises(Unsafe, match=r"stage rail \(state not known\): refused home\(\): connect"),
    ):
        rail.stage.home()


def test_a_jog_beyond_the_travel_is_refused_by_the_controller_and_nothing_moves():
    with bench() as rail:
        with pytest.raises(Unsafe, match="error 15: the jog would leave the travel"):
            rail.stage.jog({"x": 5.0}, 600)
        assert rail.stage.state is State.IDLE


def test_hold_stops_softly_and_resume_goes_on_to_the_target():
    with bench() as rail:
        rail.stage.move_to({"x": -4.0}, 10 * SLOW, wait=False)
        rail.stage.hold()
        assert rail.stage.state is State.HOLD
        assert rail.stage.at_rest()
        assert not rail.grbl.moving
        arriving = Aside(rail.stage.wait_until_there)
        rail.stage.resume()
        assert arriving.outcome() is None
        assert rail.stage.position_mm["x"] == -4.0


def test_time_on_hold_does_not_count():
    with bench() as rail:
        rail.stage.move_to({"x": -100.0}, SLOW, wait=False)
        rail.stage.hold()
        arriving = Aside(lambda: rail.stage.wait_until_there(timeout_s=0.2))
        assert not arriving.ended(within_s=1.0)
        rail.stage.cancel()
        assert isinstance(arriving.outcome(), InstrumentAlarm)


def test_cancel_ends_a_move_in_another_thread_and_the_position_stays_known():
    with bench() as rail:
        moving = Aside(lambda: rail.stage.move_to({"x": -200.0}, SLOW))
        wait_until(lambda: rail.grbl.moving)
        rail.stage.cancel()
        error = moving.outcome()
        assert isinstance(error, InstrumentAlarm)
        assert "move_to(x -200) was cut short: the controller was reset" in str(error)
        assert rail.stage.homed
        assert rail.stage.state is State.IDLE
        assert -200.0 < rail.stage.position_mm["x"] <= -1.0
        rail.stage.move_to({"x": -10.0}, 3000)
        assert rail.stage.position_mm["x"] == -10.0


def test_cancel_ends_a_jog_without_a_reset():
    with bench() as rail:
        rail.stage.jog({"x": -200.0}, SLOW, wait=False)
        rail.stage.cancel()
        assert b"\x85" in rail.server.received
        assert b"\x18" not in rail.server.received
        assert rail.stage.state is State.IDLE
        assert not rail.grbl.moving


def test_the_safe_bytes_stop_a_stage_that_nobody_listens_to():
    with bench() as rail:
        rail.stage.move_to({"x": -200.0}, SLOW, wait=False)
        wait_until(lambda: rail.grbl.moving)
        assert rail.stage.safe_bytes() == SAFE_BYTES == (b"!", b"\x18")
        for data in SAFE_BYTES:
            rail.link.write(data)
        wait_until(lambda: not rail.grbl.moving)
        wait_until(lambda: not rail.stage.homed)


def test_a_move_that_takes_too_long_is_stopped():
    with bench() as rail:
        with pytest.raises(NoReply, match=r"move_to\(x -200\) did not end within 0.5 s; it was told to stop"):
            rail.stage.move_to({"x": -200.0}, SLOW, timeout_s=0.5)
        wait_until(lambda: not rail.grbl.moving)


def test_connecting_to_a_stage_that_moves_stops_it_softly_first():
    with bench() as rail:
        rail.stage.move_to({"x": -200.0}, SLOW, wait=False)
        wait_until(lambda: rail.grbl.moving)
        second = Stage(rail.link, PROFILE, "rail")
        second.connect()
        assert not rail.grbl.moving
        assert second.state is State.IDLE  # no alarm 3: it was held before it was reset
        with pytest.raises(Unsafe, match="not homed"):
            second.move_to({"x": -5.0}, 600)


def test_a_setting_is_sent_alone_and_read_back():
    with bench() as rail:
        rail.stage.set(120, 250.0)
        assert rail.sent() == [b"$120=250", b"$$"]
        assert rail.stage.settings["120"] == "250.000"
        with pytest.raises(BadReply, match="error 3: not a command"):
            rail.stage.set(99, 1.0)
        assert rail.grbl.lost_bytes == 0


def test_reports_in_inches_and_work_coordinates_are_understood():
    with bench(settings={13: 1, 10: 0}) as rail:
        rail.stage.move_to({"x": -25.4}, 3000)
        assert rail.stage.position_mm["x"] == pytest.approx(-25.4, abs=0.01)
        assert rail.stage.status.machine is None


def test_a_program_is_vetted_then_streamed_without_overflow():
    lines = [f"G53G1X{-1 - n % 7:.3f}Y{-1 - n % 5:.3f}F3000" for n in range(120)]
    with bench() as rail:
        rail.stage.run(lines, 60.0)
        assert rail.grbl.lost_bytes == 0
        assert rail.sent().count(lines[-1].encode()) >= 2  # once in check mode, once for good
        assert rail.stage.position_mm["x"] == pytest.approx(-1 - 119 % 7)


def test_a_program_with_a_bad_line_moves_nothing():
    with bench() as rail:
        with pytest.raises(BadReply, match=r"refused line 2, 'G1X-5X-6F100': error 25: a word given twice"):
            rail.stage.run(["G53G1X-50F600", "G1X-5X-6F100", "G53G1X-9F600"], 60.0)
        assert rail.stage.state is State.IDLE
        assert rail.grbl.machine_mm == (-1.0, -1.0, -1.0)
        rail.stage.move_to({"x": -5.0}, 600)


def test_a_program_that_leaves_the_travel_is_found_before_it_moves():
    with bench() as rail:
        with pytest.raises(InstrumentAlarm, match="alarm 2: the target lies beyond the travel"):
            rail.stage.run(["G53G1X-50F600", "G53G1X-500F600"], 60.0)
        assert rail.grbl.machine_mm == (-1.0, -1.0, -1.0)
        rail.stage.clear_alarm()
        assert rail.stage.homed  # alarm 2 keeps the position


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ({"travel_mm": {"q": [0.0, 1.0]}}, "travel_mm: no axis q; axes are x, y, z"),
        ({"travel_mm": {"x": [5.0, 1.0]}}, "travel_mm.x: must be"),
        ({"axes": ["x", "x"]}, "each axis once"),
        ({"axes": ["left"]}, "'left' is no axis"),
        ({"poll_hz": 50.0}, "poll_hz: must be less than or equal to 10"),
        ({"homming": True}, "unknown key.*did you mean 'homing'"),
    ],
)
def test_a_bad_profile_is_one_message_with_the_key(content, said):
    with pytest.raises(BadRigFile, match=said):
        parse(content, StageProfile, "rail.toml")
