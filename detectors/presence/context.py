"""From the classifier's probabilities to states: a person came, moves, stays, has left.

    e_c[n] = e_c[n-1] + g (logit(p_c) - e_c[n-1]),      logit clipped to +-5,   c in major, minor, any motion
    score  = 1 / (1 + exp(theta - e)),                  an alarm at 0.5

theta is the log odds of the probability asked for, less (sensitivity - 0.5) SPAN, less `hysteresis` while that label is on. For small
motions it lies at `minor_vacant` in an empty room; a major motion of somebody who is there brings it down to `minor_occupied`, and it
climbs back by exp(-t / decay_s). A motion is told at once, by evidence averaged over `average_s`; that somebody came, by `arrival` more
evidence, and over `arrival_s`: a fan that starts passes for a person for a moment, and blinds that swing may do so for minutes. Whoever
came is held to be there until nothing moved for `vacancy_s`, the last `confirm_s` of which somebody listened.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum

from detectors.errors import DetectorError
from detectors.presence.settings import within

LABELS = ("presence", "major_motion", "minor_motion", "vacancy")
PRESENCE, MAJOR, MINOR, VACANCY = range(4)
CLIP = 5.0
MARGIN = 0.05  # of evidence below CLIP, so that it gets there soon
SPAN = 4.0  # log odds from the least to the greatest sensitivity
ANNOUNCE_S = 1.0  # how long the score of a vacancy stands
CONFIRM_S = 45.0  # unless a setting says otherwise
ARRIVAL_S = 1.0  # the same
WAITING = 0.49  # what the score of a vacancy reaches before it is one


class Occupancy(Enum):
    VACANT = "vacant"
    OCCUPIED = "occupied"


@dataclass(frozen=True)
class ContextSettings:
    """sensitivity: the user's, 0 to 1. vacancy_s: 1 to 7200. decay_s: of the sensitivity after a major motion, 1 to 3600.
    major, minor_vacant, minor_occupied: probabilities asked for at sensitivity 0.5, between 0 and 1. average_s: of the evidence, 0.05 to 5.
    arrival: log odds that somebody who comes takes beyond these, 0 to 5. arrival_s: of that evidence, average_s to 5; None: 1, or
    average_s where that is more. hysteresis: in log odds, 0 to 5. confirm_s: of listening before a vacancy, 0 to vacancy_s; None: 45, or
    vacancy_s where that is less. Raises DetectorError naming the key."""

    sensitivity: float = 0.5
    vacancy_s: float = 1800.0
    decay_s: float = 1200.0
    major: float = 0.5
    minor_vacant: float = 0.95
    minor_occupied: float = 0.5
    average_s: float = 0.1
    arrival: float = 1.5
    arrival_s: float | None = None
    hysteresis: float = 1.0
    confirm_s: float | None = None

    def __post_init__(self) -> None:
        within("sensitivity", self.sensitivity, 0.0, 1.0)
        within("vacancy_s", self.vacancy_s, 1.0, 7200.0)
        within("decay_s", self.decay_s, 1.0, 3600.0)
        within("average_s", self.average_s, 0.05, 5.0)
        within("arrival", self.arrival, 0.0, 5.0)
        within("arrival_s", self.to_arrive_s, self.average_s, 5.0)
        within("hysteresis", self.hysteresis, 0.0, 5.0)
        within("confirm_s", self.to_confirm_s, 0.0, self.vacancy_s, "vacancy_s")
        for key in ("major", "minor_vacant", "minor_occupied"):
            within(key, getattr(self, key), 0.001, 0.999)
        # Evidence never exceeds CLIP, so that more than that brings nobody, ever.
        most = CLIP - MARGIN - logit(self.major) + self.shift
        if self.arrival > most:
            raise DetectorError(
                f"settings.arrival: at most {max(most, 0.0):.2f} where major = {self.major:g} and sensitivity = {self.sensitivity:g}"
                f"{', which are beyond it by themselves' if most < 0.0 else ''}, got {self.arrival:g}"
            )

    @property
    def shift(self) -> float:
        """What the user's sensitivity takes off all thresholds, in log odds."""
        return (self.sensitivity - 0.5) * SPAN

    @property
    def to_arrive_s(self) -> float:
        """arrival_s, or what stands for it."""
        return max(ARRIVAL_S, self.average_s) if self.arrival_s is None else self.arrival_s

    @property
    def to_confirm_s(self) -> float:
        """confirm_s, or what stands for it."""
        return min(CONFIRM_S, self.vacancy_s) if self.confirm_s is None else self.confirm_s


