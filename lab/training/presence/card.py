"""The card beside the weights: what they learnt from, how well they do where they did not, and what they cannot do."""

from __future__ import annotations

import hashlib
import shlex
from collections.abc import Mapping, Sequence
from itertools import groupby
from pathlib import Path
from typing import Any

import numpy as np

from detectors.presence.features import BANDS, CHANNELS, VERSION
from lab.training.presence import evaluate, mining
from lab.training.presence.examples import rendering_told
from lab.training.presence.learn import Recipe

_VARIANTS = {
    "presence.onnx": "float32",
    "presence_int8.onnx": "weights of 8 bits",
    "presence_unmined.onnx": "float32, before mining, to be compared with",
}

_LIMITS = """\
## Limits

- Everything is computed: no real room, person, loudspeaker or microphone has been heard.
- What the removal of the device's own music leaves can fool it; the table says how much of it was in the data.
- A person who only breathes counts as none; presence is held on by what moved before.
- Whoever creeps at 30 mm/s across the line of sight is mostly missed, and towards the device found within seconds.
- A fan is taken for somebody now and then in the second in which it starts.
- Pets, robot vacuums and insects were taught as none; those that move like persons still fool it.
- Carrier 34 kHz. Another carrier within 30 to 42 kHz scales Doppler by its ratio to that.
- The figures are of the tune split, which chose this network; verdicts come from the test split.
"""


def _sha256(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def write_card(
    path: Path,
    facts: Mapping[str, Any],
    models: Sequence[Path],
    scored: Sequence[evaluate.Scored],
    small: Sequence[evaluate.Scored],
    single: Sequence[evaluate.Scored],
) -> str:
    """Writes the card and returns the figures of the float32 network as text."""
    recipe = Recipe(**facts["recipe"])
    figures = evaluate.table(scored)
    apart = [
        np.abs(one.scores["major"] - other.scores["major"]) for one, other in zip(scored, small, strict=True)
    ]
    lines = [
        "# Presence network",
        "",
        f"Doppler maps (`{VERSION}`, {CHANNELS} x {BANDS}) to none, minor and major motion, every 50 ms, causal.",
        "Dense layer, two gated recurrent layers, softmax. One thread of ONNX Runtime, the memory in the caller's hands.",
        "",
        "Made by:",
        "",
        *(f"    {line}" for line in commands(facts)),
        "",
        "| file | what | bytes | learnt numbers | sha256 |",
        "|---|---|---|---|---|",
        *(
            f"| `{one.name}` | {_VARIANTS[one.name]} | {one.stat().st_size} | {facts['parameters']} | `{_sha256(one)}` |"
            for one in models
        ),
        "",
        "## Data",
        "",
        f"{facts['examples']} trials, {facts['hours']:.1f} h, of `scenarios/training/presence/`, split `train`, rendered as baseband.",
        "Priors stand in the files: rooms of 3.2 to 9.8 m, hard to soft, 14 to 29 C, 25 to 75 % humidity, persons of 1.0 to 1.95 m with",
        "0 to 9 dB of clothing at 1.1 to 7.2 m, microphones within 9 dB and 60 degrees, a tone of 75 to 90 dB at 1 m. Each trial is heard",
        "with all four microphones and with one or two of them. A hop is labelled by the movers' truth.",
        "",
        "| scenario | hours |",
        "|---|---|",
        *(f"| {name} | {hours:.2f} |" for name, hours in facts["families"].items()),
        "",
        f"Learning: {recipe.steps} steps of {recipe.batch} sequences of {recipe.sequence} hops, AdamW at {recipe.rate:g};",
        f"hops without motion weigh {recipe.none_weight:g}. Learning took {facts['learn_s']} s.",
        f"Train and tune splits: {rendering_told(facts['rendering'])}.",
        "",
        "## Mining",
        "",
        *([f"- {mining.told(row)}" for row in facts["rounds"]] or ["No round yet."]),
        "",
        "## Figures, tune split",
        "",
        "Thresholds are log-odds smoothed over 0.5 s. Rows of cells: events found, or false alarms per day.",
        "",
        "```",
        figures,
        "```",
        "",
        "| variant | major: area | minor: area | major found at 3 | false per day at 3 |",
        "|---|---|---|---|---|",
        *(
            _row(name, one)
            for name, one in (("float32", scored), ("int8", small), ("one or two microphones", single))
        ),
        "",
        f"Scores of major motion differ between float32 and int8 by {np.mean(np.concatenate(apart)):.3f} on average.",
        "",
        _LIMITS,
    ]
    path.write_text("\n".join(lines))
    return figures


def commands(facts: Mapping[str, Any]) -> list[str]:
    """The commands that make this network, with the options that matter."""
    recipe, usual = Recipe(**facts["recipe"]), Recipe()
    same = f" --seed {recipe.seed}"
    if facts.get("share", 1.0) != 1.0:
        same += f" --share {facts['share']:g}"
    if recipe.steps != usual.steps:
        same += f" --steps {recipe.steps}"
    asked = [(row["asked_hours"], row["threshold"], row.get("only", [])) for row in facts["rounds"]]
    return [f"lab train presence{same}"] + [
        f"lab mine presence{same} --rounds {len(list(rounds))} --hours {hours:g} --threshold {threshold:g}"
        + "".join(f" --only {shlex.quote(name)}" for name in only)
        for (hours, threshold, only), rounds in groupby(asked)
    ]


def _row(name: str, scored: Sequence[evaluate.Scored]) -> str:
    hops = evaluate.hop_figures(scored)
    found, total = evaluate.detected(scored, "major", 3.0)
    alarms, hours = evaluate.false_alarms(scored, "major", 3.0)
    return (
        f"| {name} | {hops['major']['auc']:.4f} | {hops['minor']['auc']:.4f} | {found}/{total} | "
        f"{24.0 * alarms / hours if hours else float('nan'):.1f} |"
    )
