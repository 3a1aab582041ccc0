"""A build file names base, heads and settings; what does not fit is refused by its key."""

from __future__ import annotations

import shutil

import pytest

from detectors.build import load_build
from detectors.errors import DetectorError
from detectors.sound_events.settings import EVENTS
from detectors.stack import Stack
from tests.detectors.sound_events import little_network as little
from tests.verifier import little_verifier

HEADS = [str(path) for path in little.heads()]


@pytest.fixture
def stack(tmp_path):
    def _stack(settings: str = "", streams=("audible",), model=str(little.BASE), weights=HEADS) -> Stack:
        lines = [
            'format = "earshot-build/1"',
            'id = "mine"',
            "[[detector]]",
            'name = "sound_events"',
            f"streams = {list(streams)}",
            f'model = "{model}"' if model else "",
            f"weights = {[str(path) for path in weights]}",
            "threshold = 0.5",
            "refractory_s = 5.0",
            f"settings = {{{settings}}}",
        ]
        path = tmp_path / "mine.toml"
        path.write_text("\n".join(lines))
        return Stack(load_build(path))

    return _stack


def test_a_build_without_settings_scores_every_event_on_the_device_alone(stack):
    made = stack()
    assert made.labels == tuple(("sound_events", label) for label in EVENTS)
    assert {stage for _, _, stage in made.subjects} == {"device"}
    assert made.measured == {
        "sound_events.uploads": 0.0,
        "sound_events.uploaded_s": 0.0,
        "sound_events.unanswered": 0.0,
    }


def test_settings_reach_the_detector(stack):
    made = stack(
        'events = ["glass_break", "co_alarm"], sensitivity = 0.4, sensitivity_glass_break = 0.7, away = false'
    )
    settings = made.detectors["sound_events"].settings
    assert settings.events == ("glass_break", "co_alarm")
    assert [settings.sensitivity_of(label) for label in settings.events] == [0.7, 0.4]
    assert settings.away is False


def test_with_a_verifier_every_event_has_two_stages(stack, tmp_path):
    file = shutil.copy(little_verifier.FILE, tmp_path / "verifier.onnx")
    settings = 'events = ["smoke_alarm", "footsteps"], verifier = "in_process"'
    assert stack(settings, weights=[*HEADS, file]).subjects == (
        ("sound_events", "smoke_alarm", "device"),
        ("sound_events", "smoke_alarm", "cascade"),
        ("sound_events", "footsteps", "device"),
        ("sound_events", "footsteps", "cascade"),
    )
    with pytest.raises(
        DetectorError, match=r"settings\.verified: co_alarm is unknown to .*verifier\.onnx; it knows smoke"
    ):
        stack('verifier = "in_process"', weights=[*HEADS, file])


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"streams": ("audible", "playback")}, "sound_events: streams: audible alone, got audible, playback"),
        ({"model": None}, "sound_events: model: the ONNX file of the base is needed"),
        (
            {"weights": [little.BASE]},
            r"weights: head_<label>\.onnx of each event and one verifier\.onnx at most",
        ),
        ({"weights": HEADS[:1]}, "settings.events: footsteps has no head; there are heads of glass_break"),
        ({"settings": 'event = ["glass_break"]'}, r"unknown settings\.event; allowed: events, sensitivity"),
        ({"settings": 'events = ["glass"]'}, r"settings\.events = \['glass'\]: some of watermark"),
        ({"settings": "events = []"}, r"settings\.events = \[\]: some of"),
        ({"settings": 'events = "glass_break"'}, "settings.events = 'glass_break': a list of labels"),
        ({"settings": 'verified = ["glass"]'}, r"settings\.verified = \['glass'\]: some of watermark"),
        ({"settings": "token_file = 5"}, r"settings\.token_file = 5: a path, with settings\.verifier = http"),
        (
            {"settings": 'token_file = "t"'},
            r"settings\.token_file = 't': a path, with settings\.verifier = http",
        ),
        ({"settings": 'verified = "glass_break"'}, "settings.verified = 'glass_break': a list of labels"),
        ({"settings": "sensitivity = 1.5"}, r"settings\.sensitivity = 1\.5: 0 to 1"),
        ({"settings": "sensitivity_footsteps = true"}, r"settings\.sensitivity_footsteps = True: 0 to 1"),
        (
            {"settings": 'events = ["co_alarm"], sensitivity_footsteps = 0.5'},
            "sensitivity_footsteps: footsteps is not chosen; settings.events: co_alarm",
        ),
        ({"settings": "away = 1"}, r"settings\.away = 1: true or false"),
        ({"settings": "window_s = 60.0"}, "window_s: 10 to 30, got 60"),
        ({"settings": 'window_s = "long"'}, r"settings\.window_s = 'long': a number of seconds"),
        (
            {"settings": 'verifier = "cloud"'},
            r"settings\.verifier = 'cloud': none, in_process or http://host:port",
        ),
        (
            {"settings": 'verifier = "in_process"'},
            r"settings\.verifier = 'in_process': weights hold no verifier\.onnx",
        ),
    ],
)
def test_what_does_not_fit_is_refused_by_its_key(stack, given, said):
    with pytest.raises(DetectorError, match=said):
        stack(**given)
