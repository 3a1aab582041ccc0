import hashlib
import json

import pytest

from lab.acoustics.device import SHELF, load_device
from lab.errors import BadInput

GOOD = """
format = "earshot-device/1"
id = "probe"
microphones_m = [[0.0, 0.0, 0.0]]
[audible]
rate_hz = 16000
band_hz = [50, 7500]
"""


@pytest.mark.parametrize("name", sorted(path.stem for path in SHELF.glob("*.toml")))
def test_every_device_on_the_shelf_loads_under_its_own_name(name):
    assert load_device(name).id == name


def test_the_reference_device_has_four_microphones_and_a_loudspeaker():
    device = load_device("four_mic_speaker")
    assert len(device.microphones_m) == 4
    assert device.loudspeaker_m is not None
    assert device.radius_m == pytest.approx(0.061, abs=0.001)


def test_a_path_is_taken_relative_to_the_scenario(tmp_path):
    (tmp_path / "probe.toml").write_text(GOOD)
    assert load_device("probe.toml", beside=tmp_path).id == "probe"


def test_an_ultrasonic_stream_may_stand_beside_the_audible_one(tmp_path):
    (tmp_path / "probe.toml").write_text(GOOD + "[ultrasonic]\nrate_hz = 96000\nband_hz = [20000, 45000]\n")
    assert load_device("probe.toml", beside=tmp_path).ultrasonic.rate_hz == 96000


@pytest.mark.parametrize(
    ("name", "sha256"),
    [
        ("four_mic_speaker", "f5530dcea0fd247f925a50e8090bf31a77645f9557ea0c7252c19a8548e97a9f"),
        ("two_mic_display", "3a5a838a2ee8f2712330bd969aa55f4b6f7f8da0ff7af421074024637843fbcb"),
    ],
)
def test_a_device_without_ultrasound_dumps_as_ever_so_that_published_hashes_hold(name, sha256):
    dumped = json.dumps(load_device(name).model_dump(mode="json"))
    assert hashlib.sha256(dumped.encode()).hexdigest() == sha256


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ("rate_hz = 48000", ["ultrasonic.rate_hz", "96000"]),
        ("carrier_band_hz = [30000, 50000]", ["carrier_band_hz", "48000"]),
        ("baseband_carrier_hz = 29000", ["baseband_carrier_hz", "30000"]),
        ("baseband_rate_hz = 5000", ["baseband_rate_hz", "4000"]),
        ("thd_ten_percent_db_spl = 118", ["thd_ten_percent_db_spl", "10 to 20 dB"]),
        ("noise_shaping = 3", ["noise_shaping", "did you mean 'noise_shaping_db'"]),
        ("driver.coupling = [0.5, 1.5]", ["driver", "coupling", "<= 1"]),
        ("driver.bl_mt = 2", ["bl_mt", "did you mean 'bl_tm'"]),
        ("driver.axis = [1, 1, 0]", ["axis", "length 1"]),
        ("driver.stop_m = 0.001", ["stop_m", "0.0025"]),
    ],
)
def test_a_bad_ultrasonic_table_is_named_with_its_key_and_what_is_allowed(tmp_path, change, words):
    text = GOOD + "[ultrasonic]\nband_hz = [20000, 45000]\n"
    rate = "" if change.startswith("rate_hz") else "rate_hz = 96000\n"
    (tmp_path / "probe.toml").write_text(text + rate + change + "\n")
    with pytest.raises(BadInput) as caught:
        load_device("probe.toml", beside=tmp_path)
    for word in words:
        assert word in str(caught.value)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (("rate_hz = 16000", "rate_hz = 44100"), ["audible.rate_hz", "16000", "48000"]),
        (("rate_hz = 16000", "rate_hz = 96000"), ["audible.rate_hz", "16000 or 48000"]),
        (("band_hz = [50, 7500]", "band_hz = [50, 9000]"), ["band_hz", "8000"]),
        (("rate_hz = 16000", 'rate_hz = 16000\nbits = "16"'), ["audible.bits", "integer"]),
        (
            ("rate_hz = 16000", "rate_hz = 16000\nnoise_flor_dba = 30"),
            ["noise_flor_dba", "did you mean 'noise_floor_dba'"],
        ),
        (
            ("[audible]", "loudspeaker = [0, 0, 0]\n[audible]"),
            ["loudspeaker", "did you mean 'loudspeaker_m'"],
        ),
        (("[[0.0, 0.0, 0.0]]", "[]"), ["microphones_m", "at least 1"]),
        (("[[0.0, 0.0, 0.0]]", "[[0.0, 0.0]]"), ["microphones_m"]),
        (("[[0.0, 0.0, 0.0]]", "[[0, 0, 0], [0, 0, 0]]"), ["microphones_m", "share one position"]),
        (("[[0.0, 0.0, 0.0]]", "[[0, 0, 5.0]]"), ["microphones_m", "less than or equal to 1"]),
        (("earshot-device/1", "earshot-device/2"), ["format", "earshot-device/1"]),
        (("[audible]", "[audible"), ["not valid TOML", "line"]),
    ],
)
def test_a_bad_device_file_is_named_with_its_key_and_what_is_allowed(tmp_path, change, words):
    path = tmp_path / "probe.toml"
    path.write_text(GOOD.replace(*change))
    with pytest.raises(BadInput) as caught:
        load_device("probe.toml", beside=tmp_path)
    for word in [str(path), *words]:
        assert word in str(caught.value)
    assert "\n" not in str(caught.value)


def test_an_unknown_name_is_answered_with_the_nearest():
    with pytest.raises(BadInput, match="did you mean 'four_mic_speaker'"):
        load_device("four_mic_speeker")


def test_a_missing_path_is_named(tmp_path):
    with pytest.raises(BadInput, match="gone.toml"):
        load_device("gone.toml", beside=tmp_path)
