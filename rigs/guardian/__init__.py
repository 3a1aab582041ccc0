"""The guardian: a process of its own that owns the ports and outlives the lab.

While the lab works, the guardian carries bytes between the lab's links and the instruments. When the lab
misses its heartbeat, raises an error, is interrupted or killed, the guardian stops listening to it and
sends every instrument the bytes that make it safe, within a second.

    with Guardian.start((Guarded("stage", "/dev/ttyUSB0", 115200, safe=(b"!", b"\\x18")),)) as guardian:
        with guardian.keep_beating(within_s=10.0):
            stage = Grbl(guardian.link("stage"))
        while not done:
            guardian.beat()
            ...
"""

from rigs.guardian.guarded import Guarded
from rigs.guardian.handle import Guardian, GuardianState

__all__ = ["Guarded", "Guardian", "GuardianState"]
