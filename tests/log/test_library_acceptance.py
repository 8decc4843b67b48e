"""The eventsourcing library's own acceptance tests of a recorder, on both databases."""

from collections.abc import Iterator
from typing import Any
from uuid import uuid4

import pytest
from eventsourcing.persistence import InfrastructureFactory, InfrastructureFactoryError, ProgrammingError, StoredEvent
from eventsourcing.tests import persistence as library
from sqlalchemy import Engine

from engine.log.application import Log
from engine.log.connect import connect, database
from engine.log.factory import DATABASE, LogFactory
from engine.log.recorder import LogRecorder, StreamRecorder
from engine.messages import Envelope

UNATTENDED = Envelope(actor=uuid4(), command_id=uuid4(), correlation_id=uuid4(), causation_id=None, origin="test")
"""The library writes bare events: the recorder under test is told on whose behalf."""


class OnSQLite:
    engine: Engine

    @pytest.fixture(autouse=True)
    def _connected(self, sqlite_url: str) -> Iterator[None]:
        self.engine = connect(database(sqlite_url))
        yield
        self.engine.dispose()


class OnPostgreSQL:
    engine: Engine

    @pytest.fixture(autouse=True)
    def _connected(self, postgres_url: str) -> Iterator[None]:
        self.engine = connect(database(postgres_url))
        yield
        self.engine.dispose()


class TestStreamsOnSQLite(OnSQLite, library.AggregateRecorderTestCase):
    def create_recorder(self) -> StreamRecorder:
        return StreamRecorder(self.engine, UNATTENDED)


class TestStreamsOnPostgreSQL(OnPostgreSQL, library.AggregateRecorderTestCase):
    def create_recorder(self) -> StreamRecorder:
        return StreamRecorder(self.engine, UNATTENDED)


class TestLogOnSQLite(OnSQLite, library.ApplicationRecorderTestCase[LogRecorder]):
    def create_recorder(self) -> LogRecorder:
        return LogRecorder(self.engine, UNATTENDED)

    def test_insert_subscribe(self) -> None:
        self.optional_test_insert_subscribe()


class TestLogOnPostgreSQL(OnPostgreSQL, library.ApplicationRecorderTestCase[LogRecorder]):
    def create_recorder(self) -> LogRecorder:
        return LogRecorder(self.engine, UNATTENDED)

    def test_insert_subscribe(self) -> None:
        self.optional_test_insert_subscribe()


class TestPositionsDoNotInterleaveOnSQLite(OnSQLite, library.NonInterleavingNotificationIDsBaseCase):
    def create_recorder(self) -> LogRecorder:
        return LogRecorder(self.engine, UNATTENDED)


class TestPositionsDoNotInterleaveOnPostgreSQL(OnPostgreSQL, library.NonInterleavingNotificationIDsBaseCase):
    def create_recorder(self) -> LogRecorder:
        return LogRecorder(self.engine, UNATTENDED)


def test_the_library_finds_our_factory_by_its_topic(sqlite_url: str) -> None:
    environment = {"PERSISTENCE_MODULE": "engine.log.factory", DATABASE: sqlite_url}
    with InfrastructureFactory[Any].construct(environment) as factory:
        assert type(factory) is LogFactory
        assert type(factory.aggregate_recorder()) is StreamRecorder
        assert type(factory.application_recorder()) is LogRecorder
        factory.close()


def test_the_factory_refuses_what_the_log_does_not_have(sqlite_url: str) -> None:
    factory = LogFactory({DATABASE: sqlite_url})
    for ask in (factory.tracking_recorder, factory.process_recorder):
        with pytest.raises(InfrastructureFactoryError, match="pulled from the feed"):
            ask()
    with pytest.raises(InfrastructureFactoryError, match="no snapshots"):
        factory.aggregate_recorder("snapshots")
    with pytest.raises(InfrastructureFactoryError, match="DATABASE"):
        LogFactory({})


def test_an_event_without_an_envelope_is_refused(log: Log) -> None:
    with pytest.raises(ProgrammingError, match="every write has an actor"):
        log.recorder.insert_events([StoredEvent(uuid4(), 1, "deal.won.v1", b"{}")])
    assert log.position() == 0
