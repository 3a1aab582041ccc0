"""The verifier over HTTP. A clip lives in memory while it is judged and is written nowhere; nothing about it is logged."""

from __future__ import annotations

import asyncio
import math
import time
from concurrent.futures import ThreadPoolExecutor
from typing import Annotated

from fastapi import Depends, FastAPI, Query, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from starlette.exceptions import HTTPException

from detectors.interface import LABELS
from detectors.sound_events import wire
from detectors.sound_events.verifier import OnnxVerifier
from lab.verifier.content import Refused, clip_of
from lab.verifier.intake import body_of, discard, objection
from lab.verifier.limits import Places, TokenBucket
from lab.verifier.settings import ServiceSettings

HEALTH = "/v1/health"


def application(verifier: OnnxVerifier, settings: ServiceSettings) -> FastAPI:
    """POST /v1/clips judges, GET /v1/health tells how things are. Every refusal from here is `{"error": one sentence}`:

    400 no WAV of the right kind, 401 token, 408 too slow, 413 too large, 415 another content type, 422 a clip or a query that cannot
    be judged, 429 too many, 503 too busy.
    """
    app = FastAPI(title="Earshot verifier", docs_url=None, redoc_url=None, openapi_url=None)
    rate = TokenBucket(settings.per_minute)
    places = Places(settings.workers + settings.waiting)
    # A network may have an output for what is none of our events; no clip can ask for it.
    labels = tuple(label for label in verifier.labels if label in LABELS)
    workers = ThreadPoolExecutor(settings.workers, "judge")
    judged = {"confirmed": 0, "rejected": 0}

    async def admit(request: Request) -> None:
        why = objection(request, settings)
        if why is None and (wait_s := rate.wait_s(time.monotonic())) > 0.0:
            why = Refused(429, f"at most {settings.per_minute} clips a minute", wait_s)
        if why is not None:
            await discard(request, settings)
            raise why

    @app.post(wire.PATH, dependencies=[Depends(admit)])
    async def judge(
        request: Request, label: str, start_s: Annotated[float, Query(ge=0.0, allow_inf_nan=False)] = 0.0
    ) -> dict[str, str | bool | float]:
        if places.full:
            await discard(request, settings)
            raise Refused(503, f"{places.total} clips are judged or wait already", 1.0)
        with places:
            body = await body_of(request, settings)
            if label not in labels:
                raise Refused(422, f"label: {label[:40]!r} is unknown; allowed: {', '.join(labels)}")
            clip = clip_of(body, label, start_s)
            verdict = await asyncio.get_running_loop().run_in_executor(workers, verifier.judge, clip)
        if verdict.confirmed is None:
            raise Refused(500, verdict.detail)
        judged["confirmed" if verdict.confirmed else "rejected"] += 1
        return {
            "format": wire.FORMAT,
            "label": label,
            "confirmed": verdict.confirmed,
            "score": verdict.score,
        }

    @app.get(HEALTH)
    async def health() -> dict[str, object]:
        state = "busy" if places.full else "ok"
        return {"state": state, "labels": labels, "under_way": places.taken, **judged}

    @app.exception_handler(Refused)
    async def refused(_: Request, why: Refused) -> JSONResponse:
        return _error(why.status, str(why), why.retry_s)

    @app.exception_handler(RequestValidationError)
    async def wrong_query(request: Request, why: RequestValidationError) -> JSONResponse:
        await discard(request, settings)
        first = why.errors()[0]
        return _error(422, f"{first['loc'][-1]}: {first['msg']}")

    @app.exception_handler(HTTPException)
    async def elsewhere(_: Request, why: HTTPException) -> JSONResponse:
        return _error(why.status_code, f"{why.detail}: there are POST {wire.PATH} and GET {HEALTH}")

    return app


def _error(status: int, message: str, retry_s: float | None = None) -> JSONResponse:
    # What is left of a body that nobody read must not be taken for the next request.
    headers = {"Connection": "close"}
    if retry_s is not None:
        headers["Retry-After"] = str(math.ceil(retry_s))
    return JSONResponse({"error": message}, status, headers)
