"""Draws beside those of a plan: hours of earlier ones that count, and rows that are drawn by themselves."""

from dataclasses import replace

import pytest

from lab.commands import evidence_steps as command
from lab.errors import BadInput
from lab.runs.campaign import Campaign, measure, states
from lab.runs.evidence import load_plan
from lab.runs.findings import findings
from lab.runs.published import Published
from lab.store import ledger
from lab.verdicts.exposure import NOTHING
from reports import evidence as page
from reports.evidence_checks import unsupported
from tests.runs.small_plan import PLAN, cells_of, written


def test_hours_of_earlier_draws_count_where_the_plan_names_their_seed(campaign, measured, folder, tmp_path):
    command.publish(campaign, tmp_path, benchmark=False)
    figures = tmp_path / campaign.plan.suite / "figures.json"
    (first,) = (line for line in page.read(figures).lines if line.row == "empty")
    plan = folder / "later_evidence.toml"
    plan.write_text(
        PLAN.replace("hours = 0.005", "hours = 0.008").replace(
            'detector = "doppler_cfar"', 'detector = "doppler_cfar"\nseed = 2\ncounted_with = [1]'
        )
    )
    published = tmp_path / f"{campaign.plan.suite}.json"
    later = Campaign(load_plan(plan), tmp_path / "later", rows=("empty",), ledger=published)
    (asked,) = states(later)
    assert asked.wanted == round((0.008 - first.hours) * 3600 / 6)
    measure(later, 1, say=lambda line: None)
    command.publish(later, tmp_path, benchmark=False)
    (both,) = (line for line in page.read(figures).lines if line.row == "empty")
    assert both.hours == pytest.approx(first.hours * (3 + asked.wanted) / 3)
    assert both.per_day_high == pytest.approx(first.per_day_high * first.hours / both.hours)
    assert unsupported(page.read(figures), ledger.read(published).entries, cells_of(later)) == []
    (done,) = states(Campaign(load_plan(plan), tmp_path / "later", 1.0, 0.5, ("empty",), ledger=published))
    assert (done.wanted, done.missing) == (0, 0)
    plan.write_text(plan.read_text().replace("counted_with = [1]", ""))
    command.publish(Campaign(load_plan(plan), later.out), tmp_path, benchmark=False)
    (alone,) = (line for line in page.read(figures).lines if line.row == "empty")
    assert alone.hours == pytest.approx(first.hours * asked.wanted / 3)


def _decided(figures, name, campaign, results):
    """Rows of a plan left to measure where this one is published as met."""
    shown = page.read(figures)
    met = [line.model_copy(update={"verdict": "pass"} if line.row == name else {}) for line in shown.lines]
    page.write(shown.model_copy(update={"lines": met}), figures)
    return command.chosen(campaign.plan, [name], True, results)


def test_a_row_with_a_seed_is_judged_by_draws_of_its_own_alone(campaign, measured, tmp_path):
    """What was published of the others stays, in a folder where none of it is stored; hours of the plan's draws do not count with it."""
    results, suite = tmp_path / "results", campaign.plan.suite
    command.publish(campaign, results, benchmark=False)
    figures, published = results / suite / "figures.json", results / f"{suite}.json"
    before = {line.row: line for line in page.read(figures).lines}
    (tmp_path / suite).mkdir()
    folder = written(tmp_path / suite)
    plan = PLAN.replace("hours = 0.005", "hours = 0.004\nseed = 2").replace(
        "[[row]]", "seed = 3\ncounted_with = [1]\n[[row]]", 1
    )
    (folder / "evidence.toml").write_text(plan.replace("seed = 3\ncounted_with = [1]\n", ""))
    own = Campaign(load_plan(folder / "evidence.toml"), tmp_path / "own", rows=("empty",), ledger=published)
    (state,) = states(own)
    assert (state.trials, state.wanted) == (0, 2)
    measure(own, 1, say=lambda line: None)
    assert [path.name for path in own.out.iterdir()] == ["presence_cfar_baseband.seed2"]
    measure(replace(own, plan=campaign.plan, rows=("empty",)), 1, say=lambda line: None)
    assert states(own)[0].missing == states(replace(own, plan=campaign.plan, rows=("empty",)))[0].missing == 0
    command.publish(own, results, benchmark=False)
    after = {line.row: line for line in page.read(figures).lines}
    assert {row: line.seeds for row, line in after.items()} == {"near": [1], "both": [1], "empty": [2]}
    assert (after["near"], after["both"]) == (before["near"], before["both"])
    assert after["empty"].hours == pytest.approx(before["empty"].hours * 2 / 3)
    entries = ledger.read(published).entries
    assert unsupported(page.read(figures), entries, cells_of(own)) == []
    shares = {entry.scenario: [share.seed for share in entry.shares] for entry in entries}
    assert shares == {"walk": [1], "empty": [1, 2]}
    assert "Draws of seed 1; of seed 2: nobody. Measured" in (results / f"{suite}.md").read_text()
    undecided = command.chosen(own.plan, ["empty"], True, results)
    assert undecided == ("empty",)
    with pytest.raises(BadInput, match="every row asked for is decided"):
        _decided(figures, "empty", own, results)
    assert _decided(figures, "empty", campaign, results) == ("empty",)  # of other draws
    (folder / "evidence.toml").write_text(plan)
    later = replace(own, plan=load_plan(folder / "evidence.toml"))
    assert findings(later, later.plan.rows[2])[0].seeds == (2,)
    assert later.published.hours(later.plan.rows[2]) == 0.0


def test_hours_count_of_the_build_as_it_is_now_in_a_simulated_room_of_the_seeds_named(
    campaign, measured, tmp_path
):
    command.publish(campaign, tmp_path, benchmark=False)
    path = tmp_path / f"{campaign.plan.suite}.json"
    near, _, empty = campaign.plan.rows
    whole = Published.of(path, (1,))
    own = ("doppler_cfar", "device")
    assert whole.hours(empty) == whole.exposure(empty, *own).hours > 0.0
    assert whole.exposure(near, *own) == Published.of(path, (7,)).exposure(empty, *own) == NOTHING
    assert Published.of(None, (1,)).hours(empty) == 0.0
    kept = ledger.read(path)
    for change in (
        {"build_hash": "f" * 64},
        {"origin": "emulated"},
        {"current": False},
        {"audio_hours": 1.0},
    ):
        ledger.write(ledger.Ledger(entries=[one.model_copy(update=change) for one in kept.entries]), path)
        changed = Published.of(path, (1,))
        assert changed.exposure(empty, *own) == NOTHING and changed.hours(empty) == 0.0
