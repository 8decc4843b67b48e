"""Hands the eventsourcing library our recorders. What the log does not have (snapshots, tracking) is refused."""

from typing import Never

from eventsourcing.persistence import InfrastructureFactory, InfrastructureFactoryError
from eventsourcing.utils import Environment, EnvType
from sqlalchemy import Engine

from engine.log.connect import connect, database
from engine.log.recorder import LogRecorder, StreamRecorder

DATABASE = "DATABASE"


class LogFactory(InfrastructureFactory):
    """Recorders on the database that the environment's DATABASE names by URL; one pool of connections for all."""

    def __init__(self, env: Environment | EnvType | None) -> None:
        super().__init__(env)
        url = self.env.get(DATABASE)
        if not url:
            raise InfrastructureFactoryError(f"set {DATABASE} to the URL of the log's database")
        self.engine: Engine = connect(database(url))

    def aggregate_recorder(self, purpose: str = "events") -> StreamRecorder:
        if purpose != "events":
            raise InfrastructureFactoryError(f"the log keeps events, no {purpose}")
        return StreamRecorder(self.engine)

    def application_recorder(self) -> LogRecorder:
        return LogRecorder(self.engine)

    def tracking_recorder(self, tracking_recorder_class: object = None) -> Never:  # noqa: ARG002 (the library's name)
        raise InfrastructureFactoryError("views are pulled from the feed by position: nothing is tracked in the log")

    def process_recorder(self) -> Never:
        raise InfrastructureFactoryError("views are pulled from the feed by position: nothing is processed in the log")

    def close(self) -> None:
        self.engine.dispose()
