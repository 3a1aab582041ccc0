"""What can go wrong on a bench. Every message names the object, its state and the call it refused.

Front doors turn these into exit codes; a trial in which one is raised is invalid with the message as
its reason, never a miss.
"""

from __future__ import annotations


class RigError(Exception):
    """The base of everything that a rig refuses or loses."""


class LinkLost(RigError):
    """The way to an instrument is gone: unplugged, switched off, network down, or not there at all."""


class LinkBusy(RigError):
    """Another process holds the port."""


class NoReply(RigError):
    """An instrument stayed silent, or did not finish its reply, within the time it was given.

    received: what did arrive.
    """

    def __init__(self, message: str, received: bytes = b"") -> None:
        super().__init__(message)
        self.received = received


class BadReply(RigError):
    """An instrument answered something that its wire does not allow.

    received: the reply as it came.
    """

    def __init__(self, message: str, received: bytes = b"") -> None:
        super().__init__(message)
        self.received = received


class InstrumentAlarm(RigError):
    """An instrument reports an alarm or an error of its own and refuses to go on."""


class RigBusy(RigError):
    """Another process holds the lease on a rig or a shared instrument."""


class BadRigFile(RigError):
    """A rig file or an instrument profile cannot be used; the message names file, key and allowed values."""


class AudioFault(RigError):
    """The audio path lost blocks, is misaligned, is silent or is out of level."""


class OperatorAbsent(RigError):
    """Nobody answered a prompt in time."""


class Unsafe(RigError):
    """Refused because the rig is in its safe state, or because it could not be proven safe."""
