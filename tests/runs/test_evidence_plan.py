"""Plans of evidence that cannot be followed are refused when they are read, naming file, row and what is wrong."""

from pathlib import Path

import pytest

from detectors.build import BUILDS, load_build
from lab.errors import BadInput
from lab.runs.evidence import FORMS, load_plan
from reports import evidence_tables
from tests.runs.small_plan import PLAN, written


@pytest.fixture(scope="module")
def folder(tmp_path_factory) -> Path:
    return written(tmp_path_factory.mktemp("plans"))


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (("trials = 2", "trials = 2\nhours = 1.0"), "exactly one of trials, hours"),
        (("distance_m = 1.5", "distance_m = 9.0"), "matches no cell of walk; there are: distance_m=1.5"),
        (('name = "both"', 'name = "near"'), "rows must have different names"),
        (('build = "presence_cfar_baseband"', 'build = "absent"'), "row near"),
        (
            ("trials = 2", "trails = 2"),
            r"row\.near\.trails: unknown key \(did you mean 'trials'\?\); known here: name",
        ),
        (("trials = 2", "trials = 0"), r"row\.near\.trials: must be at least 1"),
        (('title = "Small"', "seed = -1"), "title: is missing\n.*seed: must be at least 0"),
        (('build = "presence_cfar_baseband"', 'build = "absent.toml"'), "row near: .*absent.toml"),
        (
            ('label = "major_motion"', 'label = "smoke_alarm"'),
            'row near: label = "smoke_alarm": build presence_cfar_baseband reports major_motion',
        ),
        (
            (
                'build = "presence_cfar_baseband"\nlabel = "major_motion"',
                'build = "reference"\nlabel = "watermark"',
            ),
            "row near: walk: accept: no detector reports label 'major_motion'",
        ),
        (
            ('groups = ["walking"]', 'groups = ["flying"]'),
            "no row of group flying; there are: exposure, walking",
        ),
        (('groups = ["walking"]', 'text = "a"'), "groups of rows, or form"),
        (("[[row]]", "seed = 2\ncounted_with = [1, 2]\n[[row]]"), "2 is the seed of the plan itself"),
        (("trials = 2", "trials = 2\nseed = 1"), "row near: seed = 1 is one of the plan's"),
        (
            (
                '[[row]]\nname = "near"',
                'seed = 4\ncounted_with = [3]\n[[row]]\nseed = 3\nname = "near"',
            ),
            "row near: seed = 3 is one of the plan's",
        ),
        (
            (
                '[[row]]\nname = "near"',
                'picture = "walk"\n[[row]]\nseed = 3\nname = "near"',
            ),
            "picture: rows of walk take one seed",
        ),
        (
            ("trials = 2", 'trials = 2\nseed = 2\nof_reference = 0.5\nreference = "both"'),
            "row near: seed: that of row both, as both are compared trial by trial",
        ),
    ],
)
def test_a_plan_that_cannot_be_followed_is_refused(folder: Path, change, said):
    path = folder / "wrong.toml"
    path.write_text(PLAN.replace(*change, 1))
    with pytest.raises(BadInput, match=said):
        load_plan(path)


def test_two_builds_of_one_name_are_refused(folder: Path):
    build = load_build(BUILDS / "presence_cfar_baseband.toml").path.read_text()
    (folder / "ours.toml").write_text(build.replace("refractory_s = 10.0", "refractory_s = 9.5"))
    path = folder / "two_builds.toml"
    path.write_text(PLAN.replace('build = "presence_cfar_baseband"', 'build = "ours.toml"', 1))
    with pytest.raises(BadInput, match="another build of the plan has its id, presence_cfar_baseband"):
        load_plan(path)


def test_a_plan_that_cannot_be_read_is_told(folder: Path):
    path = folder / "bytes.toml"
    path.write_bytes(b"\xff\xfe")
    with pytest.raises(BadInput, match="bytes.toml.*UTF-8"):
        load_plan(path)
    with pytest.raises(BadInput, match="absent_plan.toml: no such file"):
        load_plan(folder / "absent_plan.toml")


def test_forms_of_a_plan_are_those_of_the_page():
    assert set(FORMS) == set(evidence_tables.FORMS)
