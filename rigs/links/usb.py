"""Which tty belongs to the adapter in a given USB socket.

Identical relay boards have no serial number and tty names follow the order of plugging in, so an
adapter is known by the socket it sits in: the name of its folder in `/sys/bus/usb/devices`, as `1-1.4`
(bus 1, port 1 of the root, port 4 of the hub there), with `:1.2` appended for one of several interfaces.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

from rigs.errors import BadRigFile, LinkLost

SYS = Path("/sys")
_USB_PATH = re.compile(r"\d+-\d+(\.\d+)*(:\d+\.\d+)?")


@dataclass(frozen=True)
class UsbTty:
    """A serial adapter: where it sits, what the kernel calls it today, what it says of itself."""

    usb_path: str
    device: str
    vendor_id: str
    product_id: str
    product: str
    serial: str


def resolve(usb_path: str, sys: Path = SYS) -> str:
    """The device path of the tty in this USB socket.

    Raises LinkLost when nothing (or nothing serial) is plugged in there, BadRigFile when the path is
    malformed or the adapter has several ports and none is named.
    """
    if not _USB_PATH.fullmatch(usb_path):
        raise BadRigFile(
            f"usb_path {usb_path!r} is not a USB socket; it looks like 1-1.4, or 1-1.4:1.0 for one of several ports"
        )
    found = [tty for tty in attached(sys) if usb_path in (tty.usb_path, tty.usb_path.split(":")[0])]
    if not found:
        others = ", ".join(f"{tty.usb_path} ({tty.device})" for tty in attached(sys)) or "none"
        raise LinkLost(
            f"USB socket {usb_path}: no serial adapter is plugged in there. Adapters seen: {others}"
        )
    if len(found) > 1:
        ports = ", ".join(tty.usb_path for tty in found)
        raise BadRigFile(f"usb_path {usb_path!r}: the adapter has {len(found)} ports, name one of {ports}")
    return found[0].device


def attached(sys: Path = SYS) -> tuple[UsbTty, ...]:
    """All serial adapters that are plugged in, by USB path."""
    ttys = []
    for interface in sorted((sys / "bus/usb/devices").glob("*-*:*")):
        # USB-serial adapters hold `ttyUSB0/`, CDC-ACM devices `tty/ttyACM0/`.
        names = [p.name for p in interface.glob("ttyUSB*")] + [p.name for p in interface.glob("tty/tty*")]
        adapter = interface.parent / interface.name.split(":")[0]
        for name in sorted(names):
            ttys.append(
                UsbTty(
                    usb_path=interface.name,
                    device=f"/dev/{name}",
                    vendor_id=_text(adapter / "idVendor"),
                    product_id=_text(adapter / "idProduct"),
                    product=_text(adapter / "product"),
                    serial=_text(adapter / "serial"),
                )
            )
    return tuple(ttys)


def _text(file: Path) -> str:
    try:
        return file.read_text(errors="replace").strip()
    except OSError:
        return ""
