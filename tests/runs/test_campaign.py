"""A plan of two rows, measured, stopped, gone on with, published."""

import shutil
import sqlite3
from contextlib import closing
from dataclasses import replace

import pytest

from lab.commands import evidence_steps as command
from lab.commands.evidence_ceilings import with_ceiling
from lab.commands.evidence_figures import with_median, with_uploads
from lab.commands.main import call
from lab.errors import BadInput
from lab.runs.campaign import Campaign, measure, states, summaries
from lab.runs.environment import here
from lab.runs.evidence import load_plan
from lab.runs.findings import findings, ranges
from lab.store import ledger
from reports import evidence as page
from reports.evidence_checks import unsupported
from tests.runs.small_plan import EMPTY, PLAN, SUITE, cells_of, written


def test_every_row_is_measured_and_a_trial_of_two_rows_once(campaign, measured):
    assert [(state.trials, state.wanted, state.left_s) for state in states(campaign)] == [
        (2, 2, 0.0),
        (4, 4, 0.0),
        (3, 3, 0.0),
    ]
    assert sum(int(line.split(": ")[1].split()[0]) for line in measured) == 7
    said = []
    measure(campaign, 1, say=said.append)
    assert said == ["nothing is missing"]


def test_rows_are_judged_over_their_cells_by_the_limit_of_the_scenario(campaign, measured):
    near, both, empty = (findings(campaign, row)[0].result for row in campaign.plan.rows)
    assert (near.detection.trials, both.detection.trials) == (2, 4)
    assert [accept.limit for accept in near.accept] == ["at least 0.5"]
    assert both.accept and not empty.accept
    assert empty.false_alarms.hours == pytest.approx(3 * 5.7 / 3600, rel=0.05)


def test_a_row_has_the_range_of_itself(campaign, measured):
    row = campaign.plan.rows[1]
    assert ranges(campaign, row, row, 0.9).ratio == 1.0


def test_published_figures_are_those_of_the_ledger_and_more_trials_replace_fewer(
    campaign, measured, tmp_path
):
    command.publish(campaign, tmp_path, benchmark=False)
    command.publish(campaign, tmp_path, benchmark=False)
    name = campaign.plan.path.parent.name
    entries = ledger.read(tmp_path / f"{name}.json").entries
    assert {entry.scenario: entry.current for entry in entries} == {"walk": True, "empty": True}
    figures = page.read(tmp_path / name / "figures.json")
    assert unsupported(figures, entries, cells_of(campaign)) == []
    assert page.page(figures) == (tmp_path / f"{name}.md").read_text()
    shown = page.page(figures)
    assert "Of 2 targets" in shown and "walks across, 1.5 m" in shown and "In one room." in shown
    assert [(one.kind, one.trials) for one in figures.heard] == [
        ("walk 1.5", 2),
        ("walk 2.0", 2),
        ("empty", 3),
    ]
    near, both = figures.lines[:2]
    assert near.worst is None  # one cell
    least, found, of = both.worst
    assert least in ("distance_m 1.5", "distance_m 2.0") and of == 2 and found <= both.detected / 2
    date, last = figures.measured
    when = f"on {date}" if date == last else f"from {date} to {last}"  # around midnight
    head = f"`presence_cfar_baseband` doppler_cfar {near.build_hash[:12]}. Draws of seed 1. Measured {when} by commit `"
    assert head in shown and "(7 trials)." in shown
    assert near.by == {"tangential": (near.detected, 2)}
    assert {value: all_ for value, (_, all_) in both.by.items()} == {"1.5": 2, "2.0": 2}
    assert sum(hits for hits, _ in both.by.values()) == both.detected
    assert (
        f"Walks across, 1.5 m (device), by `movers.person.route`: tangential {near.detected} of 2." in shown
    )
    near, both, empty = figures.lines
    for line, change in (
        (near, {"detected": near.detected - 1}),
        (near, {"trials": 1}),
        (near, {"false_alarms": near.false_alarms + 1}),
        (near, {"hours": near.hours / 2}),
        (near, {"seeds": [8]}),
        (near, {"verdict": "fail"}),
        (both, {"row": "near"}),
        (empty, {"silent_trials": 4}),
        (empty, {"build_hash": "f" * 64}),
    ):
        other = figures.model_copy(update={"lines": [line.model_copy(update=change)]})
        (told,) = unsupported(other, entries, cells_of(campaign))
        assert line.row in told or "near" in told


