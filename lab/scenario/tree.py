"""The tree of plain TOML values behind a scenario: paths, merging, substitution.

Inside this package sources, movers, doorways and interferers are tables by name, so that a key path such as
`sources.tv.distance_m` is the same in a file, a variant, a cell and a draw. `by_name` and `as_file` go from the file's
lists and back.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from lab.scenario.drawn import KINDS, Malformed, is_drawn

Path = tuple[str, ...]
Tree = dict[str, Any]

# Lists of tables that have names.
NAMED = ("sources", "movers", "doorways", "interferers")

# Ways to say the same thing. Setting one of a group drops the others that a default or a base had set.
ALTERNATIVES = (
    frozenset({"rt60_s", "materials"}),
    frozenset({"trials", "hours"}),
    frozenset({"snr_db", "level_db_spl"}),
    frozenset({"position_m", "distance_m", "rule", "moves", "path_m"}),
    frozenset({"start_s", "schedule"}),
)


def dotted(path: Path) -> str:
    return ".".join(path)


def by_name(tree: Tree) -> Tree:
    """The same tree with each list of `NAMED` as a table by name. Raises Malformed when a name is missing or doubled."""
    tables = {key: _named(key, tree[key]) for key in NAMED if isinstance(tree.get(key), list)}
    return tree | tables


def _named(key: str, tables: list) -> Tree:
    named: Tree = {}
    for position, table in enumerate(tables, start=1):
        if not isinstance(table, dict) or not isinstance(table.get("name"), str):
            raise Malformed(f"{key}: [[{key}]] number {position} needs a name, a plain string")
        name = table["name"]
        if name in KINDS:
            raise Malformed(f"{key}: {name!r} is the name of a distribution; name the {key[:-1]} otherwise")
        if name in named:
            raise Malformed(f"{key}: two are named {name!r}; each name once")
        named[name] = table
    return named


def as_file(tree: Tree) -> Tree:
    """The inverse of `by_name`."""
    return tree | {key: list(tree[key].values()) for key in NAMED if isinstance(tree.get(key), dict)}


def overlay(base: Tree, over: Mapping[str, Any]) -> Tree:
    """`base` with the values of `over`; tables merge key by key, everything else is replaced."""
    dropped = {other for group in ALTERNATIVES if group & set(over) for other in group - set(over)}
    merged = {key: value for key, value in base.items() if key not in dropped}
    for key, value in over.items():
        old = merged.get(key)
        if isinstance(value, dict) and isinstance(old, dict) and not is_drawn(value) and not is_drawn(old):
            merged[key] = overlay(old, value)
        else:
            merged[key] = value
    return merged


def substitute(node: Any, replace: Callable[[Path, dict], Any], path: Path = ()) -> Any:
    """A copy of the tree with every distribution and sweep replaced by `replace(path, table)`."""
    if is_drawn(node):
        return replace(path, node)
    if isinstance(node, dict):
        return {key: substitute(value, replace, (*path, key)) for key, value in node.items()}
    if isinstance(node, list):
        return [substitute(value, replace, (*path, str(index))) for index, value in enumerate(node)]
    return node


def drawn_leaves(node: Any, path: Path = ()) -> Iterator[tuple[Path, dict]]:
    """Every distribution and sweep with its path, in file order."""
    if is_drawn(node):
        yield path, node
    elif isinstance(node, dict):
        for key, value in node.items():
            yield from drawn_leaves(value, (*path, key))
    elif isinstance(node, list):
        for index, value in enumerate(node):
            yield from drawn_leaves(value, (*path, str(index)))


def get(node: Any, path: Path) -> Any:
    """The value at a path, None when there is none."""
    for part in path:
        if isinstance(node, dict):
            node = node.get(part)
        elif isinstance(node, list) and part.isdigit() and int(part) < len(node):
            node = node[int(part)]
        else:
            return None
    return node
