"""Trying a scenario before its first trial: at every corner of every cell, and with every limit's `where`."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator, Sequence
from typing import Any

from pydantic import ValidationError

from lab.errors import BadInput
from lab.scenario.cells import CellTree
from lab.scenario.contents import Playlist
from lab.scenario.drawn import is_drawn, parse
from lab.scenario.explain import did_you_mean, problems, shown
from lab.scenario.geometry import check_geometry
from lab.scenario.identity import Files, build
from lab.scenario.model import Scenario
from lab.scenario.tree import NAMED, Path, Tree, dotted, drawn_leaves, get, substitute

MOST_CORNERS = 32
BESIDE = ("variant",)  # what a file says apart from the values of a trial

Blame = Callable[[Path], str]


def corners(tree: Tree) -> Iterator[Tree]:
    """Trees with each choice and both ends of each range.

    All combinations where there are at most `MOST_CORNERS`; else all firsts, all lasts, and the
    others one at a time beside all firsts.
    """
    ends = {path: parse(table).corners() for path, table in drawn_leaves(tree)}
    count = 1
    for options in ends.values():
        count *= len(options)
    if count <= MOST_CORNERS:
        points = [dict(zip(ends, values, strict=True)) for values in itertools.product(*ends.values())]
    else:
        firsts = {path: options[0] for path, options in ends.items()}
        points = [firsts, {path: options[-1] for path, options in ends.items()}]
        points += [firsts | {path: option} for path, options in ends.items() for option in options[1:]]
    for point in points:
        yield substitute(tree, lambda path, table, point=point: point[path])


def check_cells(cells: Sequence[CellTree], files: Files, playlist: Playlist, blame: Blame) -> Scenario:
    """Build the model, try the geometry and look up what is played at every corner; answers the first one.

    blame: the file that set a key path, for the message. Raises BadInput.
    """
    first: Scenario | None = None
    seen: set[Any] = set()
    for one in cells:
        # What fails in the first cell most likely fails in all; later ones are named.
        cell = f" [cell {one.cell.key}]" if one is not cells[0] else ""
        for tree in corners(one.tree):
            scenario = build_or_explain(tree, one, files, blame, cell)
            try:
                check_geometry(scenario, seen)
                playlist.add(scenario)
            except BadInput as error:
                raise BadInput(f"{blame(())}: {error}{cell}") from None
            first = first or scenario
    assert first is not None, "there is always one cell with one corner"
    return first


def check_limits(scenario: Scenario, cells: Sequence[CellTree], path: object) -> None:
    """Each `where` names swept keys and their values, and rates are asked only of expected labels."""
    columns: dict[str, list[Any]] = {}
    for one in cells:
        for name, value in one.cell.values.items():
            columns.setdefault(name, [])
            if value not in columns[name]:
                columns[name].append(value)
    for number, limit in enumerate(scenario.accept):
        at = f"{path}: accept.{number}"
        for name, value in limit.where.items():
            if name not in columns:
                known = ", ".join(columns) or "nothing, as the scenario sweeps nothing"
                raise BadInput(
                    f"{at}.where.{name}: not swept{did_you_mean(name, columns)}; where takes {known}"
                )
            if value not in columns[name]:
                raise BadInput(
                    f"{at}.where.{name} = {shown(value)}: no cell has it; swept are {shown(columns[name])}"
                )
        if not any(limit.where.items() <= one.cell.values.items() for one in cells):
            raise BadInput(f"{at}.where = {shown(limit.where)}: no cell has all of these")
        rate = limit.metric in ("detection_rate", "latency_p95_s")
        expected = scenario.expect.labels
        if rate and (not expected or limit.label not in (None, *expected)):
            raise BadInput(
                f"{at}.metric = {shown(limit.metric)} needs an expected label; expect.labels = {shown(expected)}"
            )


def build_or_explain(tree: Tree, one: CellTree, files: Files, blame: Blame, where: str) -> Scenario:
    """The scenario of a concrete tree of a cell. blame: as for `check_cells`. where: what ends the message. Raises BadInput."""
    try:
        return build(tree, files)
    except ValidationError as error:
        found = problems(error, Scenario, {key: list(tree.get(key, {})) for key in NAMED}, BESIDE)
        lines = [
            f"{blame(path)}: {_assignment(one.tree, tree, path)}{complaint}" for path, complaint in found
        ]
        raise BadInput("\n".join(dict.fromkeys(lines)) + where) from None


def _assignment(written: Tree, concrete: Tree, path: Path) -> str:
    """`key.path = value (from {uniform = ...}): `, as much of it as helps."""
    if not path:
        return ""
    value, source = get(concrete, path), get(written, path)
    if value is None or isinstance(value, dict):
        return f"{dotted(path)}: "
    drawn = f" (from {shown(source)})" if is_drawn(source) else ""
    return f"{dotted(path)} = {shown(value)}{drawn}: "
