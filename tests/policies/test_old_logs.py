"""Importing history fires nothing, and a policy's first run on it is quiet."""

from datetime import UTC, datetime
from pathlib import Path

import polars as pl
import pytest

from engine.aggregates.inputs import PersonRef
from engine.aggregates.pipeline.commands import PublishDefinition
from engine.handle import handle
from engine.log.application import Log
from engine.log.feed import read_feed
from engine.policies.run import run_once
from engine.projections.lens import Lens
from engine.projections.stalled import stalled
from engine.projections.views import Views
from engine.stages.definition import parse_definition
from service.importers.run import run_import

ROOT = Path(__file__).resolve().parents[2]


@pytest.mark.real_log
def test_an_import_fires_nothing_and_the_first_run_after_it_is_quiet(sqlite_url: str, shared_data: Path) -> None:
    log = Log(sqlite_url)
    views = Views(log)
    file = shared_data / "maven_crm" / "sales_pipeline.csv"
    run_import(log, file, ROOT / "examples" / "maven_crm" / "mapping.yaml", actor="tester")
    definition = views.look("hardware", Lens.of()).definition
    raw = definition.model_dump(mode="json", exclude_none=True)
    for stage in raw["stages"][: definition.open_count]:
        stage["stall"] = {"idle_days": 14}
    publish = PublishDefinition(pipeline="hardware", definition=parse_definition(raw), reason="watch over them")
    handle(log, publish, actor=PersonRef(source="login", key="tester"), origin="cli")

    assert read_feed(log, 0).filter(pl.col("origin").str.starts_with("policy:")).is_empty()
    assert stalled(views.look("hardware", Lens.of())).count == 2_089
    assert run_once(log, views) == []
    assert len(run_once(log, views, since=datetime(2016, 1, 1, tzinfo=UTC), dry_run=True)) == 2_089
    log.close()
