"""Bad settings of a build file: refused with the detector's name, the key and what is allowed, before a block is fed."""

from dataclasses import replace

import pytest

from detectors.build import Build, load_build
from detectors.errors import DetectorError
from detectors.interface import BASEBAND, PLAYBACK, ULTRASONIC, StreamFormat
from detectors.presence.context import ContextSettings
from detectors.stack import Stack

BASELINES = {
    "doppler_cfar": "presence_cfar_baseband",
    "notch": "presence_notch",
    "prediction": "presence_prediction",
}


def stack(name, stream=BASEBAND, **settings):
    build = load_build(BASELINES.get(name, "presence"))
    streams = (stream,) if name in BASELINES else (stream, PLAYBACK)
    spec = replace(build[name], streams=streams, settings=settings)
    return Stack(Build("mine", build.path, "hash", (spec,)))


def opened(name, form, **settings):
    stream = BASEBAND if form.rate_hz < 16_000 else ULTRASONIC
    one = stack(name, stream, **settings)
    one.open({stream: form, PLAYBACK: StreamFormat(16_000, 1)})
    return one


def refused(message, act, *arguments, **settings):
    with pytest.raises(DetectorError) as told:
        act(*arguments, **settings)
    assert str(told.value) == message


@pytest.mark.parametrize("name", ["presence", *BASELINES])
@pytest.mark.parametrize("value", [0, -1, "two", 2.5, 2.0, True, [1]])
def test_channels_are_a_whole_number_from_1(name, value):
    got = tuple(value) if name == "presence" and isinstance(value, list) else value
    refused(f"{name}: settings.channels: a whole number from 1, got {got!r}", stack, name, channels=value)


@pytest.mark.parametrize("name", ["presence", *BASELINES])
@pytest.mark.parametrize("form", [StreamFormat(4_000, 4, 34_000.0), StreamFormat(96_000, 4)])
def test_no_more_channels_than_the_stream_has(name, form):
    opened(name, form, channels=4)
    refused(f"{name}: settings.channels: 1 to 4, what the stream has, got 5", opened, name, form, channels=5)


@pytest.mark.parametrize(
    ("key", "allowed"), [("carrier_band_hz", "20000 to 90000"), ("level_range_db_spl", "40 to 100")]
)
@pytest.mark.parametrize(
    "value",
    [["a", "b"], "ab", 60.0, [60.0], [50, 60, 70], [True, True], [80.0, 70.0], [float("nan"), 80.0], {}],
)
def test_ranges_are_two_numbers_in_order(key, allowed, value):
    got = tuple(value) if isinstance(value, list) else value
    message = f"presence: settings.{key}: [low, high] within {allowed}, got {got!r}"
    refused(message, stack, "presence", **{key: value})


@pytest.mark.parametrize("name", ["presence", *BASELINES])
@pytest.mark.parametrize(
    ("key", "allowed", "values"),
    [
        ("carrier_hz", "20000 to 90000", ["34000", True, 1_000.0, float("nan"), [34_000.0]]),
        ("level_db_spl", "40 to 100", ["85", False, 120.0, float("inf")]),
    ],
)
def test_the_tone_is_one_that_a_device_may_emit(name, key, allowed, values):
    for value in values:
        got = tuple(value) if name == "presence" and isinstance(value, list) else value
        message = f"{name}: settings.{key}: {allowed}, got {got!r}"
        refused(message, stack, name, **{key: value})


@pytest.mark.parametrize("name", BASELINES)
@pytest.mark.parametrize("value", ["0.5", True, 0.0, 11, float("nan")])
def test_an_average_is_a_number_in_its_range(name, value):
    refused(f"{name}: settings.average_s: 0.05 to 10, got {value!r}", stack, name, average_s=value)


@pytest.mark.parametrize("value", ["0.1", True, 0.0, 1.5, float("nan")])
def test_a_step_is_a_number_in_its_range(value):
    refused(f"prediction: settings.step: above 0, up to 1, got {value!r}", stack, "prediction", step=value)


