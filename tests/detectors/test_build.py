import hashlib

import pytest

from detectors import shipped
from detectors.build import BUILDS, load_build
from detectors.errors import DetectorError

KEY = "key material"
BUILD = """
format = "earshot-build/1"
id = "mine"
[[detector]]
name = "watermark"
streams = ["audible"]
model = "my.key"
threshold = 6
refractory_s = 2.0
settings = { channels = 1 }
"""


@pytest.fixture
def write(tmp_path):
    (tmp_path / "my.key").write_text(KEY)

    def _write(text=BUILD):
        path = tmp_path / "mine.toml"
        path.write_text(text)
        return path

    return _write


def test_reference_build_loads_and_names_its_watermark_detector():
    build = load_build()
    assert build.id == "reference"
    assert build["watermark"].model.name == "reference.toml"


def test_a_byte_order_mark_makes_no_other_build(write):
    plain = load_build(write()).hash
    path = write()
    path.write_text(BUILD, encoding="utf-8-sig")
    assert load_build(path).hash == plain


def test_a_revision_of_the_code_makes_another_build(write):
    mine = BUILD + 'factory = "mine:detector"\n'
    first = load_build(write(mine)).hash
    assert load_build(write(mine + "revision = 1\n")).hash == first
    assert load_build(write(mine + "revision = 2\n")).hash != first
    with pytest.raises(DetectorError, match=r"detector\[0\].revision must be at least 1, not 0"):
        load_build(write(mine + "revision = 0\n"))
    with pytest.raises(DetectorError, match=r"detector\[0\].revision is for detectors of your own"):
        load_build(write(BUILD + "revision = 2\n"))


def test_code_that_changed_since_gives_a_shipped_detector_another_hash(write, monkeypatch):
    first = load_build(write())
    monkeypatch.setitem(shipped.REVISIONS, shipped.SHIPPED["watermark"], 2)
    second = load_build(write())
    assert (first["watermark"].revision, second["watermark"].revision) == (1, 2)
    assert first.hash != second.hash


@pytest.mark.parametrize("path", sorted(BUILDS.glob("*.toml")), ids=lambda path: path.stem)
def test_every_shipped_build_is_of_code_whose_revision_is_known(path):
    for spec in load_build(path).detectors:
        assert shipped.own(spec.name, spec.factory) is not None
    assert set(shipped.REVISIONS) <= set(shipped.SHIPPED.values())


def test_build_is_read_with_models_resolved_beside_the_file(write):
    spec = load_build(write())["watermark"]
    assert (spec.threshold, spec.refractory_s, spec.streams) == (6.0, 2.0, ("audible",))
    assert spec.sha256 == hashlib.sha256(KEY.encode()).hexdigest()


def test_hash_follows_settings_and_model_content_but_not_the_place(write, tmp_path):
    first = load_build(write()).hash
    assert load_build(write("# a comment\n" + BUILD)).hash == first
    assert load_build(write(BUILD.replace("threshold = 6", "threshold = 7"))).hash != first
    path = write()
    (tmp_path / "my.key").write_text("another key")
    assert load_build(path).hash != first


def test_weights_beside_the_model_count_in_the_hash_and_must_be_there(write, tmp_path):
    plain = load_build(write()).hash
    listed = BUILD.replace('model = "my.key"', 'model = "my.key"\nweights = ["one.onnx"]')
    with pytest.raises(DetectorError, match=r"detector\[0\].weights cannot be read"):
        load_build(write(listed))
    (tmp_path / "one.onnx").write_text("weights")
    build = load_build(write(listed))
    assert build["watermark"].weights == (tmp_path / "one.onnx",)
    assert build.hash != plain
    (tmp_path / "one.onnx").write_text("other weights")
    assert load_build(write(listed)).hash != build.hash


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (('format = "earshot-build/1"', 'format = "earshot-build/9"'), "format must be"),
        (("threshold = 6", "treshold = 6"), "did you mean 'threshold'"),
        (("threshold = 6\n", ""), "detector[0].threshold is missing"),
        (("threshold = 6", 'threshold = "6"'), "threshold has the wrong type"),
        (('["audible"]', '["audibel"]'), "streams must name some of audible"),
        (("my.key", "no.key"), "model cannot be read"),
        (("refractory_s = 2.0", "refractory_s = -1"), "refractory_s must be at least 0"),
        (
            ("threshold = 6", "threshold = nan"),
            "detector[0].threshold of 'watermark' must be a finite number, not nan",
        ),
        (("threshold = 6", "threshold = -inf"), "threshold of 'watermark' must be a finite number, not -inf"),
        (("refractory_s = 2.0", "refractory_s = nan"), "refractory_s of 'watermark' must be a finite number"),
        (("refractory_s = 2.0", "refractory_s = inf"), "refractory_s of 'watermark' must be a finite number"),
        (('model = "my.key"', 'model = "my.key"\nsha256 = "00"'), "my.key hashes to"),
        (("threshold = 6", "threshold = = 6"), "not a readable TOML file"),
    ],
)
def test_unusable_builds_are_refused_naming_file_and_key(write, change, said):
    path = write(BUILD.replace(*change))
    with pytest.raises(DetectorError) as refused:
        load_build(path)
    assert said in str(refused.value)
    assert str(path) in str(refused.value)


def test_missing_build_lists_the_shipped_ones():
    with pytest.raises(DetectorError, match="shipped builds: .*reference"):
        load_build("no_such_build.toml")


def test_only_keeps_the_named_detectors_and_refuses_others():
    build = load_build()
    assert build.only(None) is build
    assert [spec.name for spec in build.only(["watermark"]).detectors] == ["watermark"]
    with pytest.raises(DetectorError, match="there are: watermark"):
        build.only(["presence"])


def test_a_detector_that_joins_leaves_the_hash_of_the_others_but_a_tone_is_everybodys(write):
    alone = load_build(write())
    (name,) = (spec.name for spec in alone.detectors)
    table = '\n[[detector]]\nname = "{}"\nstreams = ["{}"]\nthreshold = {}\nrefractory_s = 1.0\n'
    joined = load_build(write(BUILD + table.format("hum", "audible", 1.0)))
    assert joined.hash != alone.hash
    assert joined.parts[name] == alone.hash == alone.parts[name]
    tones = [
        load_build(
            write(BUILD + table.format("ear", "baseband", 1.0) + table.format("tone", "baseband", last))
        ).parts
        for last in (1.0, 2.0)
    ]
    assert tones[0]["ear"] != tones[1]["ear"] and tones[0]["tone"] != tones[1]["tone"]
    assert tones[0][name] == tones[1][name] == alone.hash
