"""How a report says things: names of cell keys with their units, numbers, verdicts."""

from __future__ import annotations

import math
from collections.abc import Mapping

from lab.store.results import (
    Accept,
    CalibrationRecord,
    DeviceIdentity,
    FalseAlarms,
    Row,
    Scalar,
    ScenarioResult,
    UnjudgedLimit,
)
from lab.verdicts.intervals import CONFIDENCE

MINUS = "\u2212"
THIN_SPACE = "\u202f"
# Longest suffix first: `level_db_spl` is dB SPL, not "level db" in SPL.
UNITS = (
    ("_db_spl", "dB SPL"),
    ("_per_h", "per hour"),
    ("_percent", "%"),
    ("_m_s", "m/s"),
    ("_kpa", "kPa"),
    ("_deg", "°"),
    ("_dba", "dB(A)"),
    ("_db", "dB"),
    ("_hz", "Hz"),
    ("_m2", "m²"),
    ("_m3", "m³"),
    ("_ms", "ms"),
    ("_c", "°C"),
    ("_m", "m"),
    ("_s", "s"),
)
ACRONYMS = {"rt60": "RT60", "snr": "SNR", "spl": "SPL", "tv": "TV", "id": "ID"}
# Sections of a scenario file; in a dotted path they carry no meaning of their own.
SECTIONS = {"sources", "movers", "room", "placement"}
VERDICTS = {
    "pass": ("✓", "PASS"),
    "fail": ("✗", "FAIL"),
    "inconclusive": ("?", "INCONCLUSIVE"),
    "reported": ("–", "REPORTED"),
}
ORIGINS = {
    "simulated": "the air is computed, whatever plays",
    "emulated": "the rig's path, with no real electronics or air",
    "replayed": "a stored device recording, heard by another build",
    "measured": "real devices in real air",
}
DECISION_RULE = (
    "A limit passes when the one-sided 95 % confidence bound lies beyond it, and fails when the opposite bound "
    "lies on its wrong side; otherwise it is inconclusive and the report says what is still needed. Detections "
    "and false alarms are counted at the threshold stored in the build, never at one read off the curves below. "
    "Bounds of 99.9 % are marked so: planned trials of the cell are missing, or trials were added after a look."
)


def device(identity: DeviceIdentity) -> str:
    """The device under test in its own words."""
    serial = f", serial number {identity.serial_number}" if identity.serial_number else ""
    version = f"version {identity.version or 'not told'}, build {identity.build_id or 'not told'}"
    return f"{identity.name}{serial}, {version}"


def calibration(record: CalibrationRecord) -> str:
    """What a figure of the bench stands on: value, frequencies at which it holds, uncertainty, dates, standard."""
    sure = "uncertainty not stated"
    if record.uncertainty is not None:
        sure = f"± {number(record.uncertainty)} {record.unit} (k = 2)"
    made = f"done {record.done}" + (f" by {record.by}" if record.by else "")
    against = f", against {record.standard}" if record.standard else ""
    holds = "" if record.hz is None else f" from {number(record.hz[0])} to {number(record.hz[1])} Hz"
    return f"{record.what}, {number(record.value)} {record.unit}{holds}, {sure}; {made}{against}, due {record.due}"


def unit_of(key: str) -> str:
    """Unit that the name of a cell key ends in, '' when it has none: `distance_m` -> `m`."""
    return next((unit for suffix, unit in UNITS if key.endswith(suffix)), "")


def name_of(key: str) -> str:
    """A cell key in words, without its unit: `sources.tv.level_db_spl` -> `TV level`."""
    suffix = next((suffix for suffix, _ in UNITS if key.endswith(suffix)), "")
    parts = [part for part in key.removesuffix(suffix).split(".") if part not in SECTIONS]
    spoken = " ".join(part.replace("_", " ") for part in parts)
    return " ".join(ACRONYMS.get(word, word) for word in spoken.split()) or key


def axis_of(key: str) -> str:
    """Axis label: name and unit, `Distance (m)`."""
    name, unit = name_of(key), unit_of(key)
    name = name[:1].upper() + name[1:]
    return f"{name} ({unit})" if unit else name


def value_of(key: str, value: Scalar) -> str:
    """A cell value with its unit: `3 m`."""
    text = number(value) if is_number(value) else str(value)
    unit = unit_of(key)
    return f"{text} {unit}" if unit and is_number(value) else text