def test_what_is_published_says_by_which_commit_it_was_made_and_of_how_much_that_was_not_kept(
    campaign, measured, tmp_path
):
    """Of a store in which three trials are older than batches."""
    command.publish(campaign, tmp_path / "whole", benchmark=False)
    suite, now = campaign.plan.suite, here()
    whole = page.read(tmp_path / "whole" / suite / "figures.json").made
    assert (whole.commits, whole.not_kept, whole.started) == ({now["commit"]: 7}, 0, None)
    for entry in ledger.read(tmp_path / "whole" / f"{suite}.json").entries:
        (share,) = entry.shares
        (one,) = share.provenance
        assert (one.commit, one.packages, one.machine) == (now["commit"], now["packages"], now["machine"])
        assert one.trials == share.trials == {"walk": 4, "empty": 3}[entry.scenario]
    older = tmp_path / "older"
    shutil.copytree(campaign.out, older)
    with closing(sqlite3.connect(older / "presence_cfar_baseband" / "lab.sqlite")) as connection:
        connection.execute("UPDATE trials SET batch_row = NULL WHERE trial_index = 0")
        connection.execute("UPDATE runs SET started = '2026-01-02T03:04:05+00:00'")
        connection.execute("UPDATE batches SET began = '2026-01-05T03:04:05+00:00' WHERE row = 1")
        connection.execute('UPDATE batches SET ended = began, "commit" = ? WHERE row = 1', ["c" * 40])
        connection.commit()
    command.publish(replace(campaign, out=older), tmp_path / "part", benchmark=False)
    part = page.read(tmp_path / "part" / suite / "figures.json").made
    assert part.commits == {"c" * 40: 1, now["commit"]: 3} and part.not_kept == 3
    assert part.days[0] == "2026-01-05" and part.started == ("2026-01-02", "2026-01-02")
    shown = (tmp_path / "part" / f"{suite}.md").read_text()
    assert f"Measured from 2026-01-05 to {part.days[1]} by commits `{'c' * 12}` (1 trials), `" in shown
    assert "Of 3 trials, of draws that were started on 2026-01-02, neither day nor commit was kept." in shown
    (results,) = summaries(replace(campaign, out=older)).values()
    made = results.environment
    assert made.commit == f"{'c' * 40} (1 trials), {now['commit']} (3 trials), not kept (3 trials)"
    assert made.machine == f"{now['machine']}, not kept"


def test_hours_stand_beside_the_trials_and_different_rooms_that_they_were_heard_in(
    campaign, measured, tmp_path
):
    near, both, empty = (findings(campaign, row)[0] for row in campaign.plan.rows)
    assert [(one.played, one.rooms) for one in (near, both, empty)] == [(2, 2), (4, 2), (3, 3)]
    folder = written(tmp_path)
    (folder / "suite.toml").write_text(SUITE.replace("rt60_s = 0.3", "rt60_s = 0.3, bank = 2"))
    again = Campaign(load_plan(folder / "evidence.toml"), folder / "out", rows=("empty",))
    measure(again, 1, say=lambda _: None)
    command.publish(again, tmp_path / "results", benchmark=False)
    figures = page.read(tmp_path / "results" / again.plan.suite / "figures.json")
    assert (figures.lines[0].played, figures.lines[0].rooms) == (3, 2)
    shown = page.page(figures)
    assert (
        "| nobody | 0 | 0.00 | 3; 2 | 0.00, " in shown and "a room and the places in it come again" in shown
    )
    older = figures.lines[0].model_copy(update={"played": None, "rooms": None})
    shown = page.page(figures.model_copy(update={"lines": [older]}))
    assert "| nobody | 0 | 0.00 | 3; not kept | 0.00, " in shown and "come again" not in shown


