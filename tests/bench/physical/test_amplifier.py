"""The loudspeakers of the emulated bench are silent while the relay of their amplifier is open."""

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


def test_a_monitor_hears_its_pilot_through_the_amplifier():
    done = lab("rig", "monitor", "emulated", "--seconds", "0.5")
    assert done.returncode == 0, done.stdout + done.stderr
    assert "reference microphone" in done.stdout
