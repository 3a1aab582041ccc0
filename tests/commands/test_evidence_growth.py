"""A plan that asks for more after all of it was there and published."""

from math import inf

import pytest

from lab.commands.evidence_figures import as_borne
from lab.commands.evidence_growth import as_grown, grown, ranges_as_grown, units_as_grown
from lab.commands.evidence_steps import publish
from lab.runs.campaign import Campaign, measure
from lab.runs.evidence import load_plan
from reports import evidence as page
from reports.evidence import RangeLine, UnitLine
from tests.runs.small_plan import PLAN, written

# Of eight trials: 8 found bound 0.69 at 95 % and 0.42 at 99.9 %, of a limit of 0.5.
FIRST = 'trials = 2\n[[row]]\nname = "both"'
RATIO = RangeLine(
    what="walks across",
    trials=30,
    asked=30,
    range_m=4.0,
    quiet_m=5.0,
    ratio=0.8,
    low=0.72,
    high=0.9,
    limit=0.7,
)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return written(tmp_path_factory.mktemp("small"))


def asked(folder, trials):
    """The campaign of a plan that asks for so many trials of its first row, whose second is compared with itself."""
    plan = PLAN.replace(FIRST, FIRST.replace("2", f"{trials}\nmedian_s = 9.0"))
    plan = plan.replace('by = "distance_m"', 'of_reference = 0.7\nreference = "both"')
    (folder / "evidence.toml").write_text(plan)
    return Campaign(load_plan(folder / "evidence.toml"), folder / "out", rows=("near",))


@pytest.fixture(scope="module")
def published(folder, tmp_path_factory):
    """Campaign of two trials, and figures of all of them."""
    campaign, results = asked(folder, 2), tmp_path_factory.mktemp("results")
    measure(campaign, 1, say=lambda _: None)
    publish(campaign, results, benchmark=False)
    return campaign, page.read(results / campaign.plan.suite / page.FILE_NAME)


def test_every_target_of_a_row_that_grew_takes_the_confidence_of_a_look_between(folder, published, tmp_path):
    _, before = published
    assert before.lines[0].complete and not before.lines[0].grown
    campaign = asked(folder, 8)
    measure(campaign, 1, say=lambda _: None)
    suite = campaign.plan.suite
    publish(campaign, tmp_path / "seen_once", benchmark=False)
    once, *_ = page.read(tmp_path / "seen_once" / suite / page.FILE_NAME).lines
    assert (once.detected, once.verdict, once.grown) == (8, "pass", False)
    page.write(before, tmp_path / "grown" / suite / page.FILE_NAME)
    for _ in range(2):  # what grew stays so, though nothing more is asked for
        publish(campaign, tmp_path / "grown", benchmark=False)
        line, *_ = page.read(tmp_path / "grown" / suite / page.FILE_NAME).lines
        assert (line.detected, line.verdict, line.grown) == (8, "inconclusive", True)
        assert line.needed.startswith("draws of another seed: the plan was changed")
        assert (line.low, line.high) == (once.low, once.high)  # what is shown are bounds of 95 %
        # Of a median, order statistics of eight: a bound of 95 % is the seventh, one of 99.9 % there is none.
        assert once.median_high_s < inf and line.median_high_s == inf


def test_a_plan_that_shrank_after_a_look_or_asks_for_less_than_there_is_does_not_decide_by_it(
    folder, published, tmp_path
):
    """Of twelve asked for, eight are there: as good as the limit at 95 %. A plan of eight, made then, takes 99.9 %."""
    suite = published[0].plan.suite
    measure(asked(folder, 8), 1, say=lambda _: None)
    publish(asked(folder, 12), tmp_path / "shrunk", benchmark=False)
    path = tmp_path / "shrunk" / suite / page.FILE_NAME
    looked, *_ = page.read(path).lines
    assert (looked.trials, looked.complete, looked.verdict) == (8, False, "inconclusive")
    for _ in range(2):
        publish(asked(folder, 8), tmp_path / "shrunk", benchmark=False)
        line, *_ = page.read(path).lines
        assert (line.trials, line.complete, line.grown, line.verdict) == (8, True, True, "inconclusive")
    publish(asked(folder, 4), tmp_path / "fewer", benchmark=False)
    line, *_ = page.read(tmp_path / "fewer" / suite / page.FILE_NAME).lines
    assert (line.trials, line.complete, line.grown, line.verdict) == (8, True, True, "inconclusive")


def test_hours_that_were_looked_at_before_do_not_join_without_a_trace(published):
    """Draws of another plan that are counted in after all of one's own was looked at are growth; before that they are not."""
    _, figures = published
    looked = figures.lines[0]
    joined = {"seeds": [7, *looked.seeds]}
    assert as_grown(looked.model_copy(update=joined), figures).grown
    begun = figures.model_copy(update={"lines": [looked.model_copy(update={"complete": False})]})
    assert not as_grown(looked.model_copy(update=joined), begun).grown