def test_a_plan_that_names_no_detector_tests_all_of_the_build_and_another_none(
    campaign, measured, folder, tmp_path
):
    shown = {}
    for name, detector in (("all", ""), ("another", "presence")):
        plan = replace(campaign.plan, detector=detector)
        command.publish(Campaign(plan, campaign.out), tmp_path / name, benchmark=False)
        shown[name] = (tmp_path / name / f"{campaign.plan.suite}.md").read_text()
    command.publish(campaign, tmp_path / "named", benchmark=False)
    assert shown["all"] == (tmp_path / "named" / f"{campaign.plan.suite}.md").read_text()
    assert "walks across" not in shown["another"]


def test_figures_of_more_than_is_stored_here_stay(campaign, measured, tmp_path):
    shown = replace(campaign, plan=replace(campaign.plan, picture="walk"))
    command.publish(shown, tmp_path, benchmark=False)
    page, picture = tmp_path / f"{campaign.plan.suite}.md", tmp_path / campaign.plan.suite / "walk.png"
    before = page.read_text()
    assert f"![Small: found over distance, with 95 % bounds]({campaign.plan.suite}/walk.png)" in before
    picture.write_bytes(b"drawn before")
    command.publish(replace(shown, out=tmp_path / "elsewhere"), tmp_path, benchmark=False)
    assert page.read_text() == before and picture.read_bytes() == b"drawn before"
    command.publish(shown, tmp_path, benchmark=False)
    assert picture.read_bytes() != b"drawn before"


def test_a_page_without_two_distances_yet_has_no_picture(campaign, measured, folder, tmp_path):
    shown = replace(campaign, plan=replace(campaign.plan, picture="walk"))
    command.publish(shown, tmp_path, benchmark=False)
    other = replace(shown.plan, seed=7)
    later = Campaign(other, tmp_path / "later", rows=("near",))
    measure(later, 1, say=lambda _: None)
    command.publish(later, tmp_path, benchmark=False)
    assert ".png" not in (tmp_path / f"{campaign.plan.suite}.md").read_text()


def test_nothing_is_published_of_nothing(campaign, folder, tmp_path):
    with pytest.raises(
        BadInput, match="nothing is measured there; lab evidence measure .*evidence.toml does it"
    ):
        command.publish(Campaign(campaign.plan, tmp_path / "none"), tmp_path / "results", benchmark=False)
    assert not (tmp_path / "results").exists()


def test_rows_published_as_met_or_missed_need_not_be_measured_on(
    campaign, measured, folder, tmp_path, capsys
):
    command.publish(campaign, tmp_path, benchmark=False)
    path = tmp_path / campaign.plan.suite / "figures.json"
    figures, verdicts = page.read(path), {"near": "pass", "both": "inconclusive", "empty": "fail"}
    lines = [line.model_copy(update={"verdict": verdicts[line.row]}) for line in figures.lines]
    page.write(figures.model_copy(update={"lines": lines}), path)

    def listed(*more: str) -> set[str]:
        capsys.readouterr()
        places = ["--out", str(campaign.out), "--results", str(tmp_path)]
        code = call(["evidence", "estimate", str(folder / "evidence.toml"), *places, *more])
        said = capsys.readouterr()
        if code != 0:
            raise BadInput(said.err)
        return {line.split()[0] for line in said.out.splitlines()} & set(verdicts)

    assert listed() == set(verdicts)
    assert listed("--undecided") == {"both"}
    with pytest.raises(BadInput, match="figures.json: every row asked for is decided"):
        listed("--undecided", "--row", "near", "--row", "empty")


def test_results_of_what_there_is_are_kept_beside_the_store(campaign, measured):
    (results,) = summaries(campaign).values()
    assert [scenario.id for scenario in results.scenarios] == ["walk", "empty"]
    assert results.verdict == "reported"  # what a plan asks for is judged on its page alone
    assert not any(row.accept for scenario in results.scenarios for row in scenario.results)
    assert (campaign.out / "presence_cfar_baseband" / "results.json").is_file()


