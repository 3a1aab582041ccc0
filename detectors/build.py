"""Build files: which detectors run, with which model, threshold and settings.

A build is what is under test. Its hash covers every setting, the content of every model or key file and the revision of every
detector's code (`detectors.shipped`), so two builds with one hash answer alike, as long as whoever changes what code scores raises
that.
"""

from __future__ import annotations

import hashlib
import json
import math
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from difflib import get_close_matches
from pathlib import Path
from typing import Any

from detectors.errors import DetectorError
from detectors.interface import BASEBAND, STREAMS, ULTRASONIC
from detectors.shipped import REVISIONS, own

FORMAT = "earshot-build/1"
BUILDS = Path(__file__).parent / "builds"
REFERENCE = BUILDS / "reference.toml"

_DETECTOR_KEYS = {
    "name": str,
    "streams": list,
    "model": str,
    "sha256": str,
    "weights": list,
    "threshold": (int, float),
    "refractory_s": (int, float),
    "settings": dict,
    "factory": str,
    "revision": int,
}
_REQUIRED = ("name", "streams", "threshold", "refractory_s")


@dataclass(frozen=True)
class DetectorSpec:
    """One `[[detector]]` table.

    model: weights or key file, None when the detector needs none. weights: further files that it needs, with
    `weights_sha256` of each. threshold: the operating point that verdicts use. refractory_s: at least this long
    between two alarms of one label, >= 0. factory: `module:callable` of a detector that lives outside this project,
    None for the ones it ships. revision: of the detector's code, from 1; see `detectors.shipped`.
    """

    name: str
    streams: tuple[str, ...]
    threshold: float
    refractory_s: float
    model: Path | None = None
    sha256: str | None = None
    settings: Mapping[str, Any] = field(default_factory=dict)
    factory: str | None = None
    weights: tuple[Path, ...] = ()
    weights_sha256: tuple[str, ...] = ()
    revision: int = 1


@dataclass(frozen=True)
class Build:
    id: str
    path: Path
    hash: str
    detectors: tuple[DetectorSpec, ...]

    def __getitem__(self, name: str) -> DetectorSpec:
        for spec in self.detectors:
            if spec.name == name:
                return spec
        raise KeyError(name)

    @property
    def parts(self) -> dict[str, str]:
        """Detector -> hash of what its scores hang on: itself, and of a tone the one that commands it.

        Detectors of one build do not hear each other, so evidence of one stays good when another joins. But one tone is in the
        air for all that listen to it, commanded by the last of them in the file.
        """
        tonal = [spec.name for spec in self.detectors if {BASEBAND, ULTRASONIC} & set(spec.streams)]
        return {
            spec.name: self.only([spec.name, tonal[-1]] if spec.name in tonal else [spec.name]).hash
            for spec in self.detectors
        }

    def only(self, names: Sequence[str] | None) -> Build:
        """This build with just these detectors, all of them for None. Raises DetectorError for an unknown one."""
        if names is None:
            return self
        known = [spec.name for spec in self.detectors]
        for name in names:
            if name not in known:
                raise DetectorError(f"{self.path}: no detector {name!r}; there are: {', '.join(known)}")
        kept = tuple(spec for spec in self.detectors if spec.name in names)
        return Build(self.id, self.path, _hash(self.id, kept), kept)


def load_build(path: Path | None = None) -> Build:
    """Read a build file (default: the reference build), verifying the hash of each model.

    Raises DetectorError naming the file, the key and what is allowed.
    """
    path = Path(path) if path is not None else REFERENCE
    if not path.exists() and (BUILDS / f"{path}.toml").exists():
        path = BUILDS / f"{path}.toml"
    try:
        content = tomllib.loads(path.read_text(encoding="utf-8-sig"))
    except FileNotFoundError:
        known = ", ".join(sorted(p.stem for p in BUILDS.glob("*.toml")))
        raise DetectorError(f"{path}: no such build file (shipped builds: {known})") from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError, OSError) as error:
        raise DetectorError(f"{path}: not a readable TOML file: {error}") from None
    if content.get("format") != FORMAT:
        raise DetectorError(f'{path}: format must be "{FORMAT}", not {content.get("format")!r}')
    _refuse_unknown(content, ("format", "id", "detector"), path, "")
    if not isinstance(content.get("id"), str) or not content["id"]:
        raise DetectorError(f"{path}: id must be a non-empty string")
    tables = content.get("detector")
    if not isinstance(tables, list) or not tables:
        raise DetectorError(f"{path}: at least one [[detector]] is needed")
    specs = tuple(_detector(table, f"detector[{i}]", path) for i, table in enumerate(tables))
    names = [spec.name for spec in specs]
    if len(set(names)) != len(names):
        raise DetectorError(f"{path}: detector names must differ, got {', '.join(names)}")
    return Build(content["id"], path, _hash(content["id"], specs), specs)


