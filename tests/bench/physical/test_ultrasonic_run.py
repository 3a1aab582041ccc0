"""A presence scenario over the whole path: tone out and microphones in through PortAudio at 96 kHz, a plate where the rail is."""

import json
from types import SimpleNamespace

import numpy as np
import pytest

from detectors.build import load_build
from detectors.stack import Stack
from lab.bench.simulated.bench import SimulatedBench
from lab.runs.echo import MIDDLE_HZ, RATE_HZ
from lab.runs.examples import from_captures
from lab.runs.options import RunOptions
from lab.runs.trial import run_trial
from lab.scenario.load import load_scenario
from lab.store.results import read
from lab.store.store import Store
from rigs.audio.storage import read_blocks
from rigs.rig_file import BENCHES, load_rig
from tests.bench.physical.commanding import BUILD
from tests.bench.physical.commands import lab
from tests.bench.physical.rail import plate
from tests.bench.physical.sound import needs_sound

pytestmark = needs_sound

RATE = 96_000
SCENARIO = plate(
    duration_s=6.5,
    distance_m=1.25,
    end_m=1.0,
    more='speed_m_s = 0.4\nstart_s = 3.0\n[expect]\nlabels = ["major_motion"]\nwithin_s = 2.0\n',
    title="A plate starts towards the device",
)
# Nothing moves and nothing is to be homed.
STILL = SCENARIO[: SCENARIO.index("[[movers]]")].replace("duration_s = 6.5", "duration_s = 2.0")


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    folder = tmp_path_factory.mktemp("ultrasonic")
    scenario = folder / "rail.toml"
    scenario.write_text(SCENARIO)
    out = folder / "run"
    build = "detectors/builds/presence_cfar_ultrasonic.toml"
    done = lab("run", scenario, "--rig", "ultrasonic", "--build", build, "--out", out, "--no-report", "--yes")
    assert done.returncode == 0, done.stderr
    (note,) = (json.loads(path.read_text()) for path in (out / "captures").glob("*.json"))
    with Store.read(out) as store:
        (known,) = store.runs()
        (trial,) = store.trials(known.id, store.scenarios(known.id)[0].id)
    return SimpleNamespace(
        scenario=scenario, out=out, note=note, trial=trial, log=(out / "bench.log").read_text()
    )


@pytest.fixture(scope="module")
def simulated(run):
    """The same trial of the same scenario, with nothing real in it."""
    scenario = load_scenario(run.scenario)
    trial = scenario.draw(scenario.cells()[0], 0, 1)
    return run_trial(trial, SimulatedBench(), Stack(load_build("presence_cfar_ultrasonic")))


def latency_s(trial, label):
    (truth,) = (event for event in trial.truth if event.label == label)
    return next(event.offset_s for event in trial.events if event.label == label) - truth.onset_s


def test_the_plate_is_detected_and_counts_as_emulated(run):
    (scenario,) = read(run.out).scenarios
    assert (scenario.origin, scenario.invalid) == ("emulated", 0)
    (row,) = (row for row in scenario.results if row.label == "major_motion")
    assert (row.detection.detected, row.detection.trials) == (1, 1)


def test_it_is_detected_as_soon_as_in_simulation(run, simulated):
    for label in ("presence", "major_motion"):
        assert latency_s(run.trial, label) == pytest.approx(latency_s(simulated, label), abs=0.15)


def test_truth_is_what_the_stage_did(run):
    """0.25 m at 0.4 m/s and 1 m/s^2 take 1.025 s; the order comes a round trip after its moment, the echo 0.6 s behind the rail."""
    presence, major = run.trial.truth
    assert (presence.label, major.label) == ("presence", "major_motion")
    assert presence.onset_s == major.onset_s and presence.offset_s == 6.5
    assert major.offset_s - major.onset_s == pytest.approx(1.025, abs=0.03)
    assert 3.5 < major.onset_s < 4.5
    warned, started = (
        run.log.index(said)
        for said in (
            "the stage moves by itself from 3 s of the trial on, strokes: 1, at up to 0.40 m/s",
            "the stage starts for 50 mm (1.00 m)",
        )
    )
    assert warned < started


