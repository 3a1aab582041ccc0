"""`lab schema`: the JSON Schema of scenario files, or of `results.json`."""

from __future__ import annotations

import json
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from lab.scenario.schema import as_text, scenario_schema
from lab.store.results import Results


class Kind(StrEnum):
    SCENARIO = "scenario"
    RESULTS = "results"


def schema(
    kind: Annotated[
        Kind, typer.Option(help="Of scenario files, or of the results.json that a run writes.")
    ] = (Kind.SCENARIO),
    out: Annotated[Path | None, typer.Option(help="Write to this file instead of standard output.")] = None,
) -> None:
    """Print the JSON Schema of scenario files or of results."""
    text = as_text(scenario_schema() if kind is Kind.SCENARIO else results_schema())
    if out is None:
        typer.echo(text, nl=False)
    else:
        out.write_text(text)


def results_schema() -> dict[str, object]:
    """Optional and defaulted keys are written too, so a reader may count on them."""
    return {"$schema": "https://json-schema.org/draft/2020-12/schema"} | json.loads(
        json.dumps(Results.model_json_schema(mode="serialization"))
    )
