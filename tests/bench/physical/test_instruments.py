"""The instruments of a bench together, through the guardian, on real pseudo-terminals; nothing sounds."""

import io
import threading
import time
from contextlib import ExitStack
from dataclasses import replace

import pytest
from rich.console import Console

from detectors.interface import AUDIBLE, StreamNeed
from lab.bench.physical.bench import PhysicalBench
from lab.bench.physical.health import Mark, check_sound
from lab.bench.physical.instruments import STEP_BACK_S, Instruments
from lab.bench.physical.log import BenchLog
from lab.bench.physical.opened import opened
from lab.bench.physical.operator import AtTerminal, Nobody
from lab.bench.physical.plan import plan_trial
from lab.bench.physical.upkeep import confirm_safe, last_left
from lab.errors import LabFailure
from lab.runs.on_rig import _RigRun
from rigs.errors import NoReply, OperatorAbsent, RigError, Unsafe
from rigs.grbl import SAFE_BYTES, State
from rigs.guardian.guarded import PASSES

LONG_S = 60.0
REACHED_MM = 2900.0


def wait_until(happened, what="it"):
    deadline = time.monotonic() + LONG_S
    while not happened():
        assert time.monotonic() < deadline, f"waited in vain for {what}"
        time.sleep(0.005)


class Move:
    """A move of the stage in a thread of its own, already on its way."""

    def __init__(self, emulation, instruments):
        self.error = None
        self.carriage = emulation.servers["rail"].emulator
        instruments.go_to(0.0)
        self._thread = threading.Thread(target=self._go, args=(instruments,), daemon=True)
        self._thread.start()
        wait_until(lambda: self.carriage.moving, "the move")

    def _go(self, instruments):
        try:
            instruments.go_to(REACHED_MM)
        except RigError as error:
            self.error = error

    def ended(self):
        self._thread.join(LONG_S)
        assert not self._thread.is_alive()
        return self.error


def test_a_physical_bench_that_has_nothing_but_sound_is_guarded_too(rig_of, tmp_path):
    rig, log = rig_of("loopback", kind="physical", room="lab_1"), BenchLog(tmp_path / "bench.log")
    with Instruments(rig, tmp_path, Nobody(), log) as instruments:
        silenced = []
        instruments.on_trip(silenced.append)
        instruments.check()
        instruments.guardian.trip("the test says so")
        wait_until(lambda: silenced == ["the test says so"])
        with pytest.raises(Unsafe, match="the test says so"):
            instruments.check()
    with Instruments(rig_of("loopback"), tmp_path, Nobody(), log) as instruments:
        assert instruments.guardian is None  # nothing sounds but samples


def test_a_stage_moves_only_after_a_person_has_pressed_enter(silent, typing, answers):
    stream, hand = typing
    shown = io.StringIO()
    person = AtTerminal(LONG_S, Console(file=shown, width=200), stream)
    emulation, instruments = silent(person, kind="physical")
    for word in ("no", "q"):
        hand.write(f"{word}\n")
        with pytest.raises(OperatorAbsent, match="refused at the bench: PINCH HAZARD: the stage drives"):
            instruments.go_to(100.0)
    assert b"$H" not in emulation.servers["rail"].received
    assert not instruments.stage.homed
    person.order()
    answers(hand, shown, "")
    instruments.go_to(100.0)
    assert instruments.stage.position_mm["x"] == pytest.approx(100.0)


@pytest.fixture
def loud_bench(rig_of, tmp_path, typing):
    """(bench of nothing but sound taken for a real one, hand that types, what was shown): `operator` of a person, or nobody."""
    with ExitStack() as stack:

        def _bench(present=True):
            rig = rig_of("loopback", kind="physical", room="lab_1")
            stream, hand = typing
            shown = io.StringIO()
            person = AtTerminal(LONG_S, Console(file=shown, width=200), stream)
            log = BenchLog(tmp_path / "bench.log")
            operator = person if present else Nobody(log.say)
            bench = PhysicalBench(rig, tmp_path, operator, log)
            bench.stand, bench.instruments = (
                None,
                stack.enter_context(Instruments(rig, tmp_path, operator, log)),
            )
            return bench, hand, shown

        yield _bench


def loud_plan(trial_of, bench):
    """A noise of 83 dB SPL, stated by its SNR."""
    plan = plan_trial(
        trial_of("snr_db = 20.0", "snr_db = -15.0"), bench.rig, {AUDIBLE: StreamNeed((16000,), 1)}
    )
    return replace(plan, placing=None)


