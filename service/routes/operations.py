"""For those who run it: is it alive, is it ready, how is it doing. And the documentation, which needs no internet."""

import asyncio
from importlib.resources import files
from typing import Literal

from fastapi import FastAPI, Request, Response
from fastapi.openapi.docs import get_swagger_ui_html
from fastapi.responses import HTMLResponse, PlainTextResponse
from fastapi.staticfiles import StaticFiles
from pydantic import BaseModel
from sqlalchemy.exc import DBAPIError

from service import metrics
from service.auth import WHOLE
from service.away import unless_away
from service.background import measure
from service.http_errors import Refused
from service.observed import exposed, observed
from service.openapi import DOCUMENT
from service.routes.routing import Routes, running_of
from service.routes.tags import told
from service.running import Running

ASSETS = "/docs/assets"


class Alive(BaseModel):
    status: Literal["alive"] = "alive"


class Ready(BaseModel):
    status: Literal["ready"] = "ready"
    log_position: int
    view_position: int
    """what the views have read; a question reads the rest first"""


def add_operations(routes: Routes) -> None:
    routes.add(
        "GET",
        "/livez",
        livez,
        name="livez",
        summary="Whether the process runs",
        tag="operations",
        allow=None,
        answers=Alive,
    )
    routes.add(
        "GET",
        "/readyz",
        readyz,
        name="readyz",
        summary="Whether it can answer: the database is reached, the views have read the log",
        tag="operations",
        allow=None,
        answers=Ready,
    )
    routes.add(
        "GET",
        "/metrics",
        prometheus,
        name="metrics",
        summary="For Prometheus",
        tag="operations",
        allow=WHOLE,
        media=PlainTextResponse,
        though_away=True,
    )


def add_documentation(app: FastAPI) -> None:
    """Swagger UI from a package, at /docs."""
    app.mount(ASSETS, StaticFiles(directory=str(files("fastapi_offline") / "static")), name="docs-assets")

    async def docs() -> HTMLResponse:
        return get_swagger_ui_html(
            openapi_url=DOCUMENT,
            title="dealtrail",
            swagger_js_url=f"{ASSETS}/swagger-ui-bundle.js",
            swagger_css_url=f"{ASSETS}/swagger-ui.css",
            swagger_favicon_url=f"{ASSETS}/favicon.png",
        )

    app.add_api_route("/docs", docs, methods=["GET"], include_in_schema=False)


async def livez() -> Response:
    return told(Alive())


async def readyz(request: Request) -> Response:
    running = running_of(request)
    return told(await running.reading.run(lambda: readiness(running)))


def readiness(running: Running) -> Ready:
    try:
        position = running.log.position()
    except DBAPIError as error:
        raise Refused("unreachable", "the database does not answer", headers={"Retry-After": "1"}) from error
    if not running.ready:
        raise Refused("busy", "the views are still reading the log", headers={"Retry-After": "1"})
    return Ready(log_position=position, view_position=running.views.position)


async def prometheus(request: Request) -> Response:
    running = running_of(request)

    # Who scrapes while the database hangs waits for the look that is under way: none takes a thread of its own.
    looked = running.sharing.same("observed", lambda: running.telling.run(lambda: observed(running.log)))
    found = await unless_away(looked)
    measure(running)
    told = await asyncio.to_thread(lambda: metrics.exposition() + exposed(found))
    return Response(told, media_type="text/plain; version=0.0.4")
