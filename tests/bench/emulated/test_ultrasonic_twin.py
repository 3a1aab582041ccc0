"""The twin above hearing is the simulated bench fed with samples."""

import numpy as np
import pytest

from detectors.interface import ULTRASONIC, Emission, StreamNeed
from lab.acoustics.ultrasonic.baseband import FrontEnd
from lab.bench.emulated.ultrasonic_twin import BEHIND_S, UltrasonicTwin
from lab.bench.emulated.wiring import Loudspeaker, TestMicrophone
from lab.bench.physical.tone import TonePlayer
from lab.bench.simulated.bench import SimulatedBench
from lab.errors import BadInput
from lab.movers.linear_stage import make
from lab.movers.mover import Surroundings
from lab.scenario.load import load_scenario
from tests.bench.physical.rail import plate

RATE = 96_000
TONE = Emission((34_000.0,), 85.0)
SCENE = plate(duration_s=2.6, distance_m=1.5, end_m=1.2, more="speed_m_s = 0.4\nstart_s = 1.2\n")


@pytest.fixture(scope="module")
def trial(tmp_path_factory):
    path = tmp_path_factory.mktemp("scenes") / "rail.toml"
    path.write_text(SCENE)
    scenario = load_scenario(path)
    return scenario.draw(scenario.cells()[0], 0, 1)


@pytest.fixture(scope="module")
def loudspeaker():
    return Loudspeaker(1, 110.0)


def twin(trial, loudspeaker, full_scale_db_spl=130.0, **options):
    microphones = tuple(TestMicrophone(5 + n, 1 + n, full_scale_db_spl) for n in range(4))
    return UltrasonicTwin(trial, loudspeaker, microphones, RATE, **options)


def through(twin, samples, block=512):
    """What comes back of samples (n,), put back by the twin's latency."""
    parts = [twin.hear(samples[None, at : at + block]) for at in range(0, len(samples), block)]
    parts.append(twin.hear(np.zeros((1, twin.latency), np.float32)))
    return np.concatenate(parts, axis=1)[:, twin.latency :]


@pytest.fixture(scope="module")
def captures(trial, loudspeaker):
    """The trial's whole tone from the twin and from the simulated bench, (4, n) each."""
    player = TonePlayer(RATE, loudspeaker.pa)
    player.command(TONE)
    ours = through(twin(trial, loudspeaker), player.read(round(2.6 * RATE)))
    session = SimulatedBench().open(trial, {ULTRASONIC: StreamNeed((RATE,))})
    blocks = []
    while (block := session.next(TONE)) is not None:
        blocks.append(block.streams[ULTRASONIC])
    return ours, np.concatenate(blocks, axis=1)


def band_db(trial, pcm, start_s, low_hz, high_hz):
    """Power from low to high about the carrier, over 0.5 s, in dB re full scale, by microphone."""
    envelope = FrontEnd(trial.spec.device.ultrasonic, 4).process(pcm)[:, round(4000 * start_s) :][:, :2000]
    spectrum = np.abs(np.fft.fft(envelope * np.blackman(2000), axis=1)) ** 2 / 2000**2
    frequency = np.fft.fftfreq(2000, 1 / 4000)
    return 10.0 * np.log10(spectrum[:, (frequency >= low_hz) & (frequency <= high_hz)].sum(axis=1))


def test_the_still_room_is_the_same(trial, captures):
    ours, simulated = (band_db(trial, capture, 0.5, -10, 10) for capture in captures)
    assert ours == pytest.approx(simulated, abs=0.05)


def test_the_moving_plate_is_the_same_and_far_above_the_noise(trial, captures):
    """2 v f / c: 79 Hz at 0.4 m/s; the plate comes nearer, so its echo lies above the carrier."""
    ours, simulated = (band_db(trial, capture, 1.5, 50, 120) for capture in captures)
    still = band_db(trial, captures[0], 0.5, 50, 120)
    assert ours == pytest.approx(simulated, abs=0.5)
    assert np.all(ours > still + 20.0)


def test_the_echo_is_where_the_stage_is_said_to_be(trial, loudspeaker, captures):
    """The same positions from elsewhere, known as they come: a stage that runs 0.3 s later is heard 0.3 s later, and as loud."""
    spec = trial.spec.movers[0]
    planned = make(
        spec,
        Surroundings((4.0, 3.5, 2.5), np.array([0.5, 2.0, 1.0]), 9.0),
        np.random.default_rng(),
    )
    player = TonePlayer(RATE, loudspeaker.pa)
    player.command(TONE)
    heard = 0

    def stage_m(time_s):
        return planned.distance_m(np.minimum(time_s, heard / RATE + BEHIND_S) - 0.3)

    followed, parts = twin(trial, loudspeaker, stage_m=stage_m), []
    silence = np.zeros(followed.latency, np.float32)
    for block in np.split(np.append(player.read(round(2.6 * RATE)), silence), range(512, 260_000, 512)):
        parts.append(followed.hear(block[None]))
        heard += len(block)
    late = np.concatenate(parts, axis=1)[:, followed.latency :]
    before = band_db(trial, late, 1.0, 30, 120)
    assert np.all(before < band_db(trial, captures[0], 1.0, 30, 120) - 10.0)
    assert band_db(trial, late, 1.8, 50, 120) == pytest.approx(
        band_db(trial, captures[0], 1.5, 50, 120), abs=0.5
    )


def test_sound_goes_straight_to_the_microphones_as_late_as_the_tone(trial, loudspeaker):
    click = np.zeros(9600, np.float32)
    click[4800] = 0.5
    heard = through(twin(trial, loudspeaker), click)
    assert np.all(np.abs(np.argmax(np.abs(heard), axis=1) - 4800) <= 40)  # 0.1 m of air are 28 samples


def test_blocks_of_any_length_give_the_same_samples(trial, loudspeaker):
    player = TonePlayer(RATE, loudspeaker.pa)
    player.command(TONE)
    samples = player.read(20_000)
    one, other = (through(twin(trial, loudspeaker), samples, block) for block in (512, 3333))
    np.testing.assert_array_equal(one, other)


def test_full_scale_of_the_input_is_the_rig_files(trial, loudspeaker):
    player = TonePlayer(RATE, loudspeaker.pa)
    player.command(TONE)
    samples = player.read(20_000)
    loud, soft = (through(twin(trial, loudspeaker, level), samples)[:, 10_000:] for level in (124.0, 130.0))
    assert np.std(loud, axis=1) / np.std(soft, axis=1) == pytest.approx(10 ** (6 / 20), rel=1e-3)


def test_a_device_at_another_rate_is_refused(trial, loudspeaker):
    with pytest.raises(BadInput, match=r"ultrasonic\.rate_hz: 192000 is needed, it has 96000 Hz"):
        UltrasonicTwin(trial, loudspeaker, (TestMicrophone(5, 1, 130.0),), 192_000)
    with pytest.raises(BadInput, match="has 4 microphones, the bench has one wired at number 5"):
        UltrasonicTwin(trial, loudspeaker, (TestMicrophone(5, 5, 130.0),), RATE)
