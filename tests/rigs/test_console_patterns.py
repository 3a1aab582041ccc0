"""What the lines of a device mean, as a profile or a rig file says it."""

from __future__ import annotations

import math

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rigs.console_patterns import ConsoleEvent, ConsolePatterns, EventPattern, Identity
from rigs.errors import BadRigFile
from rigs.profile import load_profile

SHIPPED = load_profile("earshot_console", "console")


def test_an_event_carries_the_devices_time_label_and_score():
    event = SHIPPED.event("[   12.345] EVT watermark score=9.58", 7)
    assert event == ConsoleEvent(monotonic_ns=7, device_time_s=12.345, label="watermark", score=9.58)


def test_words_of_the_device_become_labels_of_the_lab_and_back():
    patterns = ConsolePatterns(
        identity=r"(?P<version>\d+)",
        events=(EventPattern(pattern=r"DETECT (?P<label>\S+)"),),
        labels={"wm": "watermark"},
    )
    event = patterns.event("I (512) DETECT wm", 1)
    assert event.label == "watermark" and event.device_time_s is None and math.isnan(event.score)
    assert patterns.device_word("watermark") == "wm"
    assert patterns.event("I (512) DETECT cough", 1).label == "cough"


def test_a_pattern_may_stand_for_one_label_and_the_first_that_fits_counts():
    patterns = ConsolePatterns(
        identity=r"(?P<version>\d+)",
        events=(
            EventPattern(pattern=r"alarm T3 conf (?P<score>\S+)", label="smoke_alarm"),
            EventPattern(pattern=r"alarm", label="appliance_beep"),
        ),
    )
    assert patterns.event("alarm T3 conf 0.93", 1).label == "smoke_alarm"
    assert patterns.event("alarm chirp", 1).label == "appliance_beep"
    assert patterns.event("all quiet", 1) is None


@pytest.mark.parametrize("score", ["nan", "inf", "1e999", "9,58", "--", "<b>"])
def test_a_score_that_is_no_finite_number_is_nan(score):
    event = SHIPPED.event(f"[ 1.0] EVT watermark score={score}", 1)
    assert math.isnan(event.score)


def test_identity_and_clock():
    line = "firmware 2.1.0-rc1 build reference hash 00ff12"
    assert SHIPPED.identity_in(line) == Identity("2.1.0-rc1", "reference", "00ff12")
    assert SHIPPED.clock_in("[  100.250] clock") == 100.25
    assert SHIPPED.clock_in("[  100.250] ready") is None
    assert ConsolePatterns(identity=r"v(?P<version>\S+)").identity_in("v3") == Identity("3")


@pytest.mark.parametrize(
    ("key", "value", "said"),
    [
        ("identity", "fw (?P<version>", "not a regular expression"),
        ("identity", "fw", "(?P<version>...) is missing"),
        (
            "events",
            (EventPattern(pattern="EVT"),),
            "events[1].pattern = 'EVT': the group (?P<label>...) is missing",
        ),
        ("boot", "(", "boot = '(': not a regular expression"),
        ("clock_command", "clock", "clock and clock_command go together"),
        ("sensitivity_command", "set {labels} {value}", "only {label} and {value}"),
    ],
)
def test_patterns_that_cannot_work_are_refused_by_key(key, value, said):
    keys = {"identity": r"(?P<version>\S+)", key: value}
    with pytest.raises(ValueError) as caught:
        ConsolePatterns(**keys)
    assert said in str(caught.value)


def test_a_profile_with_a_wrong_key_is_refused_in_one_message(tmp_path):
    path = tmp_path / "speaker.toml"
    path.write_text("driver = \"console\"\nidentity = '(?P<version>.+)'\nsensitivty_command = 'x'\n")
    with pytest.raises(
        BadRigFile, match=r"speaker.toml: sensitivty_command: unknown key \(did you mean 'sensitivity"
    ):
        load_profile(path, "console")


@settings(max_examples=200, deadline=None)
@given(st.text(max_size=200))
def test_no_text_stops_the_parser(text):
    for read in (lambda t: SHIPPED.event(t, 0), SHIPPED.identity_in, SHIPPED.clock_in):
        read(text)
    event = SHIPPED.event(f"[ 1.0] EVT x score={text}", 0)
    assert event is None or not math.isinf(event.score)
