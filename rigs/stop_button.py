"""An emergency stop, light barrier or door contact behind a small board that tells of itself, one line each time.

    ESTOP\\n        pressed
    READY\\n        let go, and after power-up

Nothing is ever sent to it. It is the guardian that listens for the word and stops everything, with or without a lab that
works; this driver only knows what was said last.
"""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from rigs.console_text import plain
from rigs.links import Link
from rigs.profile import Instrument, SerialLine, profile

Word = Annotated[str, Field(min_length=2, max_length=40, pattern=r"^[\x21-\x7e]+$")]


@profile
class StopButtonProfile(SerialLine):
    """pressed, released: words in its lines; neither may contain the other."""

    pressed: Word = "ESTOP"
    released: Word = "READY"

    def __post_init__(self) -> None:
        if self.pressed in self.released or self.released in self.pressed:
            raise ValueError(
                f"released: {self.released!r} and pressed: {self.pressed!r} cannot be told apart"
            )

    def stop_words(self) -> tuple[str, ...]:
        """What the guardian listens for."""
        return (self.pressed,)


class StopButton:
    """pressed: as last said; None before the first word, for a board that speaks only when touched."""

    def __init__(self, link: Link, profile: StopButtonProfile, name: str = "stop button") -> None:
        self.name, self._profile = name, profile
        self.pressed: bool | None = None
        link.subscribe(self._take)

    def _take(self, line: bytes, _monotonic_ns: int) -> None:
        text = plain(line)
        if self._profile.pressed in text:
            self.pressed = True
        elif self._profile.released in text:
            self.pressed = False


INSTRUMENT = Instrument(profile=StopButtonProfile, driver=StopButton)
