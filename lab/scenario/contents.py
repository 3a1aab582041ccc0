"""The other files a scenario names: what they hold belongs to what the scenario is."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from lab.acoustics.device import load_device
from lab.errors import BadInput
from lab.scenario.cells import CellTree
from lab.scenario.drawn import options
from lab.scenario.explain import shown
from lab.scenario.tree import Tree


def device_contents(
    tree: Tree, variants: Sequence[tuple[str, Tree]], path: Path
) -> dict[str, Mapping[str, Any]]:
    """Content of every device the scenario may use, by the name it uses. Raises BadInput."""
    devices: dict[str, Mapping[str, Any]] = {}
    for body in (tree, *(body for _, body in variants)):
        for name in options(body.get("device")):
            if not isinstance(name, str):
                raise BadInput(f"{path}: device = {shown(name)}: the name or path of a device file")
            try:
                devices[name] = load_device(name, path.parent).model_dump(mode="json")
            except BadInput as error:
                raise BadInput(f"{path}: {error}") from None
    return devices


def named_contents(cells: Sequence[CellTree], path: Path) -> dict[str, str]:
    """Hash of each corpus a source may name. Raises BadInput."""
    return {}
