"""`lab rig emulate`: an emulated bench that stands until Ctrl-C, with faults on request."""

from __future__ import annotations

import dataclasses
import select
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from lab.bench.physical.emulation import Emulation, announced, standing
from lab.commands.at_bench import read_rig
from lab.errors import BadInput, LabFailure
from rigs.emulators.wire import Faults
from rigs.errors import RigError

KINDS = {one.name: one for one in dataclasses.fields(Faults)}
HELP = f"type INSTRUMENT:FAULT[=VALUE], or INSTRUMENT:none; faults: {', '.join(KINDS)}"


def emulate(bench: str, seconds: float | None, faults: Sequence[str], corpus: Path | None) -> None:
    """Raises BadInput for a bench that is not emulated or a fault there is not, LabFailure when it cannot stand."""
    rig = read_rig(bench)
    if rig.kind != "emulated":
        raise BadInput(f"{bench}: kind is {rig.kind!r}; only an emulated bench can be emulated")
    other = standing(rig)
    if other is not None:
        raise LabFailure(f"bench {rig.id}: process {other.pid} keeps it standing already")
    try:
        with Emulation(rig, corpus) as emulation, announced(rig, emulation.stand):
            for one in faults:
                set_fault(emulation, one)
            for name, url in emulation.stand.urls.items():
                print(f"{name:12} {url}", flush=True)
            print(f"{rig.id} stands; Ctrl-C ends it; {HELP}", flush=True)
            _stand(emulation, seconds)
    except RigError as error:
        raise LabFailure(f"bench {rig.id}: {error}") from error
    except KeyboardInterrupt:
        print("put away", flush=True)


def set_fault(emulation: Emulation, text: str) -> None:
    """`relays:silence`, `rail:late_s=0.5`, `rail:unplug=false`, `rail:none`. Raises BadInput with what there is."""
    name, _, wanted = text.partition(":")
    known = emulation.wires
    if name not in known:
        raise BadInput(f"fault {text!r}: no emulated instrument {name!r}; there are: {', '.join(known)}")
    if wanted == "none":
        changes: dict[str, Any] = dataclasses.asdict(Faults())
        changes["interleave"] = ""
    else:
        key, _, value = wanted.partition("=")
        if key not in KINDS:
            raise BadInput(f"fault {text!r}: no fault {key!r}; there are: {', '.join(KINDS)}")
        changes = {key: _value(text, key, value)}
    emulation.set_faults(name, changes)


def _value(text: str, key: str, value: str) -> Any:
    kind = type(getattr(Faults(), key))
    try:
        if kind is bool:
            return {"": True, "true": True, "false": False}[value]
        return value if kind is bytes else kind(value)
    except (KeyError, ValueError):
        words = {"bool": "true or false", "int": "a whole number", "float": "a number of seconds"}
        raise BadInput(f"fault {text!r}: {key} takes {words[kind.__name__]}, not {value!r}") from None


def _stand(emulation: Emulation, seconds: float | None) -> None:
    """Until the time is over or Ctrl-C; obeys what is typed meanwhile."""
    deadline = None if seconds is None else time.monotonic() + seconds
    reading = True
    while deadline is None or time.monotonic() < deadline:
        left = 0.5 if deadline is None else max(0.0, min(0.5, deadline - time.monotonic()))
        if not reading:
            time.sleep(left)
            continue
        if not select.select([sys.stdin], [], [], left)[0]:
            continue
        line = sys.stdin.readline()
        reading = bool(line)
        if line.strip():
            try:
                set_fault(emulation, line.strip())
                print("done", flush=True)
            except BadInput as error:
                print(error, flush=True)
