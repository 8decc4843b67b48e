"""A log with the sample's history in it, told once a run."""

import shutil
from datetime import UTC, datetime
from pathlib import Path

import pytest

from engine.log import schema
from engine.log.application import Log
from service.sample import load_sample


@pytest.fixture(scope="session")
def sample_log(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """To be read only; `own_sample` is a copy to write to."""
    path = tmp_path_factory.mktemp("sample") / "sample.db"
    schema.init(f"sqlite:///{path}")
    log = Log(f"sqlite:///{path}")
    load_sample(log, datetime.now(UTC))
    log.close()
    return path


@pytest.fixture
def own_sample(sample_log: Path, tmp_path: Path) -> Path:
    path = tmp_path / "own.db"
    shutil.copyfile(sample_log, path)
    return path
