"""A verifier behind HTTP, against the real service and against servers that misbehave: always a verdict or a state, never a halt."""

import io
import os
import signal
import socket
import threading
import wave

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from detectors.errors import DetectorError
from detectors.sound_events import wire
from detectors.sound_events.breaker import CircuitBreaker, Phase
from detectors.sound_events.questions import WAITING, RemoteQuestions, questions_to
from detectors.sound_events.remote import RemoteSettings, RemoteVerifier
from detectors.sound_events.verifier import Clip, State, Verdict
from tests.verifier.peers import GOOD, peer, saying, service

RATE = 16_000
PATIENT = RemoteSettings(answer_s=20.0, connect_s=5.0)
HASTY = RemoteSettings(answer_s=0.3, connect_s=0.3)


def clip(start_s=0.0, label="glass_break", duration_s=0.5, seed=1):
    noise = np.random.default_rng(seed).normal(0.0, 0.05, round(duration_s * RATE))
    return Clip(noise.astype(np.float32), label, start_s)


def nowhere():
    """The address of a port at which nobody listens."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        return f"http://127.0.0.1:{listening.getsockname()[1]}"


def judge(url, chosen=PATIENT, **about):
    return RemoteVerifier(url, None, chosen).judge(clip(**about))


def test_the_clip_goes_out_as_16_bit_pcm_with_its_label_and_time():
    sound = Clip(np.array([0.0, 0.5, -0.5, 1.5, -1.5, 2e-5] * 300, np.float32), "glass_break", 12.3456)
    with peer(saying(GOOD)) as server:
        verdict = RemoteVerifier(server.url, "secret", PATIENT).judge(sound)
    assert verdict == Verdict(True, 0.75, State.OK, sent=True)
    head, _, body = server.requests[0].partition(b"\r\n\r\n")
    assert head.startswith(b"POST /v1/clips?label=glass_break&start_s=12.346 HTTP/1.1\r\n")
    assert b"Content-Type: audio/wav\r\n" in head and b"Authorization: Bearer secret" in head
    with wave.open(io.BytesIO(body)) as file:
        assert (file.getnchannels(), file.getsampwidth(), file.getframerate()) == (1, 2, RATE)
        samples = np.frombuffer(file.readframes(2000), "<i2")
    assert samples.tolist() == [0, 16384, -16384, 32767, -32768, 1] * 300


RUBBISH = {
    "a web page": saying(b"<html>Welcome to your router</html>"),
    "nothing": saying(b""),
    "another status": saying(GOOD, "500 Internal Server Error"),
    "a refused token": saying(b'{"error": "token"}', "401 Unauthorized"),
    "another place": saying(b"", "302 Found"),
    "a list": saying(b"[1, 2]"),
    "nesting": saying(b"[" * 4000),
    "no text": saying(b"\xff\xfe\x00" * 20),
    "another format": saying(GOOD.replace(b"verdict/1", b"verdict/2")),
    "another label": saying(GOOD.replace(b"glass_break", b"smoke_alarm")),
    "a field too few": saying(GOOD.replace(b'"confirmed": true, ', b"")),
    "a field too many": saying(GOOD.replace(b"{", b'{"owner": 1, ')),
    "half a yes": saying(GOOD.replace(b"true", b'"true"')),
    "no number": saying(GOOD.replace(b"0.75", b"NaN")),
    "endless": saying(GOOD.replace(b"0.75", b"1e999")),
    "far too much": saying(GOOD.replace(b"0.75", b"1" + 400 * b"0")),
    "beyond one": saying(GOOD.replace(b"0.75", b"1.01")),
    "below nothing": saying(GOOD.replace(b"0.75", b"-0.01")),
    "a word": saying(GOOD.replace(b"0.75", b'"0.75"')),
    "a yes for a score": saying(GOOD.replace(b"0.75", b"true")),
    "too long": saying(GOOD + b" " * 5000),
    "not HTTP": lambda connection: connection.sendall(b"220 mail ready\r\n"),
    "endless headers": lambda connection: connection.sendall(
        b"HTTP/1.1 200 OK\r\n" + b"X: y\r\n" * 500 + b"\r\n"
    ),
    "an endless header": lambda connection: connection.sendall(b"HTTP/1.1 200 OK\r\nX: " + b"y" * 200_000),
}


@pytest.mark.parametrize("what", RUBBISH)
def test_what_is_no_verdict_is_rubbish(what):
    with peer(RUBBISH[what]) as server:
        verdict = judge(server.url)
    assert (verdict.answered, verdict.state, verdict.sent) == (False, State.RUBBISH, True), verdict.detail
    assert np.isnan(verdict.score) and verdict.detail


@pytest.mark.parametrize("status", ["429 Too Many Requests", "503 Service Unavailable"])
def test_too_much_to_do_is_slow(status):
    with peer(saying(b"", status)) as server:
        assert judge(server.url).state is State.SLOW


def half_an_answer(connection):
    connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 500\r\n\r\n" + GOOD)


@pytest.mark.parametrize("answer", [half_an_answer, lambda connection: None], ids=["half-way", "at once"])
def test_one_that_hangs_up_is_down(answer):
    with peer(answer) as server:
        verdict = judge(server.url)
    assert (verdict.state, verdict.sent) == (State.DOWN, True)


def test_nobody_there_is_down_and_nothing_has_left():
    verdict = judge(nowhere())
    assert (verdict.state, verdict.sent) == (State.DOWN, False)


def dripping(connection):
    """Never more than a moment between two bytes, and never the end: only a deadline for the whole helps."""
    connection.sendall(b"HTTP/1.1 200 OK\r\nX: ")
    while not threading.Event().wait(0.02):
        connection.sendall(b"y")


def test_one_that_drips_for_ever_is_slow():
    with peer(dripping) as server:
        verdict = judge(server.url, HASTY)
    assert (verdict.state, verdict.sent) == (State.SLOW, True)


@settings(max_examples=40, deadline=None, derandomize=True)
@given(st.binary(max_size=300), st.booleans())
def test_whatever_comes_back_nothing_is_raised(noise, head):
    answer = (b"HTTP/1.1 200 OK\r\n" if head else b"") + noise
    with peer(lambda connection: connection.sendall(answer)) as server:
        assert judge(server.url).state in (State.DOWN, State.RUBBISH)


def test_a_service_that_hangs_is_slow_one_that_wakes_is_fine_and_one_killed_on_the_way_is_down():
    with service() as (url, process):
        os.kill(process.pid, signal.SIGSTOP)  # the kernel still takes connections and clips
        assert judge(url, HASTY).state is State.SLOW
        os.kill(process.pid, signal.SIGCONT)
        assert judge(url).answered
        os.kill(process.pid, signal.SIGSTOP)
        threading.Timer(0.3, process.kill).start()
        verdict = judge(url)
    assert (verdict.answered, verdict.state) == (False, State.DOWN)


def test_the_breaker_opens_waits_tries_once_and_closes():
    breaker = CircuitBreaker(failures=2, wait_s=30.0)
    breaker.failed(1.0)
    breaker.answered()
    breaker.failed(2.0)
    assert breaker.allows(2.5)
    breaker.failed(3.0)
    assert not breaker.allows(32.9)
    assert breaker.allows(33.0) and breaker.phase is Phase.HALF_OPEN
    breaker.failed(33.0)  # one failure is enough now
    assert not breaker.allows(62.9)
    assert breaker.allows(63.0)
    breaker.answered()
    assert breaker.phase is Phase.CLOSED
    breaker.failed(64.0)
    assert breaker.allows(64.1)


def test_a_service_that_keeps_failing_gets_no_more_clips_until_it_is_tried_again():
    answers = iter([b"rubbish", b"rubbish", GOOD, GOOD])
    with peer(lambda connection: saying(next(answers))(connection)) as server:
        verifier = RemoteVerifier(
            server.url, None, RemoteSettings(answer_s=20.0, connect_s=5.0, failures=2, wait_s=30.0)
        )
        said = [verifier.judge(clip(start_s)) for start_s in (0.0, 1.0, 2.0, 30.9, 31.0, 32.0)]
    assert [verdict.state for verdict in said] == [State.RUBBISH] * 4 + [State.OK] * 2
    assert [verdict.sent for verdict in said] == [True, True, False, False, True, True]
    assert said[2].detail.startswith("left alone after: not JSON: rubbish")
    assert len(server.requests) == 4


def test_an_answer_counts_at_its_time_however_early_it_came():
    with peer(saying(GOOD)) as server:
        questions = RemoteQuestions(RemoteVerifier(server.url, None, PATIENT))
        questions.ask(clip(10.0))
        assert server.heard.wait(10.0)
        assert questions.answers(30.5) == []
        questions.ask(clip(10.1))
        (first,) = questions.answers(30.6)
        (second,) = questions.answers(99.0)
    assert (first.answered_s, first.verdict.confirmed, first.clip.start_s) == (
        pytest.approx(30.6),
        True,
        10.0,
    )
    assert second.answered_s == pytest.approx(30.7)
    assert (questions.uploads.clips, questions.uploads.seconds) == (2, 1.0)


def test_asking_returns_while_the_service_still_thinks():
    think = threading.Event()

    def thinking(connection):
        think.wait(20.0)
        saying(GOOD)(connection)

    with peer(thinking) as server:
        questions = RemoteQuestions(RemoteVerifier(server.url, None, PATIENT))
        questions.ask(clip())
        assert server.heard.wait(10.0)
        assert questions.answers(20.0) == []
        think.set()
        (answer,) = questions.answers(20.6)
    assert answer.verdict.confirmed


def test_too_many_questions_at_once_are_not_asked_and_late_turns_send_nothing():
    release = threading.Event()
    with peer(lambda _: release.wait(20.0)) as server:
        busy = RemoteSettings(answer_s=1.5, connect_s=1.5)
        questions = RemoteQuestions(RemoteVerifier(server.url, None, busy))
        questions.ask(clip())
        assert server.heard.wait(10.0)  # the thread is busy with it
        for _ in range(WAITING + 2):
            questions.ask(clip())
        verdicts = [answer.verdict for answer in questions.answers(2.1)]
        release.set()
    assert [verdict.state for verdict in verdicts] == [State.SLOW] * (WAITING + 3)
    assert [verdict.sent for verdict in verdicts] == [True] + [False] * (WAITING + 2)
    assert "waiting already" in verdicts[-1].detail and "waiting already" in verdicts[-2].detail
    assert (questions.uploads.clips, questions.uploads.unanswered) == (1, WAITING + 3)


def test_a_thread_lives_no_longer_than_its_questions():
    for _ in range(3):
        with peer(saying(GOOD)) as server:
            questions = RemoteQuestions(RemoteVerifier(server.url, None, PATIENT))
            questions.ask(clip())
            asking = [one for one in threading.enumerate() if one.name == "verifier"]
            assert questions.answers(99.0)[0].verdict.answered
            for thread in asking:
                thread.join(10.0)
    assert not [one for one in threading.enumerate() if one.name == "verifier"]


def test_a_closed_session_asks_no_more():
    release = threading.Event()
    with peer(lambda _: release.wait(20.0)) as server:
        questions = RemoteQuestions(RemoteVerifier(server.url, None, PATIENT))
        questions.ask(clip())
        assert server.heard.wait(10.0)
        questions.ask(clip())
        (thread,) = [one for one in threading.enumerate() if one.name == "verifier"]
        questions.close()
        release.set()
        thread.join(10.0)
        assert questions.answers(99.0) == []
        assert len(server.requests) == 1


@pytest.mark.parametrize(
    "url",
    [
        "http://127.0.0.1",
        "https://127.0.0.1:80",
        "127.0.0.1:80",
        "http://127.0.0.1:99999",
        "http://me@127.0.0.1:80",
        "http://127.0.0.1:80/x",
    ],
)
def test_what_is_no_address_is_refused(url):
    with pytest.raises(DetectorError, match="http://host:port is needed, got"):
        RemoteVerifier(url)


def test_another_machine_is_given_clips_only_with_a_token(tmp_path, monkeypatch):
    monkeypatch.delenv(wire.TOKEN_FILE_VARIABLE, raising=False)
    with pytest.raises(DetectorError, match="another machine: a token file is needed"):
        questions_to("http://192.168.1.9:8765", None)
    token = tmp_path / "token"
    token.write_text("secret\n")
    assert questions_to("http://192.168.1.9:8765", None, token) is not None
    monkeypatch.setenv(wire.TOKEN_FILE_VARIABLE, str(token))
    assert questions_to("http://192.168.1.9:8765", None) is not None


@pytest.mark.parametrize("content", [b"", b"two words", b"two\nlines", "schl\u00fcssel".encode()])
def test_what_is_no_token_is_refused(tmp_path, content):
    (tmp_path / "token").write_bytes(content)
    with pytest.raises(DetectorError, match="token"):
        wire.read_token(tmp_path / "token")
