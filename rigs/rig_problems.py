"""What is wrong with a rig file, said for the person who wrote it: key, complaint, what is allowed."""

from __future__ import annotations

import typing
from difflib import get_close_matches

from pydantic import BaseModel, ValidationError


def problem(error: ValidationError, model: type[BaseModel]) -> str:
    """The first complaint, in one line, and how many more there are."""
    first = error.errors(include_url=False)[0]
    where = _path(first["loc"])
    more = f" (and {error.error_count() - 1} more)" if error.error_count() > 1 else ""
    said = _complaint(first, model)
    return f"{where}: {said}{more}" if where else f"{said}{more}"


def _path(loc: tuple[int | str, ...]) -> str:
    """`("audio", "outputs", 0, "plays")` as `audio.outputs[1].plays`: tables are counted from 1."""
    text = ""
    for part in loc:
        text += f"[{part + 1}]" if isinstance(part, int) else f".{part}" if text else part
    return text


def _complaint(one: typing.Any, model: type[BaseModel]) -> str:
    kind = one["type"]
    if kind == "extra_forbidden":
        known = list(_table(model, one["loc"][:-1]).model_fields)
        near = get_close_matches(str(one["loc"][-1]), known, 1)
        return (
            f"unknown key; did you mean {near[0]!r}?" if near else f"unknown key; allowed: {', '.join(known)}"
        )
    if kind == "missing":
        return "is missing"
    if kind == "value_error":
        return str(one["ctx"]["error"])
    if kind == "literal_error":
        return f"must be {one['ctx']['expected']}, not {one['input']!r}"
    return f"{one['msg'].replace('Input should', 'must')}, not {one['input']!r}"[:300]


def _table(model: type[BaseModel], loc: tuple[int | str, ...]) -> type[BaseModel]:
    """The model of the table at a place in the file; the whole file's where that cannot be told."""
    for part in loc:
        if isinstance(part, int):
            continue
        found = _models(model.model_fields[part].annotation) if part in model.model_fields else []
        if not found:
            return model
        model = found[0]
    return model


def _models(annotation: typing.Any) -> list[type[BaseModel]]:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return [annotation]
    return [model for inner in typing.get_args(annotation) for model in _models(inner)]
