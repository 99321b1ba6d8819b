"""What PostFlow's webhook is measured against: a FastAPI route that stores nothing.

It checks the signature, parses the JSON and says yes, as one writes it down in five minutes; uvicorn
takes the fastest parser and event loop that are installed, as it does by itself.
"""

from __future__ import annotations

import json
import sys
from datetime import UTC, datetime, timedelta
from http import HTTPStatus

import uvicorn
from fastapi import FastAPI, HTTPException, Request

from bench.deliveries import SECRET
from postflow.errors import DeliveryRejectedError
from postflow.frameio.webhooks import SIGNATURE_HEADER, TIMESTAMP_HEADER, verify_delivery

app = FastAPI()


@app.post("/webhooks/frameio", status_code=202)
async def take(request: Request) -> dict[str, str]:
    """Check and parse one delivery."""
    body = await request.body()
    try:
        verify_delivery(
            secrets=[SECRET],
            timestamp_header=request.headers.get(TIMESTAMP_HEADER),
            signature_header=request.headers.get(SIGNATURE_HEADER),
            body=body,
            now=datetime.now(UTC),
            tolerance=timedelta(minutes=5),
        )
    except DeliveryRejectedError as error:
        raise HTTPException(HTTPStatus.UNAUTHORIZED, str(error)) from error
    json.loads(body)
    return {"status": "seen"}


@app.get("/health")
async def say_health() -> dict[str, str]:
    """Say that it is there."""
    return {"status": "ok"}


if __name__ == "__main__":
    uvicorn.run(app, port=int(sys.argv[1]), log_level="warning", access_log=False)