def test_what_other_draws_of_a_row_found_stays_on_its_page_and_is_growth_where_they_come_back(published):
    _, figures = published
    first = figures.lines[0].model_copy(
        update={"verdict": "fail", "limit": "at least 0.5", "median_limit_s": None}
    )
    second = first.model_copy(update={"seeds": [17], "verdict": "pass"})

    def next_of(line, before):
        return figures.model_copy(update={"lines": [as_grown(line, before)]})

    again = next_of(second, figures.model_copy(update={"lines": [first]}))
    (told,) = again.lines[0].earlier
    assert (told.seeds, told.told, told.verdicts) == (
        first.seeds,
        f"{first.detected} of {first.trials}",
        ["fail"],
    )
    said = (
        f"Walks across, 1.5 m (device), drawn before: seed 1 {first.detected} of {first.trials}, **missed**."
    )
    assert said in page.page(again) and not again.lines[0].grown
    third = next_of(first.model_copy(update={"seeds": [18]}), again)
    assert [one.seeds for one in third.lines[0].earlier] == [first.seeds, [17]]
    back = next_of(first.model_copy(update={"asked": 8.0}), third).lines[0]
    assert back.grown and [one.seeds for one in back.earlier] == [[17], [18]]


def test_another_seed_build_or_scenario_did_not_grow(folder, published):
    _, before = published
    row = asked(folder, 8).plan.rows[0]
    own = before.lines[0].detector, before.lines[0].stage
    assert grown(row, before)(*own, (1,))
    assert not grown(row, None)(*own, (1,)) and not grown(row, before)(*own, (2,))
    assert not grown(row, before)("presence", "device", (1,))
    assert not grown(asked(folder, 2).plan.rows[0], before)(*own, (1,))
    begun = before.model_copy(update={"lines": [before.lines[0].model_copy(update={"complete": False})]})
    assert not grown(row, begun)(*own, (1,))


def test_a_plan_that_grew_after_a_look_at_all_of_it_goes_on_as_between_looks(published):
    _, figures = published
    looked = figures.lines[0].model_copy(update={"verdict": "inconclusive", "limit": "at least 0.5"})
    before = figures.model_copy(update={"lines": [looked]})
    more = {"asked": 8.0, "trials": 8, "detected": 8, "verdict": "pass"}
    grown = as_grown(looked.model_copy(update=more), before)
    assert grown.grown and as_borne(grown).verdict == "inconclusive"
    assert "another seed" in as_borne(grown).needed
    again = as_grown(looked.model_copy(update=more), figures.model_copy(update={"lines": [grown]}))
    assert again.grown
    many = as_grown(looked.model_copy(update=more | {"trials": 12, "detected": 12}), before)
    assert as_borne(many).verdict == "pass"
    assert as_grown(looked.model_copy(update={"cells": 2}), before).grown
    for other in ({"seeds": [9]}, {"asked": looked.asked}, {"build_hash": "f" * 64}):
        alone = as_grown(looked.model_copy(update=more | other), before)
        assert not alone.grown and as_borne(alone).verdict == "pass"


def test_ranges_and_units_grew_where_fewer_pairs_were_asked_for_of_the_same_draws_and_all_were_there(
    published,
):
    campaign, figures = published
    line = figures.lines[0].model_copy(update={"row": "both"})
    unit = UnitLine(unit=1, trials=30, asked=30, difference=0.0, low=-0.01)
    fresh = figures.model_copy(
        update={
            "lines": [line],
            "ranges": [RATIO.model_copy(update={"trials": 60, "asked": 60})],
            "units": [unit.model_copy(update={"trials": 60, "asked": 60})],
        }
    )

    def grew(ranged=(), united=(), **of_line) -> tuple[bool, bool]:
        before = figures.model_copy(
            update={
                "lines": [line.model_copy(update=of_line)],
                "ranges": [RATIO.model_copy(update=dict(ranged))],
                "units": [unit.model_copy(update=dict(united))],
            }
        )
        (ratio,) = ranges_as_grown(fresh, before, campaign.plan)
        (one,) = units_as_grown(fresh, before, "both")
        return ratio.grown, one.grown

    assert grew() == (True, True)
    assert grew(seeds=[9]) == grew(build_hash="f" * 64) == grew(row="near") == (False, False)
    assert grew({"trials": 29}, {"trials": 29}) == (False, False)
    assert grew({"asked": 60, "trials": 60}, {"asked": 60, "trials": 60}) == (False, False)
    assert grew({"asked": 60, "grown": True}, {"asked": 60, "grown": True}) == (True, True)
    assert grew({"asked": 0}, {"asked": 0}) == (False, False)  # figures that did not say what was asked for
    assert grew({"what": "walks away"}) == (False, True)
