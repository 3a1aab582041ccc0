"""What is wrong with a scenario, said for the person who wrote the file: key path, value, what is allowed."""

from __future__ import annotations

import re
import typing
from collections.abc import Iterable, Mapping, Sequence
from difflib import get_close_matches
from typing import Any

from pydantic import BaseModel, ValidationError
from pydantic.fields import FieldInfo

from lab.scenario.drawn import KINDS
from lab.scenario.tree import Path

# Lists whose members pydantic tells apart by their kind, which it names in an error's location.
TAGGED = ("sources", "movers", "interferers")
_SHOWN = 5
_BOUNDS = (("ge", "at least"), ("gt", "above"), ("le", "at most"), ("lt", "below"))


def did_you_mean(word: str, known: Iterable[str]) -> str:
    """` (did you mean 'x'?)`, or nothing when no known word is close."""
    close = get_close_matches(str(word), list(known), n=1, cutoff=0.6)
    return f" (did you mean {close[0]!r}?)" if close else ""


def problems(
    error: ValidationError,
    model: type[BaseModel],
    names: Mapping[str, Sequence[str]],
    beside: Sequence[str] = (),
) -> list[tuple[Path, str]]:
    """Key path and complaint of each error, at most a few. names: of the members of each named list, in file order.
    beside: keys that a file may have at top level and the model has not."""
    found: list[tuple[Path, str]] = []
    for one in error.errors(include_url=False)[:_SHOWN]:
        loc = one["loc"]
        found.append((_path(loc, names), _complaint(one, model, loc, beside)))
    return found


def shown(value: object) -> str:
    """A value as TOML writes it, shortened."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str):
        text = f'"{value}"'
    elif isinstance(value, dict):
        text = "{" + ", ".join(f"{key} = {shown(inner)}" for key, inner in value.items()) + "}"
    elif isinstance(value, list | tuple):
        text = "[" + ", ".join(shown(inner) for inner in value) + "]"
    else:
        text = str(value)
    return text if len(text) <= 80 else text[:76] + " ..."


def _path(loc: tuple[int | str, ...], names: Mapping[str, Sequence[str]]) -> Path:
    """`("sources", 0, "media", "level")` as `("sources", "tv", "level")`: names for numbers, no union tags."""
    if len(loc) > 1 and loc[0] in names and isinstance(loc[1], int):
        tagged = 3 if loc[0] in TAGGED else 2
        return (loc[0], names[loc[0]][loc[1]], *map(str, loc[tagged:]))
    return tuple(map(str, loc))


def _complaint(one: Any, model: type[BaseModel], loc: tuple[int | str, ...], beside: Sequence[str]) -> str:
    kind, context = one["type"], one.get("ctx", {})
    if kind == "extra_forbidden":
        known = [*_keys(_annotation(model, loc[:-1])), *(beside if len(loc) == 1 else ())]
        return f"unknown key{did_you_mean(str(loc[-1]), known)}; known here: {', '.join(known)}"
    if kind == "missing":
        return "is missing"
    if kind == "value_error":
        return str(context["error"])
    if kind == "literal_error":
        expected = typing.get_args(_annotation(model, loc)[0])
        return f"must be one of {', '.join(map(shown, expected))}{did_you_mean(one['input'], map(str, expected))}"
    if kind == "union_tag_invalid":
        tags = context["expected_tags"].replace("'", "").split(", ")
        return f"kind must be one of {', '.join(tags)}{did_you_mean(context['tag'], tags)}"
    if kind == "union_tag_not_found":
        return "kind is missing"
    if isinstance(one["input"], dict) and len(one["input"]) == 1:
        (word,) = one["input"]
        if hint := did_you_mean(word, KINDS):
            return f"{word!r} is no distribution{hint}; there are {', '.join(KINDS)}"
    limits = _limits(model, loc)
    if limits and kind in ("greater_than", "greater_than_equal", "less_than", "less_than_equal"):
        return f"must be {limits}"
    if kind == "string_pattern_mismatch":
        return f"must match {context['pattern']}"
    text = re.sub(r"^(Input|String|Value|Tuple|List) should ", "must ", one["msg"])
    return f"{text} ({limits})" if limits else text


def _limits(model: type[BaseModel], loc: tuple[int | str, ...]) -> str:
    metadata = _annotation(model, loc)[1]
    return " and ".join(
        f"{word} {getattr(item, name):g}"
        for name, word in _BOUNDS
        for item in metadata
        if isinstance(getattr(item, name, None), int | float)
    )


def _keys(annotation: tuple[Any, Sequence[Any]]) -> list[str]:
    kind = annotation[0]
    return list(kind.model_fields) if _is_model(kind) else []


def _is_model(kind: Any) -> bool:
    return isinstance(kind, type) and issubclass(kind, BaseModel)


def _annotation(model: type[BaseModel], loc: tuple[int | str, ...]) -> tuple[Any, Sequence[Any]]:
    """Type and constraints of the field at an error's location, (None, ()) where that cannot be told."""
    kind: Any = model
    metadata: Sequence[Any] = ()
    for part in loc:
        if _is_model(kind) and part in kind.model_fields:
            field = kind.model_fields[part]
            kind, metadata = field.annotation, field.metadata
        elif isinstance(part, int) and typing.get_origin(kind) in (tuple, list):
            inner = typing.get_args(kind)
            kind, metadata = (inner[part] if part < len(inner) and inner[-1] is not ... else inner[0]), ()
        else:
            tagged = [m for m in typing.get_args(kind) if _is_model(m) and part in _tags(m)]
            if not tagged:
                return None, ()
            kind, metadata = tagged[0], ()
        kind, more = _bare(kind)
        metadata = [*metadata, *more]
    return kind, metadata


def _bare(kind: Any) -> tuple[Any, list[Any]]:
    """Without Annotated and `| None`, and what Annotated carried."""
    metadata: list[Any] = []
    while True:
        if typing.get_origin(kind) is typing.Annotated:
            kind, *more = typing.get_args(kind)
            for item in more:
                metadata += item.metadata if isinstance(item, FieldInfo) else [item]
            continue
        solid = [member for member in typing.get_args(kind) if member is not type(None)]
        if type(None) in typing.get_args(kind) and len(solid) == 1:
            kind = solid[0]
            continue
        return kind, metadata


def _tags(model: type[BaseModel]) -> tuple[Any, ...]:
    field = model.model_fields.get("kind")
    return typing.get_args(field.annotation) if field else ()
