"""Reading scenario files: suite defaults, variants, and every check that can be made before a trial.

A scenario that loads can be run: its model is built at every corner of every cell (each swept value, each
choice, both ends of each range), and its geometry is tried there.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path

from lab.corpora.split import Split
from lab.errors import BadInput
from lab.scenario.cells import cell_trees
from lab.scenario.check import check_cells, check_limits
from lab.scenario.contents import Playlist, device_contents
from lab.scenario.drawn import Malformed, parse
from lab.scenario.explain import did_you_mean, shown
from lab.scenario.file import ScenarioFile
from lab.scenario.identity import Files, content_hash
from lab.scenario.model import FORMAT
from lab.scenario.toml_file import read_toml
from lab.scenario.tree import NAMED, Tree, by_name, dotted, drawn_leaves, get, overlay

SUITE_FILE = "suite.toml"
SUITE_FORMAT = "earshot-suite/1"
OURS = "earshot-"
KINDS = ("scenario", "suite", "device", "corpus", "key", "build", "rig", "evidence")  # of TOML files

__all__ = ["ScenarioFile", "find_scenarios", "is_scenario", "load_scenario", "load_suite", "suite_of"]

# Said once for all trials: they can be neither drawn nor swept, and no variant changes them.
ONCE = ("format", "id", "title", "description", "tags", "split", "trials", "hours", "duration_s", "accept")
ONCE_OF_ROOM = ("bank", "placements")
ONCE_OF_MEMBER = ("name", "kind")


def is_scenario(path: Path) -> bool:
    """Whether a TOML file says it is a scenario, of this format or of another version.

    A file that is not TOML at all is one when it mentions our format: its author meant it to be. So is one of a format
    of ours that does not exist, which `load_scenario` refuses.
    """
    try:
        found = read_toml(path).get("format")
    except BadInput:
        try:
            return '"earshot-scenario/' in path.read_text(errors="replace")
        except OSError:
            return False
    return _kind(found) == "scenario" or _kind(found) not in (None, *KINDS)


def _kind(stated: object) -> str | None:
    """`suite` of `earshot-suite/1`; None for what is no format of ours."""
    ours = isinstance(stated, str) and stated.startswith(OURS)
    return stated.removeprefix(OURS).partition("/")[0] if ours else None


def find_scenarios(paths: Iterable[str | Path], split: str | None = None) -> tuple[ScenarioFile, ...]:
    """The scenarios in files and folders (searched deeply, in order of path), each file once. split: see `load_scenario`.

    Files in folders that are no scenarios are passed over; a file that is named must be one.
    Raises BadInput, also when there are none, or two have one id.
    """
    files: dict[Path, Path] = {}
    for path in map(Path, paths):
        found = sorted(filter(is_scenario, path.rglob("*.toml"))) if path.is_dir() else [path]
        if not found:
            raise BadInput(f'{path}: no scenario in this folder (a TOML file with format = "{FORMAT}")')
        for file in found:
            files.setdefault(file.resolve(), file)
    if not files:
        raise BadInput("no scenario: name files or folders")
    scenarios: dict[str, ScenarioFile] = {}
    for file in files.values():
        scenario = load_scenario(file, split)
        if scenario.id in scenarios:
            raise BadInput(f"{file}: id = {shown(scenario.id)} is taken by {scenarios[scenario.id].path}")
        scenarios[scenario.id] = scenario
    return tuple(scenarios.values())


def load_scenario(path: str | Path, split: str | None = None) -> ScenarioFile:
    """Read and check one scenario file. split: another than the file's own, of which it then is the twin: same cells and limits,
    other rooms, clips and draws, and another hash. Raises BadInput with one message."""
    path = Path(path)
    if path.is_dir():
        raise BadInput(f"{path}: a folder, where a scenario file is wanted")
    own = read_toml(path)
    if (stated := own.get("format")) != FORMAT:
        said = f'{path}: format must be "{FORMAT}", not {shown(stated)}'
        if (kind := _kind(stated)) not in (None, *KINDS):
            said += f"{did_you_mean(kind, KINDS)}; kinds of file: {', '.join(KINDS)}"
        raise BadInput(said)
    suite = path.parent / SUITE_FILE
    defaults = suite_of(path).defaults
    try:
        tree, variants = _merged(own, defaults)
        if split is not None and split != tree.get("split", Split.TEST):
            tree = tree | {"split": split}
        _check_values(tree, variants)
        cells = cell_trees(tree, variants)
    except Malformed as error:
        raise BadInput(f"{path}: {error}") from None

    said_here = [by_name(own), *(body for _, body in variants)]

    def blame(at: tuple[str, ...]) -> Path:
        """The file that set a key: the suite's, where only it has the key."""
        inherited = at and get(defaults, at) is not None and all(get(body, at) is None for body in said_here)
        return suite if inherited else path

    files = Files(path.parent, device_contents(tree, variants, path))
    playlist = Playlist()
    first = check_cells(cells, files, playlist, blame)
    check_limits(first, cells, path)
    identity = content_hash(tree, variants, files.devices, playlist.contents)
    return ScenarioFile(path, tree, variants, files, first, identity)


