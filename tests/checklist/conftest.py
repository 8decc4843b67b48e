"""The desk the rows are proven at."""

from collections.abc import Iterator

import pytest

from engine.log.application import Log
from tests.checklist.desk import Desk


@pytest.fixture
def desk(sqlite_url: str) -> Iterator[Desk]:
    log = Log(sqlite_url)
    yield Desk(log)
    log.close()