PAUSING = """
format = "earshot-scenario/1"
id = "walk"
title = "A CO alarm in its pause"
device = "four_mic_speaker"
trials = 4
duration_s = 4.0
[placement]
rule = "table"
[[sources]]
kind = "alarm"
name = "alarm"
pattern = "t4"
late_pause_s = 60.0
sounding_for_s = 303.0
start_s = 1.0
distance_m = {sweep = [1.5, 2.0]}
[[sources]]
kind = "noise"
name = "background"
snr_db = 20.0
[expect]
labels = ["co_alarm"]
"""


def test_a_row_that_cannot_be_played_does_not_keep_the_others_from_it(tmp_path):
    """No noise can be set against an alarm that is silent all through the trial: told by name, and at the end."""
    plan = PLAN.replace("trials = 2", "trials = 12").replace(
        'build = "presence_cfar_baseband"\nlabel = "major_motion"',
        'build = "sound_events_device"\nlabel = "co_alarm"',
    )
    plan = plan.replace('by = "movers.person.route"\n', "")
    for name, text in (("suite", SUITE), ("empty", EMPTY), ("walk", PAUSING), ("evidence", plan)):
        (tmp_path / f"{name}.toml").write_text(text)
    campaign = Campaign(load_plan(tmp_path / "evidence.toml"), tmp_path / "out")
    said = []
    with pytest.raises(BadInput, match="near: .*alarm is silent"):
        measure(campaign, 1, say=said.append)
    assert sum("alarm is silent" in line for line in said) == 2, said
    done = {state.row.name: state.trials for state in states(campaign)}
    assert done["near"] < 12 and done["empty"] == 3


def test_clips_that_left_are_those_of_more_hours_even_if_fewer(campaign, measured, tmp_path):
    command.publish(campaign, tmp_path, benchmark=False)
    line = page.read(tmp_path / campaign.plan.suite / "figures.json").lines[-1]
    silent = line.model_copy(
        update={"uploads": 0, "uploads_per_day": 0.0, "uploads_high": 0.2, "hours": 400.0}
    )
    short = line.model_copy(
        update={"uploads": 1, "uploads_per_day": 2.4, "uploads_hours": 10.0, "hours": 410.0}
    )
    before = page.read(tmp_path / campaign.plan.suite / "figures.json").model_copy(update={"lines": [silent]})
    told = with_uploads(short, before)
    assert (told.uploads, told.uploads_hours, told.uploads_high, told.hours) == (0, 400.0, 0.2, 410.0)
    assert with_uploads(told, before.model_copy(update={"lines": [short]})) == told


def test_a_ceiling_outlives_the_build_but_not_the_scenario(campaign, measured, tmp_path):
    command.publish(campaign, tmp_path, benchmark=False)
    figures = page.read(tmp_path / campaign.plan.suite / "figures.json")
    line = figures.lines[0]
    known = line.model_copy(
        update={
            "ceiling_matched": 1.0,
            "ceiling_energy": 0.9,
            "headroom_db": 20.0,
            "ceiling_trials": 40,
            "ceiling_seed": 3,
            "build_hash": "f" * 64,
        }
    )
    told = with_ceiling(line, figures.model_copy(update={"lines": [known]}))
    assert (told.ceiling_energy, told.ceiling_trials, told.ceiling_seed) == (0.9, 40, 3)
    other = known.model_copy(update={"scenario_hash": "0" * 64})
    assert with_ceiling(line, figures.model_copy(update={"lines": [other]})).ceiling_energy is None


def test_a_median_published_without_bounds_takes_those_of_the_trials_at_hand(campaign, measured, tmp_path):
    command.publish(campaign, tmp_path, benchmark=False)
    figures = page.read(tmp_path / campaign.plan.suite / "figures.json")
    line = figures.lines[0]
    bare, known = (
        line.model_copy(update={"median_low_s": low, "median_high_s": high})
        for low, high in ((None, None), (0.5, 0.7))
    )
    here = figures.model_copy(update={"lines": [known]})
    assert with_median(bare, here) == known
    assert with_median(line.model_copy(update={"median_low_s": 0.6}), here).median_low_s == 0.6
    other = known.model_copy(update={"build_hash": "f" * 64})
    assert with_median(bare, figures.model_copy(update={"lines": [other]})) == bare
