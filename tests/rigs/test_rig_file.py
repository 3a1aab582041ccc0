import re

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
        (
            "jitter_ms",
            "jiter_ms",
            r"audio.jiter_ms: unknown key \(did you mean 'jitter_ms'\?\); known: device, ",
        ),
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
        (
            'channel = 2\nrole = "device_power"',
            'channel = 1\nrole = "device_power"',
            r"bench.toml: switches\[2\].channel = 1: amplifier is on it already$",
        ),
        (
            'channel = 2\nrole = "device_power"',
            'channel = 9\nrole = "device_power"',
            r"bench.toml: switches\[2\].channel = 9: the board has 1 to 8$",
        ),
        (
            'labels = ["watermark"]',
            'labels = ["watermrk"]',
            r"device.labels\[1\]: must be 'watermark', .*'appliance_beep', not .watermrk. \(did you mean 'watermark'\?\)$",
        ),
        ('kind = "emulated"', 'kind = "emulatd"', r"kind: must be .*\(did you mean 'emulated'\?\)"),
        (
            "[device]\n",
            "[device]\nconsole = {identity = '(?P<version>.*)', boots = 'x'}\n",
            r"device.console.boots: unknown key \(did you mean 'boot'\?\)",
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
        (
            "lag_ms = [0.0, 500.0]",
            "lag_ms = [0.0, 500.0]\npilot_db_spl = 86.0",
            "bench.toml: audio.pilot_db_spl = 86: must be at most safety.max_playback_db_spl = 85$",
        ),
        (
            "[device]\n",
            (
                '[[calibrations]]\nof = "loudspeaker"\nwhat = "full scale"\nvalue = 110.0\nunit = "dB SPL"\nhz = [40000.0, 32000.0]\n'
                "done = 2026-01-15\ndue = 2027-01-15\n[device]\n"
            ),
            r"calibrations\[1\]: hz must be \[low, high\], above 0, got \[40000.0, 32000.0\]",
        ),
        ("[audio]", "[audio", "not a readable TOML file"),
    ],
)
def test_a_mistake_is_one_message_with_file_key_and_what_is_allowed(changed, old, new, said):
    with pytest.raises(BadRigFile, match=said) as caught:
        load_rig(changed(old, new))
    assert "\n" not in str(caught.value) or "TOML" in str(caught.value)


def test_every_mistake_of_a_file_is_a_line_of_its_own(changed):
    path = changed("travel_mm = [0.0, 3000.0]", 'travel_cm = 300\ncarried = "tv"')
    path.write_text(path.read_text().replace("rate_hz = 48000", "rate_hz = 8000"))
    with pytest.raises(BadRigFile) as caught:
        load_rig(path)
    first, *others = str(caught.value).splitlines()
    assert first == f"{path}: audio.rate_hz: must be 44100, 48000, 96000 or 192000, not 8000"
    assert others[0] == f"{path}: stage.travel_mm: is missing"
    assert others[1].startswith(
        f"{path}: stage.travel_cm: unknown key (did you mean 'travel_mm'?); known: instrument, carries, axis, "
    )
    assert others[2].startswith(f"{path}: stage.carried: unknown key (did you mean 'carries'?)")
    assert len(others) == 3


def test_every_mistake_between_tables_is_a_line_of_its_own(changed):
    path = changed('instrument = "rail"', 'instrument = "rial"')
    path.write_text(path.read_text().replace('channel = 2\nrole = "device', 'channel = 1\nrole = "device'))
    with pytest.raises(BadRigFile) as caught:
        load_rig(path)
    assert [line.removeprefix(f"{path}: ").split(":")[0] for line in str(caught.value).splitlines()] == [
        "stage.instrument = 'rial'",
        "switches[2].channel = 1",
    ]


def test_every_profile_that_cannot_be_read_is_named(changed):
    path = changed('profile = "lcus_8"', 'profile = "lcus_9"')
    path.write_text(path.read_text().replace('"spl_meter"', '"spl_metre"'))
    with pytest.raises(BadRigFile) as caught:
        load_rig(path)
    assert [line.split(": ")[1] for line in str(caught.value).splitlines()] == [
        "instruments.relays",
        "instruments.meter",
    ]


@pytest.mark.parametrize("link", ['usb_path = "1-1.2"', 'url = "/dev/ttyUSB0"'])
def test_a_serial_port_has_one_instrument(changed, link):
    path = changed('link = {url = "emulator"}', f"link = {{{link}}}")
    path.write_text(path.read_text().replace('link = {url = "emulator"}', f"link = {{{link}}}", 1))
    with pytest.raises(BadRigFile) as caught:
        load_rig(path)
    assert str(caught.value) == f"{path}: instruments[2].link.{link}: rail has it already"


def test_an_address_on_a_network_may_be_shared(changed):
    path = changed('link = {url = "emulator"}', 'link = {url = "socket://bus:4001"}')
    path.write_text(path.read_text().replace('{url = "emulator"}', '{url = "socket://bus:4001"}'))
    assert len({one.link.url for one in load_rig(path).instruments}) == 1


def test_channels_of_one_number_on_two_boards_are_two(changed):
    board = '[[instruments]]\nname = "more"\ndriver = "lcus"\nprofile = "lcus_2"\nlink = {url = "emulator"}\n'
    path = changed("[stage]", f"{board}[stage]")
    switch = 'instrument = "relays"\nchannel = 2'
    path.write_text(path.read_text().replace(switch, 'instrument = "more"\nchannel = 1'))
    assert [one.channel for one in load_rig(path).switches] == [1, 1]


SITE = "id room usb_path serial_number device full_scale_db_spl value done due build labels distance_at_zero_m most_dba"


@pytest.mark.parametrize("key", SITE.split())
def test_the_bench_to_copy_marks_every_value_of_the_site(key):
    lines = (BENCHES / "example_hardware.toml").read_text().splitlines()
    own = [line for line in lines if re.match(rf"(link = {{)?{key} = ", line)]
    assert own
    assert [line for line in own if "# ADAPT" not in line] == []


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
