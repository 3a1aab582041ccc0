"""Where an emulated stage was, from its own log."""

import numpy as np
import pytest

from lab.bench.emulated.trajectory import Trajectory
from lab.errors import LabFailure
from lab.movers.linear_stage import LinearStageSpec
from rigs.emulators.grbl import EMULATOR
from rigs.rig_file import load_rig


class Clocked:
    """The rail of the ultrasonic bench on a clock that is set by hand."""

    def __init__(self):
        rig = load_rig("ultrasonic")
        profile = rig.profile_of(rig.instrument("rail"))
        self.now = 0.0
        self.emulator = EMULATOR(
            profile, clock=lambda: self.now, log=lambda *entry: self.trajectory.note(*entry)
        )
        self.trajectory = Trajectory(rig.stage, profile, self.emulator.carriage.travel_mm[0])

    def pass_s(self, seconds, step=0.013):
        until = self.now + seconds
        while self.now < until:
            self.now = min(until, self.now + step)
            self.emulator.tick()

    def send(self, line):
        self.emulator.feed(line.encode() + b"\n")

    def home(self):
        self.pass_s(0.1)
        self.send("$H")
        self.pass_s(25.0)
        assert self.emulator.state == "Idle"


@pytest.fixture(scope="module")
def driven():
    """Homed, then 500 mm at 0.4 m/s at 1 m/s^2, from 1.5 m on."""
    rail = Clocked()
    rail.home()
    rail.send("G90G21G53G1X-52F20000")
    rail.pass_s(6.0)
    begun = rail.now
    rail.send("G90G21G53G1X-552F24000")
    rail.pass_s(4.0, 0.0053)
    return rail, begun


def test_a_stroke_is_the_trapezoid_that_the_simulated_bench_makes_of_it(driven):
    rail, begun = driven
    spec = LinearStageSpec(
        kind="linear_stage", name="plate", distance_m=1.5, end_m=1.0, speed_m_s=0.4, start_s=0.0
    )
    time_s = np.linspace(-0.5, 3.0, 7001)
    t = np.clip(time_s, 0.0, spec.stroke_s)
    expected = 1.5 - np.where(
        t < 0.4,
        t**2 / 2,
        np.where(t > spec.stroke_s - 0.4, 0.5 - (spec.stroke_s - t) ** 2 / 2, 0.4 * t - 0.08),
    )
    assert rail.trajectory.distance_m(begun + time_s) == pytest.approx(expected, abs=2e-5)


def test_its_motions_are_told_with_begin_and_end(driven):
    rail, begun = driven
    ((begin, end),) = rail.trajectory.moved_s(begun - 0.1)
    assert begin == pytest.approx(begun, abs=0.011) and end == pytest.approx(begun + 1.65, abs=0.011)
    assert len(rail.trajectory.moved_s(begun - 6.5)) == 2


def test_beyond_what_is_known_it_rests(driven):
    rail, _ = driven
    assert rail.trajectory.distance_m(np.array([rail.now + 50.0])) == pytest.approx(1.0, abs=1e-5)
    rail.trajectory.wait_for(rail.now)


def test_an_emulator_that_has_stopped_is_said(monkeypatch):
    monkeypatch.setattr("lab.bench.emulated.trajectory.PATIENCE_S", 0.05)
    with pytest.raises(LabFailure, match="has not moved its clock"):
        Clocked().trajectory.wait_for(1.0)
