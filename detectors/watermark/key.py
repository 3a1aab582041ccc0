"""The key of a watermark: who may find it.

    s[n, m] in {+1, -1}, n = 0..N-1 segments, m = 0..M-1 blocks

The columns s[:, m] form a complementary set (Golay 1961): their aperiodic autocorrelations cancel,

    sum_m sum_n s[n, m] s[n + j, m] = 0   for every j != 0,

so a host whose blocks resemble each other by lag alone (a tone, a steady hum) scores exactly nothing.
Each column of 16 also sums to +4 or -4, which makes a click once a segment, in whichever block, score
nothing too: (4^2 - 16) / 2 = 0. Columns come from the quadratic forms of Davis and Jedwab (IEEE Trans.
Inf. Theory 45(7), 1999, theorem 3), two for each pair.
"""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from detectors.errors import DetectorError

FORMAT = "earshot-key/1"
KEYS = Path(__file__).parent / "keys"
_ALLOWED = {"format", "id", "signs", "noise_seed"}


@dataclass(frozen=True, eq=False)
class Key:
    """signs: int8 of +1 and -1, shape (segments, blocks). noise_seed: of the noise vectors, embedder only."""

    id: str
    signs: NDArray[np.int8]
    noise_seed: int

    def __post_init__(self) -> None:
        signs = np.ascontiguousarray(self.signs, dtype=np.int8)
        if signs.ndim != 2 or signs.shape[0] < 2 or signs.shape[1] < 1 or not np.all(np.abs(signs) == 1):
            raise DetectorError(
                f"key {self.id!r}: signs: at least 2 rows of equal length, each of + and - only"
            )
        if not 0 <= self.noise_seed < 2**63:
            raise DetectorError(f"key {self.id!r}: noise_seed: an integer from 0 to 2^63 - 1")
        signs.setflags(write=False)
        object.__setattr__(self, "signs", signs)

    @property
    def segments(self) -> int:
        return self.signs.shape[0]

    @property
    def blocks(self) -> int:
        return self.signs.shape[1]

    @classmethod
    def generate(cls, id: str, seed: int, segments: int = 16, blocks: int = 4) -> Key:
        """A key of complementary columns. segments: a power of two from 4. blocks: even."""
        if segments < 4 or segments & (segments - 1) or blocks < 2 or blocks % 2:
            raise DetectorError(
                f"key {id!r}: segments must be a power of two from 4, blocks an even number from 2;"
                f" got {segments} and {blocks}"
            )
        rng = np.random.default_rng(np.random.SeedSequence([seed, segments, blocks]))
        return cls(id, draw_signs(rng, segments, blocks), int(rng.integers(2**62)))

    @classmethod
    def load(cls, path: str | Path) -> Key:
        """Read a key file; raises DetectorError naming file and key."""
        path = Path(path)
        try:
            table = tomllib.loads(path.read_text(encoding="utf-8-sig"))
        except (OSError, UnicodeDecodeError) as error:
            raise DetectorError(f"{path}: cannot read the key file: {error}") from error
        except tomllib.TOMLDecodeError as error:
            raise DetectorError(f"{path}: not valid TOML: {error}") from error
        if table.get("format") != FORMAT:
            raise DetectorError(f"{path}: format: must be {FORMAT!r}, got {table.get('format')!r}")
        for name in sorted(set(table) ^ _ALLOWED):
            state = "unknown key" if name in table else "missing key"
            raise DetectorError(f"{path}: {name}: {state}; a key file holds {', '.join(sorted(_ALLOWED))}")
        rows, seed = table["signs"], table["noise_seed"]
        rows_fit = isinstance(rows, list) and rows and all(isinstance(row, str) for row in rows)
        if not rows_fit or len({len(row) for row in rows}) != 1 or set("".join(rows)) - set("+-"):
            raise DetectorError(f"{path}: signs: rows of equal length, each a string of + and - only")
        if not isinstance(seed, int) or isinstance(seed, bool):
            raise DetectorError(f"{path}: noise_seed: an integer from 0 to 2^63 - 1, got {seed!r}")
        signs = np.array([[1 if sign == "+" else -1 for sign in row] for row in rows], dtype=np.int8)
        try:
            return cls(str(table["id"]), signs, seed)
        except DetectorError as error:
            raise DetectorError(f"{path}: {error}") from error

    def save(self, path: str | Path) -> None:
        rows = "".join(f'  "{"".join("+" if sign > 0 else "-" for sign in row)}",\n' for row in self.signs)
        Path(path).write_text(
            f'format = "{FORMAT}"\nid = "{self.id}"\nnoise_seed = {self.noise_seed}\n'
            f"# one row a segment, one sign a block\nsigns = [\n{rows}]\n",
            encoding="utf-8",
        )


def load_named(name: str) -> Key:
    """A key that comes with the package (`reference`, `stranger`), or a path to a key file."""
    known = sorted(path.stem for path in KEYS.glob("*.toml"))
    if name in known:
        return Key.load(KEYS / f"{name}.toml")
    if Path(name).suffix == ".toml":
        return Key.load(name)
    raise DetectorError(f"key {name!r}: neither a key of the package ({', '.join(known)}) nor a .toml file")


def draw_signs(rng: np.random.Generator, segments: int, blocks: int) -> NDArray[np.int8]:
    """Signs of shape (segments, blocks): blocks / 2 Golay pairs as columns in random order."""
    columns = [column for _ in range(blocks // 2) for column in _golay_pair(rng, segments)]
    order = rng.permutation(blocks)
    return np.stack([columns[i] for i in order], axis=1)


def _golay_pair(rng: np.random.Generator, length: int) -> tuple[NDArray[np.int8], NDArray[np.int8]]:
    """A complementary pair from f(x) = sum x[p(k)] x[p(k+1)] + sum c[k] x[k] + c over the bits x of the index."""
    bits = length.bit_length() - 1
    x = (np.arange(length)[:, None] >> np.arange(bits)) & 1
    p = rng.permutation(bits)
    form = (x[:, p[:-1]] * x[:, p[1:]]).sum(axis=1) + x @ rng.integers(0, 2, bits) + rng.integers(2)
    mate = form + x[:, p[0]] + rng.integers(2)
    return tuple((1 - 2 * (f % 2)).astype(np.int8) for f in (form, mate))
