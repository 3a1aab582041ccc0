"""From variants and sweeps to cells: every variant crossed with every sweep of its tree."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass

from lab.scenario.drawn import Malformed, Scalar, Sweep, parse
from lab.scenario.tree import Path, Tree, dotted, drawn_leaves, get, overlay, substitute
from lab.scenario.trial import Cell

MOST_CELLS = 5_000


@dataclass(frozen=True)
class CellTree:
    """A cell with its own tree: the variant laid over, the sweeps replaced by this cell's values."""

    cell: Cell
    tree: Tree


def cell_trees(base: Tree, variants: Sequence[tuple[str, Tree]]) -> tuple[CellTree, ...]:
    """All cells, variants slowest, then sweeps in file order with the last one fastest.

    variants: (name, overriding tree). Without any there is one, unnamed. Where one variant sweeps a key
    that another one fixes, both say its value, so that a table of cells has one column for it.
    Raises Malformed when there are more than `MOST_CELLS`.
    """
    trees = [(name, overlay(base, body)) for name, body in variants] or [("", base)]
    swept = list(dict.fromkeys(path for _, tree in trees for path in _sweeps(tree)))
    names = short_names(swept)
    cells: list[CellTree] = []
    for variant, tree in trees:
        sweeps = _sweeps(tree)
        grid: dict[Path, Sequence[Scalar]] = {}
        for path in swept:
            if path in sweeps:
                grid[path] = sweeps[path].values
            elif isinstance(value := get(tree, path), Scalar):
                grid[path] = (value,)
        for values in itertools.product(*grid.values()):
            point = dict(zip(grid, values, strict=True))
            shown = {"variant": variant} if variant else {}
            shown |= {names[path]: value for path, value in point.items()}
            cells.append(CellTree(Cell(shown), _fixed(tree, point)))
            if len(cells) > MOST_CELLS:
                raise Malformed(f"more than {MOST_CELLS} cells: sweep fewer values")
    return tuple(cells)


def short_names(paths: Sequence[Path]) -> dict[Path, str]:
    """The last part of each path where that is unique among them, else the dotted path."""
    last = [path[-1] for path in paths]
    return {
        path: path[-1]
        if last.count(path[-1]) == 1 and path[-1] != "variant" and not path[-1].isdigit()
        else dotted(path)
        for path in paths
    }


def _sweeps(tree: Tree) -> dict[Path, Sweep]:
    parsed = ((path, parse(table)) for path, table in drawn_leaves(tree))
    return {path: value for path, value in parsed if isinstance(value, Sweep)}


def _fixed(tree: Tree, point: dict[Path, Scalar]) -> Tree:
    return substitute(tree, lambda path, table: point.get(path, table))
