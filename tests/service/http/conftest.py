"""The service over the sample's history, and over an empty log with one pipeline on each database."""

from collections.abc import Iterator
from contextlib import ExitStack
from datetime import UTC, datetime
from pathlib import Path

import pytest

from engine.aggregates.inputs import PersonRef
from engine.aggregates.pipeline.commands import CreatePipeline, PublishDefinition
from engine.handle import handle
from engine.log import schema
from engine.log.application import Log
from engine.stages.definition import parse_definition
from service.settings import Serving
from tests.conftest import TEMPLATE
from tests.postgres import Server
from tests.service.http.server import Client, Service, serving

STAGES = {
    "pipeline": "loans",
    "stages": [
        {"key": "contact", "kind": "open"},
        {"key": "qualified", "kind": "open", "enter": {"bant_confirmed": {"at_least": 2}}},
        {"key": "proposal", "kind": "open", "enter": {"event": "ProposalSent"}},
        {"key": "won", "kind": "won", "enter": {"event": "DealWon"}},
        {"key": "lost", "kind": "lost", "enter": {"any": [{"event": "DealLost"}, {"event": "LeadDisqualified"}]}},
        {"key": "in-use", "kind": "after_sale", "enter": {"event": "SatisfactionRecorded"}},
    ],
}
START = datetime(2026, 1, 5, tzinfo=UTC)


def publish(url: str) -> None:
    log = Log(url)
    actor = PersonRef(source="login", key="the-manager")
    handle(log, CreatePipeline(pipeline="loans", name="Loans"), actor=actor, origin="cli", occurred_at=START)
    definition = parse_definition(STAGES)
    first = PublishDefinition(pipeline="loans", definition=definition, reason="first")
    handle(log, first, actor=actor, origin="cli", occurred_at=START)
    log.close()


@pytest.fixture
def service(database_url: str) -> Iterator[Service]:
    """An empty pipeline, on each database."""
    publish(database_url)
    with serving(database_url) as running:
        yield running


@pytest.fixture
def manager(service: Service) -> Client:
    return service.client("manager")


def begun(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    """An empty pipeline on the database that the fixture is asked for. To begin a service takes as long as a hundred
    refusals.
    """
    with ExitStack() as until_then:
        if request.param == "sqlite":
            url = f"sqlite:///{tmp_path_factory.mktemp('common') / 'log.db'}"
            schema.init(url)
        else:
            server: Server = request.getfixturevalue("postgres_server")
            url = until_then.enter_context(server.copy_of(TEMPLATE))
        publish(url)
        yield until_then.enter_context(serving(url))


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
def common_service(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    """An empty pipeline, on each database, for tests that write nothing."""
    yield from begun(request, tmp_path_factory)


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
def busy_service(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    """One pipeline, on each database, for tests that write and look at what they wrote alone."""
    yield from begun(request, tmp_path_factory)


@pytest.fixture
def unheard(common_service: Service) -> Iterator[Client]:
    """A manager who leaves nothing behind: nothing is written, and others are served as ever."""
    client = common_service.client("manager")
    yield client
    assert client.get("/v1/events", after=2).answer["events"] == []
    client.get("/v1/board").done()


@pytest.fixture
def own_service(own_sample: Path) -> Iterator[Service]:
    """The sample, to be written to."""
    with serving(f"sqlite:///{own_sample}") as running:
        yield running


@pytest.fixture(scope="module")
def sample_service(sample_log: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    """The sample, to be read; keys are made in it."""
    copy = tmp_path_factory.mktemp("served") / "sample.db"
    copy.write_bytes(sample_log.read_bytes())
    with serving(f"sqlite:///{copy}", Serving(policies_seconds=0)) as running:
        yield running
