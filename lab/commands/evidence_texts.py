"""What a page of evidence tells beside its tables, by name: chapters of model cards, costs, files, tests."""

from __future__ import annotations

import ast
import contextlib
import hashlib
import io
import json
import sys
from collections.abc import Callable
from importlib import import_module
from pathlib import Path
from typing import Any

from reports.markdown import table

ROOT = Path(__file__).parents[2]
MODELS, RESULTS, TESTS = ROOT / "detectors" / "models", ROOT / "docs" / "results", ROOT / "tests"
FAILURES = {
    "a verifier that is slow, down or answers rubbish": "detectors/sound_events/test_remote.py",
    "the cascade with and without an answer": "detectors/sound_events/test_cascade.py",
    "the service": "verifier/test_service.py",
}
HEADS = "detectors/sound_events/test_network.py"
DAY_HOURS = 6  # of a day at home, timed for its page


def chapter(card: Path, *titles: str) -> str:
    """Chapters of a model's card, `## title`; what is not there is left out."""
    found = [card.read_text().partition(f"## {title}\n")[2].partition("\n## ")[0].strip() for title in titles]
    return "\n\n".join(part for part in found if part)


def presence_budget() -> str:
    from detectors.presence.budget import WEIGHTS_BYTES
    from detectors.presence.budget import table as costs
    from detectors.presence.network import Classifier

    small = MODELS / "presence_int8.onnx"
    said = f"Weights in 8 bits: {small.stat().st_size:,} bytes of {WEIGHTS_BYTES:,}. Four microphones at 96 kHz, a hop of 50 ms:"
    return said + "\n\n" + costs(4, 96_000, Classifier(MODELS / "presence.onnx").parameters)


def presence_calibrations() -> str:
    from lab.commands.calibrations import KEPT, told

    made = "Made by `python -m lab.commands.calibrations --write`."
    return told(json.loads(KEPT.read_text())) + "\n\n" + made


def presence_benchmark() -> str:
    return _timed(_benchmark("bench_presence").main, "bench_presence")


def sound_events_benchmark() -> str:
    bench_day = _benchmark("bench_day")
    listening = _timed(_benchmark("bench_sound_events").main, "bench_sound_events")
    return listening + "\n\n" + bench_day.told(bench_day.measure(DAY_HOURS, bench_day.CORES))


def sound_events_budget() -> str:
    from detectors.sound_events.budget import table as costs

    return costs(48_000, 8)


def sound_events_heads() -> str:
    """Each head names the base that it was trained on: one base for all, whenever a head came."""
    from detectors.sound_events.network import Base, Head

    folder = MODELS / "sound_events"
    base = Base(folder / "base.onnx")
    rows = [["`base.onnx`", "", _sha(folder / "base.onnx"), f"{base.parameters:,}"]]
    for path in sorted(folder.glob("head_*.onnx")):
        if not path.stem.endswith("_int8"):
            head = Head(path, base)  # refused if it was made for another base
            rows.append([f"`{path.name}`", head.label, _sha(path), f"{head.parameters:,}"])
    said = (
        f"All heads read base `{base.id}`; a head made for another is refused. `door_knock` was trained afterwards, on the finished base. "
        f"Held by `tests/{HEADS}`: {'; '.join(_behaviours(TESTS / HEADS, 'head'))}."
    )
    return said + "\n\n" + "\n".join(table(["file", "event", "sha256", "learnt numbers"], rows))


def sound_events_training() -> str:
    return chapter(
        MODELS / "sound_events" / "sound_events.md",
        "What pre-training and a teacher's labels bring",
        "Mining",
        "Figures, tune split",
        "Verifier, tune split",
    )


def sound_events_failures() -> str:
    parts = []
    for what, file in FAILURES.items():
        parts += ["", f"{what[0].upper()}{what[1:]} (`tests/{file}`):", ""]
        parts += [f"- {behaviour}" for behaviour in _behaviours(TESTS / file)]
    return "\n".join(parts[1:])


def sound_events_peers() -> str:
    """Of `docs/results/sound_events/peers.json`, which the benchmark writes."""
    told = _benchmark("bench_alarm_peers").told
    path = RESULTS / "sound_events" / "peers.json"
    return told(json.loads(path.read_text())) if path.is_file() else ""


def sound_events_pictures() -> str:
    """Those there are in `docs/images/sound_events`."""
    found = sorted((ROOT / "docs" / "images" / "sound_events").glob("*.png"))
    return "\n\n".join(f"![`lab detect`, {one.stem}](../images/sound_events/{one.name})" for one in found)


TEXTS: dict[str, Callable[[], str]] = {
    "presence_mining": lambda: chapter(MODELS / "presence.md", "Mining"),
    "presence_budget": presence_budget,
    "presence_calibrations": presence_calibrations,
    "sound_events_budget": sound_events_budget,
    "sound_events_heads": sound_events_heads,
    "sound_events_training": sound_events_training,
    "sound_events_failures": sound_events_failures,
    "sound_events_peers": sound_events_peers,
    "sound_events_pictures": sound_events_pictures,
}
# These take their time on an idle machine: made anew only when asked for.
BENCHMARKS: dict[str, Callable[[], str]] = {
    "presence_benchmark": presence_benchmark,
    "sound_events_benchmark": sound_events_benchmark,
}


def _behaviours(path: Path, about: str = "") -> list[str]:
    """Names of a file's tests as sentences, those with a word in them."""
    names = [node.name for node in ast.parse(path.read_text()).body if isinstance(node, ast.FunctionDef)]
    told = [name.removeprefix("test_").replace("_", " ") for name in names if name.startswith("test_")]
    return [one for one in told if about in one]


def _benchmark(name: str) -> Any:
    """A module of tests/benchmarks here: another package `tests` may lie in the environment."""
    if sys.path[0] != str(ROOT):
        sys.path.insert(0, str(ROOT))
    return import_module(f"tests.benchmarks.{name}")


def _timed(benchmark: Callable[[], None], name: str) -> str:
    said = io.StringIO()
    with contextlib.redirect_stdout(said):
        benchmark()
    timed = said.getvalue().partition("| stage")[0].rstrip()
    return (
        f"One core, seconds of sound per second (`python -m tests.benchmarks.{name}`):\n\n```\n{timed}\n```"
    )


def _sha(path: Path) -> str:
    return f"`{hashlib.sha256(path.read_bytes()).hexdigest()[:16]}`"
