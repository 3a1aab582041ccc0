"""What a build may make a device emit on a bench, and the tone that it then is."""

from datetime import date, timedelta

import numpy as np
import pytest

from detectors.build import load_build
from detectors.interface import SILENT, Emission
from lab.acoustics.device import load_device
from lab.bench.physical.emission import check_emission, close_level_db_spl, rehearse
from lab.bench.physical.tone import TonePlayer
from lab.errors import BadInput
from rigs.errors import BadRigFile
from rigs.rig_file import BENCHES, load_rig
from rigs.rig_tables import Calibration
from tests.bench.physical.commanding import BUILD

RATE = 96_000
DEVICE = load_device("ultrasonic_speaker")
FULL_SCALE_PA = 2**0.5 * 20e-6 * 10 ** (110 / 20)


@pytest.fixture
def rig(tmp_path):
    """`rig(("old", "new"), ...)`: the ultrasonic bench with texts replaced."""

    def _rig(*changes):
        text = (BENCHES / "ultrasonic.toml").read_text()
        for old, new in changes:
            assert old in text
            text = text.replace(old, new)
        path = tmp_path / "bench.toml"
        path.write_text(text)
        return load_rig(path)

    return _rig


def limit(most):
    return ("max_emission_db_spl_at_0_3_m = 100.0", f"max_emission_db_spl_at_0_3_m = {most}")


def test_levels_are_held_at_three_tenths_of_a_metre():
    assert close_level_db_spl(Emission((34_000.0,), 85.0)) == pytest.approx(95.46, abs=0.01)
    assert close_level_db_spl(Emission((34_000.0, 35_000.0), 85.0)) == pytest.approx(98.47, abs=0.01)


@pytest.mark.parametrize(
    ("build", "level", "close"), [("presence_cfar_ultrasonic", 85.0, 95.5), ("presence", 89.0, 99.5)]
)
def test_before_anything_plays_a_build_is_asked_in_silence_for_its_loudest(rig, build, level, close):
    commanded = rehearse(load_build(build), rig(), DEVICE, 4)
    assert max(emission.level_db_spl for emission in commanded) == level
    with pytest.raises(
        BadInput,
        match=rf"safety\.max_emission_db_spl_at_0_3_m = 95: build {build} commands {close} dB SPL at 0\.3 m",
    ):
        rehearse(load_build(build), rig(limit(95.0)), DEVICE, 4)


def test_a_build_that_stays_below_is_not_refused(rig, tmp_path):
    path = tmp_path / "commanding.toml"
    path.write_text(BUILD.format(quietly=70.0, loudly=95.0))
    assert rehearse(load_build(path), rig(limit(85.0)), DEVICE, 4) == (Emission((34_000.0,), 70.0),)


TODAY = date.today()


def calibrated(rig, *bands, due=TODAY + timedelta(days=30)):
    """The bench taken for a real one, with a calibration of everything for each band."""
    names = [rig.tone.name, *(wire.name for wire in rig.audio.inputs)]
    days = {"done": TODAY - timedelta(days=300), "due": due}
    records = [
        Calibration(of=name, what="full scale", value=110.0, unit="dB SPL", hz=hz, **days)
        for name in names
        for hz in bands
    ]
    return rig.model_copy(update={"kind": "physical", "calibrations": tuple(records)})


def test_a_real_bench_emits_only_where_it_was_calibrated(rig):
    emission, sound, above = Emission((34_000.0,), 80.0), (900.0, 1100.0), (32_000.0, 40_000.0)
    check_emission(emission, calibrated(rig(), above), DEVICE, "any")
    check_emission(emission, calibrated(rig(), None, above, sound), DEVICE, "any")
    for bands, told in (
        ((sound,), r"\[900, 1100\]"),
        ((None,), "not stated"),
        ((sound, (20_000.0, 30_000.0)), r"\[900, 1100\] and \[20000, 30000\]"),
    ):
        with pytest.raises(
            BadInput, match=rf"calibrations of \S.*: hz .* is {told}, and build any commands 34000 Hz"
        ):
            check_emission(emission, calibrated(rig(), *bands), DEVICE, "any")
    with pytest.raises(BadInput, match="hz of those that have not run out is not stated"):
        check_emission(emission, calibrated(rig(), above, due=TODAY - timedelta(days=1)), DEVICE, "any")


@pytest.mark.parametrize(
    ("emission", "complaint"),
    [
        (Emission((34_000.0,), 89.6), r"bench\.toml: safety.max_emission_db_spl_at_0_3_m = 100"),
        (Emission((34_000.0,), float("nan")), "safety.max_emission_db_spl_at_0_3_m"),
        (
            Emission((29_000.0,), 80.0),
            r"commands 29000 Hz; device ultrasonic_speaker has carrier_band_hz = \[30000, 42000\]",
        ),
        (Emission((34_000.0, 35_000.0), 80.0), "commands 2 tones; a bench plays one at a time"),
    ],
)
def test_a_command_beyond_bench_or_device_is_refused(rig, emission, complaint):
    with pytest.raises(BadInput, match=complaint):
        check_emission(emission, rig(), DEVICE, "any")


