"""What is wrong with a rig file or a profile, said for the person who wrote it: key, complaint, what is allowed; a line each."""

from __future__ import annotations

import json
import re
import typing
from collections.abc import Iterable, Iterator
from dataclasses import is_dataclass
from difflib import get_close_matches

from pydantic import BaseModel, ValidationError


def problems(error: ValidationError, kind: type) -> Iterator[str]:
    """A line for each complaint: `audio.outputs[1].plays: must be ...`. kind: the model or dataclass of the whole file."""
    for one in error.errors(include_url=False):
        if one["type"] == "too_short" and len(one["input"]) >= one["ctx"]["min_length"]:
            continue  # pydantic counts the good members only; the bad ones have lines of their own
        where = _path(one["loc"])
        for line in _complaint(one, kind).splitlines():
            yield f"{where}: {line}" if where else line


def _complaint(one: typing.Any, kind: type) -> str:
    """One finding of pydantic, without its place."""
    what = one["type"]
    if what in ("extra_forbidden", "unexpected_keyword_argument"):
        known = _keys(kind, one["loc"][:-1])
        hint = did_you_mean(str(one["loc"][-1]), known)
        return f"unknown key{hint}" + (f"; known: {', '.join(known)}" if known else "")
    if what in ("missing", "missing_keyword_only_argument", "missing_argument"):
        return "is missing"
    if what == "value_error":
        return str(one["ctx"]["error"])
    words = re.sub(r"^(Input|String|Value|Tuple|List|Object) should ", "must ", one["msg"])
    words += f", not {json.dumps(one['input'], default=str)[:60]}"
    if what in ("literal_error", "enum"):
        words += did_you_mean(str(one["input"]), re.findall(r"'([^']+)'", one["ctx"]["expected"]))
    return words


def did_you_mean(word: str, known: Iterable[str]) -> str:
    """` (did you mean 'x'?)`, or nothing when no known word is close."""
    close = get_close_matches(word, list(known), n=1, cutoff=0.6)
    return f" (did you mean {close[0]!r}?)" if close else ""


def twice(key: str, values: Iterable[object]) -> Iterator[str]:
    """A complaint when a value is there more than once."""
    values = list(values)
    if repeated := sorted({str(value) for value in values if values.count(value) > 1}):
        yield f"{key}: {', '.join(repeated)} is there twice"


def refuse(found: Iterable[str]) -> None:
    """Raises ValueError with a line for each complaint, if there are any."""
    if lines := list(found):
        raise ValueError("\n".join(lines))


def _path(loc: tuple[int | str, ...]) -> str:
    """`("audio", "outputs", 0, "plays")` as `audio.outputs[1].plays`: tables are counted from 1."""
    text = ""
    for part in loc:
        text += f"[{part + 1}]" if isinstance(part, int) else f".{part}" if text else part
    return text


def _keys(kind: typing.Any, loc: tuple[int | str, ...]) -> list[str]:
    """Keys of the table at a place in the file; none where that cannot be told."""
    for part in loc:
        fields = _fields(kind)
        members = [one for one in typing.get_args(kind) if one is not ...]
        kind = _bare(fields[part].annotation if part in fields else members[-1] if members else None)
    return list(_fields(kind))


def _fields(kind: typing.Any) -> dict[str, typing.Any]:
    if isinstance(kind, type) and issubclass(kind, BaseModel):
        return kind.model_fields
    return kind.__pydantic_fields__ if isinstance(kind, type) and is_dataclass(kind) else {}


def _bare(kind: typing.Any) -> typing.Any:
    """Without Annotated and `| None`."""
    if typing.get_origin(kind) is typing.Annotated:
        return _bare(typing.get_args(kind)[0])
    solid = [one for one in typing.get_args(kind) if one is not type(None)]
    return _bare(solid[0]) if type(None) in typing.get_args(kind) and len(solid) == 1 else kind
