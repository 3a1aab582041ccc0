import pytest

from rigs.errors import BadRigFile
from rigs.rig_file import BENCHES, load_rig

WHOLE = (BENCHES / "emulated.toml").read_text()


@pytest.fixture
def changed(tmp_path):
    """`changed(old, new)`: the emulated bench with one text replaced, as a file."""

    def _changed(old: str, new: str):
        assert old in WHOLE
        path = tmp_path / "bench.toml"
        path.write_text(WHOLE.replace(old, new, 1))
        return path

    return _changed


@pytest.mark.parametrize("path", sorted(BENCHES.glob("*.toml")), ids=lambda path: path.stem)
def test_every_shipped_bench_loads_by_name_and_is_named_like_its_file(path):
    assert load_rig(path.stem) == load_rig(path)
    assert load_rig(path).id == path.stem


def test_an_unknown_bench_lists_those_there_are():
    with pytest.raises(BadRigFile, match="nowhere: no such rig file .shipped benches: .*emulated.*loopback"):
        load_rig("nowhere")


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        (
            "earshot-rig/1",
            "earshot-rig/9",
            "bench.toml: format must be \"earshot-rig/1\", not 'earshot-rig/9'",
        ),
        (
            'kind = "emulated"',
            'kind = "real"',
            "bench.toml: kind: must be 'physical', 'emulated' or 'loopback'",
        ),
        ("channel = 1", 'channel = "1"', r"audio.outputs\[1\].channel: .*integer"),
        ("rate_hz = 48000", "rate_hz = 8000", "audio.rate_hz: must be 44100, 48000"),
        ("jitter_ms", "jiter_ms", "audio.jiter_ms: unknown key; did you mean 'jitter_ms'"),
        ("feed_mm_min = 20000.0", "", "stage.feed_mm_min: is missing"),
        (
            'instrument = "rail"',
            'instrument = "rial"',
            "stage.instrument = 'rial': there is no such instrument",
        ),
        (
            'instrument = "rail"',
            'instrument = "meter"',
            "stage.instrument = 'meter': its driver must be grbl",
        ),
        (
            'channel = 2\nrole = "device_power"',
            'channel = 0\nrole = "device_power"',
            r"switches\[2\].channel: .*1",
        ),
        ('profile = "lcus_8"', 'profile = "lcus_9"', "instruments.relays: no profile .*lcus_8"),
        ('profile = "lcus_8"\n', "", "instruments.relays.profile is missing"),
        ('name = "meter"', 'name = "rail"', "instruments.name: rail is there twice"),
        (
            "travel_mm = [0.0, 3000.0]",
            "travel_mm = [3000.0, 0.0]",
            r"stage: travel_mm must be \[least, most\]",
        ),
        ('link = {url = "emulator"}', "link = {}", r"instruments\[1\].link: exactly one of url, usb_path"),
        (
            "[device]\n",
            "[device]\nconsole = {identity = '(?P<version>'}\n",
            "device.console.*not a regular expression",
        ),
        ("[audio]", "[audio", "not a readable TOML file"),
    ],
)
def test_a_mistake_is_one_message_with_file_key_and_what_is_allowed(changed, old, new, said):
    with pytest.raises(BadRigFile, match=said) as caught:
        load_rig(changed(old, new))
    assert "\n" not in str(caught.value) or "TOML" in str(caught.value)


def test_a_physical_bench_names_its_room_and_emulates_nothing(changed):
    with pytest.raises(BadRigFile, match="room is missing: a physical bench stands in a room"):
        load_rig(changed('kind = "emulated"', 'kind = "physical"'))
    with pytest.raises(BadRigFile, match="emulation: a physical bench emulates nothing"):
        load_rig(changed('kind = "emulated"', 'kind = "physical"\nroom = "lab"'))


def test_distance_and_position_of_a_stage_are_each_other():
    stage = load_rig("emulated").stage
    assert stage.position_mm(0.5) == 0.0
    assert stage.position_mm(3.0) == pytest.approx(2500.0)
    assert stage.reach_m == pytest.approx((0.5, 3.5))
    backwards = stage.model_copy(update={"direction": -1, "distance_at_zero_m": 3.5})
    assert backwards.position_mm(1.5) == pytest.approx(2000.0)
    assert backwards.reach_m == pytest.approx((0.5, 3.5))


def test_an_emergency_stop_has_the_words_of_its_profile_or_those_of_the_file(changed):
    rig = load_rig("emulated")
    words = {one.name: rig.stop_words(one) for one in rig.instruments}
    assert (words["rail"], words["button"], words["relays"]) == ((b"ALARM:",), (b"ESTOP",), ())
    own = load_rig(changed('instrument = "button"', 'words = ["\u00e5!"]\ninstrument = "button"'))
    assert own.stop_words(own.instrument("button")) == (b"\xe5!",)


@pytest.mark.parametrize(
    ("new", "said"),
    [
        ('instrument = "meter"', "instruments.meter: e_stop.words is missing: driver scpi has no words"),
        ('instrument = "bell"', "e_stop.instrument = 'bell': there is no such instrument"),
        ('instrument = "rail"', "e_stop.instrument: rail is there twice"),
        ('words = ["\u2713"]\ninstrument = "button"', r"e_stop\[2\]: words: .* is no byte in Latin-1"),
    ],
)
def test_an_emergency_stop_that_could_not_be_heard_is_refused(changed, new, said):
    with pytest.raises(BadRigFile, match=said):
        load_rig(changed('instrument = "button"', new))
