"""A verifier behind HTTP: a verdict, or the reason why there is none.

Everything that can go wrong ends in a state: SLOW (nothing in time, 429, 503), DOWN (nobody there, gone half-way), RUBBISH (another
status, no JSON, other fields, a score that is none, too much of it). After several failures in a row the service is left alone.
"""

from __future__ import annotations

import http.client
import time
from dataclasses import dataclass
from urllib.parse import urlencode, urlsplit

from detectors.errors import DetectorError
from detectors.sound_events import wire
from detectors.sound_events.breaker import CircuitBreaker
from detectors.sound_events.exchange import Connection
from detectors.sound_events.verifier import Clip, State, Verdict, no_answer


@dataclass(frozen=True)
class RemoteSettings:
    """answer_s: > 0, after which the device has decided by itself; also the longest that one call may take. connect_s: the part
    of it that finding somebody there may take. failures, wait_s: see CircuitBreaker."""

    answer_s: float = 1.0
    connect_s: float = 0.5
    failures: int = 3
    wait_s: float = 30.0


class RemoteVerifier:
    """url: `http://host:port`; a host other than this machine is given clips only with a token. token: sent with each clip, None
    for none. Belongs to one session and is asked by one thread. Raises DetectorError for anything else."""

    def __init__(self, url: str, token: str | None = None, settings: RemoteSettings | None = None) -> None:
        self._settings = settings or RemoteSettings()
        self._host, self._port = _address(url)
        if token is None and not wire.is_loopback(self._host):
            raise DetectorError(f"verifier: {url} is another machine: a token file is needed")
        self.url = url
        self.breaker = CircuitBreaker(self._settings.failures, self._settings.wait_s)
        self._headers = {"Content-Type": wire.CONTENT_TYPE}
        if token is not None:
            self._headers["Authorization"] = f"Bearer {token}"
        self._last = no_answer(State.DOWN, "never asked", sent=False)

    @property
    def answer_s(self) -> float:
        return self._settings.answer_s

    def judge(self, clip: Clip, within_s: float | None = None) -> Verdict:
        """Ask, for at most `within_s` and `answer_s`; blocks so long. Does not raise."""
        if not self.breaker.allows(clip.end_s):
            return no_answer(self._last.state, f"left alone after: {self._last.detail}", sent=False)
        verdict = self._ask(clip, min(self.answer_s, self.answer_s if within_s is None else within_s))
        if verdict.answered:
            self.breaker.answered()
        else:
            self._last = verdict
            self.breaker.failed(clip.end_s)
        return verdict

    def _ask(self, clip: Clip, within_s: float) -> Verdict:
        deadline = time.monotonic() + within_s
        connection = Connection(self._host, self._port, min(self._settings.connect_s, within_s), deadline)
        sent = False
        try:
            connection.connect()
            sent = True
            asked = urlencode({"label": clip.label, "start_s": f"{clip.start_s:.3f}"})
            connection.request("POST", f"{wire.PATH}?{asked}", wire.wav(clip), self._headers)
            response = connection.getresponse()
            body = response.read(wire.LONGEST_ANSWER + 1)
            if response.length and len(body) <= wire.LONGEST_ANSWER:  # what had been promised is missing
                raise http.client.IncompleteRead(body, response.length)
            return wire.verdict(response.status, body, clip.label)
        except TimeoutError:
            return no_answer(State.SLOW, f"no answer within {within_s:.2g} s", sent)
        except (OSError, http.client.RemoteDisconnected, http.client.IncompleteRead) as error:
            return no_answer(State.DOWN, f"{self.url}: {error}", sent)
        except (http.client.HTTPException, ValueError) as error:
            return no_answer(State.RUBBISH, f"{self.url}: not HTTP: {str(error)[:80]!r}", sent)
        finally:
            connection.hang_up()


def _address(url: str) -> tuple[str, int]:
    try:
        parts = urlsplit(url)
        host, port = parts.hostname, parts.port
    except ValueError:
        host = port = None
    if host is None or port is None or url.rstrip("/") != f"http://{parts.netloc}" or "@" in url:
        raise DetectorError(f"verifier: url: http://host:port is needed, got {url!r}")
    return host, port
