"""What is new in the log, taken into the columns: however it is cut into batches, the columns tell the same."""

from collections.abc import Iterator
from functools import partial
from pathlib import Path

import polars as pl
import pytest
from polars.testing import assert_frame_equal

from engine.aggregates.deal.commands import OpenDeal
from engine.aggregates.inputs import PersonRef
from engine.aggregates.lead.commands import CaptureLead, ConvertLead
from engine.log.application import Log
from engine.log.bulk import existing_events
from engine.log.feed import read_feed
from engine.projections.coding import FEW
from engine.projections.columns import ACTOR, SIDES, Columns
from engine.projections.intake import take
from engine.stages.criteria_polars import CODE
from engine.stages.facts import MOVES, VALUED
from tests.replay.archive.histories import write_history
from tests.replay.test_history import ask


@pytest.fixture(scope="module")
def history(sqlite_template: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Log]:
    path = tmp_path_factory.mktemp("intake") / "log.db"
    path.write_bytes(sqlite_template.read_bytes())
    log = Log(f"sqlite:///{path}")
    write_history(log, journeys=80)
    # Simulated journeys have no customers.
    customers = [PersonRef(source="crm", key=f"c-{number % 5}", name="Somebody") for number in range(8)]
    for customer in customers:
        ask(log, OpenDeal(pipeline="direct", title="A sale", person=customer))
        lead = ask(log, CaptureLead(pipeline="online", person=customer))
        ask(log, ConvertLead(title="A lead's"), lead.stream_id)
    yield log
    log.close()


def taken(log: Log, at_once: int) -> Columns:
    columns = Columns()
    while not (feed := read_feed(log, columns.position, at_once)).is_empty():
        take(columns, feed, partial(existing_events, log))
    return columns


def in_words(columns: Columns) -> dict[str, pl.DataFrame]:
    """The columns with the words that their codes stand for: codes are given in the order in which words come."""
    codes = columns.codes

    def words(column: str, known: dict[str, int]) -> pl.Expr:
        return pl.col(column).replace_strict(list(known.values()), list(known), default=None, return_dtype=pl.String)

    kind = pl.col("kind")
    rows = columns.events.all().with_columns(actor=pl.col("code") // ACTOR)
    events = rows.select(
        "journey",
        "occurred_at",
        "position",
        "kind",
        "policy",
        code=pl.when(kind == CODE["SignalRecorded"])
        .then(words("code", codes.signals))
        .when(kind.is_in([CODE[name] for name in MOVES]))
        .then(words("code", codes.stages))
        .when(kind == CODE["OwnerAssigned"])
        .then(words("code", codes.people))
        .when(kind.is_in([CODE[name] for name in VALUED]))
        .then(words("code", codes.currencies))
        .when(kind == CODE["Touched"])
        .then((pl.col("code") % ACTOR).cast(pl.String))
        .otherwise(pl.col("code").cast(pl.String)),
        actor=pl.when(kind == CODE["Touched"]).then(words("actor", codes.people)),
    )
    sides = {name: columns.sides[name].all() for name in SIDES}
    sides["openings"] = sides["openings"].with_columns(
        pipeline=words("pipeline", codes.pipelines), owner=words("owner", codes.people)
    )
    changes = events.filter(kind == CODE["PipelineChanged"])["position"]
    sides["numbers"] = sides["numbers"].with_columns(
        value=pl.when(pl.col("position").is_in(changes.implode()))
        .then(words("value", codes.pipelines))
        .otherwise(pl.col("value").cast(pl.String))
    )
    sides["attributes"] = sides["attributes"].sort("position", "name")
    return {"events": events, "streams": columns.streams.all(), **sides}


@pytest.mark.parametrize("at_once", [3, 60])
def test_few_events_at_a_time_come_to_the_same_as_all_at_once(history: Log, at_once: int) -> None:
    whole = taken(history, history.position())
    assert history.position() > FEW, "or else both ways were the same one"
    told, wanted = in_words(taken(history, at_once)), in_words(whole)
    for name, rows in wanted.items():
        assert_frame_equal(told[name], rows)
    silent = {name for name, rows in wanted.items() if rows.is_empty()}
    assert silent <= {"stalls", "notes"}, "a history that says little"
