"""Fetching from a folder and from a server on the loopback interface."""

from __future__ import annotations

import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import unquote

import pytest

import lab.corpora.fetch as fetching
from lab.commands.main import call
from lab.corpora.catalogue import load_corpus
from lab.corpora.fetch import fetch
from lab.corpora.verify import verify
from lab.errors import BadInput
from tests.corpora.small import write_small


class Origin:
    """A public origin: files below a folder at /one/two/c0ffee/in/, with faults on request."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.requests: list[tuple[str, str | None]] = []
        self.cut_once: set[str] = set()  # answers that break off half-way, once
        self.busy_once: set[str] = set()
        origin = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                origin.answer(self)

            def log_message(self, *_: object) -> None:
                """Quiet."""

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        threading.Thread(target=self.server.serve_forever, args=(0.02,), daemon=True).start()

    @property
    def url_template(self) -> str:
        return f"http://127.0.0.1:{self.server.server_port}/{{repository}}/{{commit}}/{{path}}"

    def answer(self, request: BaseHTTPRequestHandler) -> None:
        path = unquote(request.path).removeprefix("/one/two/c0ffee/in/")
        wanted = request.headers.get("Range")
        self.requests.append((path, wanted))
        file = self.folder / path
        if path in self.busy_once:
            self.busy_once.remove(path)
            return request.send_error(503)
        if not file.is_file():
            return request.send_error(404)
        body = file.read_bytes()
        start = int(wanted.removeprefix("bytes=").rstrip("-")) if wanted else 0
        request.send_response(206 if wanted else 200)
        request.send_header("Content-Length", str(len(body) - start))
        request.end_headers()
        end = len(body)
        if path in self.cut_once:
            self.cut_once.remove(path)
            end = (start + end) // 2
        request.wfile.write(body[start:end])


@pytest.fixture
def origin(tmp_path, monkeypatch):
    monkeypatch.setattr(fetching, "PAUSE_S", 0.0)
    served = Origin(tmp_path / "audio")
    yield served
    served.server.shutdown()
    served.server.server_close()


def test_a_folder_fills_the_cache(tmp_path):
    corpus = load_corpus(write_small(tmp_path))
    done = fetch(corpus, tmp_path / "cache", tmp_path / "audio")
    assert len(done.new) == 3 and done.failed == {}
    assert verify(corpus, tmp_path / "cache").whole
    assert fetch(corpus, tmp_path / "cache", tmp_path / "audio").kept == done.new


def test_a_changed_recording_in_the_folder_is_refused(tmp_path):
    corpus = load_corpus(write_small(tmp_path))
    (tmp_path / "audio/a/low.wav").write_bytes(b"something else")
    done = fetch(corpus, tmp_path / "cache", tmp_path / "audio")
    assert done.failed == {"a/low.wav": "its sha256 is not the one in the corpus file"}
    assert not (tmp_path / "cache/a/low.wav").exists()


def test_the_public_origin_fills_the_cache(tmp_path, origin):
    corpus = load_corpus(write_small(tmp_path, origin.url_template))
    assert fetch(corpus, tmp_path / "cache").failed == {}
    assert verify(corpus, tmp_path / "cache").whole


def test_a_broken_download_goes_on_where_it_stopped(tmp_path, origin):
    corpus = load_corpus(write_small(tmp_path, origin.url_template))
    origin.cut_once = {"a/low two.wav"}
    assert fetch(corpus, tmp_path / "cache").failed == {}
    size = (tmp_path / "audio/a/low two.wav").stat().st_size
    asked = [wanted for path, wanted in origin.requests if path == "a/low two.wav"]
    assert asked == [None, f"bytes={size // 2}-"]


def test_an_interrupted_fetch_is_resumed_by_the_next(tmp_path, origin):
    corpus = load_corpus(write_small(tmp_path, origin.url_template))
    partial = tmp_path / "cache/b/high.wav.partial"
    partial.parent.mkdir(parents=True)
    partial.write_bytes((tmp_path / "audio/b/high.wav").read_bytes()[:1000])
    assert fetch(corpus, tmp_path / "cache").failed == {}
    assert ("b/high.wav", "bytes=1000-") in origin.requests


def test_a_busy_server_is_asked_again(tmp_path, origin):
    corpus = load_corpus(write_small(tmp_path, origin.url_template))
    origin.busy_once = {"a/low.wav"}
    assert fetch(corpus, tmp_path / "cache").failed == {}


def test_a_recording_that_is_gone_does_not_stop_the_others(tmp_path, origin):
    corpus = load_corpus(write_small(tmp_path, origin.url_template))
    (tmp_path / "audio/a/low.wav").unlink()
    done = fetch(corpus, tmp_path / "cache")
    assert list(done.failed) == ["a/low.wav"] and "404" in done.failed["a/low.wav"]
    assert len(done.new) == 2
    assert len([path for path, _ in origin.requests if path == "a/low.wav"]) == 1


def test_without_network_one_message_names_what_is_missing(tmp_path, origin, capsys):
    file = write_small(tmp_path, origin.url_template)
    origin.server.shutdown()
    origin.server.server_close()
    assert call(["corpus", "fetch", str(file), "--to", str(tmp_path / "cache")]) == 4
    said = capsys.readouterr().err
    assert "3 of 3 recordings could not be fetched" in said
    assert "a/low two.wav: 127.0.0.1" in said and "--from DIR" in said
    assert "Traceback" not in said


def test_a_template_with_unknown_parts_is_explained(tmp_path):
    corpus = load_corpus(write_small(tmp_path, "http://localhost/{branch}"))
    with pytest.raises(BadInput, match="url_template may use"):
        fetch(corpus, tmp_path / "cache")


def test_verify_names_each_missing_and_corrupt_file(tmp_path, capsys):
    file = write_small(tmp_path)
    (tmp_path / "audio/a/low.wav").unlink()
    (tmp_path / "audio/b/high.wav").write_bytes(b"RIFF")
    assert call(["corpus", "verify", str(file), "--corpus", str(tmp_path / "audio")]) == 3
    said = capsys.readouterr().err
    assert "missing: a/low.wav" in said and "corrupt: b/high.wav" in said


def test_verify_is_content_with_what_is_whole(tmp_path, capsys):
    file = write_small(tmp_path)
    assert call(["corpus", "verify", str(file), "--corpus", str(tmp_path / "audio")]) == 0
    assert "all 3 recordings are as listed" in capsys.readouterr().out


def test_list_shows_classes_by_split(tmp_path, capsys):
    assert call(["corpus", "list", str(write_small(tmp_path))]) == 0
    assert "CC0 1.0" in capsys.readouterr().out
