"""Tables of what specs may say, for pages made from them."""

from __future__ import annotations

import inspect
import types
from collections.abc import Sequence
from typing import Any, Literal, Union, get_args, get_origin

from annotated_types import Ge, Gt, Le, Lt
from pydantic.fields import FieldInfo
from pydantic_core import PydanticUndefined

from lab.spec import Spec


def specs_of(union: Any) -> tuple[type[Spec], ...]:
    """Every spec of a discriminated union, by kind."""
    return tuple(sorted(get_args(get_args(union)[0]), key=kind_of))


def kind_of(spec: type[Spec]) -> str:
    return get_args(spec.model_fields["kind"].annotation)[0]


def kinds_page(head: str, specs: tuple[type[Spec], ...]) -> str:
    """The head, a list of all kinds, a section of each, and at the end tables that several of them take."""
    names = ", ".join(f"[{kind}](#{kind})" for kind in map(kind_of, specs))
    taken = [part for spec in specs for part in _tables_in(spec)]
    shared = [part for part in dict.fromkeys(taken) if taken.count(part) > 1]
    sections = [section(kind_of(spec), spec, elsewhere=shared) for spec in specs]
    if shared:
        sections.append("\n".join(["## Tables of several kinds\n", *map(_inner, shared)]))
    return "\n".join([f"{head}{names}.\n", *sections])


def section(
    name: str, spec: type[Spec], title: str | None = None, elsewhere: Sequence[type[Spec]] = ()
) -> str:
    """One spec and the tables it takes, but for those described elsewhere."""
    rows = [f"## {title or name}\n", inspect.cleandoc(spec.__doc__ or "") + "\n"]
    rows += ["| key | allowed | default |", "|---|---|---|"]
    for key, info in spec.model_fields.items():
        rows.append(f"| `{key}` | {_allowed(info.annotation, info)} | {_default(info)} |")
    inner = [part for part in _tables_in(spec) if part not in elsewhere]
    text = "\n".join(rows) + "\n"
    return text + "".join("\n" + _inner(part) for part in inner)


def _tables_in(spec: type[Spec]) -> list[type[Spec]]:
    """Specs of the tables that a spec takes, each once."""
    found = [part for info in spec.model_fields.values() for part in _specs_in(info.annotation)]
    return list(dict.fromkeys(found))


def _inner(spec: type[Spec]) -> str:
    rows = [f"`{spec.__name__}`: {inspect.cleandoc(spec.__doc__ or '')}\n", "| key | allowed | default |"]
    rows.append("|---|---|---|")
    rows += [
        f"| `{key}` | {_allowed(info.annotation, info)} | {_default(info)} |"
        for key, info in spec.model_fields.items()
    ]
    return "\n".join(rows) + "\n"


def _specs_in(annotation: Any) -> list[type[Spec]]:
    if inspect.isclass(annotation) and issubclass(annotation, Spec):
        return [annotation]
    return [spec for part in get_args(annotation) for spec in _specs_in(part)]


def _allowed(annotation: Any, info: FieldInfo | None = None) -> str:
    bounds = [] if info is None else [part for part in info.metadata if isinstance(part, Ge | Gt | Le | Lt)]
    if get_origin(annotation) is Literal:
        return ", ".join(f"`{value}`" for value in get_args(annotation))
    if get_origin(annotation) in (Union, types.UnionType):
        parts = [part for part in get_args(annotation) if part is not type(None)]
        return " or ".join(_allowed(part, info) for part in parts)
    if hasattr(annotation, "__metadata__"):
        return _allowed(get_args(annotation)[0], FieldInfo.from_annotation(annotation))
    if get_origin(annotation) is tuple:
        items = get_args(annotation)
        if items[-1] is Ellipsis:
            return f"list of {_allowed(items[0])}"
        return f"[{', '.join(_allowed(item) for item in items)}]"
    if inspect.isclass(annotation) and issubclass(annotation, Spec):
        return f"table, `{annotation.__name__}`"
    if inspect.isclass(annotation) and hasattr(annotation, "__members__"):
        return ", ".join(f"`{member.value}`" for member in annotation)
    if annotation in (int, float):
        return _range(bounds) or ("whole number" if annotation is int else "number")
    return {bool: "`true`, `false`", str: "text"}.get(annotation, "text")


def _range(bounds: list) -> str:
    low = next((part.ge for part in bounds if isinstance(part, Ge)), None)
    above = next((part.gt for part in bounds if isinstance(part, Gt)), None)
    high = next((part.le for part in bounds if isinstance(part, Le)), None)
    if low is None and above is None:
        return "" if high is None else f"at most {high:g}"
    start = f"{low:g}" if above is None else f"above {above:g}"
    if high is None:
        return f"at least {start}" if above is None else start
    return f"{start} to {high:g}"


def _default(info: FieldInfo) -> str:
    if info.default is PydanticUndefined:
        return "needed"
    if info.default is None:
        return "-"
    if isinstance(info.default, Spec):
        return "its defaults"
    if isinstance(info.default, bool):
        return f"`{str(info.default).lower()}`"
    if isinstance(info.default, float):
        return f"{info.default:g}"
    if isinstance(info.default, tuple):
        return f"`{list(info.default)}`"
    return f"`{getattr(info.default, 'value', info.default)}`"
