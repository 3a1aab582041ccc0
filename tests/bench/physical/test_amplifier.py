"""The loudspeakers of the emulated bench are silent while the relay of their amplifier is open; what listens alone needs none."""

from rigs.rig_file import BENCHES
from tests.bench.physical.commands import lab
from tests.bench.physical.sound import needs_sound

pytestmark = needs_sound


def test_a_check_hears_its_pilot_through_the_amplifier(tmp_path):
    rig = tmp_path / "emulated.toml"
    text = (BENCHES / "emulated.toml").read_text()
    rig.write_text(text.replace('role = "amplifier"', 'role = "amplifier"\nsettle_s = 0.3'))
    done = lab("rig", "check", rig)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "pilot of 70.0 dB SPL heard at" in done.stdout


def test_a_monitor_needs_nothing_to_be_heard_and_plays_nothing(tmp_path):
    """As with a calibrator on the microphone: here its input has no path from any output."""
    rig = tmp_path / "loopback.toml"
    text = (BENCHES / "loopback.toml").read_text()
    wire = "channel = {}\nmicrophone = 1"
    assert wire.format(1) in text
    rig.write_text(text.replace(wire.format(1), wire.format(7)))
    assert lab("rig", "check", rig).returncode == 4
    done = lab("rig", "monitor", rig, "--seconds", "0.5")
    assert done.returncode == 0, done.stdout + done.stderr
    assert "silent" in done.stdout