def _detector(table: Mapping[str, Any], where: str, path: Path) -> DetectorSpec:
    _refuse_unknown(table, tuple(_DETECTOR_KEYS), path, f"{where}.")
    for key in _REQUIRED:
        if key not in table:
            raise DetectorError(f"{path}: {where}.{key} is missing")
    for key, value in table.items():
        if not isinstance(value, _DETECTOR_KEYS[key]) or isinstance(value, bool):
            raise DetectorError(f"{path}: {where}.{key} has the wrong type: {value!r}")
    unknown = [name for name in table["streams"] if name not in STREAMS]
    if unknown or not table["streams"]:
        raise DetectorError(f"{path}: {where}.streams must name some of {', '.join(STREAMS)}")
    for key in ("threshold", "refractory_s"):
        if not math.isfinite(table[key]):
            raise DetectorError(
                f"{path}: {where}.{key} of {table['name']!r} must be a finite number, not {table[key]}"
            )
    if table["refractory_s"] < 0:
        raise DetectorError(f"{path}: {where}.refractory_s must be at least 0, not {table['refractory_s']}")
    shipped = own(table["name"], table.get("factory"))
    if shipped is not None and "revision" in table:
        raise DetectorError(
            f"{path}: {where}.revision is for detectors of your own; this one's is in detectors/shipped.py"
        )
    if table.get("revision", 1) < 1:
        raise DetectorError(f"{path}: {where}.revision must be at least 1, not {table['revision']}")
    model, sha256 = None, None
    if "model" in table:
        model, sha256 = _content(table["model"], f"{where}.model", path)
        if "sha256" in table and table["sha256"] != sha256:
            raise DetectorError(
                f"{path}: {where}.sha256 is {table['sha256'][:12]}... but {model.name} hashes to {sha256}"
            )
    weights = [_content(one, f"{where}.weights", path) for one in table.get("weights", [])]
    return DetectorSpec(
        name=table["name"],
        streams=tuple(table["streams"]),
        threshold=float(table["threshold"]),
        refractory_s=float(table["refractory_s"]),
        model=model,
        sha256=sha256,
        settings=dict(table.get("settings", {})),
        factory=table.get("factory"),
        weights=tuple(file for file, _ in weights),
        weights_sha256=tuple(digest for _, digest in weights),
        revision=table.get("revision", 1) if shipped is None else REVISIONS.get(shipped, 1),
    )


def _content(relative: Any, where: str, path: Path) -> tuple[Path, str]:
    """A file named in a build, beside it, and its hash."""
    if not isinstance(relative, str):
        raise DetectorError(f"{path}: {where} must be a path, not {relative!r}")
    file = (path.parent / relative).resolve()
    try:
        return file, hashlib.sha256(file.read_bytes()).hexdigest()
    except OSError as error:
        raise DetectorError(f"{path}: {where} cannot be read: {error}") from None


def _refuse_unknown(table: Mapping[str, Any], allowed: tuple[str, ...], path: Path, prefix: str) -> None:
    for key in table:
        if key not in allowed:
            near = get_close_matches(key, allowed, 1)
            hint = f"; did you mean {near[0]!r}?" if near else f"; allowed: {', '.join(allowed)}"
            raise DetectorError(f"{path}: unknown key {prefix}{key}{hint}")


def _hash(build_id: str, specs: tuple[DetectorSpec, ...]) -> str:
    content = [
        [s.name, s.streams, s.threshold, s.refractory_s, s.sha256, dict(s.settings), s.factory]
        + ([s.weights_sha256] if s.weights else [])
        + ([{"revision": s.revision}] if s.revision > 1 else [])
        for s in specs
    ]
    text = json.dumps([FORMAT, build_id, content], sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()
