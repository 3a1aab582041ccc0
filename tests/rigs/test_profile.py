"""Instrument profiles: every shipped one works, and a bad one is refused with file, key and what is allowed."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rigs.errors import BadRigFile
from rigs.lcus import Dialect, LcusProfile
from rigs.links import LinkSpec
from rigs.profile import (
    PROFILES,
    find_emulator,
    find_instrument,
    known_drivers,
    load_profile,
    parse,
    read_toml,
)
from rigs.scpi_profile import ScpiProfile

MODELS = sorted(path.stem for path in PROFILES.glob("*.toml"))
SWITCHES = ("lcus", "modbus_relay", "scpi", "climate")


@pytest.mark.parametrize("model", MODELS)
def test_every_shipped_profile_loads_for_its_driver_and_says_how_its_line_is_set(model):
    driver = read_toml(PROFILES / f"{model}.toml")["driver"]
    profile = load_profile(model, driver)
    if driver in SWITCHES:
        LinkSpec("/dev/null", **profile.line_settings())


@pytest.mark.parametrize("driver", SWITCHES)
def test_every_driver_has_an_emulator_made_from_the_same_profile(driver):
    assert driver in known_drivers()
    profile = find_instrument(driver).profile()
    emulator = find_emulator(driver)(profile)
    assert emulator.feed(b"") == b"" and emulator.tick() == b""


def test_a_driver_without_a_profile_has_its_defaults():
    assert load_profile(None, "lcus") == LcusProfile()


def write(folder: Path, text: str) -> Path:
    path = folder / "board.toml"
    path.write_text(text)
    return path


def test_a_profile_may_lie_beside_the_rig_file(tmp_path):
    write(tmp_path, 'driver = "lcus"\nchannels = 1\ndialect = "d0"\n')
    profile = load_profile("board.toml", "lcus", folder=tmp_path)
    assert profile == LcusProfile(channels=1, dialect=Dialect.D0)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("channels = 8", "driver is missing; it is one of climate, "),
        ('driver = "lcuss"', r"driver: no driver .lcuss. \(did you mean 'lcus'\?\); there are climate, "),
        ('driver = "scpi"', 'driver = "scpi", where a profile for "lcus" is wanted'),
        (
            'driver = "lcus"\nchanels = 8',
            r"chanels: unknown key \(did you mean 'channels'\?\); known: .*, dialect",
        ),
        ('driver = "lcus"\nchannels = 17', "channels: must be less than or equal to 16, not 17"),
        ('driver = "lcus"\nchannels = "8"', 'channels: must be a valid integer, not "8"'),
        ('driver = "lcus"\nchannels = true', "channels: must be a valid integer, not true"),
        ('driver = "lcus"\ndialect = "e0"', "dialect: must be 'a0' or 'd0', not \"e0\""),
        ('driver = "lcus"\nchannels = 2\ndialect = "d0"', 'channels: must be 1 with dialect "d0"'),
        ('driver = "lcus"\ngap_s = nan', "gap_s: must be .*, not NaN"),
        ('driver = "lcus"\ngap_s = 2024-01-01', "dates and times have no place"),
        ('driver = "lcus"\nchannels = = 8', "malformed TOML: .*line 2"),
    ],
)
def test_a_bad_profile_is_refused_with_file_key_and_what_is_allowed(tmp_path, text, words):
    path = write(tmp_path, text)
    with pytest.raises(BadRigFile, match=words) as refused:
        load_profile(path, "lcus")
    assert str(refused.value).startswith(str(path))
    assert "\n" not in str(refused.value)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (
            '[queries.level]\nsend = "X?"\nunits = "dB"',
            r"queries.level.units: unknown key \(did you mean 'unit'",
        ),
        ("[queries.level]\n", "queries.level.send: is missing"),
        ('[queries.Level]\nsend = "X?"', "queries.Level.* must match"),
        ('[queries.level]\nsend = "X?\\nY"', "queries.level.send: must match"),
        ('[queries.level]\nsend = "X?"\npattern = "("', "queries.level: pattern: no regular expression"),
        ('[queries.level]\nsend = "X?"\npattern = "[0-9]+"', "pattern: must hold one group"),
        ('[commands.volt]\nsend = "V {value}"', "low and high, or choices, are missing"),
        ('[commands.volt]\nsend = "V"\nlow = 0.0', "send: holds no {value}"),
        (
            '[commands.volt]\nsend = "V {value}"\nlow = 5.0\nhigh = 0.0',
            "commands.volt: high: must be at least low",
        ),
        ('identity = "ACME"', "example_identity: does not match identity"),
        ("safe = [1]", r"safe\[1\]: must be a valid string, not 1"),
    ],
)
def test_a_bad_scpi_profile_names_the_key_inside(tmp_path, text, words):
    path = write(tmp_path, f'driver = "scpi"\n{text}')
    with pytest.raises(BadRigFile, match=words):
        load_profile(path)


def test_several_mistakes_are_told_at_once(tmp_path):
    with pytest.raises(BadRigFile) as refused:
        load_profile(write(tmp_path, 'driver = "lcus"\nchannels = 99\ngap = 1'))
    assert len(str(refused.value).splitlines()) == 2


@pytest.mark.parametrize(
    ("name", "words"),
    [
        (
            "lcus_9",
            r"no profile .lcus_9. \(did you mean 'lcus_\d'\?\); there are .*or give a path ending in .toml",
        ),
        ("nowhere.toml", "nowhere.toml: no such file"),
        ("../lcus", "no profile"),
    ],
)
def test_a_profile_that_is_not_there_is_told_with_those_that_are(name, words):
    with pytest.raises(BadRigFile, match=words):
        load_profile(name, "lcus")


def test_a_file_that_is_no_text_is_refused(tmp_path):
    path = tmp_path / "board.toml"
    path.write_bytes(b'driver = "\xff"')
    with pytest.raises(BadRigFile, match="byte 10 is not UTF-8"):
        load_profile(path)


VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=6,
)
KEYS = st.sampled_from(["queries", "commands", "safe", "identity", "timeout_s", "terminator", "channels"])


@given(
    st.dictionaries(KEYS | st.text(max_size=8), VALUES, max_size=4),
    st.sampled_from([ScpiProfile, LcusProfile]),
)
def test_whatever_a_profile_says_it_is_read_or_refused_in_words(tree, kind):
    try:
        parse(tree, kind, "board.toml")
    except BadRigFile as refused:
        assert str(refused).startswith("board.toml: ")
