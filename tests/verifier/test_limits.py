"""The rate of clips that a service takes, on a clock that the test holds."""

import pytest

from lab.verifier.limits import Places, TokenBucket


def test_as_many_at_once_as_a_minute_has_then_one_by_one():
    bucket = TokenBucket(per_minute=3)
    assert [bucket.wait_s(100.0) for _ in range(3)] == [0.0] * 3
    assert bucket.wait_s(100.0) == pytest.approx(20.0)
    assert bucket.wait_s(115.0) == pytest.approx(5.0)
    assert bucket.wait_s(120.5) == 0.0
    assert bucket.wait_s(121.0) == pytest.approx(19.0)


def test_a_quiet_hour_saves_up_no_more_than_a_minute():
    bucket = TokenBucket(per_minute=2)
    assert bucket.wait_s(0.0) == 0.0
    assert [bucket.wait_s(3600.0) == 0.0 for _ in range(3)] == [True, True, False]


def test_places_are_given_back_also_after_a_failure():
    places = Places(1)
    with pytest.raises(ValueError, match="broken"), places:
        assert places.full
        raise ValueError("broken")
    assert not places.full
