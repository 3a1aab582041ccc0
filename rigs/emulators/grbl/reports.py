"""The `<...>` report of GRBL 1.1, with its fields that come and go."""

from __future__ import annotations

from collections.abc import Sequence

MM_PER_INCH = 25.4


class Refresh:
    """Counts reports until a field is due again: every 10th at rest (Ov: 10th), every 30th (20th) in motion."""

    def __init__(self, busy: int, idle: int) -> None:
        self._busy, self._idle = busy, idle
        self._left = 0

    def due(self, busy: bool) -> bool:
        if self._left > 0:
            self._left -= 1
            return False
        self._left = (self._busy if busy else self._idle) - 1
        return True

    def now(self) -> None:
        """Due in the next report."""
        self._left = 0


class Reports:
    """Builds status reports; remembers when WCO and Ov were last sent."""

    def __init__(self) -> None:
        self.offset = Refresh(30, 10)
        self.overrides = Refresh(20, 10)

    def line(
        self,
        state: str,
        busy: bool,
        machine: Sequence[float],
        work_offset: Sequence[float],
        feed_mm_min: float,
        speed: float,
        pins: str,
        overrides: tuple[int, int, int],
        free: tuple[int, int],
        mask: int,
        inches: bool,
    ) -> str:
        """One report. mask: $10, bit 0 machine instead of work position, bit 1 buffer state."""
        unit = MM_PER_INCH if inches else 1.0
        digits = 4 if inches else 3

        def vector(values: Sequence[float]) -> str:
            return ",".join(f"{value / unit + 0.0:.{digits}f}" for value in values)

        work = [m - o for m, o in zip(machine, work_offset, strict=True)]
        fields = [state, f"MPos:{vector(machine)}" if mask & 1 else f"WPos:{vector(work)}"]
        if mask & 2:
            fields.append(f"Bf:{free[0]},{free[1]}")
        fields.append(f"FS:{feed_mm_min / unit:.0f},{speed:.0f}")
        if pins:
            fields.append(f"Pn:{pins}")
        offset_due, overrides_due = self.offset.due(busy), self.overrides.due(busy)
        if offset_due:
            fields.append(f"WCO:{vector(work_offset)}")
            if overrides_due:
                self.overrides.now()  # one report later
        elif overrides_due:
            fields.append("Ov:{},{},{}".format(*overrides))
        return f"<{'|'.join(fields)}>"
