from lab.store import ledger
from lab.store.provenance import Provenance
from reports.evidence import Figures, Line, Made
from reports.evidence_provenance import made, told
from tests.store.samples import make_results

LINE = Line(
    row="near",
    group="found",
    what="3 m",
    scenario="distance",
    scenario_hash="5" * 64,
    build="reference",
    build_hash="b" * 64,
    detector="watermark",
    label="watermark",
    cells=1,
    asked=40,
    seeds=[7, 8],
)
MADE = Provenance(
    commit="c" * 40 + "+changes",
    python="3.12.3",
    packages={},
    machine="Linux",
    first="2026-11-24",
    last="2026-11-25",
    trials=30,
)


def figures(**known):
    return Figures(title="t", suite="s", under_test="", lines=[LINE], **known)


def held(path, seeds):
    for seed in seeds:
        started = f"2026-11-{seed + 10}T08:00:00+00:00"
        ledger.merge(
            make_results(seed=seed, started=started), path, {"distance": [MADE]} if seed == 8 else {}
        )
    return ledger.read(path).entries


def test_trials_are_counted_by_commit_and_those_of_which_it_was_not_kept_beside(tmp_path):
    found = made([LINE], held(tmp_path / "s.json", (7, 8, 9)))  # the last counts for no line
    assert found == Made(
        days=("2026-11-24", "2026-11-25"),
        commits={"c" * 40 + "+changes": 30},
        not_kept=50,  # 40 of seed 7, 10 of seed 8
        started=("2026-11-17", "2026-11-18"),
    )
    assert found.known == ("2026-11-17", "2026-11-25")
    assert told(figures(made=found)) == (
        "Measured from 2026-11-24 to 2026-11-25 by commit `cccccccccccc` with changes (30 trials). Of 50 trials, of draws that were started "
        "from 2026-11-17 to 2026-11-18, neither day nor commit was kept."
    )
    assert made([LINE.model_copy(update={"build_hash": "0" * 64})], held(tmp_path / "t.json", (7,))) is None


def test_detectors_of_one_build_hear_the_same_trials_once(tmp_path):
    entries = held(tmp_path / "s.json", (7,))
    other = entries[0].model_copy(update={"build_hash": "a" * 64})
    both = [LINE, LINE.model_copy(update={"build_hash": "a" * 64, "detector": "another"})]
    assert made(both, [*entries, other]).not_kept == 40
    assert made(both, [*entries, other.model_copy(update={"build": "another"})]).not_kept == 80


def test_figures_older_than_commits_say_when_draws_were_started():
    assert told(figures(measured=("2026-11-20", "2026-11-21"))) == (
        "Started from 2026-11-20 to 2026-11-21; neither the days after nor commits were kept."
    )
    assert told(figures()) == ""
