"""The peer of `rigs.console`, under the driver's name: a device, see `rigs.emulators.device`."""

from rigs.emulators.device import EMULATOR

__all__ = ["EMULATOR"]