def test_before_a_loud_sound_a_person_answers_once_and_then_has_time(loud_bench, trial_of, answers, tmp_path):
    bench, hand, shown = loud_bench()
    plan = loud_plan(trial_of, bench)
    hand.write("no\n")
    with pytest.raises(OperatorAbsent, match="refused at the bench: HEARING: 83 dB SPL at 1 m next"):
        bench._prepare(plan)
    answers(hand, shown, "")
    bench._prepare(plan)
    began = time.monotonic()
    bench._prepare(plan)
    assert time.monotonic() - began >= STEP_BACK_S
    assert shown.getvalue().count("Ears covered or out of the room") == 3
    assert (tmp_path / "bench.log").read_text().count("HEARING: 83 dB SPL at 1 m next") == 3


def test_before_a_loud_sound_there_is_time_with_nobody_at_the_terminal(loud_bench, trial_of, tmp_path):
    bench, _, _ = loud_bench(present=False)
    began = time.monotonic()
    bench._prepare(loud_plan(trial_of, bench))
    assert time.monotonic() - began >= STEP_BACK_S
    assert "HEARING: 83 dB SPL at 1 m next" in (tmp_path / "bench.log").read_text()


@pytest.mark.parametrize(("pilot_db_spl", "warned"), [(84.0, True), (79.0, False)])
def test_a_loud_pilot_is_announced_before_a_quiet_trial(loud_bench, trial_of, tmp_path, pilot_db_spl, warned):
    bench, _, _ = loud_bench(present=False)
    audio = bench.rig.audio.model_copy(update={"pilot_db_spl": pilot_db_spl})
    bench.rig = bench.rig.model_copy(update={"audio": audio})
    plan = plan_trial(trial_of(), bench.rig, {AUDIBLE: StreamNeed((16000,), 1)})
    bench._prepare(replace(plan, placing=None))
    bench._log.say("ready")
    assert ("HEARING: 84 dB SPL at 1 m next" in (tmp_path / "bench.log").read_text()) is warned


def test_nothing_sounds_in_a_check_when_a_person_refuses_a_loud_pilot(loud_bench):
    bench, hand, _ = loud_bench()
    audio = bench.rig.audio.model_copy(update={"pilot_db_spl": 84.0})
    rig = bench.rig.model_copy(update={"audio": audio})
    hand.write("no\n")
    check = check_sound(rig, bench.instruments)
    assert check.mark is Mark.BAD
    assert check.found.startswith("refused at the bench: HEARING: a pilot of 84 dB SPL at 1 m next")
    assert check.remedy.startswith("cover ears")


def test_a_pause_may_last_longer_than_anything_else_between_two_trials(loud_bench, typing):
    bench, hand, _ = loud_bench()
    run = _RigRun(bench, None, bench._operator, bench._log, None, "r", None)
    hand.write("p\n")
    threading.Timer(3.0, hand.write, ["\n"]).start()
    bench.instruments._heart._until = time.monotonic() + 0.5  # of what is allowed without a word
    assert run._obey() is None
    bench.instruments.check()


def press(emulation):
    emulation.servers["button"].set_faults(alarm=True)


def limit_switch(emulation):
    emulation.servers["rail"].set_faults(alarm=True)


def cut_cable(emulation):
    emulation.servers["button"].unplug()


@pytest.mark.parametrize(
    ("act", "reason"),
    [
        (press, "emergency stop: button said ESTOP"),
        (limit_switch, "emergency stop: rail said ALARM:"),
        (cut_cable, "emergency stop: button is gone"),
    ],
)
def test_an_emergency_stop_in_mid_move_stops_everything(silent, act, reason):
    emulation, instruments = silent()
    silenced = []
    instruments.on_trip(silenced.append)
    (amplifier,) = instruments.rig.switches
    instruments.switch(amplifier, True)
    wait_until(lambda: emulation.servers["relays"].emulator.contacts[1], "the amplifier")
    move = Move(emulation, instruments)
    act(emulation)
    wait_until(lambda: not emulation.servers["relays"].emulator.contacts[1], "the amplifier to go off")
    wait_until(lambda: not move.carriage.moving, "the stage to stand")
    assert move.ended() is not None
    wait_until(lambda: silenced, "the sound to be stopped")
    assert silenced == [reason]
    with pytest.raises(Unsafe, match=reason):
        instruments.check()
    with pytest.raises(RigError):
        instruments.go_to(0.0)


