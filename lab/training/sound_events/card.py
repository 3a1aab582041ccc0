"""The card beside the weights: what they learnt from, how well they do where they did not, and what they cannot do."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from detectors.sound_events import features
from lab.training.sound_events import mining, study
from lab.training.sound_events.drawing import FAMILIES
from lab.training.sound_events.evaluate import DRAWS, Figure, Played, table
from lab.training.sound_events.learn import Recipe
from lab.training.sound_events.scenes import TARGETS
from lab.training.sound_events.verifier import Judged

_LIMITS = """\
- Telephone tones, recorded and computed, are taught as no alarm, and to the head of appliance beeps not at all: nobody says which they are.
  Computed lorries that reverse are taught as appliance beeps; recorded ones are left open. Alarms in a programme (`tv_smoke_alarm`) are taught
  to no head of a beep, and as none of the rest.
- Knocks are in the scenes as what is no other event; their own head saw only the examples counted under Data.
- Heads of alarms know a rhythm of a few seconds. Which pattern it is, is decided over 10 to 30 s by `detectors/sound_events/evidence.py`.
- The figures are of the tune split, which chose this network; verdicts come from the test split.
"""


def write_card(
    path: Path,
    facts: Mapping[str, Any],
    models: Sequence[Path],
    columns: Mapping[str, Sequence[Figure]],
    recorded: Mapping[str, Mapping[str, float]],
    heard: Sequence[Played],
    verdicts: Sequence[Judged],
) -> str:
    """Writes the card and returns the figures as text."""
    shown = [*table(columns), "", *_counts(columns)]
    judged = _judged(verdicts)
    lines = [
        "# Sound-event networks",
        "",
        f"Log-mel frames (`{features.VERSION}`, {features.CHANNELS} x {features.MELS}, 20 ms) to the log odds of each event, causal: a base of one",
        "dense layer and two LSTM, a small head for each event, one ONNX file each. The verifier is a convolutional network that hears a",
        "flagged clip as a whole. One thread of ONNX Runtime, the memory in the caller's hands.",
        "",
        f"Made by {', then '.join(_commands(facts))}; seed {facts['recipe']['seed']}. Base `{facts['base']}`.",
        "",
        "| file | bytes |",
        "|---|---|",
        *(f"| `{one.name}` | {one.stat().st_size} |" for one in models),
        "",
        (
            f"Learnt numbers: base {facts['parameters']['base']}, each head {facts['parameters']['head']}, device stage "
            f"{facts['parameters']['device']}, verifier {facts['verifier_parameters']}."
        ),
        "",
        "## Data",
        "",
        (
            f"{facts['scenes']} scenes, {facts['hours']:.1f} h, of 12 and 24 s, split `train`: things of `lab/sources` with parameters of that split, "
            f"{facts['recordings'] or 'no'} recordings"
        ),
        "of the corpus' train split at other speeds, through one of 60 simulated rooms (reverberation 0.15 to 0.8 s, 0.7 to 8 m), doors open and closed,",
        "-5 to 40 dB above coloured noise, media, a home at work or a recorded ambience, through random microphones, gains and codecs.",
        "",
        "| thing | scenes |",
        "|---|---|",
        *(f"| {name} | {count} |" for name, count in facts["families"].items()),
        "",
        (
            f"Learning: {facts['recipe']['steps']} steps of {facts['recipe']['batch']} crops of {facts['recipe']['crop']} frames, before that shorter ones, AdamW at "
            f"{facts['recipe']['rate']:g}, {'after' if facts['pretrained'] else 'without'} pre-training; verifier {facts['verifier_steps']} steps on "
            f"{facts['clips']} clips, of these scenes and {facts['verifier_clutter_h']:.1f} h of clutter. {_seconds(facts)}"
        ),
        "",
        *(_head(label, one, facts["then"]) for label, one in facts["few"].items()),
        "",
        "## Computed and recorded, train split",
        "",
        "Per cent of energy by band, centroid in kHz, seconds until 30 dB down, crest factor in dB: middle, and middle half, of each sound as it",
        "leaves its source. What sets them apart is what scenes are roughened by: band balance, noise that goes with the sound, squeezed peaks.",
        "",
        *(facts["likeness"] or ["No recordings were at hand."]),
        "",
        "## Mining",
        "",
        *([f"- {mining.told(row)}" for row in facts["rounds"]] or ["No round."]),
        "",
        "Then heads were lowered until each comes above log odds 0 in at most so many scenes an hour of other clutter, by so much: "
        + ", ".join(
            f"{label} {facts['calm_per_h'][label]:g}, {by:.1f}" for label, by in facts["calm"].items()
        )
        + ".",
        "",
        "## Figures, tune split",
        "",
        (
            "Average precision over whole scenes: of 12 to 24 s with the event and without it. Computed scenes, and each recording in "
            f"{DRAWS} draws of room, background"
        ),
        "(10 to 30 dB below) and microphone.",
        "",
        *shown,
        "",
        "Share of draws in which a head comes above log odds 0, for recordings where any does:",
        "",
        *_by_recording(recorded, heard),
        "",
        "## What pre-training and a teacher's labels bring",
        "",
        *_study(facts),
        "",
        "## Verifier, tune split",
        "",
        "Clips that a head flags (log odds above -1.5) or that hold an event, by the label asked about. Answers were raised until 95 % of the true clips",
        "of scenes that it did not learn from were confirmed, by: "
        + ", ".join(f"{label} {by:.1f}" for label, by in facts["raised"].items())
        + ".",
        "",
        *judged,
        "",
        "## Limits",
        "",
        "- Nearly everything was computed: alarms, steps and doors are known from their physics, rooms from a model. No device of a home has been heard.",
        *_recordings(facts, heard),
        _LIMITS,
    ]
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("\n".join(lines))
    return "\n".join([*shown, "", *judged])


def _counts(columns: Mapping[str, Sequence[Figure]]) -> list[str]:
    rows = [
        "| set | event | with it | found above 0 | without it | of them above 0 |",
        "|---|---|---|---|---|---|",
    ]
    for name, made in columns.items():
        for one in made:
            if one.positives:
                rows.append(
                    f"| {name} | {one.label} | {one.positives} | {one.found:.3f} | {one.negatives} | {one.false:.4f} |"
                )
    return rows


def _by_recording(recorded: Mapping[str, Mapping[str, float]], heard: Sequence[Played]) -> list[str]:
    events = {one.sample.recording.path: one.sample.event for one in heard}
    rows = ["| recording | its event | heads above 0 |", "|---|---|---|"]
    for path, shares in recorded.items():
        above = [f"{label} {share:.2f}" for label, share in shares.items() if share > 0.0]
        if above or events[path]:
            rows.append(f"| `{path}` | {events[path] or '-'} | {', '.join(above) or '-'} |")
    return rows if len(rows) > 2 else ["No recordings were at hand."]


def _commands(facts: Mapping[str, Any]) -> list[str]:
    return ["`lab train sound_events`", *(f"`lab train sound_events {option}`" for option in facts["then"])]


def _seconds(facts: Mapping[str, Any]) -> str:
    """Of rendering as far as it was kept with the scenes. Of before it was, `scenes` is what it took to load them."""
    found = facts.get("rendering", {"scenes": 0})
    made = "scenes from cache, which does not tell how long they took to render"
    if found["scenes"]:
        less = f", less {found['untold']} scenes of which it was not kept" if found["untold"] else ""
        made = f"train and tune scenes {found['core_s']} of one core{less}"
    return (
        f"Seconds: {made}; "
        + ", ".join(f"{name} {value}" for name, value in facts["seconds"].items() if name != "scenes")
        + "."
    )


def _head(label: str, one: Mapping[str, Any], then: Sequence[str]) -> str:
    """then: what was learnt after the training itself, in order."""
    later = ""
    if f"--head {label}" in then and "--verifier" not in then[then.index(f"--head {label}") :]:
        later = " and the verifier, which learnt from clips of the head before it"
    return (
        f"- Head {label}: {one['examples']} examples, {one['recorded'] or 'none'} of them with a recording that is no background, and "
        f"{one['others']} scenes without it; {one['steps']} steps, after the base{later}."
    )


def _recordings(facts: Mapping[str, Any], heard: Sequence[Played]) -> list[str]:
    """What was learnt of recordings, and of how many the figures are."""
    found = facts["originals"]
    events = [label for label in TARGETS if label in found]
    if not events:
        return ["- No event was learnt from a recording: none was at hand."]
    alike = {label for one in FAMILIES.values() if one.struck and not one.label for label in one.recorded}
    lines = [
        f"- Recordings of events are few. Train split: {_counted(found, events)}; none of {', '.join(one for one in TARGETS if one not in found)}."
    ]
    if others := sorted(alike & set(found)):
        lines.append(f"  Of what is taken for them: {_counted(found, others)}.")
    tune: dict[str, dict[str, set[str]]] = {}
    for one in heard:
        if one.sample.event:
            recording = one.sample.recording
            tune.setdefault(one.sample.event, {}).setdefault(recording.origin, set()).add(recording.path)
    if tune:
        counts = {label: (sum(map(len, cut.values())), len(cut)) for label, cut in tune.items()}
        lines.append(
            f"  The figures of recordings stand for no more than the tune split's: {_counted(counts, list(counts))}."
        )
    return lines


def _counted(found: Mapping[str, Sequence[int]], labels: Sequence[str]) -> str:
    return ", ".join(f"{label} {found[label][0]} of {found[label][1]} originals" for label in labels)


def _study(facts: Mapping[str, Any]) -> list[str]:
    if not facts["study"]:
        return ["Not studied in this run: `lab train sound_events --study`."]
    now = study.made_with(Recipe(**facts["recipe"]), facts["scenes"], facts.get("drawing"))
    return study.told(study.read(facts["study"]), now)


def _judged(verdicts: Sequence[Judged]) -> list[str]:
    rows = [
        "| asked about | true clips | confirmed | false clips | passed | average precision |",
        "|---|---|---|---|---|---|",
    ]
    return rows + [
        f"| {one.label} | {one.true} | {one.confirmed:.3f} | {one.false} | {one.passed:.3f} | {one.precision:.3f} |"
        for one in verdicts
    ]
