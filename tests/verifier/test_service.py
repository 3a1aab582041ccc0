"""`lab verifier serve` as a process of its own, asked over real HTTP."""

import http.client
import io
import json
import os
import signal
import socket
import wave
from contextlib import ExitStack
from urllib.parse import urlsplit

import numpy as np
import pytest

from detectors.sound_events.remote import RemoteSettings, RemoteVerifier
from detectors.sound_events.verifier import SHIPPED, Clip, OnnxVerifier, State
from lab.commands.main import call
from lab.verifier.serve import CONNECTIONS
from tests.verifier.little_verifier import FILE
from tests.verifier.peers import service

RATE = 16_000
PATIENT = RemoteSettings(answer_s=20.0, connect_s=5.0)
TOKEN = "an-open-secret"
HEADERS = {"Authorization": f"Bearer {TOKEN}", "Content-Type": "audio/wav"}
PATH = "/v1/clips?label=glass_break&start_s=1.5"


@pytest.fixture(scope="module")
def token_file(tmp_path_factory):
    path = tmp_path_factory.mktemp("token") / "token"
    path.write_text(TOKEN + "\n")
    return path


@pytest.fixture(scope="module")
def url(token_file):
    with service("--token-file", str(token_file), "--per-minute", "600") as (url, _):
        yield url


