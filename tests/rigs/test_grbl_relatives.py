"""Other controllers that speak GRBL: another banner, a larger buffer, states, alarms and fields of their own."""

import pytest

from rigs.emulators.grbl import GrblEmulator
from rigs.errors import InstrumentAlarm, Unsafe
from rigs.grbl import StageProfile, State
from tests.rigs.stages import PROFILE, QUICK, SPEED, bench
from tests.rigs.wires import PATIENCE_S, wait_until


def grblhal() -> GrblEmulator:
    return GrblEmulator(
        QUICK,
        speed=SPEED,
        banner="GrblHAL 1.1f ['$' or '$HELP' for help]",
        options="VNMSL+,100,1024,3,0",
        rx_bytes=1024,
    )


def fluidnc() -> GrblEmulator:
    return GrblEmulator(
        QUICK,
        speed=SPEED,
        banner="[MSG:INFO: FluidNC v3.4.3]\r\n\r\nGrbl 3.4 [FluidNC v3.4.3 (wifi) '$' for help]",
        options="PHS",
    )


@pytest.mark.parametrize(("make", "buffer_bytes"), [(grblhal, 1024), (fluidnc, PROFILE.buffer_bytes)])
def test_it_is_found_homed_moved_and_its_buffer_used(make, buffer_bytes):
    with bench(grbl=make()) as rail:
        assert rail.stage._controller.buffer_bytes == buffer_bytes
        rail.stage.run([f"G53G1X{-1 - n % 9}F3000" for n in range(150)], PATIENCE_S, vet=False)
        rail.stage.move_to({"x": -33.0}, 3000)
        assert rail.stage.position_mm["x"] == -33.0
        assert rail.grbl.lost_bytes == 0


def test_a_small_buffer_is_not_overrun():
    small = GrblEmulator(QUICK, speed=SPEED, options="V,15,64", rx_bytes=63)
    with bench(grbl=small) as rail:
        rail.stage.run([f"G53G1X{-1 - n % 9}F3000" for n in range(60)], PATIENCE_S, vet=False)
        assert rail.grbl.lost_bytes == 0


def test_a_buffer_that_is_said_nowhere_comes_from_the_profile():
    silent = GrblEmulator(QUICK, speed=SPEED, options="V", rx_bytes=31)
    profile = StageProfile(reply_s=PATIENCE_S, startup_s=PATIENCE_S, poll_hz=10.0, buffer_bytes=32)
    with bench(profile, grbl=silent) as rail:
        rail.stage.run([f"G53G1X{-1 - n % 9}F3000" for n in range(40)], PATIENCE_S, vet=False)
        assert rail.grbl.lost_bytes == 0


class Strange(GrblEmulator):
    """Reports a state of its own while asked to."""

    word = b""

    def feed(self, data: bytes) -> bytes:
        said = super().feed(data)
        return said.replace(b"<Idle", b"<" + self.word) if self.word else said


def test_an_unknown_state_is_kept_and_refuses_moves_only():
    with bench(grbl=Strange(QUICK, speed=SPEED)) as rail:
        rail.grbl.word = b"Tool:1"
        assert rail.stage.refresh() is State.UNKNOWN
        assert rail.stage.status.word == "Tool:1"
        assert rail.stage.position_mm["x"] == -1.0
        with pytest.raises(
            Unsafe, match=r"stage rail \(Tool:1\) at .* refused move_to\(x -5\): allowed while Idle, Run"
        ):
            rail.stage.move_to({"x": -5.0}, 600)
        rail.grbl.word = b""
        rail.stage.move_to({"x": -5.0}, 600)


def test_an_alarm_without_a_reset_and_with_a_strange_number():
    with bench(grbl=grblhal()) as rail:
        rail.server.say(b"ALARM:14\r\n")
        wait_until(lambda: rail.stage.state is State.ALARM)
        with pytest.raises(InstrumentAlarm, match="alarm 14: see the manual of this controller"):
            rail.stage.move_to({"x": -5.0}, 600)
        rail.stage.clear_alarm()
        assert not rail.stage.homed
        rail.stage.home()
        rail.stage.move_to({"x": -5.0}, 600)


def test_a_fourth_axis_is_reported_and_left_alone():
    class FourAxes(GrblEmulator):
        def feed(self, data: bytes) -> bytes:
            return super().feed(data).replace(b"|FS:", b",7.500|FS:")

    profile = StageProfile(reply_s=PATIENCE_S, startup_s=PATIENCE_S, poll_hz=10.0, axes=("x", "y", "z", "a"))
    with bench(profile, grbl=FourAxes(QUICK, speed=SPEED)) as rail:
        assert rail.stage.position_mm["a"] == 7.5
        with pytest.raises(Unsafe, match="the travel of a is not known"):
            rail.stage.move_to({"a": 5.0}, 600)
        rail.stage.move_to({"x": -5.0}, 600)
