"""Hops side by side, and a stream that is held back: by so many samples, whatever the blocks."""

import numpy as np
import pytest

from detectors.presence.arrivals import Arrivals

HOP, STEP = 200, 4  # of the envelope; of playback at 16 kHz, times as many
HEARD = np.arange(1, 10 * HOP + 1, dtype=np.float32).astype(np.complex64)[None]
PLAYED = np.arange(1, 10 * HOP * STEP + 1, dtype=np.float32)[None]


def arrivals(playback=True):
    return Arrivals(1, 4_000, np.complex64, 4_000 * STEP if playback else None)


def course(holds, blocks):
    """Both streams in so many blocks; holds: hop -> late, after that hop. Returns what was heard and played, hop after hop."""
    one, heard, played = arrivals(), [], []
    for a, b in zip(
        np.array_split(HEARD, blocks, axis=1), np.array_split(PLAYED, blocks, axis=1), strict=True
    ):
        one.push(a, b)
        while one.waiting:
            hop, sent = one.next()
            heard.append(hop[0])
            played.append(sent)
            if len(heard) in holds:
                one.hold(holds[len(heard)])
    return np.concatenate(heard), np.concatenate(played)


@pytest.mark.parametrize("blocks", [1, 10, 37])
def test_microphones_held_back_come_later_by_so_many_samples(blocks):
    heard, played = course({3: 70}, blocks)
    np.testing.assert_array_equal(heard[: 3 * HOP], HEARD[0, : 3 * HOP])
    np.testing.assert_array_equal(heard[3 * HOP : 3 * HOP + 70], 0.0)
    np.testing.assert_array_equal(heard[3 * HOP + 70 :], HEARD[0, 3 * HOP : -70])
    np.testing.assert_array_equal(played, PLAYED[0])


@pytest.mark.parametrize("blocks", [1, 10, 37])
def test_playback_held_back_comes_later_by_as_much_time(blocks):
    heard, played = course({2: -50}, blocks)
    gap = 2 * HOP * STEP
    np.testing.assert_array_equal(heard, HEARD[0])
    np.testing.assert_array_equal(played[gap : gap + 50 * STEP], 0.0)
    np.testing.assert_array_equal(played[gap + 50 * STEP :], PLAYED[0, gap : -50 * STEP])


@pytest.mark.parametrize("blocks", [1, 10, 37])
def test_what_was_held_back_is_left_out_before_the_other_waits(blocks):
    heard, played = course({2: 250, 4: 30, 6: -40, 7: 0}, blocks)
    np.testing.assert_array_equal(heard[7 * HOP :], HEARD[0, 7 * HOP : len(heard)])
    np.testing.assert_array_equal(played[7 * HOP * STEP :], PLAYED[0, 7 * HOP * STEP : len(played)])
    np.testing.assert_array_equal(heard[4 * HOP : 6 * HOP], HEARD[0, 4 * HOP - 30 : 6 * HOP - 30])
    assert len(heard) == 10 * HOP


def test_no_playback_is_waited_for_where_none_is_told():
    one = arrivals(playback=False)
    one.push(HEARD[:, : 3 * HOP // 2], None)
    assert one.waiting == 1
    hop, played = one.next()
    assert played is None and one.waiting == 0
    np.testing.assert_array_equal(hop, HEARD[:, :HOP])
