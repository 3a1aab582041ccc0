"""What is asked of a request before anybody looks at its sound."""

from __future__ import annotations

import asyncio
import hmac

from fastapi import Request
from starlette.requests import ClientDisconnect

from detectors.sound_events import wire
from lab.verifier.content import Refused
from lab.verifier.settings import ServiceSettings


def objection(request: Request, settings: ServiceSettings) -> Refused | None:
    """To token, kind or size, in this order; None where it may go on."""
    if settings.token is not None:
        given = request.headers.get("authorization", "").encode()
        if not hmac.compare_digest(given, f"Bearer {settings.token}".encode()):
            return Refused(401, "Authorization: Bearer with the token of this service is needed")
    kind = request.headers.get("content-type", "")
    if kind.split(";")[0].strip().lower() != wire.CONTENT_TYPE:
        # Also keeps web pages out: a browser asks before it sends this type elsewhere, and is not answered.
        return Refused(415, f"Content-Type: {wire.CONTENT_TYPE} is needed, got {kind[:40]!r}")
    length = request.headers.get("content-length", "0")  # one that is no number has been refused before
    if int(length) > settings.max_bytes:
        return Refused(413, f"body: at most {settings.max_bytes} bytes, got {length}")
    return None


async def body_of(request: Request, settings: ServiceSettings) -> bytes:
    """The whole body. Raises Refused for one that is too large or does not arrive."""
    body = bytearray()
    try:
        async with asyncio.timeout(settings.body_s):
            async for piece in request.stream():
                body += piece
                if len(body) > settings.max_bytes:
                    raise Refused(413, f"body: at most {settings.max_bytes} bytes")
    except TimeoutError:
        raise Refused(408, f"body: not there after {settings.body_s:g} s") from None
    except ClientDisconnect:
        raise Refused(400, "body: the sender went away") from None
    return bytes(body)


async def discard(request: Request, settings: ServiceSettings) -> None:
    """Let a body that nobody wants arrive, up to what is allowed: a sender cut off while it sends does not hear why."""
    left = settings.max_bytes
    try:
        async with asyncio.timeout(settings.body_s):
            async for piece in request.stream():
                left -= len(piece)
                if left < 0:
                    return
    except (TimeoutError, ClientDisconnect):
        return
