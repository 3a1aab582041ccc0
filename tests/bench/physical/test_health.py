import errno
import math
import os
from datetime import date
from types import SimpleNamespace

import pytest

from detectors.build import load_build
from lab.bench.physical import upkeep
from lab.bench.physical.disk import capture_bytes, check_disk
from lab.bench.physical.health import (
    Check,
    Mark,
    _meter,
    check_bench,
    check_calibrations,
    deaf_inputs,
    to_fix,
    wrong_identity,
)
from lab.errors import LabFailure
from rigs.console import Identity
from rigs.errors import LinkLost, RigError
from rigs.rig_tables import Calibration
from rigs.scpi import ScpiIdentity

TODAY = date(2026, 11, 21)


def record(of, due=date(2027, 1, 1), value=110.0, unit="dB SPL"):
    return Calibration(of=of, what="full scale", value=value, unit=unit, done=date(2026, 1, 1), due=due)


@pytest.fixture
def physical(rig_of):
    """`physical(records...)`: the loopback bench taken for a real one."""

    def _physical(*records):
        return rig_of("loopback", kind="physical", room="lab_2", calibrations=records)

    return _physical


def test_a_bench_that_is_not_real_needs_no_calibration(rig_of):
    (check,) = check_calibrations(rig_of("emulated"), TODAY)
    assert (check.mark, check.found) == (Mark.GOOD, "none is needed: nothing here is real")


def test_a_physical_bench_names_what_was_never_calibrated_or_is_due(physical):
    checks = check_calibrations(
        physical(record("television"), record("noise", due=date(2026, 11, 20))), TODAY
    )
    said = to_fix(checks)
    assert "noise: calibration of 2026-01-01 was due on 2026-11-20" in said
    assert "from television was never calibrated" in said
    assert "television: " not in said.replace("from television", "")
    assert "calibrate, and enter value and dates in the rig file" in said


def test_calibrations_that_hold_say_when_the_first_ends(physical):
    names = ("television", "noise", "from television", "from noise")
    (check,) = check_calibrations(physical(*map(record, names)), TODAY)
    assert (check.mark, check.found) == (Mark.GOOD, "all hold, the first is due on 2027-01-01")


@pytest.mark.parametrize(
    ("told", "says"),
    [({"value": 110.06}, "110.06 dB SPL"), ({"value": 96.0}, "96 dB SPL"), ({"unit": "mV/Pa"}, "110 mV/Pa")],
)
def test_a_record_of_another_full_scale_than_the_one_in_use_is_refused(physical, told, says):
    names = ("noise", "from television", "from noise")
    rig = physical(*map(record, names), record("television", **told))
    (check,) = check_calibrations(rig, TODAY)
    assert check.mark is Mark.BAD
    assert check.found == (
        f"television: calibration of 2026-01-01 says {says}, full_scale_db_spl = 110 is in use"
    )
    (check,) = check_calibrations(physical(*map(record, names), record("television", value=110.04)), TODAY)
    assert check.mark is Mark.GOOD


@pytest.fixture(scope="module")
def build():
    return load_build()


def test_the_device_that_was_asked_for_is_right(build):
    assert wrong_identity(Identity("1.0", "reference", build.hash[:12]), "reference", build) == ""
    assert wrong_identity(Identity("acme-7", "", ""), "acme-7", None) == ""
    assert wrong_identity(Identity("1.0", "reference", ""), "reference", build) == ""  # it tells no hash


def test_a_device_with_another_build_or_hash_is_refused(build):
    assert (
        wrong_identity(Identity("1.0", "older", ""), "reference", build)
        == "it runs 'older', the rig file wants 'reference'"
    )
    assert "it runs another reference: hash 0123456789ab" in wrong_identity(
        Identity("1.0", "reference", "0123456789abcdef"), "reference", build
    )


def test_another_meter_than_the_calibrated_one_is_refused(rig_of):
    meter = SimpleNamespace(identity=lambda: ScpiIdentity("NTi", "XL2", "B1", "4.5"), read=lambda what: 35.0)
    rig = rig_of("emulated")
    (one,) = (one for one in rig.instruments if one.name == "meter")
    assert _meter(one, meter) == "XL2 reads 35.0 dB"  # the rig file states no number
    assert _meter(one.model_copy(update={"serial_number": "B1"}), meter) == "XL2 reads 35.0 dB"
    with pytest.raises(RigError, match="meter: it is number B1, the rig file has A7"):
        _meter(one.model_copy(update={"serial_number": "A7"}), meter)


