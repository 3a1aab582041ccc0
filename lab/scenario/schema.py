"""JSON Schema of scenario files, for editors: made from the models, opened up for what a file may say instead.

The models hold concrete values; in a file every value may also be a distribution or a sweep, most keys may
come from the suite's defaults, `device` is a name and variants override. Rules between keys (exactly one of
rt60_s and materials, say) are left to `lab.scenario.load`.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from lab.scenario.load import ONCE, ONCE_OF_MEMBER, ONCE_OF_ROOM
from lab.scenario.model import Scenario
from lab.scenario.tree import NAMED

SCHEMA_FILE = Path(__file__).with_name("scenario.schema.json")
DIALECT = "https://json-schema.org/draft/2020-12/schema"

Node = dict[str, Any]

_NUMBER: Node = {"type": "number"}
_RANGE: Node = {"type": "array", "items": _NUMBER, "minItems": 2, "maxItems": 2}
_NORMAL: Node = {
    "type": "object",
    "properties": {name: _NUMBER for name in ("mean", "sd", "low", "high")},
    "required": ["mean", "sd", "low", "high"],
    "additionalProperties": False,
}


_COUNT: Node = {"type": "integer", "minimum": 1}
_SOME: Node = {"type": "array", "minItems": 1}
# Its values are not held to the key they stand for: that would double the schema.
_TURN: Node = {
    "anyOf": [
        _SOME,
        {
            "type": "object",
            "properties": {"values": _SOME, "count": _COUNT, "each": _COUNT},
            "oneOf": [{"required": ["values"]}, {"required": ["count"]}],
            "additionalProperties": False,
        },
    ]
}


def scenario_schema() -> Node:
    """The schema of a file with `format = "earshot-scenario/1"`."""
    schema = _with_words_in_place(Scenario.model_json_schema())
    models = {name: _opened(name, model) for name, model in schema["$defs"].items() if name != "DeviceSpec"}
    models = {name: model for name, model in models.items() if name in _named(models, schema)}
    for name, content in (("uniform", _RANGE), ("log_uniform", _RANGE), ("normal", _NORMAL), ("turn", _TURN)):
        models[name] = _only(name, content)
    top = _opened("Scenario", schema)["properties"]
    top["device"] = _value(
        {"type": "string", "description": "NAME of scenarios/devices, or a path to a .toml file"}
    )
    members = {key: top[key]["items"] for key in NAMED}
    for key, member in members.items():
        top[key] = {"type": "array", "items": {"allOf": [{"required": ["name"]}, member]}}
    overridden = {name: node for name, node in top.items() if name not in ONCE}
    for key, member in members.items():
        overridden[key] = {"type": "object", "additionalProperties": member}
    top["variant"] = {
        "type": "array",
        "items": {
            "type": "object",
            "properties": {"name": {"type": "string", "minLength": 1}} | overridden,
            "required": ["name"],
            "additionalProperties": False,
        },
    }
    return {
        "$schema": DIALECT,
        "title": "Earshot scenario",
        "description": schema["description"],
        "type": "object",
        "properties": top,
        "required": ["format", "id"],
        "additionalProperties": False,
        "$defs": dict(sorted(models.items())),
    }


def _with_words_in_place(schema: Node) -> Node:
    """A list of words that pydantic has defined apart stands for a leaf; put where it is used, it is opened like others."""
    words = {f"#/$defs/{name}": node for name, node in schema["$defs"].items() if "enum" in node}

    def placed(node: Any) -> Any:
        if isinstance(node, list):
            return [placed(inner) for inner in node]
        if not isinstance(node, dict):
            return node
        if node.get("$ref") in words:
            about = {
                key: inner
                for key, inner in words[node["$ref"]].items()
                if key not in ("title", "description")
            }
            return about | {key: inner for key, inner in node.items() if key != "$ref"}
        return {key: placed(inner) for key, inner in node.items()}

    return placed(schema)


def as_text(schema: Node) -> str:
    return json.dumps(schema, indent=1) + "\n"


def _opened(name: str, model: Node) -> Node:
    """A model's schema with every leaf opened up and nothing required: the suite may say it."""
    if "properties" not in model:
        return model
    once = {"Scenario": ONCE, "RoomSpec": ONCE_OF_ROOM}.get(
        name, ONCE_OF_MEMBER if "name" in model["properties"] else ()
    )
    plain = name == "Limit"
    opened = {key: node for key, node in model.items() if key not in ("required", "title")}
    opened["properties"] = {
        key: _tidy(node) if plain or key in once else _value(_tidy(node))
        for key, node in model["properties"].items()
    }
    return opened


def _tidy(node: Node) -> Node:
    """Without pydantic's titles, null (TOML has none) and OpenAPI's discriminators."""
    node = {key: _tidy(inner) if isinstance(inner, dict) else inner for key, inner in node.items()}
    node = {key: inner for key, inner in node.items() if key not in ("title", "discriminator")}
    if "oneOf" in node:
        node["anyOf"] = node.pop("oneOf")
    if node.get("default", ...) is None:
        del node["default"]
    if "anyOf" in node:
        options = [_tidy(option) for option in node.pop("anyOf") if option != {"type": "null"}]
        node |= options[0] if len(options) == 1 else {"anyOf": options}
    return node


def _value(node: Node) -> Node:
    """A leaf, or what may stand for it. Tables and lists of tables stay: their leaves are opened where they are."""
    if "$ref" in node or node.get("type") == "object" or _of_tables(node):
        return node
    about = {key: node[key] for key in ("description", "default") if key in node}
    leaf = {key: inner for key, inner in node.items() if key not in about}
    if leaf.get("type") == "array":
        stands_for = [_only("choice", _list(leaf)), {"$ref": "#/$defs/turn"}]
        items = (
            {"prefixItems": [_value(item) for item in leaf.get("prefixItems", [])]}
            if "prefixItems" in leaf
            else {}
        )
        items |= {"items": _value(leaf["items"])} if isinstance(leaf.get("items"), dict) else {}
        return about | {"anyOf": [leaf | items, *stands_for]}
    stands_for = [
        _only("choice", _list(leaf)),
        {"$ref": "#/$defs/turn"},
        _only("sweep", _list(leaf) | {"uniqueItems": True}),
    ]
    if leaf.get("type") == "number" or any(
        option.get("type") == "number" for option in leaf.get("anyOf", [])
    ):
        stands_for += [{"$ref": f"#/$defs/{name}"} for name in ("uniform", "log_uniform", "normal")]
    return about | {"anyOf": [leaf, *stands_for]}


def _list(leaf: Node) -> Node:
    return {"type": "array", "items": leaf, "minItems": 1}


def _only(key: str, content: Node) -> Node:
    return {"type": "object", "properties": {key: content}, "required": [key], "additionalProperties": False}


def _of_tables(node: Node) -> bool:
    options = node.get("anyOf", [])
    items = node.get("items")
    if any("$ref" in option for option in options):
        return True
    return node.get("type") == "array" and isinstance(items, dict) and ("$ref" in items or _of_tables(items))


def _named(models: dict[str, Node], top: Node) -> set[str]:
    """Names of the definitions that something still points to."""
    text = json.dumps([models, {key: node for key, node in top["properties"].items() if key != "device"}])
    return {name for name in models if f'"#/$defs/{name}"' in text}
