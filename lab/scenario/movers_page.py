"""docs/movers.md, made of the specs: `python -m lab.scenario.movers_page > docs/movers.md`."""

from __future__ import annotations

from lab.movers.catalogue import MoverSpec
from lab.movers.mover import Doorway
from lab.scenario.spec_tables import kinds_page, section, specs_of
from lab.spec import Spec

HEAD = """# What may move

One table per `kind` of `[[movers]]`, made from the specs (`python -m lab.scenario.movers_page`). Positions are in m from the
room's lower south-west corner: x east, y north, z up. Speeds are checked against what the renderer carries; what does not fit into
the room, or is in the device's way, is refused when the scenario is read. See [ultrasound.md](ultrasound.md) for what is modelled.

Kinds: """


def mover_specs() -> tuple[type[Spec], ...]:
    """Every spec of the catalogue, by kind."""
    return specs_of(MoverSpec)


def page() -> str:
    return "\n".join(
        [kinds_page(HEAD, mover_specs()), section("doorways", Doorway, "Doorways, `[[doorways]]`")]
    )


if __name__ == "__main__":
    print(page(), end="")
