"""Ceilings of a small plan: measured, kept with how many trials of which seed, shown on its page."""

import json
from dataclasses import replace

import pytest

from lab.commands.evidence_ceilings import ceilings, measure_ceiling
from lab.commands.evidence_steps import publish
from lab.errors import BadInput
from lab.runs.campaign import Campaign, measure
from lab.runs.evidence import load_plan
from reports import evidence as page
from tests.runs.small_plan import written


@pytest.fixture(scope="module")
def campaign(tmp_path_factory):
    folder = written(tmp_path_factory.mktemp("small"))
    plan = replace(load_plan(folder / "evidence.toml"), seed=5)
    found = Campaign(plan, folder / "out", rows=("near", "both"))
    measure_ceiling(found, 3)
    return found


def test_a_ceiling_keeps_of_how_many_trials_and_which_seed_it_is(campaign):
    near, both = (ceilings(campaign)[name] for name in ("near", "both"))
    assert (near.trials, near.seed) == (3, 5)
    assert (both.trials, both.seed) == (2, 5)  # as many of each of two cells
    assert near.matched == pytest.approx(1.0, abs=0.01) and near.headroom_db > 20.0


def test_a_ceiling_on_the_page_stands_beside_its_trials(campaign, tmp_path):
    measure(replace(campaign, rows=("near",)), 1, say=lambda _: None)
    publish(campaign, tmp_path, benchmark=False)
    near = page.read(tmp_path / campaign.plan.suite / page.FILE_NAME).lines[0]
    assert (near.ceiling_trials, near.ceiling_seed) == (3, 5)
    assert "; n = 3, seed 5 |" in (tmp_path / f"{campaign.plan.suite}.md").read_text()
    older = near.model_copy(update={"ceiling_trials": None, "ceiling_seed": None})
    figures = page.read(tmp_path / campaign.plan.suite / page.FILE_NAME)
    assert "; n not kept |" in page.page(figures.model_copy(update={"lines": [older]}))


def test_of_a_ceiling_without_its_number_it_is_what_was_asked_for_of_each_cell(campaign, tmp_path):
    hashes = {row.name: row.scenario.hash for row in campaign.plan.rows}
    value = {"matched": 1.0, "energy": 0.5, "headroom_db": 20.0}
    kept = {
        f"{hashes['both']} both 41 in air": value,
        f"{hashes['both']} both 9 in air": value | {"energy": 0.2},
        f"{'0' * 64} near 40 in air": value,  # of a scenario that changed
        f"{hashes['near']} gone 40 in air": value,
    }
    (tmp_path / "ceiling.json").write_text(json.dumps(kept))
    (found,) = ceilings(replace(campaign, out=tmp_path)).items()
    assert found[0] == "both"
    assert (found[1].energy, found[1].trials, found[1].seed) == (0.5, 40, None)


def test_rows_without_motions_have_no_ceiling(campaign):
    with pytest.raises(BadInput, match="no row of a group of motions: walking, minor, gestures"):
        measure_ceiling(replace(campaign, rows=("empty",)), 3)
