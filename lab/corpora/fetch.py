"""Getting the audio of a corpus: from a folder, or from where each recording is published.

A file is in place only once its sha256 is right; until then it lies beside as `.partial`, and a later fetch goes
on where it broke off.
"""

from __future__ import annotations

import re
import shutil
import time
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Callable
from dataclasses import dataclass
from http import HTTPStatus
from http.client import HTTPException
from pathlib import Path

from lab.corpora.catalogue import Corpus, Recording
from lab.corpora.verify import sha256_of, state_of
from lab.errors import BadInput

ATTEMPTS = 3
PAUSE_S = 1.0  # before the second attempt; doubles each time
TIMEOUT_S = 20.0
CHUNK = 1 << 16
SOURCE = re.compile(r"(?P<repository>[^@]+)@(?P<commit>[^:]+):(?P<path>.+)")


@dataclass(frozen=True)
class Fetched:
    """kept: were there already. failed: path -> why it could not be had."""

    new: tuple[str, ...]
    kept: tuple[str, ...]
    failed: dict[str, str]


class _Unavailable(Exception):
    """One recording cannot be had; the message says why."""


class _Unreachable(_Unavailable):
    """The host does not answer: no use asking it for the next recording."""


def fetch(
    corpus: Corpus, root: Path, folder: Path | None = None, step: Callable[[], None] = lambda: None
) -> Fetched:
    """Put every recording below `root`, from `folder` when given, else from its public source.

    Recordings that are there and right are left alone; `step` is called after each. Raises BadInput when
    `folder` is none, or when no public source is stated.
    """
    if folder is not None and not folder.is_dir():
        raise BadInput(f"--from {folder}: no such folder")
    if folder is None and not corpus.url_template:
        raise BadInput(f"{corpus.file}: has no url_template; give the recordings with --from DIR")
    new, kept, failed = [], [], {}
    unreachable: dict[str, str] = {}
    for recording in corpus.by_path.values():
        target = root / recording.path
        if state_of(recording, target) == "fine":
            kept.append(recording.path)
        else:
            try:
                if folder is not None:
                    _copy(recording, folder / recording.path, target)
                else:
                    _download(recording, public_url(corpus, recording), target, unreachable)
                new.append(recording.path)
            except _Unavailable as error:
                failed[recording.path] = str(error)
        step()
    return Fetched(tuple(new), tuple(kept), failed)


def public_url(corpus: Corpus, recording: Recording) -> str:
    """The corpus' `url_template` filled from the recording's `repository@commit:path`."""
    parts = SOURCE.fullmatch(recording.source)
    if parts is None:
        raise BadInput(f"{corpus.file}: source of {recording.path} must read repository@commit:path")
    quoted = {name: urllib.parse.quote(value) for name, value in parts.groupdict().items()}
    try:
        return corpus.url_template.format(**quoted)
    except (KeyError, IndexError, ValueError):
        raise BadInput(
            f"{corpus.file}: url_template may use {{repository}}, {{commit}} and {{path}}, got {corpus.url_template!r}"
        ) from None


def _copy(recording: Recording, origin: Path, target: Path) -> None:
    if not origin.is_file():
        raise _Unavailable(f"not in {origin.parent}")
    partial = _partial(target)
    shutil.copyfile(origin, partial)
    _settle(recording, partial, target)


def _download(recording: Recording, url: str, target: Path, unreachable: dict[str, str]) -> None:
    host = urllib.parse.urlsplit(url).netloc
    if host in unreachable:
        raise _Unreachable(unreachable[host])
    partial = _partial(target)
    for attempt in range(ATTEMPTS):
        if attempt:
            time.sleep(PAUSE_S * 2 ** (attempt - 1))
        try:
            _receive(url, partial)
            _settle(recording, partial, target)
            return
        except urllib.error.HTTPError as error:
            if error.code == HTTPStatus.REQUESTED_RANGE_NOT_SATISFIABLE:
                partial.unlink(missing_ok=True)  # longer than the file: begin again
                problem = _Unavailable(f"{url}: does not go on from what was received")
            elif error.code < HTTPStatus.INTERNAL_SERVER_ERROR and error.code != HTTPStatus.TOO_MANY_REQUESTS:
                raise _Unavailable(f"{url}: {error.code} {error.reason}") from None
            else:
                problem = _Unavailable(f"{url}: {error.code} {error.reason}")
        except (urllib.error.URLError, TimeoutError) as error:
            problem = _Unreachable(f"{host}: {getattr(error, 'reason', None) or error}")
        except (HTTPException, OSError) as error:
            if isinstance(error, OSError) and error.filename is not None:
                raise  # a disk's trouble, not the network's
            problem = _Unavailable(f"{url}: {error or type(error).__name__}")
        except _Unavailable as error:
            problem = error
    if isinstance(problem, _Unreachable):
        unreachable[host] = str(problem)
    raise problem


def _receive(url: str, partial: Path) -> None:
    """Append what is missing of `url` to `partial`."""
    have = partial.stat().st_size if partial.exists() else 0
    request = urllib.request.Request(url, headers={"User-Agent": "earshot"})
    if have:
        request.add_header("Range", f"bytes={have}-")
    with urllib.request.urlopen(request, timeout=TIMEOUT_S) as answer:
        goes_on = answer.status == HTTPStatus.PARTIAL_CONTENT
        with partial.open("ab" if goes_on else "wb") as out:
            shutil.copyfileobj(answer, out, CHUNK)
        length = answer.headers.get("Content-Length")
        if length is not None and partial.stat().st_size < int(length) + (have if goes_on else 0):
            raise _Unavailable(f"{url}: broke off")


def _settle(recording: Recording, partial: Path, target: Path) -> None:
    """Move a complete file to its place; drop one that is not what the corpus lists."""
    if sha256_of(partial) != recording.sha256:
        partial.unlink()
        raise _Unavailable("its sha256 is not the one in the corpus file")
    partial.replace(target)


def _partial(target: Path) -> Path:
    target.parent.mkdir(parents=True, exist_ok=True)
    return target.with_name(target.name + ".partial")
