"""Instrument profiles: what differs between models that speak one wire, kept in TOML, never in code.

`rigs/NAME.py` is the driver of a wire and ends in `INSTRUMENT = Instrument(profile=..., driver=...)`;
`rigs/emulators/NAME.py` has the peer, `EMULATOR`, made from the same profile; `rigs/profiles/MODEL.toml`
says `driver = "NAME"` and what is special about the model. Nothing else has to know a new instrument.
"""

from __future__ import annotations

import importlib
import json
import re
import tomllib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Literal, TypeVar, dataclass_transform

import pydantic.dataclasses
from pydantic import ConfigDict, Field, TypeAdapter, ValidationError

import rigs
from rigs.errors import BadRigFile
from rigs.rig_problems import did_you_mean, problems

PROFILES = Path(__file__).parent / "profiles"

STRICT = ConfigDict(extra="forbid", strict=True, allow_inf_nan=False)

T = TypeVar("T")


@dataclass(frozen=True)
class Instrument:
    """What a driver module offers: the class of its profiles, and how a driver is made.

    driver: called as `driver(link, profile, name="...")`; `link` is open, `name` is the name in the rig file.
    """

    profile: type
    driver: Callable[..., Any]


@dataclass_transform(frozen_default=True, kw_only_default=True, field_specifiers=(Field,))
def profile(cls: type[T]) -> type[T]:
    """Class decorator: a frozen dataclass, checked strictly and closed, that TOML can fill."""
    return pydantic.dataclasses.dataclass(frozen=True, kw_only=True, config=STRICT)(cls)  # type: ignore[return-value]


@profile
class SerialLine:
    """How a model wants its serial line; 8 data bits. The base of every profile."""

    baud_rate: Annotated[int, Field(ge=300, le=4_000_000)] = 9600
    parity: Literal["N", "E", "O"] = "N"
    stop_bits: Literal[1, 2] = 1

    def line_settings(self) -> dict[str, Any]:
        """Arguments for a LinkSpec."""
        return {"baud_rate": self.baud_rate, "parity": self.parity, "stop_bits": self.stop_bits}

    def safe_bytes(self) -> tuple[bytes, ...]:
        """Frames that make the instrument safe, for a guardian that writes them without listening."""
        return ()

    @property
    def safe_gap_s(self) -> float:
        """Silence that the instrument needs after each of them."""
        return 0.005


def known_drivers() -> tuple[str, ...]:
    """Names of the modules that offer an instrument, found by reading them, not by importing them."""
    modules: dict[str, Path] = {}
    for folder in map(Path, rigs.__path__):
        modules |= {path.stem: path for path in folder.glob("*.py")}
        modules |= {path.parent.name: path for path in folder.glob("*/__init__.py")}
    offers = re.compile(r"^INSTRUMENT\b|^from .* import .*\bINSTRUMENT\b", flags=re.MULTILINE)
    return tuple(sorted(name for name, path in modules.items() if offers.search(path.read_text("utf-8"))))


def find_instrument(driver: str) -> Instrument:
    """The instrument of a driver's name. Raises BadRigFile with the names there are."""
    known = known_drivers()
    if driver not in known:
        raise BadRigFile(f'no driver "{driver}"{did_you_mean(driver, known)}; there are {", ".join(known)}')
    return importlib.import_module(f"rigs.{driver}").INSTRUMENT


def find_emulator(driver: str) -> Callable[..., Any]:
    """What makes an emulator of this driver's wire from a profile. Raises BadRigFile when there is none."""
    find_instrument(driver)
    try:
        return importlib.import_module(f"rigs.emulators.{driver}").EMULATOR
    except (ModuleNotFoundError, AttributeError):
        raise BadRigFile(f'no emulator of driver "{driver}" in rigs/emulators') from None


def load_profile(name: str | Path | None, driver: str | None = None, folder: Path | None = None) -> Any:
    """Read the profile of a model.

    name: a model in `rigs/profiles` ("lcus_8"), or a path ending in `.toml`, taken from `folder` when relative;
    None: the driver's defaults, where it has them for every key.
    driver: the driver that the rig file wants it for; None takes what the profile says.
    Raises BadRigFile with one message naming file, key and what is allowed.
    """
    if name is None:
        instrument = find_instrument(driver or "")
        try:
            return instrument.profile()
        except ValidationError:
            raise BadRigFile(
                f'driver "{driver}" needs a profile; there are {", ".join(_models(driver)) or "none"}'
            ) from None
    path = _find(str(name), folder)
    tree = read_toml(path)
    said = tree.pop("driver", None)
    if not isinstance(said, str):
        raise BadRigFile(f"{path}: driver is missing; it is one of {', '.join(known_drivers())}")
    try:
        kind = find_instrument(said).profile
    except BadRigFile as error:
        raise BadRigFile(f"{path}: driver: {error}") from None
    if driver is not None and said != driver:
        raise BadRigFile(f'{path}: driver = "{said}", where a profile for "{driver}" is wanted')
    return parse(tree, kind, str(path))


def parse(tree: dict[str, Any], kind: type[T], where: str) -> T:
    """A profile from the content of a file. Raises BadRigFile, each key named."""
    try:
        text = json.dumps(tree)  # strict JSON mode still takes lists for tuples and names for Enums
    except TypeError as error:
        raise BadRigFile(f"{where}: dates and times have no place in a profile ({error})") from None
    try:
        return TypeAdapter(kind).validate_json(text)
    except ValidationError as error:
        raise BadRigFile("\n".join(f"{where}: {line}" for line in problems(error, kind))) from None


def read_toml(path: Path) -> dict[str, Any]:
    """The content of a TOML file. Raises BadRigFile naming file and place."""
    try:
        return tomllib.loads(path.read_text(encoding="utf-8-sig"))
    except FileNotFoundError:
        raise BadRigFile(f"{path}: no such file") from None
    except UnicodeDecodeError as error:
        raise BadRigFile(f"{path}: byte {error.start} is not UTF-8; TOML files are UTF-8 text") from None
    except OSError as error:
        raise BadRigFile(f"{path}: {error.strerror}") from None
    except tomllib.TOMLDecodeError as error:
        raise BadRigFile(f"{path}: malformed TOML: {error}") from None


def _find(name: str, folder: Path | None) -> Path:
    if name.endswith(".toml"):
        return (folder or Path()) / name
    path = PROFILES / f"{name}.toml"
    known = sorted(one.stem for one in PROFILES.glob("*.toml"))
    if name not in known:
        raise BadRigFile(
            f'no profile "{name}"{did_you_mean(name, known)}; there are {", ".join(known)}, '
            "or give a path ending in .toml"
        )
    return path


def _models(driver: str | None) -> list[str]:
    """The shipped profiles for a driver."""
    return sorted(path.stem for path in PROFILES.glob("*.toml") if read_toml(path).get("driver") == driver)
