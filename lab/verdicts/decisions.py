"""The decision: a confidence bound against a limit, and what is missing when it does not decide.

PASS when the bound on the unsafe side keeps the limit, FAIL when the bound on the other side breaks it,
inconclusive between the two.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum

from lab.verdicts.clusters import Sample
from lab.verdicts.exposure import HOURS_A_DAY, Exposure
from lab.verdicts.intervals import CONFIDENCE, Bounds, proportion, rate
from lab.verdicts.limits import Limit

MIN_RECORDINGS = 20
MAX_INVALID_SHARE = 0.05
MAX_ACTIVE_FRACTION = 0.001
_BEYOND = 10_000_000  # trials or hours: nobody runs so many, say so


class Verdict(StrEnum):
    PASS = "pass"
    FAIL = "fail"
    INCONCLUSIVE = "inconclusive"
    REPORTED = "reported"


@dataclass(frozen=True)
class Decision:
    """bound: the one held against the limit, None without data. needed: None when decided."""

    verdict: Verdict
    bound: float | None
    needed: str | None = None


def worst(verdicts: list[Verdict]) -> Verdict:
    """Any fail fails; else any inconclusive is inconclusive; else pass; nothing judged is `reported`."""
    for verdict in (Verdict.FAIL, Verdict.INCONCLUSIVE, Verdict.PASS):
        if verdict in verdicts:
            return verdict
    return Verdict.REPORTED


def decide(bounds: Bounds, limit: Limit) -> tuple[Verdict, float]:
    """Hold bounds against a limit: the verdict and the bound that gave it."""
    if limit.at_least is not None:
        if bounds.low >= limit.at_least:
            return Verdict.PASS, bounds.low
        if bounds.high < limit.at_least:
            return Verdict.FAIL, bounds.high
        return Verdict.INCONCLUSIVE, bounds.low
    if bounds.high <= limit.at_most:
        return Verdict.PASS, bounds.high
    if bounds.low > limit.at_most:
        return Verdict.FAIL, bounds.low
    return Verdict.INCONCLUSIVE, bounds.high


def decide_share(found: Sample, limit: Limit, confidence: float = CONFIDENCE) -> Decision:
    """A detection rate, or a share of trials that alarm."""
    if found.trials == 0:
        return Decision(Verdict.INCONCLUSIVE, None, "no trial to count")
    verdict, bound = decide(found.bounds(confidence), limit)
    needed = _trials_needed(found, limit, confidence) if verdict is Verdict.INCONCLUSIVE else None
    return Decision(verdict, bound, needed)


def decide_exposure(heard: Exposure, limit: Limit, confidence: float = CONFIDENCE) -> Decision:
    """False alarms a day, and with them the share of time in alarm (at most 0.1 %)."""
    if heard.distinct_hours <= 0:
        return Decision(Verdict.INCONCLUSIVE, None, "no distinct target-free audio was heard")
    verdict, bound = decide(heard.per_day_bounds(confidence), limit)
    needed = _hours_needed(heard, limit, confidence) if verdict is Verdict.INCONCLUSIVE else None
    if limit.at_least is not None or verdict is Verdict.FAIL:
        return Decision(verdict, bound, needed)
    active_limit = Limit("active_fraction", limit.label, at_most=MAX_ACTIVE_FRACTION)
    active = decide_active(heard, active_limit, confidence)
    if active.verdict is Verdict.FAIL:
        text = f"in alarm {heard.active_fraction:.2%} of target-free time, at most {MAX_ACTIVE_FRACTION:.1%} allowed"
        return Decision(Verdict.FAIL, bound, text)
    reasons = [text for text in (needed, active.needed) if text]
    return Decision(worst([verdict, active.verdict]), bound, "; ".join(reasons) or None)


def decide_active(heard: Exposure, limit: Limit, confidence: float = CONFIDENCE) -> Decision:
    """The share of target-free time in alarm."""
    if heard.distinct_hours <= 0:
        return Decision(Verdict.INCONCLUSIVE, None, "no distinct target-free audio was heard")
    verdict, bound = decide(heard.active_bounds(confidence), limit)
    if verdict is not Verdict.INCONCLUSIVE:
        return Decision(verdict, bound)
    asked = f" where {limit.at_most:.1%} may be" if limit.at_most is not None else ""
    text = f"more hours: {heard.active_fraction:.3%} of the time in alarm, bound {bound:.3%}{asked}"
    return Decision(verdict, bound, text)


def _trials_needed(found: Sample, limit: Limit, confidence: float) -> str:
    """In words: more trials at the observed rate and design effect, or more clusters."""
    share, effect = found.rate, found.trials / found.effective_trials
    toward_pass = share > limit.value if limit.at_least is not None else share < limit.value
    if share == limit.value:
        return f"the observed rate {share:.3g} equals the limit: no number of trials decides"

    def decided(trials: int) -> bool:
        verdict, _ = decide(proportion(share * trials / effect, trials / effect, confidence), limit)
        return verdict is not Verdict.INCONCLUSIVE

    clusters = _clusters_needed(
        limit.value if toward_pass == (limit.at_least is not None) else 1 - limit.value, confidence
    )
    parts = []
    if not decided(found.trials):
        total = _smallest(decided, found.trials)
        more = "more than ten million" if total is None else f"about {total - found.trials}"
        toward = "" if toward_pass else ", which would fail"
        parts.append(f"{more} more trials at the observed rate {share:.3g}{toward}")
    if found.clusters < clusters:
        parts.append(f"at least {clusters} distinct rooms and recordings (there are {found.clusters})")
    return "; ".join(parts) or "more trials"


def _clusters_needed(share: float, confidence: float) -> int:
    """Clusters that, all alike, carry a bound to this share: the smallest C with (1 - confidence)^(1/C) >= share."""
    if not 0 < share < 1:
        return 0
    return math.ceil(math.log(1 - confidence) / math.log(share) - 1e-9)


def _hours_needed(heard: Exposure, limit: Limit, confidence: float) -> str:
    per_day = heard.per_day
    if per_day == limit.value:
        return f"the observed {per_day:.3g} a day equals the limit: no number of hours decides"

    def decided(hours: int) -> bool:
        days = hours / HOURS_A_DAY
        return decide(rate(per_day * days, days, confidence), limit)[0] is not Verdict.INCONCLUSIVE

    start = max(1, math.floor(heard.distinct_hours))
    total = _smallest(decided, start)
    more = (
        "more than ten million"
        if total is None
        else f"about {max(1, math.ceil(total - heard.distinct_hours))}"
    )
    keeps = per_day < limit.value if limit.at_most is not None else per_day > limit.value
    return f"{more} more distinct hours at the observed {per_day:.3g} a day{'' if keeps else ', which would fail'}"


def _smallest(decided: Callable[[int], bool], start: int) -> int | None:
    """The smallest whole number above `start` that decides, by doubling and bisection."""
    low, high = start, max(2, 2 * start)
    while not decided(high):
        low, high = high, 2 * high
        if low > _BEYOND:
            return None
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if decided(middle) else (middle, high)
    return high
