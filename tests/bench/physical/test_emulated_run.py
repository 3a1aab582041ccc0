"""The whole physical path with nothing made up but electrons and air: stage, relays, meter, sensor, device."""

import json
from types import SimpleNamespace

import pytest

from lab.store.results import read
from rigs.rig_file import BENCHES
from tests.bench.physical.commands import lab
from tests.bench.physical.sound import needs_sound

pytestmark = needs_sound

SENSITIVITY = "\n[device.sensitivity]\nvalues = [900.0, 6.5]   # thresholds: the first hears nothing\nunder_test = 6.5\n"


@pytest.fixture(scope="module")
def run(scenario_file, tmp_path_factory):
    """One trial, played at each of two sensitivities of the device."""
    folder = tmp_path_factory.mktemp("emulated")
    rig = folder / "emulated.toml"
    rig.write_text((BENCHES / "emulated.toml").read_text() + SENSITIVITY)
    out = folder / "run"
    done = lab("run", scenario_file(), "--rig", rig, "--trials", 1, "--out", out, "--no-report", "--yes")
    assert done.returncode == 0, done.stderr
    note = json.loads((out / "captures" / "short-00000000-0-at-6.5.json").read_text())
    return SimpleNamespace(out=out, note=note, log=(out / "bench.log").read_text())


def test_stack_and_device_are_held_against_the_same_truth(run):
    (scenario,) = read(run.out).scenarios
    assert (scenario.origin, scenario.invalid) == ("emulated", 0)
    rows = {row.stage: row for row in scenario.results}
    assert set(rows) == {"device", "dut"}
    assert [row.detection.trials for row in rows.values()] == [1, 1]
    assert rows["dut"].detector == "virtual device"
    # The firmware is the reference stack: what one hears the other hears, at nearly the same moment.
    assert rows["dut"].detection.detected == rows["device"].detection.detected == 1
    assert rows["dut"].latency_s.p50 == pytest.approx(rows["device"].latency_s.p50, abs=0.3)


def test_the_curve_of_the_device_walks_through_its_sensitivities(run):
    (scenario,) = read(run.out).scenarios
    (row,) = (row for row in scenario.results if row.stage == "dut")
    assert row.threshold == 0.5  # of two settings, the more sensitive one is under test
    assert max(row.curve.detection_rate) == 1.0


def test_stage_relays_meter_and_sensor_did_their_part(run):
    for words in (
        "the stage drives to its home switch",
        "the stage moves to 500 mm",
        "amplifier on (commanded)",
        "amplifier off (commanded)",
        "check: virtual device: good: runs 1.0.0 reference",
    ):
        assert words in run.log
    assert run.note["measured"]["temperature_c_before"] == pytest.approx(21.3)
    assert run.note["measured"]["background_dba_after"] == pytest.approx(35.2)
    for name in ("rail", "relays", "meter", "sensor", "console"):
        assert (run.out / "wires" / f"{name}.log").stat().st_size > 100


def test_results_say_which_bench_they_were_made_on(run):
    (rig,) = read(run.out).environment.rigs
    assert (rig.id, rig.kind, rig.room) == ("emulated", "emulated", None)
    assert rig.sound == "loopback (JACK Audio Connection Kit, 8 out, 8 in)"
    assert (rig.device.version, rig.device.build_id) == ("1.0.0", "reference")
    says = {one.name: one.says for one in rig.instruments}
    assert says["meter"] == "EARSHOT, SPL METER, 0, 1.0"
    assert says["rail"].startswith("[VER:1.1")
    assert says["relays"] == ""  # it cannot be asked


def test_the_air_between_is_the_room_twins(run):
    assert run.note["invalid"] is None
    assert run.note["alignment"]["gain_db"] < -3.0  # 1 m of air, and a microphone with other full scale
    assert run.note["measured"]["lag_ms"] > 20.0