def leave(instruments, error):
    instruments.__exit__(type(error), error, None)
    return instruments.unsafe


@pytest.mark.parametrize(
    "error", [KeyboardInterrupt(), LabFailure("the disk is full"), OperatorAbsent("refused")]
)
def test_a_bench_that_was_left_on_purpose_is_put_away(silent, error):
    _, instruments = silent()
    instruments.go_to(100.0)
    assert leave(instruments, error) == ""


def test_a_bench_that_was_stopped_wants_a_person_to_look(silent, tmp_path):
    emulation, instruments = silent()
    press(emulation)
    wait_until(lambda: instruments.guardian.reason, "the emergency stop")
    said = "the rig in its safe state: emergency stop: button said ESTOP"
    assert leave(instruments, Unsafe("the rig is in its safe state")) == said
    assert f"left with {said}" in (tmp_path / "bench.log").read_text()


def test_a_bench_that_a_fault_ended_wants_a_person_to_look(silent):
    _, instruments = silent()
    assert leave(instruments, NoReply("rail: told to stop")) == "an error: rail: told to stop"


def test_a_stage_that_could_not_be_stopped_may_still_be_moving(silent):
    emulation, instruments = silent(e_stop=())
    Move(emulation, instruments)
    emulation.servers["rail"].unplug()
    wait_until(lambda: instruments.states()["rail"] == "lost", "the cable")
    said = leave(instruments, KeyboardInterrupt())
    emulation.servers["rail"].plug()  # the guardian waits for it
    assert said == "rail could not be made safe; the carriage may still be moving: cut the motor supply"


def test_how_instruments_were_closed_is_how_the_bench_was_left(rig_of, tmp_path):
    rig = rig_of("loopback", id="glued", kind="physical", room="lab_1")
    rig = rig.model_copy(update={"audio": rig.audio.model_copy(update={"jack": None})})
    log = BenchLog(tmp_path / "bench.log")
    with opened(rig, tmp_path, Nobody(), log) as (_, instruments):
        instruments.guardian.trip("the test says so")
    assert last_left(rig).words.endswith("ended with the rig in its safe state: the test says so")
    confirm_safe(rig, "a technician")
    with opened(rig, tmp_path, Nobody(), log):
        pass
    assert last_left(rig).clean


def test_a_stage_unplugged_in_mid_move_stops_everything_and_is_made_safe_when_it_is_back(silent):
    emulation, instruments = silent()
    (amplifier,) = instruments.rig.switches
    instruments.switch(amplifier, True)
    wait_until(lambda: emulation.servers["relays"].emulator.contacts[1], "the amplifier")
    move = Move(emulation, instruments)
    emulation.servers["rail"].unplug()
    wait_until(lambda: not emulation.servers["relays"].emulator.contacts[1], "the amplifier to go off")
    assert move.ended() is not None
    before = len(emulation.servers["rail"].received)
    emulation.servers["rail"].plug()
    safe = b"".join(SAFE_BYTES) * PASSES
    wait_until(lambda: emulation.servers["rail"].received[before:] == safe, "the safe bytes")
    wait_until(lambda: not move.carriage.moving, "the stage to stand")
    with pytest.raises(Unsafe, match="emergency stop: rail is gone"):
        instruments.check()


@pytest.mark.parametrize("name", ["rail", "relays", "meter", "sensor"])
def test_garbage_on_a_line_is_an_error_that_names_the_instrument_or_is_seen_through(silent, name):
    """Random bytes before every reply: a driver may find the reply behind them; what it never does is answer nonsense."""
    emulation, instruments = silent()
    emulation.servers[name].set_faults(garbage=16)
    asked = {
        "rail": lambda: instruments.stage.refresh(),
        "relays": lambda: instruments.switch(instruments.rig.switches[0], True),
        "meter": lambda: instruments.meter.read("level"),
        "sensor": lambda: instruments.climate.read().temperature_c,
    }
    allowed = {"rail": set(State), "relays": {None}, "meter": {35.2}, "sensor": {21.3}}
    for _ in range(2):
        try:
            answer = asked[name]()
        except RigError as error:
            assert name in str(error)
        else:
            assert any(
                answer == pytest.approx(one) if isinstance(one, float) else answer is one
                for one in allowed[name]
            )
    emulation.servers[name].set_faults(garbage=0)
    if name == "rail":
        instruments.stage.connect()
    wait_until(lambda: _answers(asked[name]), "an answer after the garbage")


def _answers(ask):
    try:
        ask()
    except RigError:
        return False
    return True