@dataclass(frozen=True)
class Suite:
    """What `suite.toml` says of the scenarios beside it.

    title: in a few words, empty when it does not say. build: name or path of the build under test where a run names none,
    relative to the file; it belongs to no scenario's hash. defaults: as a scenario's tree, members by name.
    """

    title: str = ""
    build: str | None = None
    defaults: Tree = field(default_factory=dict)


def load_suite(path: Path) -> Suite:
    """Read a suite file. Raises BadInput."""
    content = read_toml(path)
    if content.get("format") != SUITE_FORMAT:
        raise BadInput(f'{path}: format must be "{SUITE_FORMAT}", not {shown(content.get("format"))}')
    known = ("format", "title", "build", "defaults")
    for key in content:
        if key not in known:
            raise BadInput(f"{path}: {key}: unknown key{did_you_mean(key, known)}; known: {', '.join(known)}")
    for key in ("title", "build"):
        if not isinstance(content.get(key, ""), str):
            raise BadInput(f"{path}: {key} = {shown(content[key])}: a plain string")
    defaults = content.get("defaults", {})
    if not isinstance(defaults, dict) or "id" in defaults or "variant" in defaults:
        raise BadInput(f"{path}: defaults: a table of what scenarios share; neither id nor variant")
    try:
        return Suite(content.get("title", ""), content.get("build"), by_name(defaults))
    except Malformed as error:
        raise BadInput(f"{path}: defaults.{error}") from None


def suite_of(scenario: Path) -> Suite:
    """The suite beside a scenario file, an empty one where there is none. Raises BadInput."""
    path = scenario.parent / SUITE_FILE
    return load_suite(path) if path.exists() else Suite()


def _merged(own: Tree, defaults: Tree) -> tuple[Tree, tuple[tuple[str, Tree], ...]]:
    own = by_name(own)
    tables = own.pop("variant", [])
    tree = overlay(defaults, own)
    if not isinstance(tables, list) or not all(isinstance(one, dict) for one in tables):
        raise Malformed("variant: a list of tables, written [[variant]]")
    variants: dict[str, Tree] = {}
    for number, table in enumerate(tables, start=1):
        name = table.get("name")
        if not isinstance(name, str) or not name or name in variants:
            raise Malformed(f"variant number {number}: needs a name of its own, got {shown(name)}")
        body = by_name({key: value for key, value in table.items() if key != "name"})
        variants[name] = _addressed(body, tree, f"variant {shown(name)}")
    return tree, tuple(variants.items())


def _addressed(body: Tree, tree: Tree, at: str) -> Tree:
    """A variant whose `sources.NAME` and the like are of the scenario, or new ones that state their kind."""
    for key in body:
        if key in ONCE:
            raise Malformed(f"{at}: {key} is the same for all cells; a variant cannot change it")
    room = body.get("room")
    if isinstance(room, dict) and any(key in room for key in ONCE_OF_ROOM):
        raise Malformed(f"{at}: room.bank and room.placements are the same for all cells")
    return body | {key: _members(key, body[key], tree, at) for key in NAMED if key in body}


def _members(key: str, members: object, tree: Tree, at: str) -> Tree:
    known = tree.get(key, {})
    if not isinstance(members, dict):
        raise Malformed(f"{at}: {key}: written {key}.NAME.key = value")
    named: Tree = {}
    for name, member in members.items():
        if not isinstance(member, dict):
            raise Malformed(f"{at}: {key}.{name} = {shown(member)}: written {key}.NAME.key = value")
        if name not in known and (key == "doorways" or "kind" not in member):
            names = ", ".join(known) or "none"
            raise Malformed(
                f"{at}: {key}.{name}: no such {key[:-1]}{did_you_mean(name, known)}; there are {names}"
            )
        named[name] = member | {"name": name}
    return named


def _check_values(tree: Tree, variants: tuple[tuple[str, Tree], ...]) -> None:
    for at, body in (("", tree), *((f"variant {shown(name)}: ", body) for name, body in variants)):
        for path, table in drawn_leaves(body):
            once = path[0] in ONCE or (path[0] == "room" and path[-1] in ONCE_OF_ROOM)
            if once or (path[0] in NAMED and len(path) == 3 and path[2] in ONCE_OF_MEMBER):
                raise Malformed(
                    f"{at}{dotted(path)} = {shown(table)}: one plain value for all trials, not drawn or swept"
                )
            try:
                parse(table)
            except Malformed as error:
                raise Malformed(f"{at}{dotted(path)}: {error}") from None
