"""A device file: where its microphones and loudspeaker sit, and what its converter does.

`scenarios/devices/NAME.toml`. Positions are metres from the device's centre, z up.
"""

from __future__ import annotations

import difflib
import json
import math
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


class DriverSpec(Spec):
    """The loudspeaker as mounted in its enclosure, by the lumped parameters of Thiele and Small.

    diameter_m: nominal. sd_m2: effective area of the cone. re_ohm, le_h: of the voice coil. bl_tm: force factor at rest.
    mms_kg: moving mass with air. fs_hz: resonance in the enclosure. qms: mechanical quality factor. xmax_m: peak
    excursion at which Bl has fallen to 82 %, compliance to 75 %, and Le by 10 %. stop_m: where the coil hits.
    equalised_hz: the device lifts its bass down to here. supply_v: where the amplifier clips. limiter: holds coil and
    amplifier below their ends by lowering the gain. limiter_on_tone: the tone is summed before it and pumps along.
    crosstalk_db: part of the cone's motion that reaches the tone: 0 for one full-range driver, -30 to -50 for a separate
    tweeter. coupling: range of kappa, how much of it a tone follows, as break-up decouples the dome. am_per_m: relative
    change of the tone's amplitude per metre; 15.9 gives sidebands of -42 dBc for 1 mm. tolerance: relative standard
    deviation from unit to unit of Bl, Mms and stiffness. axis: unit vector of radiation. directivity: of the tone, and
    directivity_index_db of a lobed one.
    """

    diameter_m: float = Field(0.064, ge=0.02, le=0.4)
    sd_m2: float = Field(21e-4, ge=1e-4, le=0.1)
    re_ohm: float = Field(4.0, ge=1.0, le=32.0)
    le_h: float = Field(5e-5, ge=1e-6, le=2e-3)
    bl_tm: float = Field(2.5, ge=0.2, le=30.0)
    mms_kg: float = Field(2e-3, ge=1e-4, le=0.2)
    fs_hz: float = Field(180.0, ge=20.0, le=2000.0)
    qms: float = Field(4.0, ge=0.3, le=20.0)
    xmax_m: float = Field(2.5e-3, ge=1e-4, le=0.02)
    stop_m: float = Field(4e-3, ge=1e-4, le=0.04)
    equalised_hz: float = Field(80.0, ge=20.0, le=2000.0)
    supply_v: float = Field(12.0, ge=1.0, le=100.0)
    limiter: bool = True
    limiter_on_tone: bool = True
    crosstalk_db: float = Field(0.0, ge=-80.0, le=0.0)
    coupling: Annotated[tuple[float, float], Field(strict=False)] = (0.3, 1.0)
    am_per_m: float = Field(15.9, ge=0.0, le=200.0)
    tolerance: float = Field(0.05, ge=0.0, le=0.2)
    axis: Position = (1.0, 0.0, 0.0)
    directivity: Literal["lobed", "piston", "omni"] = "lobed"
    directivity_index_db: float = Field(8.0, ge=5.0, le=15.0)

    @model_validator(mode="after")
    def _ranges(self) -> Self:
        low, high = self.coupling
        if not 0.0 <= low <= high <= 1.0:
            raise ValueError(
                f"coupling must be [low, high] with 0 <= low <= high <= 1, got [{low:g}, {high:g}]"
            )
        if self.stop_m < self.xmax_m:
            raise ValueError(f"stop_m must be at least xmax_m = {self.xmax_m:g}, got {self.stop_m:g}")
        if abs(sum(value * value for value in self.axis) - 1.0) > 1e-6:
            raise ValueError(f"axis must have length 1, got {list(self.axis)}")
        return self

    @property
    def radius_m(self) -> float:
        """Of a piston with the cone's area."""
        return math.sqrt(self.sd_m2 / math.pi)


class UltrasonicSpec(ConverterSpec):
    """Microphones, converter, loudspeaker and digital front end of a stream above hearing.

    rate_hz: 96 or 192 kHz. carrier_band_hz: tones that the unit can emit. baseband_rate_hz, baseband_carrier_hz: what the
    front end leaves of the stream, complex samples per second about this frequency. noise_shaping_db: rise of the
    microphones' noise above 30 kHz. thd_one_percent_db_spl, thd_ten_percent_db_spl: levels of a sine that microphones
    distort by 1 and 10 %, the second 10 to 20 dB above the first. microphone_axis: where their side of the housing looks, any
    length but 0. microphone_rear_db: what the housing takes from behind, above hearing.
    """

    rate_hz: Literal[96000, 192000]
    full_scale_db_spl: float = Field(130.0, ge=80.0, le=160.0)
    bits: int = Field(24, ge=8, le=24)
    carrier_band_hz: Annotated[tuple[float, float], Field(strict=False)] = (30000.0, 42000.0)
    baseband_rate_hz: Literal[2000, 4000, 8000, 16000] = 4000
    baseband_carrier_hz: float = Field(34000.0, ge=20000.0, le=90000.0)
    noise_shaping_db: float = Field(15.0, ge=0.0, le=30.0)
    thd_one_percent_db_spl: float = Field(115.0, ge=90.0, le=150.0)
    thd_ten_percent_db_spl: float = Field(128.0, ge=100.0, le=170.0)
    driver: DriverSpec = DriverSpec()
    microphone_axis: Position = (0.0, 0.0, 1.0)
    microphone_rear_db: float = Field(10.0, ge=0.0, le=30.0)

    @model_validator(mode="after")
    def _carriers(self) -> Self:
        low, high = self.carrier_band_hz
        top = min(90000.0, self.rate_hz / 2)
        if not 20000.0 <= low < high < top:
            raise ValueError(
                f"carrier_band_hz must be [low, high] with 20000 <= low < high < {top:g} (half the rate, or 90000), "
                f"got [{low:g}, {high:g}]"
            )
        if not low <= self.baseband_carrier_hz <= high:
            raise ValueError(
                f"baseband_carrier_hz must lie in carrier_band_hz [{low:g}, {high:g}], got {self.baseband_carrier_hz:g}"
            )
        apart = self.thd_ten_percent_db_spl - self.thd_one_percent_db_spl
        if not 10.0 <= apart <= 20.0:
            raise ValueError(
                f"thd_ten_percent_db_spl must be 10 to 20 dB above thd_one_percent_db_spl, got {apart:g} dB"
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
    ultrasonic: UltrasonicSpec | None = None

    @model_validator(mode="after")
    def _streams(self) -> Self:
        if self.audible.rate_hz > 48000:
            raise ValueError(f"audible.rate_hz must be 16000 or 48000, got {self.audible.rate_hz}")
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
        content = tomllib.loads(path.read_text(encoding="utf-8-sig"))
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
    model = {
        ("audible",): ConverterSpec,
        ("ultrasonic",): UltrasonicSpec,
        ("ultrasonic", "driver"): DriverSpec,
    }.get(first["loc"][:-1], DeviceSpec)
    known = list(model.model_fields)
    near = difflib.get_close_matches(str(first["loc"][-1]), known, n=1)
    hint = f"did you mean {near[0]!r}?" if near else f"allowed: {', '.join(known)}"
    return f"{where}: unknown key; {hint}"
