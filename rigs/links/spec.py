"""What there is to know of a link before it is opened."""

from __future__ import annotations

from dataclasses import dataclass

from rigs.errors import BadRigFile

PARITIES = ("N", "E", "O", "M", "S")


@dataclass(frozen=True)
class LinkSpec:
    """One serial line.

    url: a device path (`/dev/ttyUSB0`), `socket://host:port` or `rfc2217://host:port`; may be empty when
    `usb_path` is given. baud_rate: bit/s. terminator: ends a received line; a carriage return before it is
    dropped. pacing_s: pause after every byte sent, for receivers that overrun. usb_path: the socket a USB
    adapter sits in (`1-1.4`, or `1-1.4:1.2` for one of several ports); looked up anew whenever the link
    is opened, because tty names change when an adapter is plugged in again. reconnect: come back after an
    unplug. parity: one of N E O M S. stop_bits: 1, 1.5 or 2. dtr, rts: level of the line from the moment of
    opening on (some boards reset on them); None leaves it to the system.
    """

    url: str = ""
    baud_rate: int = 115200
    terminator: bytes = b"\n"
    pacing_s: float = 0.0
    usb_path: str | None = None
    reconnect: bool = True
    parity: str = "N"
    stop_bits: float = 1
    dtr: bool | None = None
    rts: bool | None = None

    def __post_init__(self) -> None:
        if not self.url and not self.usb_path:
            raise BadRigFile(
                "link: neither `url` nor `usb_path` is given; one of them says where the port is"
            )
        if self.baud_rate <= 0:
            raise BadRigFile(f"link {self.place}: `baud_rate` is {self.baud_rate}, allowed is 1 and more")
        if not self.terminator:
            raise BadRigFile(f"link {self.place}: `terminator` is empty; it must be at least one byte")
        if self.pacing_s < 0:
            raise BadRigFile(f"link {self.place}: `pacing_s` is {self.pacing_s}, allowed is 0 and more")
        if self.parity not in PARITIES:
            raise BadRigFile(
                f"link {self.place}: `parity` is {self.parity!r}, allowed are {', '.join(PARITIES)}"
            )
        if self.stop_bits not in (1, 1.5, 2):
            raise BadRigFile(f"link {self.place}: `stop_bits` is {self.stop_bits}, allowed are 1, 1.5 and 2")

    @property
    def place(self) -> str:
        """Where the port is, in words a technician can walk to."""
        return f"USB socket {self.usb_path}" if self.usb_path else self.url
