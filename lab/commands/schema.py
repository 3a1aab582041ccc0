"""`lab schema`: the JSON Schema of scenario files, of plans of evidence, or of `results.json`."""

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
    EVIDENCE = "evidence"
    RESULTS = "results"


def schema(
    kind: Annotated[
        Kind,
        typer.Option(
            help="Of scenario files, of plans of evidence, or of the results.json that a run writes."
        ),
    ] = (Kind.SCENARIO),
    out: Annotated[Path | None, typer.Option(help="Write to this file instead of standard output.")] = None,
) -> None:
    """Print the JSON Schema of scenario files, of plans of evidence or of results."""
    made = {Kind.SCENARIO: scenario_schema, Kind.EVIDENCE: evidence_schema, Kind.RESULTS: results_schema}
    text = as_text(made[kind]())
    if out is None:
        typer.echo(text, nl=False)
    else:
        out.write_text(text)


def evidence_schema() -> dict[str, object]:
    from lab.runs.evidence import PlanSpec

    return {"$schema": "https://json-schema.org/draft/2020-12/schema"} | PlanSpec.model_json_schema()


def results_schema() -> dict[str, object]:
    """Optional and defaulted keys are written too, so a reader may count on them."""
    return {"$schema": "https://json-schema.org/draft/2020-12/schema"} | json.loads(
        json.dumps(Results.model_json_schema(mode="serialization"))
    )
