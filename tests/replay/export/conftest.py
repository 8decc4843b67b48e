"""A log with the sample's history in it, told once a run."""

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from engine.log import schema
from engine.log.application import Log
from service.sample import load_sample


@pytest.fixture(scope="session")
def sample_url(tmp_path_factory: pytest.TempPathFactory) -> str:
    """To be read only."""
    url = f"sqlite:///{tmp_path_factory.mktemp('sample') / 'sample.db'}"
    schema.init(url)
    log = Log(url)
    load_sample(log, datetime.now(UTC))
    log.close()
    return url


@pytest.fixture
def sample(sample_url: str) -> Iterator[Log]:
    log = Log(sample_url)
    yield log
    log.close()


@pytest.fixture
def out(tmp_path: Path) -> Path:
    """A folder for what is exported."""
    folder = tmp_path / "out"
    folder.mkdir()
    return folder
