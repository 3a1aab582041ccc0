"""What is guarded: a port and the bytes that make the instrument behind it safe."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Protocol

from rigs.errors import BadRigFile
from rigs.links.spec import LinkSpec

LIMIT_S = 1.0
MARGIN_S = 0.1  # for noticing and scheduling
PASSES = 2  # the second pass meets an instrument whose first frame was spoilt by a half-sent one
BITS_A_BYTE = 11


@dataclass(frozen=True)
class Guarded:
    """An instrument whose port the guardian owns.

    name: what messages call it. url, baud_rate: as in LinkSpec. safe: frames sent one after the other, twice
    in all, to make it safe; none for what cannot do harm (a console, a sensor). link: a whole LinkSpec
    instead of `url` and `baud_rate`. log: where the guardian logs every byte of the wire, its own included.
    gap_s: silence after each frame, beyond the time it takes on the wire. stop_on: words of this instrument that
    mean an emergency stop (`ALARM:`, what a button on an input board sends); everything is made safe at once.
    stop_when_lost: losing its port means one, too.
    """

    name: str
    url: str = ""
    baud_rate: int = 115200
    safe: tuple[bytes, ...] = ()
    link: LinkSpec | None = None
    log: Path | None = None
    gap_s: float = 0.005
    stop_on: tuple[bytes, ...] = ()
    stop_when_lost: bool = False

    @property
    def spec(self) -> LinkSpec:
        return self.link or LinkSpec(self.url, self.baud_rate)

    def pause_s(self, frame: bytes) -> float:
        """From the start of a frame to the start of the next, at the speed of the line."""
        return len(frame) * BITS_A_BYTE / self.spec.baud_rate + self.gap_s

    @property
    def duration_s(self) -> float:
        """How long all passes of the safe bytes take."""
        return PASSES * sum(self.pause_s(frame) for frame in self.safe)

    def check(self, silence_s: float, limit_s: float) -> None:
        """Raise BadRigFile when a missed heartbeat and the safe bytes together take more than the limit."""
        allowed = limit_s - MARGIN_S - silence_s
        if self.duration_s > allowed:
            raise BadRigFile(
                f"{self.name}: making it safe takes {self.duration_s:.2f} s; at most {allowed:.2f} s are allowed, so that "
                f"it is safe within {limit_s:g} s of the last heartbeat. Send fewer frames, or shorten `gap_s`"
            )

    def to_json(self) -> dict[str, Any]:
        spec = {**asdict(self.spec), "terminator": self.spec.terminator.hex()}
        log = str(self.log.absolute()) if self.log else None
        return {
            "name": self.name,
            "link": spec,
            "safe": [frame.hex() for frame in self.safe],
            "log": log,
            "gap_s": self.gap_s,
            "stop_on": [word.hex() for word in self.stop_on],
            "stop_when_lost": self.stop_when_lost,
        }

    @classmethod
    def from_json(cls, values: Mapping[str, Any]) -> Guarded:
        spec = {**values["link"], "terminator": bytes.fromhex(values["link"]["terminator"])}
        return cls(
            name=values["name"],
            safe=tuple(bytes.fromhex(frame) for frame in values["safe"]),
            link=LinkSpec(**spec),
            log=Path(values["log"]) if values["log"] else None,
            gap_s=values["gap_s"],
            stop_on=tuple(bytes.fromhex(word) for word in values["stop_on"]),
            stop_when_lost=values["stop_when_lost"],
        )


class SafePort(Protocol):
    def write(self, data: bytes) -> None: ...

    def discard_output(self) -> None: ...


def make_safe(guarded: Guarded, port: SafePort) -> None:
    """Send the safe bytes, ahead of everything that has not left yet. Raises LinkLost."""
    port.discard_output()
    for _ in range(PASSES):
        for frame in guarded.safe:
            port.write(frame)
            time.sleep(guarded.pause_s(frame))