class Context:
    """One step a hop. `state` is the occupancy, `sure` whether a major motion has shown it, `since_motion_s` the time since somebody
    was last heard."""

    def __init__(self, settings: ContextSettings, hop_s: float) -> None:
        self.settings = settings
        self._hop_s = hop_s
        self._gain = 1.0 - math.exp(-hop_s / settings.average_s)
        self._arrival_gain = 1.0 - math.exp(-hop_s / settings.to_arrive_s)
        self._major = logit(settings.major) - settings.shift
        self._vacant = logit(settings.minor_vacant) - settings.shift
        self._occupied = logit(settings.minor_occupied) - settings.shift
        self.state = Occupancy.VACANT
        self.since_motion_s = math.inf
        self._since_major_s = math.inf
        self._listened_s = 0.0
        self._announce_s = 0.0
        self.sure = False
        self._forget()

    def step(self, probabilities: Sequence[float]) -> tuple[float, float, float, float]:
        """probabilities: (none, minor, major) of a hop. Returns the scores of LABELS, 0 to 1; an alarm at 0.5."""
        minor, major = float(probabilities[1]), float(probabilities[2])
        evidence, arrival = self._evidence, self._arrival
        for label, p in ((PRESENCE, minor + major), (MAJOR, major), (MINOR, minor)):
            odds = logit(p)
            evidence[label] += self._gain * (odds - evidence[label])
            arrival[label] += self._arrival_gain * (odds - arrival[label])
        self._pass()
        self._listened_s += self._hop_s
        small = self._minor_theta()
        vacant = self.state is Occupancy.VACANT
        there, more = (arrival, self.settings.arrival) if vacant else (evidence, 0.0)
        margin = [
            max(there[PRESENCE] - small, there[MAJOR] - self._major) - more,
            evidence[MAJOR] - self._major,
            evidence[MINOR] - small,
        ]
        for label in (PRESENCE, MAJOR, MINOR):
            margin[label] += self.settings.hysteresis * self._on[label]
            self._on[label] = margin[label] >= 0.0
        if self._on[PRESENCE]:
            self.state = Occupancy.OCCUPIED
            self.since_motion_s = self._listened_s = 0.0
        if self._on[MAJOR] and self.state is Occupancy.OCCUPIED:
            self._since_major_s, self.sure = 0.0, True
        presence, major, minor = [1.0 / (1.0 + math.exp(-value)) for value in margin]
        return presence, major, minor, self._vacancy()

    def idle(self) -> None:
        """A hop in which nobody listens: timers run on, evidence starts anew."""
        self._forget()
        self._pass()

    def skip(self) -> None:
        """A hop that tells nothing: timers run on, evidence stays."""
        self._pass()

    def _forget(self) -> None:
        self._evidence, self._arrival = [-CLIP] * 3, [-CLIP] * 3
        self._on = [False] * 3

    @property
    def moving(self) -> bool:
        """Whether somebody is heard right now."""
        return self._on[PRESENCE]

    @property
    def boost(self) -> float:
        """How much of the sensitivity after a major motion is left, 0 to 1."""
        return math.exp(-self._since_major_s / self.settings.decay_s)

    def _pass(self) -> None:
        self._since_major_s += self._hop_s
        self.since_motion_s += self._hop_s
        self._announce_s = max(0.0, self._announce_s - self._hop_s)

    def _minor_theta(self) -> float:
        return self._vacant + (self._occupied - self._vacant) * self.boost

    def _vacancy(self) -> float:
        """How far the wait for a vacancy has come, up to WAITING; 1 for ANNOUNCE_S when it is one; 0 in an empty room."""
        wait_s = self.settings.vacancy_s
        if self.state is Occupancy.OCCUPIED:
            confirmed = self._listened_s >= self.settings.to_confirm_s
            if self.since_motion_s < wait_s or not confirmed:
                return WAITING * min(1.0, self.since_motion_s / wait_s)
            self.state, self.sure, self._announce_s = Occupancy.VACANT, False, ANNOUNCE_S
            self._arrival = [-CLIP] * 3  # whoever comes now is another
        return 1.0 if self._announce_s > 0.0 else 0.0


def logit(probability: float) -> float:
    """ln(p / (1 - p)), within +-CLIP."""
    if probability < 1e-9:
        return -CLIP
    if probability > 1.0 - 1e-9:
        return CLIP
    odds = math.log(probability / (1.0 - probability))
    return min(max(odds, -CLIP), CLIP)
