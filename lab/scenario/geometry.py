"""Whether everything fits into the room."""

from __future__ import annotations

from lab.scenario.model import Scenario


def check_geometry(scenario: Scenario) -> None:
    """Raises BadInput, naming the largest distance possible, when a source cannot stand where it should."""
