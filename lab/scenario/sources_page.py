"""docs/sources.md, made of the specs: `python -m lab.scenario.sources_page > docs/sources.md`."""

from __future__ import annotations

from lab.scenario.spec_tables import kinds_page, specs_of
from lab.sources.catalogue import SourceSpec
from lab.spec import Spec

HEAD = """# What may sound

One table per `kind` of `[[sources]]`, made from the specs (`python -m lab.scenario.sources_page`). Levels are in dB SPL at 1 m in a
free field; what is left out is drawn from the range that the source documents. Truth is what a source says of itself: the onset
and offset of an event as it leaves the source, delayed by the way to the device.

Kinds: """


def source_specs() -> tuple[type[Spec], ...]:
    """Every spec of the catalogue, by kind."""
    return specs_of(SourceSpec)


def page() -> str:
    return kinds_page(HEAD, source_specs())


if __name__ == "__main__":
    print(page(), end="")
