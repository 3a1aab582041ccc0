"""What GRBL's numbers mean, in the words of someone standing at the stage.

Numbers: gnea/grbl v1.1 `doc/csv`; from 10 (alarms) and 39 (errors) on they differ between controllers.
"""

from __future__ import annotations

ALARMS = {
    1: "a limit switch was hit; the position is likely lost, home the stage",
    2: "the target lies beyond the travel (soft limit); the position is kept",
    3: "reset while moving; the position is likely lost, home the stage",
    4: "the probe was not in its starting state",
    5: "the probe touched nothing",
    6: "reset while homing",
    7: "the door was opened while homing",
    8: "homing could not get off the limit switch; look at pull-off ($27) and wiring",
    9: "homing found no limit switch; look at travel ($130 and on), switch and wiring",
}
POSITION_KEPT = frozenset({2, 4, 5})  # alarms after which the position still holds
CRITICAL = frozenset({1, 2})  # everything but a reset is ignored after these

ERRORS = {
    1: "a word without a letter",
    2: "a number that cannot be read or is missing",
    3: "not a command of this controller",
    4: "a negative value where none may be",
    5: "homing is switched off ($22=0)",
    6: "step pulse shorter than 3 us",
    7: "stored settings cannot be read; defaults are in force",
    8: "only allowed while idle",
    9: "locked after an alarm, or while jogging; home or unlock first",
    10: "soft limits need homing ($22=1)",
    11: "line too long",
    12: "step rate too high",
    13: "the safety door is open",
    14: "line too long to be stored",
    15: "the jog would leave the travel",
    16: "not a jog command",
    17: "laser mode needs a variable spindle",
    20: "not a known G-code",
    21: "two commands of one group in a line",
    22: "no feed rate",
    23: "a whole number is needed",
    24: "two commands want the axis words",
    25: "a word given twice",
    26: "axis words are missing",
    27: "line number out of range",
    28: "a P or L word is missing",
    29: "no such work coordinate system",
    30: "G53 only with G0 or G1",
    31: "axis words without a motion",
    32: "an arc without axis words",
    33: "the target cannot be reached",
    34: "arc radius not valid",
    35: "an arc without centre",
    36: "words left over",
    37: "tool length on another axis",
    38: "tool number too high",
}


def alarm_text(code: int) -> str:
    """`alarm 1: a limit switch was hit...`"""
    return f"alarm {code}: {ALARMS.get(code, 'see the manual of this controller')}"


def error_text(code: int) -> str:
    """`error 15: the jog would leave the travel`"""
    return f"error {code}: {ERRORS.get(code, 'see the manual of this controller')}"
