"""How a bench was left: whether the last run put it away, had to be stopped, or the computer or its power went first.

After an unclean end nobody knows where the stage is or what a relay's contact does, so a physical bench wants a person's
word (`lab rig check`) before it moves again.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from datetime import datetime
from pathlib import Path

import platformdirs

from rigs.rig_file import RigFile


@dataclass(frozen=True)
class Left:
    """clean: put away. boot: of the computer, so that a restart in between shows. purpose: what it was in use for. why: it had to be
    stopped, or could not be made safe."""

    clean: bool
    boot: str
    at: str
    purpose: str
    why: str = ""

    @property
    def words(self) -> str:
        """What a person must know, empty when all is well."""
        if self.clean:
            return ""
        how = "ended without putting the bench away"
        if self.why:
            how = f"ended with {self.why}"
        elif self.boot != boot_id():
            how = "was cut off: the computer lost power or was restarted"
        return f"{self.purpose!r} of {self.at} {how}"


def boot_id() -> str:
    try:
        return Path("/proc/sys/kernel/random/boot_id").read_text().strip()
    except OSError:
        return "unknown"


def last_left(rig: RigFile) -> Left | None:
    """How the bench was left, None when it was never used or that cannot be read."""
    try:
        return Left(**json.loads(_path(rig).read_text()))
    except (OSError, ValueError, TypeError):
        return None


def confirm_safe(rig: RigFile, by: str) -> None:
    """A person has looked: nothing moves, nothing is in the way, nothing is on."""
    _write(rig, True, f"looked at by {by}")


@contextmanager
def in_use(rig: RigFile, purpose: str) -> Iterator[Callable[[str], None]]:
    """While inside, the bench counts as in use; leaving by an error puts it away too, being killed does not.

    Yields what to call with why the bench is unsafe, if it is, before leaving. What an earlier run left behind on a
    physical bench stays so until a person has looked.
    """
    before = last_left(rig)
    _write(rig, False, purpose)
    found: list[str] = []
    try:
        yield found.append
    finally:
        why = "; ".join(filter(None, found))
        if not why and before is not None and not before.clean and rig.kind == "physical":
            _keep(rig, before)
        else:
            _write(rig, not why, purpose, why)


def _write(rig: RigFile, clean: bool, purpose: str, why: str = "") -> None:
    _keep(rig, Left(clean, boot_id(), datetime.now().astimezone().isoformat(" ", "minutes"), purpose, why))


def _keep(rig: RigFile, left: Left) -> None:
    path = _path(rig)
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_suffix(".partial")
    partial.write_text(json.dumps(asdict(left)))
    partial.replace(path)


def _path(rig: RigFile) -> Path:
    return Path(platformdirs.user_state_dir("earshot")) / "rigs" / f"{rig.id}.json"
