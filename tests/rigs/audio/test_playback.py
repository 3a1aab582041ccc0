import numpy as np
import pytest

from rigs.audio.pilot import Pilot
from rigs.audio.playback import Clip, Feed, Player
from rigs.audio.spec import AudioSpec
from rigs.errors import AudioFault

SPEC = AudioSpec(
    rate_hz=8000, outputs=2, inputs=1, pilot_output=1, pilot=Pilot(silence_s=0.1, duration_s=0.05)
)
BODY = np.random.default_rng(0).standard_normal((2, 5000)).astype(np.float32)


def played(feed, block):
    blocks = []
    while not feed.over:
        blocks.append(feed.take(block))
    return np.concatenate(blocks, axis=1)


@pytest.mark.parametrize("block", [1, 64, 333, 100_000])
def test_silence_pilot_silence_body_silence_pilot_in_any_blocks(block):
    feed = Feed(SPEC, Clip(BODY))
    feed.begin()
    sound = played(feed, block)
    chirp = SPEC.pilot.chirp(8000)
    assert (feed.head_pilot, feed.body_start, feed.tail_pilot) == (800, 2000, 7800)
    assert not np.any(sound[:, :800]) and not np.any(sound[0, :2000])
    np.testing.assert_array_equal(sound[1, 800:1200], chirp)
    np.testing.assert_array_equal(sound[:, 2000:7000], BODY)
    np.testing.assert_array_equal(sound[1, 7800:8200], chirp)
    assert not np.any(sound[:, 8200:])
    assert feed.starved == 0


def test_the_body_waits_for_its_first_block_and_silence_in_mid_body_is_counted():
    player = Player(2, 4000)
    feed = Feed(SPEC, player)
    feed.begin()
    assert not np.any(feed.take(4000)[0])
    assert feed.body_start is None
    player.put(BODY[:, :3000])
    np.testing.assert_array_equal(feed.take(3000), BODY[:, :3000])
    assert feed.body_start == 4000
    assert not np.any(feed.take(100))
    assert feed.starved == 100
    player.put(BODY[:, 3000:])
    player.finish()
    np.testing.assert_array_equal(feed.take(2000), BODY[:, 3000:])
    played(feed, 100)
    assert (feed.body_frames, feed.starved) == (5100, 100)


def test_a_stopped_feed_is_silent_at_the_next_block():
    feed = Feed(SPEC, Clip(BODY))
    feed.begin()
    feed.take(2500)
    feed.stop()
    assert not np.any(feed.take(1000))
    assert feed.over
    assert feed.tail_pilot is None


def test_a_held_feed_is_silent_until_it_begins():
    feed = Feed(SPEC, Clip(BODY))
    assert not np.any(feed.take(5000))
    feed.begin()
    feed.take(1)
    assert feed.head_pilot == 5800


def test_a_player_takes_blocks_until_enough_is_queued_or_it_ended():
    player = Player(2, 1000)
    player.put(BODY[:, :1200])
    with pytest.raises(AudioFault, match="took nothing for 0.01 s"):
        player.put(BODY[:, :10], timeout_s=0.01)
    player.read(1000)
    player.put(BODY[:, :10])
    player.finish()
    with pytest.raises(AudioFault, match="playback has ended"):
        player.put(BODY[:, :10])
    assert player.read(5000).shape == (2, 210)
    assert player.ended


@pytest.mark.parametrize("wrong", [BODY[:1], BODY.astype(np.float64), BODY[0]])
def test_blocks_of_another_kind_are_refused(wrong):
    with pytest.raises(AudioFault, match=r"float32 \(2, n\) is needed"):
        Player(2, 1000).put(wrong)


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"outputs": 0}, "at least 1"),
        ({"outputs": 2, "output_map": (1, 1)}, "2 different connector numbers"),
        ({"inputs": 1, "input_map": (0,)}, "connector numbers from 1"),
        ({"full_scale_db_spl": (120.0, 120.0)}, "1 values are needed"),
        ({"pilot_output": 1}, "from 0"),
    ],
)
def test_a_spec_that_contradicts_itself_is_refused(wrong, said):
    with pytest.raises(ValueError, match=said):
        AudioSpec(**wrong)


def test_looped_channels_are_those_that_share_a_connector():
    spec = AudioSpec(outputs=2, inputs=3, output_map=(5, 2), input_map=(2, 3, 5))
    assert spec.loops == ((1, 0), (0, 2))
