"""What a scenario is, apart from its prose: the model of its tree, and the hash that results carry."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from lab.scenario.model import Scenario
from lab.scenario.tree import Tree, as_file

PROSE = frozenset({"title", "description", "tags"})


@dataclass(frozen=True)
class Files:
    """What a scenario file refers to. folder: of the scenario file, where relative paths start.
    devices: content of each device file, by the name that the scenario uses."""

    folder: Path
    devices: Mapping[str, Mapping[str, Any]]


def build(tree: Tree, files: Files) -> Scenario:
    """The scenario of a tree with concrete values only. Raises pydantic's ValidationError.

    It goes through JSON, where pydantic's strict mode still takes an array for a tuple.
    """
    device = tree.get("device")
    if isinstance(device, str) and device in files.devices:
        tree = tree | {"device": files.devices[device]}
    return Scenario.model_validate_json(json.dumps(as_file(_located(tree, files.folder)), default=str))


def _located(tree: Tree, folder: Path) -> Tree:
    """Paths of corpus and key files, which end in .toml, made independent of the working directory."""
    if isinstance(tree.get("day"), dict):
        tree = tree | {"day": _absolute(tree["day"], "corpus", folder)}
    sources = tree.get("sources")
    if not isinstance(sources, dict):
        return tree
    located = {}
    for name, source in sources.items():
        if isinstance(source, dict):
            source = _absolute(source, "corpus", folder)
            if isinstance(source.get("watermark"), dict):
                source = source | {"watermark": _absolute(source["watermark"], "key", folder)}
        located[name] = source
    return tree | {"sources": located}


def _absolute(table: Tree, key: str, folder: Path) -> Tree:
    value = table.get(key)
    if isinstance(value, str) and value.endswith(".toml"):
        return table | {key: str((folder / value).resolve())}
    return table


def content_hash(
    tree: Tree,
    variants: Sequence[tuple[str, Tree]],
    devices: Mapping[str, Mapping[str, Any]],
    contents: Mapping[str, str],
) -> str:
    """SHA-256 (hex) of the merged, effective scenario as canonical JSON.

    Prose (title, description, tags), comments, layout, the order of keys and what comes from a suite's
    defaults rather than the file make no difference. Everything else does: limits and numbers of trials, the
    content of device files rather than their names, and `contents`, the hashes of other files it names.
    """
    effective = {key: value for key, value in tree.items() if key not in PROSE}
    whole = {
        "scenario": effective,
        "variants": list(variants),
        "devices": dict(devices),
        "contents": dict(contents),
    }
    return hashlib.sha256(
        json.dumps(whole, sort_keys=True, separators=(",", ":"), default=str).encode()
    ).hexdigest()
