"""What a study is made with, and what its figures are said to show."""

from __future__ import annotations

from dataclasses import replace

from lab.training.sound_events import study
from lab.training.sound_events.evaluate import Figure
from lab.training.sound_events.learn import Recipe

NOW = study.made_with(Recipe(), 10_000, "scenes/5")


def _study(means: dict[str, tuple[float, float]], of: dict | None = None) -> dict:
    def figures(mean: float) -> list[dict]:
        return [vars(Figure("glass_break", mean, 9, 9, 0.5, 0.1))]

    return {
        "of": NOW if of is None else of,
        "variants": {
            name: {"computed": figures(one), "recordings": figures(two)} for name, (one, two) in means.items()
        },
    }


# Of the study that the shipped card shows.
SHIPPED = {
    study.ALL: (0.478, 0.569),
    study.ALL_PRETRAINED: (0.365, 0.222),
    study.HALF: (0.501, 0.603),
    study.HALF_PRETRAINED: (0.427, 0.493),
    study.TAUGHT: (0.451, 0.594),
}


def test_a_study_takes_a_tenth_of_the_steps_and_is_of_today_if_all_is_the_same():
    assert NOW["recipe"]["steps"] == Recipe().steps / 10
    assert study.stale(_study(SHIPPED), NOW) == ""
    assert not any("earlier" in line for line in study.told(_study(SHIPPED), NOW))


def test_a_study_of_other_steps_seed_scenes_or_drawing_is_of_an_earlier_recipe():
    for of, said in (
        (study.made_with(replace(Recipe(), steps=11_000), 10_000, "scenes/5"), "steps 1100, now 1000"),
        (study.made_with(replace(Recipe(), seed=2), 10_000, "scenes/5"), "seed 2, now 6"),
        (study.made_with(Recipe(), 3600, "scenes/5"), "scenes 3600, now 10000"),
        (study.made_with(Recipe(), 10_000, "scenes/4"), "drawing scenes/4, now scenes/5"),
    ):
        assert study.told(_study(SHIPPED, of), NOW)[0] == f"Of an earlier recipe: {said}."


def test_a_study_that_kept_its_steps_alone_is_read_and_says_so():
    old = {name: {"steps": 1100, "sets": row} for name, row in _study(SHIPPED)["variants"].items()}
    kept = study.read(old)
    assert kept["variants"] == _study(SHIPPED)["variants"]
    first = "Of an earlier recipe: steps 1100, now 1000; what else it was made with was not kept."
    assert study.told(kept, NOW)[0] == first
    assert study.read(_study(SHIPPED)) == _study(SHIPPED)


def test_what_fewer_labels_win_is_what_one_seed_is_worth():
    told = "\n".join(study.told(_study(SHIPPED), NOW))
    assert "One seed is worth 0.034 at least" in told
    assert "computed +0.023, recordings +0.034" in told
    assert (
        "Pre-training did not help, and harmed by more than 0.034 in 4 of 4 figures: with all labels computed -0.113, recordings -0.347"
        in told
    )
    assert "150 steps of prediction before the 1000, 15% more than the others" in told
    assert "The teacher's labels did not help, and harmed by more than 0.034 in 1 of 2 figures" in told
    assert "computed -0.050, recordings -0.009" in told


def test_help_is_said_only_where_it_is_more_than_a_seed_is_worth():
    helped = {**SHIPPED, study.TAUGHT: (0.601, 0.612)}
    told = "\n".join(study.told(_study(helped), NOW))
    assert "The teacher's labels helped by more than 0.034 in 1 of 2 figures" in told
    even = {**SHIPPED, study.TAUGHT: (0.510, 0.590)}
    assert "did not help by more than 0.034 in any of 2" in "\n".join(study.told(_study(even), NOW))
    fewer = {**SHIPPED, study.HALF: (0.4, 0.5)}
    assert "What one seed is worth is not known" in "\n".join(study.told(_study(fewer), NOW))