def checked(instruments):
    """What of each instrument is bad, and what to do."""
    found = check_bench(instruments.rig, instruments, None, sound=False)
    return {one.what: (one.found, one.remedy) for one in found if one.mark is Mark.BAD}


def test_a_port_that_somebody_has_is_not_a_matter_of_cables(silent):
    _, instruments = silent(tolerant=True, held="relays")
    ((name, (found, remedy)),) = checked(instruments).items()
    assert (name, remedy) == ("relays", "end that process")
    assert f"in use by process {os.getpid()}" in found


@pytest.mark.parametrize(
    ("cause", "remedy"),
    [(PermissionError(errno.EACCES, "no"), "join the group dialout"), (FileNotFoundError(), "look at cable")],
)
def test_a_port_that_one_may_not_open_asks_for_its_group(silent, cause, remedy):
    _, instruments = silent(tolerant=True)
    instruments.faults["relays"] = fault = LinkLost("relays: cannot be opened")
    fault.__cause__ = cause
    assert checked(instruments)["relays"][1].startswith(remedy)


def test_a_stage_whose_controller_does_not_mind_its_limits_is_not_fit(silent):
    _, instruments = silent(tolerant=True)
    assert checked(instruments) == {}
    instruments.stage.set(20, 0)
    instruments.stage.set(21, 0)
    ((name, (found, remedy)),) = checked(instruments).items()
    assert (name, remedy) == ("rail", "put the controller's settings right, see docs/instruments.md")
    assert "refused connect(): $20=0: soft limits must be on (1); $21=0: hard limits must be on (1)" in found


def test_only_what_is_bad_must_be_fixed():
    checks = [Check("rail", Mark.GOOD, "idle"), Check("last run", Mark.LOOK, "cut off", "look")]
    assert to_fix(checks) == ""


def test_a_run_that_ended_well_leaves_nothing_to_say(rig_of):
    rig = rig_of("emulated", id="tidy")
    assert upkeep.last_left(rig) is None
    with upkeep.in_use(rig, "a run"):
        assert upkeep.last_left(rig).words.startswith("'a run' of ")
    assert upkeep.last_left(rig).words == ""


def test_a_physical_bench_cut_off_stays_so_until_a_person_has_looked(rig_of, monkeypatch):
    rig = rig_of("emulated", id="cut", kind="physical")
    upkeep._write(rig, False, "lab run")  # what a kill leaves behind
    monkeypatch.setattr(upkeep, "boot_id", lambda: "another start of this computer")
    assert "was cut off: the computer lost power or was restarted" in upkeep.last_left(rig).words
    with upkeep.in_use(rig, "lab rig check"):
        pass
    assert not upkeep.last_left(rig).clean
    upkeep.confirm_safe(rig, "a technician")
    assert upkeep.last_left(rig).words == ""


def test_a_bench_that_had_to_be_stopped_says_so_until_a_person_has_looked(rig_of):
    rig = rig_of("emulated", id="stopped", kind="physical")
    with upkeep.in_use(rig, "lab run") as left_with:
        left_with("rail could not be made safe; the carriage may still be moving: cut the motor supply")
    left = upkeep.last_left(rig)
    assert left.words.endswith(
        "ended with rail could not be made safe; the carriage may still be moving: cut the motor supply"
    )
    with upkeep.in_use(rig, "lab rig check") as left_with:
        left_with("")
    assert upkeep.last_left(rig) == left
    upkeep.confirm_safe(rig, "a technician")
    assert upkeep.last_left(rig).words == ""


def test_a_disk_that_cannot_hold_the_captures_is_said_with_figures(rig_of, tmp_path, monkeypatch):
    rig = rig_of("loopback")
    hour = capture_bytes(rig, 1, 3600.0)
    assert 2 * 48_000 * 4 * 3600 <= hour < 2.1 * 48_000 * 4 * 3600
    check_disk(tmp_path, rig, 3, 18.0)
    with pytest.raises(
        LabFailure, match=r"1000000 trials record up to .* GB .* Make room, name another --out"
    ):
        check_disk(tmp_path, rig, 1_000_000, 3600.0 * 1e6)


def test_a_microphone_that_hears_not_a_bit_is_told_on_a_physical_bench(rig_of):
    rig, levels = rig_of("emulated"), (31.0, -math.inf, 30.5, -math.inf)
    names = [wire.name for wire in rig.audio.inputs]
    assert deaf_inputs(rig.model_copy(update={"kind": "physical"}), levels) == [names[1], names[3]]
    assert deaf_inputs(rig, levels) == []  # a loopback may be as silent