def test_a_loudspeaker_that_would_clip_and_a_bench_without_one_are_named(rig):
    with pytest.raises(
        BadInput, match=r"full_scale_db_spl = 84: build any commands 85\.0 dB SPL at 1 m, which would clip"
    ):
        check_emission(
            Emission((34_000.0,), 85.0),
            rig(("full_scale_db_spl = 110.0", "full_scale_db_spl = 84.0")),
            DEVICE,
            "any",
        )
    with pytest.raises(BadInput, match='no output has plays = "tone"'):
        check_emission(Emission((34_000.0,), 85.0), load_rig("emulated"), DEVICE, "any")


@pytest.mark.parametrize(
    ("change", "complaint"),
    [
        (("max_emission_db_spl_at_0_3_m = 100.0", ""), "safety.max_emission_db_spl_at_0_3_m is missing"),
        (limit(101.0), "safety.max_emission_db_spl_at_0_3_m"),
        (("rate_hz = 96000", "rate_hz = 48000"), "audio.rate_hz: must be 96000 or 192000 to play a tone"),
        (("speed = 1.0", "speed = 10.0"), "emulation.speed: must be 1"),
    ],
)
def test_a_rig_file_that_plays_a_tone_says_how_loud_it_may_be(rig, change, complaint):
    with pytest.raises(BadRigFile, match=complaint):
        rig(change)


def played(*steps):
    """Commands and how many samples each holds, as samples (n,)."""
    player, parts = TonePlayer(RATE, FULL_SCALE_PA), []
    for emission, samples in steps:
        player.command(emission)
        parts.append(player.read(samples))
    return np.concatenate(parts), player


def envelope(samples, carrier_hz):
    """Magnitude (n,) about a carrier, over 5 ms."""
    turned = samples * np.exp(-2j * np.pi * carrier_hz / RATE * np.arange(len(samples)))
    window = np.hanning(481)
    return 2.0 * np.abs(np.convolve(turned, window / window.sum(), "same"))


def test_a_tone_has_its_level_and_rises_and_falls_without_a_click():
    samples, player = played((Emission((34_000.0,), 85.0), 9600), (SILENT, 9600))
    level = 10 ** ((85 - 110) / 20)
    assert np.sqrt(2.0 * np.mean(samples[4000:9000] ** 2)) == pytest.approx(level, rel=1e-3)
    rise = envelope(samples, 34_000.0)
    assert rise[1440] == pytest.approx(level / 2, rel=0.01)  # half-way up a ramp of 30 ms
    assert not samples[9600 + 2881 :].any()
    # Beyond 1 kHz from the carrier nothing of the ramps stands above -80 dB.
    spectrum = np.abs(np.fft.rfft(samples * np.hanning(len(samples))))
    away = np.abs(np.fft.rfftfreq(len(samples), 1 / RATE) - 34_000.0) > 1000.0
    assert spectrum[away].max() < 1e-4 * spectrum.max()
    assert player.facts["emission_db_spl_at_1_m"] == 85.0


def test_another_carrier_waits_until_the_last_one_has_died_away():
    samples, _ = played((Emission((34_000.0,), 85.0), 9600), (Emission((36_000.0,), 85.0), 9600))
    both = np.minimum(envelope(samples, 34_000.0), envelope(samples, 36_000.0))
    assert both[:-480].max() < 1e-3  # the capture is cut off at its end
    assert envelope(samples, 36_000.0)[9600 + 2 * 2880 + 240 :][:3000] == pytest.approx(
        10 ** (-25 / 20), rel=1e-3
    )


def test_a_command_taken_back_in_time_is_never_heard():
    samples, _ = played(
        (Emission((34_000.0,), 85.0), 9600), (Emission((36_000.0,), 85.0), 960), (SILENT, 9600)
    )
    assert envelope(samples, 36_000.0)[9600 + 2880 :].max() < 1e-5


def test_blocks_of_any_length_are_the_same_tone():
    def in_pieces(size):
        player = TonePlayer(RATE, FULL_SCALE_PA)
        player.command(Emission((34_000.0,), 85.0))
        first = [player.read(size) for _ in range(6000 // size)]
        player.command(Emission((35_000.0,), 80.0))
        return np.concatenate([*first, *(player.read(size) for _ in range(12_000 // size))])

    np.testing.assert_array_equal(in_pieces(500), in_pieces(6000))
