"""The presence detector with its network on the emulated bench: its sweep of carriers through PortAudio, 50 ms late and in ramps of 30 ms."""

from types import SimpleNamespace

import numpy as np
import pytest

from detectors.build import load_build
from detectors.interface import PLAYBACK, SILENT, ULTRASONIC, Block, StreamFormat
from detectors.stack import Stack
from lab.bench.physical.emission import close_level_db_spl
from lab.bench.simulated.bench import SimulatedBench
from lab.scenario.load import load_scenario
from rigs.audio.storage import read_blocks
from rigs.rig_file import load_rig
from tests.bench.physical.commands import lab, only_trial
from tests.bench.physical.rail import plate
from tests.bench.physical.sound import needs_sound

pytestmark = needs_sound

RATE, PLAYED_HZ, BLOCK = 96_000, 16_000, 4_800
# The plate moves at the end, as the stage of a bench waits for a trial that has something to move.
SCENARIO = plate(
    duration_s=13.5,
    distance_m=1.0,
    end_m=1.05,
    more='speed_m_s = 0.4\nstart_s = 12.7\n[expect]\nlabels = ["major_motion"]\n',
    name="calibrating",
    title="A device finds its tone before a plate that stands still",
)


def drawn(path):
    scenario = load_scenario(path)
    return scenario.draw(scenario.cells()[0], 0, 1)


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    folder = tmp_path_factory.mktemp("calibration")
    scenario, out = folder / "calibrating.toml", folder / "run"
    scenario.write_text(SCENARIO)
    build = "detectors/builds/presence.toml"
    done = lab("run", scenario, "--rig", "ultrasonic", "--build", build, "--out", out, "--no-report", "--yes")
    assert done.returncode == 0, done.stderr
    note, trial, tracks = only_trial(out)
    body = read_blocks(
        out / "captures" / note["capture"], RATE, note["body_at"], note["body_at"] + note["body_frames"]
    )
    heard = np.concatenate(list(body), axis=1)
    return SimpleNamespace(scenario=scenario, note=note, trial=trial, tracks=tracks, heard=heard)


@pytest.fixture(scope="module")
def detector(run):
    """That of the bench, made to hear the capture again: a run keeps scores, not what a detector knows."""
    stack = Stack(load_build("presence"))
    stack.open({ULTRASONIC: StreamFormat(RATE, 4), PLAYBACK: StreamFormat(PLAYED_HZ, 1)})
    silence = np.zeros((1, BLOCK * PLAYED_HZ // RATE), np.float32)
    for start in range(0, run.heard.shape[1], BLOCK):
        streams = {ULTRASONIC: run.heard[:, start : start + BLOCK], PLAYBACK: silence}
        stack.feed(Block(start, BLOCK, RATE, streams))
    (detector,) = stack.detectors.values()
    return detector


@pytest.fixture(scope="module")
def simulated(run):
    """What the same unit measures in the same room, with nothing real in between."""
    stack = Stack(load_build("presence"))
    session = SimulatedBench().open(drawn(run.scenario), stack.needs)
    stack.open(session.formats)
    (detector,) = stack.detectors.values()
    emission = SILENT
    while not detector.calibrations:
        emission = stack.feed(session.next(emission))
    return detector.calibrations[0]


def test_the_capture_heard_again_gives_the_scores_of_the_run(run, detector):
    assert run.trial.invalid is None
    for track in detector.tracks():
        np.testing.assert_array_equal(track.scores, run.tracks[track.label].scores)


def test_calibration_ends_and_its_tone_is_one_that_device_and_bench_may_emit(run, detector):
    (found,) = detector.calibrations
    assert found.took_s < 10.0
    assert found.alive.all() and not found.blocked and not found.interfered.any()
    low, high = drawn(run.scenario).spec.device.ultrasonic.carrier_band_hz
    assert low <= found.carrier_hz <= high
    rig = load_rig("ultrasonic")
    assert close_level_db_spl(found.emission) <= rig.safety.max_emission_db_spl_at_0_3_m
    assert run.note["measured"]["emission_db_spl_at_1_m"] == pytest.approx(found.emission.level_db_spl)


def test_each_carrier_of_the_sweep_is_measured_as_in_simulation(detector, simulated):
    (found,) = detector.calibrations
    np.testing.assert_allclose(found.response_db, simulated.response_db, atol=0.1)
    # Of carriers that need the same, the noise of a run decides.
    chosen = found.candidates_hz.index(found.carrier_hz)
    assert simulated.needed_db_spl[chosen] == pytest.approx(simulated.emission.level_db_spl, abs=1.5)
    assert found.emission.level_db_spl == pytest.approx(simulated.emission.level_db_spl, abs=1.5)


def test_the_tone_that_was_chosen_is_heard_from_then_on(run, detector):
    """From the third block on: one in which it was commanded, one that the command takes, and a ramp."""
    (found,) = detector.calibrations
    first = round((found.took_s + 0.15) * RATE)
    turned = run.heard[:, first:] * np.exp(
        -2j * np.pi * found.carrier_hz / RATE * np.arange(first, run.heard.shape[1])
    )
    whole = turned.shape[1] // BLOCK * BLOCK
    level = np.abs(turned[:, :whole].reshape(4, -1, BLOCK).mean(axis=2))
    assert np.all(np.abs(20.0 * np.log10(level / np.median(level, axis=1, keepdims=True))) < 1.0)


def test_it_senses_and_calls_nothing_presence_while_the_plate_stands(run):
    track = run.tracks["presence"]
    assert np.isfinite(track.scores[track.times_s > 12.0]).mean() > 0.5
    (moves_s,) = (event.onset_s for event in run.trial.truth if event.label == "presence")
    assert moves_s > 12.5
    standing = track.times_s <= moves_s
    for label in ("presence", "major_motion", "minor_motion"):
        assert not np.any(run.tracks[label].scores[standing] >= 0.5)
