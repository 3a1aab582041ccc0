from __future__ import annotations

import pytest

from lab.sources.segments import Segment, distinct_seconds


def heard(recording: str, start_s: float, duration_s: float) -> Segment:
    return Segment("tv", recording, recording, "title", "author", "CC0", start_s, 0.0, duration_s)


@pytest.mark.parametrize(
    ("segments", "seconds"),
    [
        ([], 0.0),
        ([heard("a", 0, 5)], 5.0),
        ([heard("a", 0, 5), heard("b", 0, 5)], 10.0),
        ([heard("a", 0, 5), heard("a", 0, 5)], 5.0),
        ([heard("a", 3, 5), heard("a", 0, 5)], 8.0),
        ([heard("a", 0, 10), heard("a", 2, 1), heard("a", 9, 2)], 11.0),
        ([heard("a", 0, 1), heard("a", 5, 1)], 2.0),
    ],
)
def test_audio_heard_twice_counts_once(segments, seconds):
    assert distinct_seconds(segments) == pytest.approx(seconds)
