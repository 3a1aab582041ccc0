"""A device file: where its microphones and loudspeaker sit, and what its converter does.

`scenarios/devices/NAME.toml`. Positions are metres from the device's centre, z up.
"""

from __future__ import annotations

import difflib
import json
import tomllib
from pathlib import Path
from typing import Annotated, Literal, Self

from pydantic import Field, ValidationError, model_validator

from lab.errors import BadInput
from lab.spec import Spec

FORMAT = "earshot-device/1"
SHELF = Path(__file__).resolve().parents[2] / "scenarios" / "devices"
Offset = Annotated[float, Field(ge=-1.0, le=1.0)]
Position = Annotated[tuple[Offset, Offset, Offset], Field(strict=False)]


class ConverterSpec(Spec):
    """Microphones and converter of one stream.

    rate_hz: samples per second. bits: of the converter, two's complement.
    full_scale_db_spl: level of a sine whose peaks just reach full scale. noise_floor_dba: self-noise of one
    microphone, A-weighted over 20 Hz to 20 kHz. band_hz: -3 dB edges. gain_spread_db: standard deviation of
    the microphones' sensitivities.
    """

    rate_hz: Literal[16000, 48000, 96000, 192000]
    bits: int = Field(16, ge=8, le=24)
    full_scale_db_spl: float = Field(120.0, ge=80.0, le=160.0)
    noise_floor_dba: float = Field(29.0, ge=-20.0, le=80.0)
    band_hz: Annotated[tuple[float, float], Field(strict=False)]
    gain_spread_db: float = Field(0.0, ge=0.0, le=6.0)

    @model_validator(mode="after")
    def _band(self) -> Self:
        low, high = self.band_hz
        if not 1.0 <= low < high < self.rate_hz / 2:
            raise ValueError(
                f"band_hz must be [low, high] with 1 <= low < high < {self.rate_hz / 2:g} (half the rate), "
                f"got [{low:g}, {high:g}]"
            )
        return self


class DeviceSpec(Spec):
    """What a device file says.

    microphones_m: one position per channel, within 1 m of the centre. loudspeaker_m: of its own loudspeaker.
    audible: 16 or 48 kHz; ultrasonic: 96 or 192 kHz, absent on a device that hears no ultrasound.
    """

    format: Literal["earshot-device/1"]
    id: str = Field(pattern=r"^[a-z0-9_-]+$")
    title: str = ""
    microphones_m: Annotated[tuple[Position, ...], Field(strict=False, min_length=1, max_length=64)]
    loudspeaker_m: Position | None = None
    audible: ConverterSpec
    ultrasonic: ConverterSpec | None = None

    @model_validator(mode="after")
    def _streams(self) -> Self:
        if self.audible.rate_hz > 48000:
            raise ValueError(f"audible.rate_hz must be 16000 or 48000, got {self.audible.rate_hz}")
        if self.ultrasonic is not None and self.ultrasonic.rate_hz < 96000:
            raise ValueError(f"ultrasonic.rate_hz must be 96000 or 192000, got {self.ultrasonic.rate_hz}")
        if len(set(self.microphones_m)) < len(self.microphones_m):
            raise ValueError("microphones_m: two microphones share one position")
        return self

    @property
    def radius_m(self) -> float:
        """Largest distance of a microphone from the centre."""
        return max(sum(axis * axis for axis in position) ** 0.5 for position in self.microphones_m)


def find_device(device: str, beside: Path | None = None) -> Path:
    """The file of a device named in a scenario: `NAME` on the shelf, or a path relative to `beside`.

    Raises BadInput, with the nearest name, when there is none.
    """
    if device.endswith(".toml"):
        path = (beside or Path()) / device
        if not path.is_file():
            raise BadInput(f"device = {device!r}: there is no file {path}")
        return path
    path = SHELF / f"{device}.toml"
    if not path.is_file():
        names = sorted(file.stem for file in SHELF.glob("*.toml"))
        near = difflib.get_close_matches(device, names, n=1)
        hint = f"; did you mean {near[0]!r}?" if near else ""
        raise BadInput(f"device = {device!r} is not known{hint} Devices: {', '.join(names)}; or a .toml path")
    return path


def load_device(device: str, beside: Path | None = None) -> DeviceSpec:
    """Read a device file by name or path. Raises BadInput naming file, key and what is allowed."""
    path = find_device(device, beside)
    try:
        content = tomllib.loads(path.read_text(encoding="utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise BadInput(f"{path}: not valid TOML: {error}") from None
    except OSError as error:
        raise BadInput(f"{path}: cannot be read: {error.strerror}") from None
    try:
        return DeviceSpec.model_validate_json(json.dumps(content, default=str))
    except ValidationError as error:
        raise BadInput(f"{path}: {_explain(error)}") from None


def _explain(error: ValidationError) -> str:
    first = error.errors()[0]
    where = ".".join(str(part) for part in first["loc"])
    message = first["msg"].removeprefix("Value error, ")
    if first["type"] != "extra_forbidden":
        return f"{where}: {message}" if where else message
    model = ConverterSpec if len(first["loc"]) > 1 else DeviceSpec
    known = list(model.model_fields)
    near = difflib.get_close_matches(str(first["loc"][-1]), known, n=1)
    hint = f"did you mean {near[0]!r}?" if near else f"allowed: {', '.join(known)}"
    return f"{where}: unknown key; {hint}"
