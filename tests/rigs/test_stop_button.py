import pytest

from rigs.errors import BadRigFile
from rigs.profile import load_profile, parse
from rigs.stop_button import StopButtonProfile
from tests.rigs.wires import emulated, wait_until


def test_what_was_said_last_is_known_and_nothing_is_ever_sent():
    with emulated("stop_button", "stop_button") as bench:
        assert bench.device.pressed is None
        bench.server.set_faults(alarm=True)
        wait_until(lambda: bench.device.pressed is True)
        bench.server.reboot()
        wait_until(lambda: bench.device.pressed is False)
        bench.server.say(b"battery 80 %\n")
        assert not bench.server.received


def test_words_that_cannot_be_told_apart_are_refused():
    with pytest.raises(BadRigFile, match="released: 'STOPPED' and pressed: 'STOP' cannot be told apart"):
        parse({"pressed": "STOP", "released": "STOPPED"}, StopButtonProfile, "button.toml")


def test_the_guardian_hears_the_word_for_pressed():
    assert load_profile("stop_button", "stop_button").stop_words() == ("ESTOP",)
