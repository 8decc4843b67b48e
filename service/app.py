"""The service: FastAPI over the engine. Commands in, answers out, history for auditors."""

import asyncio
import contextlib
import gc
import logging
from collections.abc import AsyncIterator
from functools import partial
from importlib.metadata import version

from fastapi import FastAPI

from engine.log.history import OtherHistory
from service.auth import Callers
from service.background import Background, keep_measuring
from service.http_errors import handle_errors
from service.logs import log_as_json
from service.openapi import describe
from service.outer import Outer
from service.routes.commands import add_commands
from service.routes.drafts import add_drafts
from service.routes.feed import add_feed
from service.routes.journeys import add_journeys
from service.routes.operations import add_documentation, add_operations
from service.routes.people import add_people
from service.routes.pipelines import add_pipelines
from service.routes.policies import add_policies
from service.routes.questions import add_questions
from service.routes.reps import add_reps
from service.routes.routing import Routes
from service.routes.search import add_search
from service.routes.stream import STREAM, add_stream
from service.routes.targets import add_targets
from service.routes.webhooks import add_webhooks
from service.running import Running
from service.seldom import Seldom
from service.settings import Serving, database_url
from service.stopping import end_at_last
from service.tokens import Issuer

FOLLOW_SECONDS = 1.0
"""how often the views read what is new when nobody asks"""
GARBAGE = (2_000, 5, 500)
"""gc.set_threshold: what is made later is looked through often and a little at a time, for a millisecond or four; of
50,000 objects at once it was 17, in which nobody was answered"""


def create_app(url: str, serving: Serving | None = None) -> FastAPI:
    """The service over the log at the URL; Rejected where there is none of the newest schema."""
    serving = serving or Serving()
    issuer = Issuer(serving) if serving.oidc_issuer else None
    running = Running(url, serving)
    background = Background(running)

    @contextlib.asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        tasks = [asyncio.create_task(follow(running)), asyncio.create_task(keep_measuring(running))]
        background.start()
        try:
            yield
        finally:
            running.when_stopping()
            for task in tasks:
                task.cancel()
                with contextlib.suppress(asyncio.CancelledError):
                    await task
            await asyncio.to_thread(background.close)
            await asyncio.to_thread(running.close)

    app = FastAPI(
        title="dealtrail",
        version=version("dealtrail"),
        docs_url=None,
        redoc_url=None,
        openapi_url=None,
        lifespan=lifespan,
        redirect_slashes=False,
        telemetry=running.tracing.config,
    )
    app.state.running = running
    app.state.background = background
    app.state.callers = Callers(running.log, issuer)
    handle_errors(app)
    app.add_middleware(Outer, body_seconds=serving.body_seconds, body_bytes=serving.body_bytes, endless=STREAM)
    routes = Routes(app)
    for add in (
        add_commands,
        add_questions,
        add_journeys,
        add_search,
        add_feed,
        add_stream,
        add_pipelines,
        add_drafts,
        add_people,
        add_reps,
        add_targets,
        add_policies,
        add_webhooks,
        add_operations,
    ):
        add(routes)
    app.state.access, app.state.endless = routes.access, STREAM
    add_documentation(app)
    describe(app)
    return app


async def follow(running: Running) -> None:
    """Reads the log once, then what is new, so that a question after a quiet hour is as quick as the next."""
    seldom = Seldom()
    while True:
        try:
            await asyncio.to_thread(running.keep_up if running.ready else running.warm_up)
        except OtherHistory as error:
            running.when_void(str(error))
        except Exception as error:
            # The database may be away for a while; questions say so themselves.
            seldom.tell(logging.getLogger(__name__), "following the log failed", error)
        await asyncio.sleep(FOLLOW_SECONDS)


def from_environment() -> FastAPI:
    """What each worker process runs."""
    serving = Serving.from_environment()
    log_as_json(serving.log_level)
    app = create_app(database_url(), serving)
    app.state.running.when_ready = stay
    app.state.running.when_stopping = partial(end_at_last, serving.shutdown_seconds)
    return app


def stay() -> None:
    """What there is now stays: to look through it for what may go held up everybody for 135 ms, again and again."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(*GARBAGE)
