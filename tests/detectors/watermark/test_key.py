import numpy as np
import pytest

from detectors.errors import DetectorError
from detectors.watermark.key import KEYS, Key, draw_signs, load_named


@pytest.mark.parametrize(("segments", "blocks"), [(16, 4), (8, 8), (32, 2)])
def test_columns_are_complementary(segments, blocks):
    signs = Key.generate("drawn", 5, segments, blocks).signs.astype(int)
    for lag in range(1, segments):
        assert np.sum(signs[:-lag] * signs[lag:]) == 0


def test_a_click_once_a_segment_scores_nothing_in_any_block():
    for seed in range(20):
        sums = Key.generate("drawn", seed).signs.astype(int).sum(axis=0)
        assert np.all((sums**2 - 16) == 0)


def test_keys_differ_with_their_seed():
    rng = np.random.default_rng(1)
    drawn = {draw_signs(rng, 16, 4).tobytes() for _ in range(2000)}
    assert len(drawn) > 1990


def test_a_saved_key_loads_unchanged(tmp_path):
    key = Key.generate("mine", 3, 8, 8)
    key.save(tmp_path / "mine.toml")
    back = Key.load(tmp_path / "mine.toml")
    assert (back.id, back.noise_seed) == ("mine", key.noise_seed)
    assert np.array_equal(back.signs, key.signs)


def test_the_strangers_key_agrees_with_the_reference_by_chance_only():
    product = load_named("reference").signs.astype(int) * load_named("stranger").signs
    assert np.all(product.sum(axis=0) ** 2 <= 16)


@pytest.mark.parametrize(
    ("change", "named"),
    [
        (('"earshot-key/1"', '"earshot-key/9"'), "format"),
        (("noise_seed", "noise_sed"), "noise_se"),
        (('"-+-+"', '"-+-*"'), "signs"),
        (('"-+-+"', '"-+-"'), "signs"),
        (("noise_seed = ", "noise_seed = -"), "noise_seed"),
        (("signs = [", "signs = "), "TOML"),
    ],
)
def test_a_broken_key_file_is_named_with_its_key(tmp_path, change, named):
    text = (KEYS / "reference.toml").read_text()
    assert change[0] in text
    path = tmp_path / "broken.toml"
    path.write_text(text.replace(*change))
    with pytest.raises(DetectorError, match=f"broken.toml.*{named}"):
        Key.load(path)


def test_a_missing_key_file_is_named():
    with pytest.raises(DetectorError, match="nowhere.toml"):
        load_named("nowhere.toml")
    with pytest.raises(DetectorError, match="reference, stranger"):
        load_named("referense")


def test_signs_other_than_plus_and_minus_one_are_refused():
    with pytest.raises(DetectorError, match="signs"):
        Key("zero", np.zeros((4, 4), np.int8), 1)
