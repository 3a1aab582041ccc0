"""A stage whose wire, power or switches fail while it moves: it stops or is known not to, and says why."""

import pytest

from rigs.emulators.grbl import GrblEmulator
from rigs.errors import BadReply, InstrumentAlarm, LinkLost, NoReply, RigError, Unsafe
from rigs.grbl import StageProfile, State
from rigs.links import LinkState
from tests.rigs.stages import PROFILE, QUICK, SLOW, SPEED, Aside, Bench, bench
from tests.rigs.wires import PATIENCE_S, wait_until

PROFILE_WITHOUT_HOMING = StageProfile(reply_s=PATIENCE_S, startup_s=PATIENCE_S, poll_hz=10.0, homing=False)


def moving(rail: Bench) -> Aside:
    """A long move that somebody waits for, once it is on its way."""
    move = Aside(lambda: rail.stage.move_to({"x": -200.0}, SLOW))
    wait_until(lambda: rail.grbl.moving)
    return move


def back_to_work(rail: Bench) -> None:
    """The stage can be used again after it was homed."""
    rail.stage.connect()
    rail.stage.home()
    rail.stage.move_to({"x": -12.0}, 3000)
    assert rail.stage.position_mm["x"] == -12.0


def test_unplugged_in_mid_move():
    with bench() as rail:
        move = moving(rail)
        rail.server.unplug()
        error = move.outcome()
        assert isinstance(error, LinkLost)
        assert str(error).startswith("stage rail (")
        assert "move_to(x -200): the link was lost" in str(error)
        assert not rail.stage.homed
        with pytest.raises(
            LinkLost, match=r"stage rail .*refused move_to\(x -5\): the link was lost; connect again"
        ):
            rail.stage.move_to({"x": -5.0}, 600)
        rail.server.plug()
        wait_until(lambda: rail.link.state is LinkState.OPEN)
        with pytest.raises(LinkLost, match="connect again"):  # it still runs, and nobody knows where
            rail.stage.move_to({"x": -5.0}, 600)
        assert rail.grbl.moving
        back_to_work(rail)


def test_unplugged_and_back_before_anybody_asked():
    with bench() as rail:
        rail.server.unplug()
        wait_until(lambda: rail.link.state is LinkState.LOST)
        rail.server.plug()
        wait_until(lambda: rail.link.state is LinkState.OPEN)
        with pytest.raises(LinkLost, match="refused move_to"):
            rail.stage.move_to({"x": -5.0}, 600)
        back_to_work(rail)


def test_connecting_while_the_link_is_away_waits_for_it():
    with bench() as rail:
        rail.server.unplug()
        wait_until(lambda: rail.link.state is LinkState.LOST)
        connecting = Aside(rail.stage.connect)
        rail.server.plug()
        assert connecting.outcome() is None


def test_a_limit_switch_in_mid_move():
    with bench() as rail:
        move = moving(rail)
        rail.server.set_faults(alarm=True)
        error = move.outcome()
        assert isinstance(error, InstrumentAlarm)
        assert "alarm 1: a limit switch was hit" in str(error)
        assert "move_to(x -200)" in str(error)
        assert rail.stage.state is State.ALARM
        assert not rail.stage.homed
        for call in (
            lambda: rail.stage.move_to({"x": -5.0}, 600),
            rail.stage.resume,
            lambda: rail.stage.jog({"x": 1.0}, 60),
        ):
            with pytest.raises(InstrumentAlarm, match="alarm 1"):
                call()
        rail.stage.clear_alarm()
        assert rail.stage.state is State.IDLE
        rail.stage.home()
        rail.stage.move_to({"x": -5.0}, 600)


def test_homing_that_finds_no_switch():
    with bench(home=False) as rail:
        rail.grbl.carriage.blocked.add(0)
        with pytest.raises(InstrumentAlarm, match=r"alarm 9: homing found no limit switch"):
            rail.stage.home()
        assert not rail.stage.homed
        rail.grbl.carriage.blocked.clear()
        rail.grbl.carriage.position_mm[0] = 290.0  # pushed off the end stop by hand
        rail.stage.clear_alarm()
        rail.stage.home()
        assert rail.stage.homed


def test_homing_that_is_switched_off():
    with (
        bench(PROFILE_WITHOUT_HOMING, home=False, settings={22: 0, 20: 0}) as rail,
        pytest.raises(BadReply, match=r"error 5: homing is switched off"),
    ):
        rail.stage.home()


def test_homing_that_takes_too_long_is_stopped():
    grbl = GrblEmulator(QUICK | {25: 1.0}, speed=SPEED)
    with bench(home=False, grbl=grbl) as rail:
        with pytest.raises(NoReply, match=r"home\(\).*not answered within 0.3 s; it was told to stop"):
            rail.stage.home(timeout_s=0.3)
        wait_until(lambda: not rail.grbl.moving)


def test_power_lost_in_mid_move():
    with bench() as rail:
        move = moving(rail)
        rail.server.reboot()
        error = move.outcome()
        assert isinstance(error, InstrumentAlarm)
        assert "the controller restarted, unasked" in str(error)
        with pytest.raises(
            InstrumentAlarm, match=r"refused home\(\): its controller restarted, unasked \(power lost"
        ):
            rail.stage.home()
        back_to_work(rail)


def test_power_lost_at_rest_is_noticed_before_the_next_move():
    with bench(settings={22: 0, 20: 0}, profile=PROFILE_WITHOUT_HOMING, home=False) as rail:
        rail.stage.move_to({"x": -5.0}, 600)
        rail.server.reboot()
        wait_until(lambda: rail.stage.state is State.UNKNOWN)
        with pytest.raises(InstrumentAlarm, match="restarted, unasked"):
            rail.stage.move_to({"x": -6.0}, 600)


