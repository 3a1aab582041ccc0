"""Playing and recording through a sound card, and knowing whether the recording can be trusted.

    capture = play_record(spec, playback, record_to=Path("trial.flac"))
    if not capture.verdict.valid: print(capture.verdict.reason)

Nothing here imports sounddevice before a stream or a device list is asked for: a JACK server must run first.
"""

from rigs.audio.alignment import Alignment
from rigs.audio.capture import Capture, play_record
from rigs.audio.duplex import Duplex
from rigs.audio.pilot import Pilot
from rigs.audio.spec import AudioSpec
from rigs.audio.verdict import AudioVerdict, Defect

__all__ = ["Alignment", "AudioSpec", "AudioVerdict", "Capture", "Defect", "Duplex", "Pilot", "play_record"]