HALF_A_SECOND = np.zeros(RATE // 2)


def wav(samples=HALF_A_SECOND, channels=1, width=2, rate_hz=RATE):
    file = io.BytesIO()
    with wave.open(file, "wb") as out:
        out.setnchannels(channels)
        out.setsampwidth(width)
        out.setframerate(rate_hz)
        out.writeframes(np.asarray(samples, f"<i{width}").tobytes())
    return file.getvalue()


def ask(url, path=PATH, body=None, headers=HEADERS, method="POST"):
    """Status, answer and headers."""
    connection = http.client.HTTPConnection(urlsplit(url).netloc, timeout=30)
    connection.request(method, path, wav() if body is None else body, headers)
    response = connection.getresponse()
    answer = json.loads(response.read())
    connection.close()
    return response.status, answer, dict(response.getheaders())


def test_a_clip_is_judged(url):
    status, answer, _ = ask(url)
    assert status == 200
    assert answer == {
        "format": "earshot-verdict/1",
        "label": "glass_break",
        "confirmed": True,
        "score": pytest.approx(0.7773, abs=1e-4),
    }


def test_a_device_hears_what_the_same_network_says_to_it(url):
    here, there = OnnxVerifier(FILE), RemoteVerifier(url, TOKEN, PATIENT)
    draw = np.random.default_rng(5)
    for label in ("smoke_alarm", "glass_break", "footsteps"):
        whole = draw.integers(-3000, 3000, 20 * RATE)
        clip = Clip((whole / 32768).astype(np.float32), label, 7.0)
        assert there.judge(clip) == here.judge(clip)


REFUSALS = {
    "no token": ({"headers": {"Content-Type": "audio/wav"}}, 401, "token of this service"),
    "another token": (
        {"headers": HEADERS | {"Authorization": "Bearer an-open-secret2"}},
        401,
        "token of this service",
    ),
    "a form": ({"headers": HEADERS | {"Content-Type": "text/plain"}}, 415, "audio/wav is needed"),
    "too large": ({"body": bytes(1_000_000)}, 413, "at most 964096 bytes, got 1000000"),
    "too large, piece by piece": ({"body": iter([bytes(10_000)] * 100)}, 413, "at most 964096 bytes"),
    "no sound": ({"body": b"hello"}, 400, "not a WAV file"),
    "nothing": ({"body": b""}, 400, "not a WAV file: it ends too early"),
    "two channels": ({"body": wav(channels=2)}, 400, "got 2 channels, 16 bits, 16000 Hz"),
    "32 bits": ({"body": wav(width=4)}, 400, "got 1 channels, 32 bits"),
    "another rate": ({"body": wav(rate_hz=48_000)}, 400, "16 bits, 48000 Hz"),
    "half a file": ({"body": wav()[:-3000]}, 400, "promises 8000 samples and holds 6500"),
    "a moment": ({"body": wav(np.zeros(100))}, 422, "0.1 to 30 s are allowed"),
    "another event": ({"path": "/v1/clips?label=door_knock"}, 422, "allowed: smoke_alarm, glass_break"),
    "no event": ({"path": "/v1/clips"}, 422, "label: Field required"),
    "no time": ({"path": PATH + "x"}, 422, "start_s: Input should be a valid number"),
    "time without end": ({"path": "/v1/clips?label=glass_break&start_s=inf"}, 422, "start_s: "),
    "another place": ({"path": "/", "method": "GET", "body": b""}, 404, "there are POST /v1/clips"),
    "another method": ({"method": "PUT"}, 405, "there are POST /v1/clips"),
}


@pytest.mark.parametrize("what", REFUSALS)
def test_what_cannot_be_judged_is_refused_in_one_sentence(url, what):
    asked, status, said = REFUSALS[what]
    got, answer, _ = ask(url, **asked)
    assert (got, list(answer)) == (status, ["error"])
    assert said in answer["error"] and "\n" not in answer["error"]


def test_the_shipped_verifier_judges_every_label_it_allows():
    """It also has an output for other sounds, which no clip can ask for."""
    with service("--model", str(SHIPPED)) as (url, _):
        status, answer, _ = ask(url, "/v1/clips?label=other")
        labels = ask(url, "/v1/health", b"", {}, "GET")[1]["labels"]
        assert (status, answer["error"].partition("allowed: ")[2].split(", ")) == (422, labels)
        assert [ask(url, f"/v1/clips?label={label}")[0] for label in labels] == [200] * len(labels)


def test_whoever_finds_all_connections_taken_is_turned_away_unread(url):
    with ExitStack() as taken:
        for _ in range(CONNECTIONS):
            taken.enter_context(socket.create_connection(urlsplit(url).netloc.split(":"), timeout=30))
        assert RemoteVerifier(url, TOKEN, PATIENT).judge(silence()).state is State.SLOW
    assert ask(url)[0] == 200


def test_a_refused_clip_of_full_length_still_hears_why(url):
    """The whole clip is on its way when the token is refused; cut off, the device would take the service for down."""
    clip = Clip(np.zeros(30 * RATE, np.float32), "glass_break", 0.0)
    verdict = RemoteVerifier(url, "guessed", PATIENT).judge(clip)
    assert verdict.state is State.RUBBISH and "HTTP 401" in verdict.detail


def test_health_needs_no_token_and_tells_no_secret(url):
    before = ask(url, "/v1/health", b"", {}, "GET")[1]
    assert ask(url)[0] == 200
    assert ask(url, "/v1/clips?label=footsteps")[0] == 200
    after = ask(url, "/v1/health", b"", {}, "GET")[1]
    assert before | {"confirmed": before["confirmed"] + 1, "rejected": before["rejected"] + 1} == after
    assert after["state"] == "ok" and after["labels"] == ["smoke_alarm", "glass_break", "footsteps"]


def begun(url, length):
    """A request whose body has not come yet."""
    connection = socket.create_connection(urlsplit(url).netloc.split(":"), timeout=30)
    head = "".join(f"{name}: {value}\r\n" for name, value in HEADERS.items())
    connection.sendall(
        f"POST {PATH} HTTP/1.1\r\nHost: here\r\nContent-Length: {length}\r\n{head}\r\n".encode()
    )
    return connection


def under_way(url, count):
    while ask(url, "/v1/health", b"", {}, "GET")[1]["under_way"] != count:
        pass


def test_more_than_there_are_places_for_are_told_to_come_back(url):
    body, places = wav(), 9
    waiting = [begun(url, len(body)) for _ in range(places)]
    under_way(url, places)
    status, answer, headers = ask(url)
    assert (status, answer["error"]) == (503, "9 clips are judged or wait already")
    assert headers["retry-after"] == "1"
    assert RemoteVerifier(url, TOKEN, PATIENT).judge(silence()).state is State.SLOW
    for connection in waiting:
        connection.sendall(body)
    for connection in waiting:
        assert connection.recv(65536).startswith(b"HTTP/1.1 200 OK")
        connection.close()
    assert ask(url)[0] == 200


def test_one_who_goes_away_leaves_its_place(url):
    with begun(url, 1000):
        under_way(url, 1)
    under_way(url, 0)
    assert ask(url)[0] == 200


def silence():
    return Clip(np.zeros(RATE, np.float32), "glass_break", 0.0)


def test_at_its_end_a_service_has_finished_what_was_under_way_and_written_nothing(token_file, tmp_path):
    home = tmp_path / "home"
    home.mkdir()
    around = os.environ | {"TMPDIR": str(home), "HOME": str(home), "XDG_CACHE_HOME": str(home)}
    around.pop("ORT_DISABLE_TELEMETRY", None)  # the package itself sees to it
    options = ("--token-file", str(token_file), "--per-minute", "3")
    with service(*options, cwd=home, env=around) as (url, process):
        assert [ask(url)[0] for _ in range(2)] == [200, 200]
        body = wav()
        last = begun(url, len(body))
        under_way(url, 1)
        status, answer, headers = ask(url)
        assert (status, answer["error"]) == (429, "at most 3 clips a minute")
        assert 1 <= int(headers["retry-after"]) <= 20
        assert RemoteVerifier(url, TOKEN, PATIENT).judge(silence()).state is State.SLOW

        process.send_signal(signal.SIGTERM)
        last.sendall(body)
        assert last.recv(65536).startswith(b"HTTP/1.1 200 OK")
        assert process.wait(30) == 0
        assert process.stderr.read() == ""
    assert [path for path in home.rglob("*") if path.is_file()] == []


def test_other_machines_are_served_only_with_a_token(capsys):
    assert call(["verifier", "serve", "--model", str(FILE), "--host", "0.0.0.0"]) == 3
    assert "--host 0.0.0.0: others can reach it, so --token-file is needed" in capsys.readouterr().err


def test_what_cannot_be_served_ends_in_one_message(capsys, tmp_path):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        assert call(["verifier", "serve", "--model", str(FILE), "--port", str(port)]) == 4
    assert f"127.0.0.1 port {port}: cannot listen: Address already in use" in capsys.readouterr().err
    assert call(["verifier", "serve", "--model", str(tmp_path / "none.onnx")]) == 3
    assert "none.onnx" in capsys.readouterr().err
    assert call(["verifier", "serve", "--model", str(FILE), "--token-file", str(tmp_path / "none")]) == 3
    assert "not a readable token file" in capsys.readouterr().err