@pytest.mark.parametrize("name", ["presence", *BASELINES])
@pytest.mark.parametrize("carrier_hz", [48_000, 60_000.0])
def test_a_carrier_lies_below_half_the_rate_of_the_stream(name, carrier_hz):
    opened(name, StreamFormat(192_000, 4), carrier_hz=carrier_hz)
    refused(
        f"{name}: settings.carrier_hz: below 48000, half the rate of the stream, got {carrier_hz:g}",
        opened, name, StreamFormat(96_000, 4), carrier_hz=carrier_hz,
    )  # fmt: skip


def test_a_band_of_carriers_lies_below_half_the_rate_of_the_stream():
    band = [50_000.0, 60_000.0]
    opened("presence", StreamFormat(192_000, 4), carrier_band_hz=band)
    refused(
        "presence: settings.carrier_band_hz: below 48000, half the rate of the stream, got 60000",
        opened, "presence", StreamFormat(96_000, 4), carrier_band_hz=band,
    )  # fmt: skip
    opened("presence", StreamFormat(96_000, 4), carrier_band_hz=[47_900.0, 48_100.0])  # 47.9 kHz alone


@pytest.mark.parametrize("name", ["presence", *BASELINES])
def test_a_baseband_is_about_the_carrier_asked_for(name):
    refused(
        f"{name}: settings.carrier_hz = 36000: the device's baseband is about 34000 Hz",
        opened, name, StreamFormat(4_000, 4, 34_000.0), carrier_hz=36_000.0,
    )  # fmt: skip
    refused(
        f"{name}: needs a baseband about a carrier, got {StreamFormat(4_000, 4)}",
        opened, name, StreamFormat(4_000, 4), carrier_hz=34_000.0,
    )  # fmt: skip


@pytest.mark.parametrize(
    ("settings", "told"),
    [
        ({"confirm_s": 3000, "vacancy_s": 1800, "off_s": 0}, "confirm_s: 0 to vacancy_s = 1800, got 3000"),
        ({"confirm_s": 45.0, "vacancy_s": 30.0, "off_s": 0}, "confirm_s: 0 to vacancy_s = 30, got 45.0"),
        ({"confirm_s": "45"}, "confirm_s: 0 to vacancy_s = 1800, got '45'"),
        ({"vacancy_s": 30, "off_s": 5}, "off_s: 0 to vacancy_s - confirm_s = 0, got 5"),
        (
            {"vacancy_s": 600, "confirm_s": 100, "off_s": 501},
            "off_s: 0 to vacancy_s - confirm_s = 500, got 501",
        ),
        ({"off_s": 4000.0}, "off_s: 0 to 3600, got 4000.0"),
        ({"range_m": [7.0]}, "range_m: 1 to 12, got (7.0,)"),
        ({"sensitivity": float("nan")}, "sensitivity: 0 to 1, got nan"),
    ],
)
def test_waits_and_rests_that_do_not_fit_are_refused(settings, told):
    refused(f"presence: settings.{told}", stack, "presence", **settings)


@pytest.mark.parametrize(("vacancy_s", "confirm_s"), [(1800.0, 45.0), (30.0, 30.0)])
def test_a_vacancy_is_confirmed_for_45_s_or_all_its_wait(vacancy_s, confirm_s):
    assert ContextSettings(vacancy_s=vacancy_s).to_confirm_s == confirm_s


@pytest.mark.parametrize("name", ["presence", *BASELINES])
def test_streams_and_keys_it_does_not_know_are_refused_by_name(name):
    with pytest.raises(DetectorError, match=f"^{name}: streams: one of baseband, ultrasonic"):
        stack(name, "audible")
    with pytest.raises(DetectorError, match=f"^{name}: unknown settings.chanels; allowed: .*channels"):
        stack(name, chanels=2)