def test_reset_by_somebody_else_in_mid_move():
    with bench() as rail:
        move = moving(rail)
        rail.link.write(b"!\x18")  # what a guardian sends
        error = move.outcome()
        assert isinstance(error, InstrumentAlarm)
        assert "alarm 3: reset while moving" in str(error)
        assert not rail.stage.homed
        wait_until(lambda: rail.stage.refresh() is State.ALARM)
        rail.stage.clear_alarm()
        rail.stage.home()


def test_a_controller_that_falls_silent_in_mid_move_is_told_to_stop():
    with bench() as rail:
        rail.stage.move_to({"x": -200.0}, SLOW, wait=False)
        rail.server.set_faults(silence=True)
        said = r"^stage rail .*: wait_until_there\(\): it does not answer; it was told to stop$"
        with rail.hurried(), pytest.raises(NoReply, match=said):
            rail.stage.wait_until_there()
        wait_until(lambda: not rail.grbl.moving)
        rail.server.set_faults(silence=False)
        back_to_work(rail)


def test_a_lost_answer_is_missed_and_the_next_call_brings_both_sides_into_step():
    class Forgetful(GrblEmulator):
        forget = False

        def feed(self, data: bytes) -> bytes:
            said = super().feed(data)
            if self.forget and said == b"ok\r\n":
                self.forget = False
                return b""
            return said

    with bench(grbl=Forgetful(QUICK, speed=SPEED)) as rail:
        rail.grbl.forget = True
        with pytest.raises(NoReply, match=r"'G92.1' was not answered within 0.3 s"):
            rail.stage._controller.call("G92.1", 0.3)
        rail.stage.move_to({"x": -5.0}, 600)
        assert rail.stage.position_mm["x"] == -5.0
        assert b"\x18" in rail.server.received
        assert rail.stage.homed  # nothing moved, so the reset cost no position


def test_an_answer_too_many_brings_both_sides_into_step():
    with bench() as rail:
        rail.server.say(b"ok\r\n")
        wait_until(lambda: rail.stage._controller.out_of_step)
        rail.stage.move_to({"x": -5.0}, 600)
        assert b"\x18" in rail.server.received
        assert rail.stage.homed


@pytest.mark.parametrize(
    "faults",
    [
        {"split": 5},
        {"late_s": 0.1},
        {"late_s": 0.03, "split": 20},
    ],
)
def test_replies_that_come_late_or_in_pieces_do_no_harm(faults):
    with bench() as rail:
        rail.server.set_faults(**faults)
        rail.stage.move_to({"x": -20.0}, 3000)
        rail.stage.move_to({"x": -30.0, "y": -3.0}, 3000)
        assert rail.stage.position_mm == {"x": -30.0, "y": -3.0, "z": -1.0}
        assert b"\x18" not in rail.server.received


@pytest.mark.parametrize(
    "rubbish", [b"\xff\x00#!\n", b"<Idle|MPos:9", b"\r\n\r\n", b"\x1b[31mok!\n", b"<" * 300 + b"\n"]
)
def test_rubbish_between_the_replies_does_no_harm(rubbish):
    with bench() as rail:
        for number in range(5):
            rail.server.say(rubbish + b"\n")
            rail.stage.move_to({"x": -20.0 - number}, 3000)
        assert rail.stage.position_mm["x"] == -24.0


@pytest.mark.parametrize("faults", [{"garbage": 8}, {"interleave": b"#\x00~!"}, {"checksum": True}])
def test_on_a_line_of_garbage_the_stage_ends_at_rest_or_in_an_error_never_elsewhere_unnoticed(faults):
    with bench() as rail:
        rail.server.set_faults(**faults)
        try:
            with rail.hurried():
                rail.stage.move_to({"x": -20.0}, 3000, timeout_s=1.0)
        except RigError as error:
            assert "stage rail (" in str(error)
        else:
            assert rail.grbl.machine_mm[0] == pytest.approx(-20.0)
        rail.server.set_faults(garbage=0, interleave=b"", checksum=False)
        back_to_work(rail)


def test_a_stage_that_ends_elsewhere_is_found_out():
    """A report that names another place than the target is an error, however sure the controller is."""

    class Slipping(GrblEmulator):
        def feed(self, data: bytes) -> bytes:
            return super().feed(data).replace(b"MPos:-20.000", b"MPos:-19.000")

        def tick(self) -> bytes:
            return super().tick().replace(b"MPos:-20.000", b"MPos:-19.000")

    with (
        bench(PROFILE, grbl=Slipping(QUICK, speed=SPEED)) as rail,
        pytest.raises(BadReply, match="ended elsewhere: x should be -20"),
    ):
        rail.stage.move_to({"x": -20.0}, 3000)


def test_a_stage_that_is_not_there():
    with bench(StageProfile(reply_s=0.2, startup_s=0.2), connect=False) as rail:
        rail.server.set_faults(silence=True)
        with pytest.raises(
            NoReply, match=r"stage rail \(state not known\): no banner within 0.9 s after a reset"
        ):
            rail.stage.connect()


def test_a_stage_without_homing_is_trusted_until_something_shakes_it():
    with bench(PROFILE_WITHOUT_HOMING, home=False, settings={22: 0, 20: 0}) as rail:
        assert rail.stage.homed
        move = moving(rail)
        rail.link.write(b"\x18")
        assert isinstance(move.outcome(), InstrumentAlarm)
        wait_until(lambda: rail.stage.refresh() is State.ALARM)
        rail.stage.clear_alarm()
        with pytest.raises(Unsafe, match="its place is lost; put it to zero and connect again"):
            rail.stage.move_to({"x": -5.0}, 600)
        rail.stage.connect()
        rail.stage.move_to({"x": -5.0}, 600)