def cell_words(cell: Mapping[str, Scalar]) -> str:
    """A whole cell in one phrase: `distance 3 m, RT60 0.3 s`; `all` for the only cell of a scenario."""
    return ", ".join(f"{name_of(key)} {value_of(key, value)}" for key, value in cell.items()) or "all"


def unjudged(limit: UnjudgedLimit) -> str:
    """A limit that nothing answers, with its cells and why: `not judged: detection_rate at least 0.9 of watermark, SNR 5 dB: REASON`."""
    of = "" if limit.label is None else f" of {limit.label}"
    cells = "; ".join(cell_words(cell) for cell in limit.cells)
    return f"not judged: {limit.metric} {limit.limit}{of}, {cells}: {limit.reason}"


def looks(scenario: ScenarioResult) -> str:
    """Every number of trials a cell at which a scenario was judged: `6, then 12 trials a cell`."""
    return ", then ".join(str(trials) for trials in scenario.looks) + " trials a cell"


def surroundings(scenario: ScenarioResult) -> str:
    """Air and noise that its trials were heard in: `temperature 20.1 to 21.4 °C, background 31 dB(A)`."""
    said = []
    for key, (least, most) in scenario.surroundings.items():
        low, high, unit = number(least, 3), number(most, 3), unit_of(key)
        said.append(f"{name_of(key)} {low if low == high else f'{low} to {high}'} {unit}")
    return ", ".join(said)


def sure(accept: Accept) -> str:
    """The confidence of a bound where it is another than the usual one: ` (99.9 %)`."""
    return "" if accept.confidence == CONFIDENCE else f" ({100.0 * accept.confidence:g} %)"


def is_number(value: object) -> bool:
    """Whether a cell value can stand on an axis; a bool cannot."""
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)


def number(value: float | bool | str | None, digits: int = 4) -> str:
    """A number in at most `digits` significant digits, thousands kept whole; an en dash for none."""
    if isinstance(value, bool | str):
        return str(value)
    if value is None or math.isnan(value):
        return "–"
    if math.isinf(value):
        return "∞" if value > 0 else f"{MINUS}∞"
    whole = float(value).is_integer() or abs(value) >= 10 ** (digits - 1)
    text = f"{value:,.0f}".replace(",", THIN_SPACE) if whole and abs(value) < 1e9 else f"{value:.{digits}g}"
    return text.replace("-", MINUS)


def rate(value: float | None) -> str:
    """A proportion with three decimals."""
    return "–" if value is None or math.isnan(value) else f"{value:.3f}"


def seconds(value: float | None) -> str:
    """A latency or duration in seconds; minutes and hours when it is long."""
    if value is None or math.isnan(value):
        return "–"
    if value < 120:
        return f"{value:.2f} s"
    return f"{value / 60:.1f} min" if value < 7200 else f"{value / 3600:.1f} h"


def hours(alarms: FalseAlarms) -> str:
    """Time listened, and how much of it was distinct audio when that is less."""
    listened = _listened(alarms.hours)
    if alarms.distinct_hours < 0.995 * alarms.hours:
        listened += f" ({_listened(alarms.distinct_hours)} distinct)"
    return listened


def _listened(time_h: float) -> str:
    if time_h >= 1:
        return f"{number(time_h, 3)} h"
    return f"{number(60 * time_h, 3)} min" if time_h >= 1 / 60 else f"{number(3600 * time_h, 3)} s"


def evidence(row: Row, accept: Accept) -> str:
    """What a limit was decided on: trials, trials with a false alarm, hours listened, or how many were counted."""
    if accept.metric in ("false_alarms_per_day", "active_fraction") and row.false_alarms:
        return f"{row.false_alarms.count} in {hours(row.false_alarms)}"
    metric = next((metric for metric in row.metrics if metric.name == accept.metric), None)
    if metric and metric.name == "false_alarm_rate":
        return f"{round(metric.value * metric.n)} of {metric.n} trials with an alarm"
    if metric:
        return f"n = {number(metric.n)}"
    return f"{row.detection.detected} of {row.detection.trials}" if row.detection else "–"


def signed(value: float) -> str:
    """A difference with its sign, three decimals."""
    return f"{value:+.3f}".replace("-", MINUS)


def interval(low: float | None, high: float | None) -> str:
    """One or two bounds in brackets, '' without any."""
    if low is None or high is None:
        bound, sign = (low, "≥") if high is None else (high, "≤")
        return "" if bound is None else f"({sign} {number(bound, 3)})"
    return f"({number(low, 3)} to {number(high, 3)})"
