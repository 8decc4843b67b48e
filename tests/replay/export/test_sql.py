"""Tables for BI tools: what is in them, and that readers see the old ones or the new."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from sqlalchemy import Engine, create_engine, inspect, make_url, text

from engine.aggregates.deal.commands import ChangePipeline, Lose, MoveStage, OpenDeal, Win
from engine.aggregates.lead.commands import CaptureLead, ConvertLead, MergeLead, QualifyLead
from engine.errors import Rejected
from engine.log import schema
from engine.log.application import Log
from engine.projections.board import board
from engine.projections.conversion import conversion
from engine.projections.filters import Filters
from engine.projections.lens import Lens
from engine.projections.views import Views
from engine.stages.presets import preset
from engine.values import Money
from replay.export.run import Asked, export
from replay.export.sql import KEYS, Replaced, replace_tables
from replay.export.stored import Scope, stored_events
from tests.checklist.desk import Desk
from tests.postgres import Server

NOW = Lens.of()
DOCS = Path(__file__).parents[3] / "docs" / "exports.md"
ALL = ("visits", "journeys", "attributes", "stages")


@pytest.fixture(params=["sqlite", "postgresql"])
def bi(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Engine]:
    """An empty database of somebody else's; the test runs once on each kind."""
    if request.param == "sqlite":
        engine = create_engine(f"sqlite:///{tmp_path / 'bi.db'}")
        yield engine
        engine.dispose()
        return
    server: Server = request.getfixturevalue("postgres_server")
    with server.copy_of("template1") as url:
        engine = create_engine(url)
        yield engine
        engine.dispose()


def url_of(engine: Engine) -> str:
    return engine.url.render_as_string(hide_password=False)


def put(log: Log, bi: Engine, *kinds: str, **asked: Any) -> Replaced:
    force, progress = asked.pop("force", False), asked.pop("progress", lambda done, total: None)
    about = Asked("events" if kinds == ("events",) else "journeys", asked.pop("lens", NOW), **asked)
    return replace_tables(log, about, kinds or ALL, url_of(bi), force=force, progress=progress)


def ask(bi: Engine, question: str) -> list[Any]:
    with bi.connect() as connection:
        return [tuple(row) for row in connection.execute(text(question))]


def test_tables_hold_what_the_files_hold(sample: Log, bi: Engine, out: Path) -> None:
    made = put(sample, bi)
    for kind in ("visits", "journeys"):
        export(sample, Asked(kind, NOW), out / f"{kind}.parquet", "parquet")  # type: ignore[arg-type]
        rows = pl.read_parquet(out / f"{kind}.parquet").select(pl.exclude("^attr[.].*$"))
        keys = KEYS[kind]
        found = ask(bi, f"SELECT * FROM dealtrail_{kind} ORDER BY {', '.join(keys)}")
        assert made.tables[f"dealtrail_{kind}"] == len(found) == rows.height
        for row, told in zip(rows.sort(keys).iter_rows(named=True), found, strict=True):
            for (name, value), cell in zip(row.items(), told, strict=True):
                if cell is None or value is None or isinstance(value, str | bool | int):
                    assert value == cell, name
                elif rows.schema[name].is_temporal():
                    assert str(value)[:19] == str(cell)[:19], name
                else:
                    assert float(value) == float(cell), name
    assert ask(bi, "SELECT count(*) FROM dealtrail_attributes WHERE name = 'machine'") == [(120,)]
    assert ask(bi, "SELECT stage FROM dealtrail_stages ORDER BY rank LIMIT 2") == [("contact",), ("qualification",)]


def test_the_tables_say_what_they_were_made_from(sample: Log, bi: Engine) -> None:
    made = put(sample, bi, "visits", filters=Filters(owner="rep-03"))
    told = ask(
        bi, "SELECT table_name, pipeline, definition, position, log_id, row_count, filters FROM dealtrail_exports"
    )
    expected = ("dealtrail_visits", "office-coffee", "1", sample.position(), str(sample.log_id))
    assert told == [(*expected, made.tables["dealtrail_visits"], '{"owner": "rep-03"}')]


def test_events_are_the_log(sample: Log, bi: Engine) -> None:
    put(sample, bi, "events")
    put(sample, bi, "events")
    ((rows, first, last),) = ask(bi, "SELECT count(*), min(position), max(position) FROM dealtrail_events")
    assert (rows, first, last) == (sample.position(), 1, sample.position())
    stored = pl.concat(list(stored_events(sample, Scope(sample.position()))))
    payloads = [payload for (payload,) in ask(bi, "SELECT payload FROM dealtrail_events ORDER BY position")]
    assert payloads == stored["payload"].to_list()


def test_each_pipeline_has_its_own_rows(log: Log, bi: Engine) -> None:
    desk = Desk(log)
    for name in ("ca", "es"):
        desk.publish(preset(name))
        desk.begin(OpenDeal(pipeline=name, value=Money.of(5, "EUR")))
    put(log, bi, pipeline="ca")
    put(log, bi, pipeline="es")
    desk.begin(OpenDeal(pipeline="ca"))
    put(log, bi, pipeline="ca")
    counted = "SELECT pipeline, count(*) FROM dealtrail_journeys GROUP BY pipeline ORDER BY pipeline"
    assert ask(bi, counted) == [("ca", 2), ("es", 1)]
    assert ask(bi, "SELECT count(*) FROM dealtrail_exports") == [(8,)]
    assert ask(bi, "SELECT sum(amount) FROM dealtrail_journeys") == [(10,)]


