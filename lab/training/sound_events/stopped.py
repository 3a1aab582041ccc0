"""Runs that were stopped: kept in a file, and gone on with only by the same recipe on the same data."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any

from numpy.typing import NDArray

from lab.training.extra import torch_module

EVERY_S = 60.0  # a run is kept


def identity(recipe: Any, learnt_from: Iterable[NDArray | str]) -> str:
    """Hash of a recipe, told by its repr, and of all that is learnt from, in its order."""
    digest = hashlib.sha256(repr(recipe).encode())
    for one in learnt_from:
        if isinstance(one, str):
            digest.update(one.encode() + b"\0")
        else:
            digest.update(f"{one.dtype} {one.shape}".encode() + b"\0" + one.tobytes())
    return digest.hexdigest()


def resumed(file: Path, of: str, parts: Mapping[str, Any], say: Callable[[str], None]) -> int:
    """The step from which a run goes on, its parts and torch's generator put back; 0 without a file, or with one of another run.

    of: `identity` of the run. parts: of torch, by name, each with a state.
    """
    if not file.exists():
        return 0
    torch = torch_module()
    state = torch.load(file, weights_only=True)
    if state.get("of") != of:
        say(f"{file}: of another recipe or other data: begins anew")
        return 0
    for name, part in parts.items():
        part.load_state_dict(state[name])
    torch.set_rng_state(state["random"])
    say(f"goes on at step {state['step']}")
    return state["step"]


def keep(file: Path, of: str, parts: Mapping[str, Any], step: int) -> None:
    """Writes a run of which `step` steps are done."""
    torch = torch_module()
    file.parent.mkdir(parents=True, exist_ok=True)
    half = file.with_suffix(".part")
    state = {name: part.state_dict() for name, part in parts.items()}
    torch.save({**state, "random": torch.get_rng_state(), "step": step, "of": of}, half)
    half.replace(file)