def test_the_capture_holds_the_tone_as_it_was_commanded(run):
    """34 kHz from the first block boundary after the round trip on, until the end."""
    note = run.note
    body = np.concatenate(
        list(
            read_blocks(
                run.out / "captures" / note["capture"],
                RATE,
                note["body_at"],
                note["body_at"] + note["body_frames"],
            )
        ),
        axis=1,
    )
    assert body.shape == (4, round(6.5 * RATE))
    turned = body * np.exp(-2j * np.pi * 34_000.0 / RATE * np.arange(body.shape[1]))
    level = np.abs(turned.reshape(4, -1, 480).mean(axis=2))  # of every 5 ms
    # Silence for the first block and the 50 ms of delay; then a ramp of 30 ms.
    assert level[:, :19].max() < 1e-3 * level[:, 100:].min()
    assert np.all(level[:, 28:] > 0.5 * np.median(level, axis=1, keepdims=True))
    assert note["measured"]["emission_delay_ms"] == 50.0
    assert note["measured"]["lag_ms"] < 30.0
    assert note["measured"]["emission_db_spl_at_0_3_m"] == pytest.approx(95.46, abs=0.01)


def test_its_clip_is_the_echo_laid_where_people_hear_it(run):
    scenario = load_scenario(run.scenario)
    trial = scenario.draw(scenario.cells()[0], 0, 1)
    options = RunOptions(out=run.out, rig=load_rig("ultrasonic"))
    audio, rate_hz, _, command = from_captures(options)(trial, run.scenario, 1.0, 6.5, True)
    assert (rate_hz, len(audio), command) == (RATE_HZ, 5.5 * RATE_HZ, "captures/" + run.note["capture"][:-5])
    major = run.trial.truth[1]
    after = [round((s - 1.0) * RATE_HZ) for s in (major.onset_s + 0.3, major.offset_s - 0.3)]
    towards_hz = MIDDLE_HZ + 2.0 * 0.4 / 343.0 * 34_000.0  # the plate comes at 0.4 m/s
    piece = audio[slice(*after)]
    power = np.abs(np.fft.rfft(piece * np.hanning(len(piece)), RATE_HZ)) ** 2
    assert np.argmax(power) == pytest.approx(towards_hz, abs=5.0)
    assert np.std(piece) > 2.0 * np.std(audio[RATE_HZ : round((major.onset_s - 1.3) * RATE_HZ)])


def test_levels_are_those_of_the_simulated_bench(run, simulated):
    """The loudest score of each is the plate's echo over noise."""

    def loudest(trial):
        return {track.label: np.nanmax(track.scores) for track in trial.tracks}

    with Store.read(run.out) as store:
        tracks = store.tracks(run.trial)
    emulated = {track.label: np.nanmax(track.scores) for track in tracks}
    for label, score in loudest(simulated).items():
        assert emulated[label] == pytest.approx(score, abs=1.0)


def test_a_build_that_grows_too_loud_while_it_runs_is_stopped(tmp_path):
    scenario, build, rig = (tmp_path / name for name in ("still.toml", "commanding.toml", "ultrasonic.toml"))
    scenario.write_text(STILL)
    build.write_text(BUILD.format(quietly=70.0, loudly=88.0))
    rig.write_text((BENCHES / "ultrasonic.toml").read_text().replace("_at_0_3_m = 100.0", "_at_0_3_m = 90.0"))
    out = tmp_path / "run"
    done = lab("run", scenario, "--rig", rig, "--build", build, "--out", out, "--no-report", "--yes")
    assert done.returncode == 3, done.stderr
    assert (
        "safety.max_emission_db_spl_at_0_3_m = 90: build commanding commands 98.5 dB SPL at 0.3 m"
        in done.stderr
    )
    assert "Traceback" not in done.stderr
    (capture,) = (out / "captures").glob("*.flac")
    heard = np.concatenate(list(read_blocks(capture, RATE)), axis=1)
    # 18 dB more would be eight times as much.
    turned = np.abs(
        (heard * np.exp(-2j * np.pi * 34_000.0 / RATE * np.arange(heard.shape[1])))[
            :, : -(heard.shape[1] % 480) or None
        ]
        .reshape(4, -1, 480)
        .mean(axis=2)
    )
    assert turned.max(axis=1) == pytest.approx(
        turned[:, turned[0] > 0.5 * turned[0].max()].mean(axis=1), rel=0.3
    )
    assert "amplifier off (commanded)" in (out / "bench.log").read_text()
