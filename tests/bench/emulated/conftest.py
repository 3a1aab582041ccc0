"""A build whose one detector reports loud sound, and devices that run it."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path

import pytest

from detectors.build import load_build
from lab.bench.emulated.device import VirtualDevice
from lab.bench.emulated.wiring import Loudspeaker, TestMicrophone, Wiring

LOUD = """
format = "earshot-build/1"
id = "loud"
[[detector]]
name = "loud"
streams = ["audible"]
threshold = -40.0
refractory_s = 0.2
factory = "earshot_test_loud_detector:from_spec"
settings = {channels = 1}
"""


@pytest.fixture
def loud_build(tmp_path, monkeypatch):
    """A build file, and its detector where a factory finds it."""
    place = Path(__file__).with_name("loud_detector.py")
    spec = importlib.util.spec_from_file_location("earshot_test_loud_detector", place)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    monkeypatch.setitem(sys.modules, "earshot_test_loud_detector", module)
    path = tmp_path / "loud.toml"
    path.write_text(LOUD)
    return path


@pytest.fixture
def device(loud_build, cache):
    """One loudspeaker on channel 1, one microphone of the bench on channel 5, at the device's own rate."""
    wiring = Wiring((Loudspeaker(1, 110.0),), (TestMicrophone(5, 1, 120.0),), rate_hz=16_000)
    return VirtualDevice(load_build(loud_build), wiring, cache=cache)