def test_readers_see_the_old_tables_until_all_are_new(sample: Log, bi: Engine) -> None:
    put(sample, bi, filters=Filters(owner="rep-03"))
    counts = "SELECT (SELECT count(*) FROM dealtrail_visits), (SELECT count(*) FROM dealtrail_journeys)"
    before = ask(bi, counts)
    seen = []
    put(sample, bi, progress=lambda done, total: seen.append(ask(bi, counts)))
    after = ask(bi, counts)
    assert len(seen) == 4
    assert seen == [before] * 4
    assert after != before


def test_what_fails_half_way_changes_nothing(sample: Log, bi: Engine) -> None:
    put(sample, bi, filters=Filters(owner="rep-03"))
    before = ask(bi, "SELECT count(*) FROM dealtrail_visits"), ask(bi, "SELECT * FROM dealtrail_exports")

    def fail(_done: int, _total: int | None) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        put(sample, bi, progress=fail)
    assert (ask(bi, "SELECT count(*) FROM dealtrail_visits"), ask(bi, "SELECT * FROM dealtrail_exports")) == before


def test_a_view_on_the_tables_outlives_an_export(sample: Log, bi: Engine) -> None:
    put(sample, bi)
    with bi.begin() as connection:
        connection.execute(text("CREATE VIEW won AS SELECT * FROM dealtrail_journeys WHERE outcome = 'won'"))
    before = ask(bi, "SELECT count(*) FROM won")
    put(sample, bi)
    assert ask(bi, "SELECT count(*) FROM won") == before


def test_tables_of_others_are_left_alone(sample: Log, log: Log, bi: Engine) -> None:
    Desk(log).publish(preset("ca"))
    with bi.begin() as connection:
        connection.execute(text("CREATE TABLE dealtrail_stages (mine INTEGER)"))
    with pytest.raises(Rejected, match="no export made"):
        put(sample, bi)
    assert inspect(bi).get_table_names() == ["dealtrail_stages"]
    put(log, bi, "visits")
    with pytest.raises(Rejected, match="--force"):
        put(sample, bi, "visits")
    put(sample, bi, "visits", force=True)
    assert ask(bi, "SELECT DISTINCT log_id FROM dealtrail_exports") == [(str(sample.log_id),)]


def test_a_table_of_other_columns_is_made_anew(sample: Log, bi: Engine) -> None:
    put(sample, bi, "stages")
    with bi.begin() as connection:
        connection.execute(text("ALTER TABLE dealtrail_stages RENAME COLUMN team TO crew"))
    put(sample, bi, "stages")
    assert "team" in {column["name"] for column in inspect(bi).get_columns("dealtrail_stages")}
    assert ask(bi, "SELECT count(*) FROM dealtrail_exports") == [(1,)]


@pytest.mark.parametrize("to", ["nonsense", "nosuch://x", "mysql+pymysql://x/y", "sqlite://", "sqlite:///:memory:"])
def test_a_database_that_can_not_be_reached_that_way_is_refused(sample: Log, to: str) -> None:
    with pytest.raises(Rejected, match="--to"):
        replace_tables(sample, Asked("journeys", NOW), ALL, to)


def test_the_log_itself_is_no_target(sample: Log) -> None:
    path = Path(make_url(sample.url).database or "")
    for spelled in (path, path.parent / ".." / path.parent.name / path.name):
        with pytest.raises(Rejected, match="the log itself"):
            replace_tables(sample, Asked("journeys", NOW), ALL, f"sqlite:///{spelled}")


def test_the_queries_of_the_documentation_give_the_board_and_the_conversion(bi: Engine, tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'log.db'}"
    schema.init(url)
    log = Log(url)
    desk = Desk(log)
    for pipeline in ("ca", "es"):
        desk.publish(preset(pipeline))
    first, *others = (desk.begin(CaptureLead(pipeline="ca", value=Money.of(n, "EUR"))) for n in range(2, 10))
    first.goes(MergeLead(into=others[0].journey))
    for sale in others[1:]:
        sale.goes(QualifyLead(), ConvertLead())
    stages = [stage.key for stage in preset("ca").stages if stage.kind == "open"]
    others[2].goes(
        MoveStage(stage=stages[2], reason="in a hurry", override=True), MoveStage(stage=stages[0], reason="too early")
    )
    others[3].goes(Lose(reason="price"))
    others[4].goes(Win(evidence="signed"))
    others[5].goes(ChangePipeline(pipeline="es", stage=preset("es").stages[0].key, reason="small"))
    put(log, bi, pipeline="ca")
    look = Views(log).look("ca", NOW)
    log.close()
    of_board, of_conversion = re.findall(r"```sql\n(.*?)```", DOCS.read_text(), re.DOTALL)
    found = board(look)
    assert (found.merged, found.transferred) == (1, 1)
    assert [(stage, n, float(amount or 0)) for stage, n, amount, _ in ask(bi, of_board)] == [
        (stage.stage, stage.count, sum(float(value.amount) for value in stage.value)) for stage in found.stages
    ]
    passed = conversion(look)
    entered = [stage for stage in passed.stages if stage.entered]
    told = "stage", "entered", "advanced", "lost", "moved_back", "transferred", "still_there"
    assert ask(bi, of_conversion) == [tuple(getattr(stage, name) for name in told) for stage in entered]
    for part in told[1:]:
        assert any(getattr(stage, part) for stage in entered), part
