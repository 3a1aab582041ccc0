"""Arrays on disk under the hash of what they were computed from.

A key covers the inputs, the versions of the packages that do the arithmetic and a schema number of our
own, so a stale entry is never read: it is simply never asked for. Any number of processes may share a root.
"""

from __future__ import annotations

import hashlib
import json
import os
import tempfile
import warnings
import zipfile
from collections.abc import Mapping
from functools import cache
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
import platformdirs
from numpy.typing import NDArray

SCHEMA = 3  # raise it when the meaning of a cached array changes


def default_root() -> Path:
    """`$EARSHOT_CACHE`, else the user's cache folder for "earshot"."""
    given = os.environ.get("EARSHOT_CACHE")
    return Path(given) if given else Path(platformdirs.user_cache_dir("earshot"))


@cache
def versions() -> dict[str, str]:
    """Of the packages whose arithmetic a cached array holds."""
    return {name: version(name) for name in ("numpy", "scipy", "pyroomacoustics")}


def _plain(value: Any) -> Any:
    if isinstance(value, np.ndarray):
        # Bytes, not decimals: two inputs that differ in one bit are two inputs.
        digest = hashlib.sha256(np.ascontiguousarray(value).tobytes()).hexdigest()
        return [str(value.dtype), list(value.shape), digest]
    if isinstance(value, np.generic):
        return value.item()
    if isinstance(value, Mapping):
        return {str(key): _plain(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_plain(item) for item in value]
    return value


def content_key(kind: str, **inputs: Any) -> str:
    """SHA-256 (hex) of a kind of result and everything it depends on.

    inputs: JSON values, numpy arrays and scalars, nested in lists and mappings.
    """
    document = {"kind": kind, "schema": SCHEMA, "versions": versions(), "inputs": _plain(inputs)}
    text = json.dumps(document, sort_keys=True, separators=(",", ":"), allow_nan=False)
    return hashlib.sha256(text.encode()).hexdigest()


class DiskCache:
    """Content-addressed `.npz` files, written atomically.

    root: folder, made on the first write; None takes `default_root()`.
    """

    def __init__(self, root: Path | str | None = None) -> None:
        self.root = Path(root) if root is not None else default_root()

    def path(self, key: str) -> Path:
        return self.root / key[:2] / f"{key}.npz"

    def get(self, key: str) -> dict[str, NDArray] | None:
        """The arrays of a key; None when absent or damaged (a damaged file is removed)."""
        path = self.path(key)
        try:
            with np.load(path, allow_pickle=False) as stored:
                return {name: stored[name] for name in stored.files}
        except FileNotFoundError:
            return None
        except (zipfile.BadZipFile, ValueError, EOFError, KeyError, OSError):
            path.unlink(missing_ok=True)
            return None

    def put(self, key: str, **arrays: NDArray) -> None:
        """Store the arrays. A full or read-only disk costs only speed: it warns and goes on."""
        path = self.path(key)
        partial: str | None = None
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            handle, partial = tempfile.mkstemp(prefix=f".{key[:8]}-", suffix=".partial", dir=path.parent)
            with os.fdopen(handle, "wb") as stream:
                np.savez(stream, **arrays)
            os.replace(partial, path)
        except OSError as error:
            if partial is not None:
                Path(partial).unlink(missing_ok=True)
            warnings.warn(f"cache {self.root} cannot be written: {error.strerror}", stacklevel=2)
