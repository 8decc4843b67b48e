"""A simulated history: the same again, sound, full of everything the derivation handles, and never later than asked."""

import json
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import polars as pl
import pytest

from engine.errors import Rejected
from engine.log import schema
from engine.log.application import Log
from engine.log.feed import read_feed
from engine.projections.lens import Lens
from engine.projections.views import Views
from engine.values import to_micros
from replay.history import history
from replay.verify import verify
from service.cli import exits
from service.importers.kinds import KINDS
from service.simulation.history import simulate
from service.simulation.settings import Settings
from tests.service.commandline import run

SINCE, UNTIL = (to_micros(datetime(year, 1, 1, tzinfo=UTC)) for year in (2023, 2025))
RANDOM = r'"(text_id|hash|owner)":"[0-9a-f-]*"'


def settings(journeys: int = 600, seed: int = 5, pipelines: tuple[str, ...] = ("direct", "online")) -> Settings:
    return Settings(journeys, seed, SINCE, UNTIL, pipelines)


@pytest.fixture
def another_log(tmp_path: Path) -> Iterator[Log]:
    url = f"sqlite:///{tmp_path / 'another.db'}"
    schema.init(url)
    log = Log(url)
    yield log
    log.close()


@pytest.fixture(scope="module")
def large(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Log]:
    """6,000 journeys: enough for what is rare."""
    url = f"sqlite:///{tmp_path_factory.mktemp('simulated') / 'large.db'}"
    schema.init(url)
    log = Log(url)
    simulate(log, settings(6_000), size=2_000)
    yield log
    log.close()


def journey_events(log: Log) -> pl.DataFrame:
    feed = read_feed(log, 0).filter(pl.col("type").str.contains("^(lead|deal)"))
    names = "event_id", "stream_id", "version", "type", "occurred_at", "payload"
    return feed.select(names).with_columns(pl.col("payload").str.replace_all(RANDOM, '"$1":""'))


def test_check_finds_no_difference(log: Log) -> None:
    written = simulate(log, settings())
    assert journey_events(log).height == written.events
    assert verify(log) == []


def test_the_same_settings_give_the_same_events_in_the_same_order(log: Log, another_log: Log) -> None:
    simulate(log, settings(200))
    simulate(another_log, settings(200))
    assert journey_events(log).equals(journey_events(another_log))


def test_another_seed_gives_another_history(log: Log, another_log: Log) -> None:
    simulate(log, settings(100, seed=1))
    simulate(another_log, settings(100, seed=2))
    assert set(journey_events(log)["event_id"]).isdisjoint(journey_events(another_log)["event_id"])


def test_the_size_of_a_slice_changes_nothing_but_the_order_of_streams(log: Log, another_log: Log) -> None:
    simulate(log, settings(300))
    simulate(another_log, settings(300), size=50)
    order = ("stream_id", "version")
    assert journey_events(log).sort(order).equals(journey_events(another_log).sort(order))


def test_a_slice_that_parts_duplicates_is_refused(log: Log) -> None:
    with pytest.raises(ValueError, match="even"):
        simulate(log, settings(50), size=25)


def test_two_histories_fit_into_one_log(log: Log) -> None:
    simulate(log, settings(100, seed=1))
    simulate(log, settings(100, seed=2))
    assert verify(log) == []


def test_the_same_history_is_not_written_twice(log: Log) -> None:
    simulate(log, settings(50))
    before = log.position()
    with pytest.raises(Rejected, match="--seed"):
        simulate(log, settings(50))
    assert log.position() == before


def test_one_pipeline_alone_transfers_nothing(log: Log) -> None:
    simulate(log, settings(400, pipelines=("online",)))
    views = Views(log)
    views.catch_up()
    assert views.pipelines() == ["online"]
    assert views.look("online", Lens.of()).journeys.filter(pl.col("outcome") == "transferred").is_empty()


def test_nothing_happens_outside_the_days_asked_for(large: Log) -> None:
    happened = journey_events(large)["occurred_at"]
    assert min(happened) >= SINCE
    assert max(happened) <= UNTIL


def test_every_kind_of_event_is_there_but_for_the_alerts_of_policies(large: Log) -> None:
    told = {
        (tag.split(".")[0], name.removesuffix(".v1"))
        for tag in journey_events(large)["type"].unique()
        for name in [tag.split(".", 1)[1]]
    }
    known = {
        tuple(model.TOPIC.removesuffix(".v1").split(".", 1))
        for kind in KINDS.values()
        for model in kind.models.values()
    }
    rare = {("lead", "attributes_set"), ("lead", "owner_assigned")}
    assert known - rare <= told
    assert {("lead", "entry_retracted"), ("deal", "entry_retracted")} <= told


def test_every_way_through_the_stages_is_there(large: Log) -> None:
    views = Views(large)
    direct, online = (views.look(name, Lens.of()) for name in ("direct", "online"))
    assert direct.void > 0
    assert set(direct.journeys["outcome"]) == set(online.journeys["outcome"])
    assert set(direct.journeys["outcome"]) == {"open", "won", "lost", "disqualified", "transferred", "merged"}
    assert set(direct.visits["how"]) == {"automatic", "moved", "reopened"}
    assert -1 in direct.visits["stage"]
    assert not direct.journeys.filter(pl.col("ever_won") & (pl.col("outcome") != "won")).is_empty()
    assert set(direct.journeys["currency"].drop_nulls()) == {"EUR", "USD", "JPY"}
    assert direct.version == 2
    wins = direct.visits.filter(pl.col("stage") == direct.definition.ranks["won"]).group_by("journey").len()
    assert (wins["len"] > 1).any()


def test_replaced_and_unknown_stage_keys_are_there(large: Log) -> None:
    moves = journey_events(large).filter(pl.col("type") == "deal.stage_moved.v1")["payload"]
    keys = set(moves.str.json_path_match("$.stage"))
    assert {"presentation", "meeting", "site-visit"} <= keys


def test_corrections_and_late_entries_are_there(large: Log) -> None:
    events = journey_events(large)
    taken_back = events.filter(pl.col("type").str.contains("retracted"))["payload"].str.json_path_match("$.event_id")
    of_entry = events.filter(pl.col("event_id").is_in(taken_back.str.replace_all("-", "").implode()))
    assert of_entry.height == taken_back.len()
    assert {"deal.won.v1", "deal.lost.v1", "deal.touched.v1", "lead.captured.v1"} <= set(of_entry["type"])
    late = events.sort("stream_id", "version").filter(
        (pl.col("stream_id") == pl.col("stream_id").shift()) & (pl.col("occurred_at") < pl.col("occurred_at").shift())
    )
    assert late.height > 50


def test_texts_are_few_unless_every_journey_has_its_title(log: Log) -> None:
    simulate(log, settings(300))
    with log.engine.connect() as connection:
        shared = connection.exec_driver_sql("SELECT count(*) FROM texts").scalar_one()
    simulate(log, Settings(300, 9, SINCE, UNTIL, titles=True))
    assert shared < 60
    assert verify(log) == []
    look = Views(log).look("direct", Lens.of())
    assert look.named(look.journeys)["label"].n_unique() > 150


def test_reps_move_between_teams(large: Log) -> None:
    membership = Views(large).look("direct", Lens.of()).membership
    assert membership["team"].n_unique() == 4
    assert membership.group_by("rep").len()["len"].max() == 4


def test_the_history_of_a_journey_ends_where_the_board_has_it(large: Log) -> None:
    look = Views(large).look("direct", Lens.of())
    # One of each outcome, and one of each stage.
    standing = look.journeys.filter(pl.col("outcome") != "transferred")
    some = pl.concat([standing.unique("outcome", keep="first"), standing.unique("stage", keep="last")])
    assert some.height > 8
    for journey_id, stage in some.select("journey_id", "stage").iter_rows():
        assert history(large, journey_id, Lens.of()).state.stage == look.definition.key_of(stage), journey_id


@pytest.fixture
def empty(tmp_path: Path) -> Path:
    path = tmp_path / "empty.db"
    schema.init(f"sqlite:///{path}")
    return path


def test_the_command_says_what_it_was_made_from(empty: Path) -> None:
    said = run("simulate", "--events", "1500", "--db", empty, "--json")
    answer = said.answer
    assert 1000 < answer["events"] < 2000
    assert answer["parameters"]["sources"]["referral"]["leak"] == 0.7
    assert 0 < answer["truth"]["pipelines"]["direct"]["win_rate"]["value"] < 1
    drawn = run("simulate", "--journeys", "100", "--seed", "2", "--db", empty)
    assert drawn.code == exits.OK, drawn.err
    assert "cold outreach" in drawn.out
    assert "\x1b" not in drawn.out
    checked = run("check", "--db", empty, "--json").answer
    assert checked["n"] == 0, json.dumps(checked)


@pytest.mark.parametrize(
    ("options", "code", "words"),
    [
        ((), exits.USAGE, ("--journeys", "--events")),
        (("--journeys", "5", "--events", "9"), exits.USAGE, ("--journeys", "--events")),
        (("--journeys", "0"), exits.USAGE, ("--journeys", "1")),
        (("--journeys", "5", "--from", "soon"), exits.USAGE, ("--from", "soon")),
        (("--journeys", "5", "--to", "2999-01-01"), exits.USAGE, ("2999-01-01", "future")),
        (("--journeys", "5", "--from", "2024-01-01", "--to", "2023-01-01"), exits.USAGE, ("2023-01-01",)),
        (("--journeys", "5", "--pipelines", "tea"), exits.REFUSED, ("tea", "direct")),
    ],
)
def test_a_wrong_wish_is_refused_by_name(
    options: tuple[str, ...], code: int, words: tuple[str, ...], empty: Path
) -> None:
    run("simulate", *options, "--db", empty).refused(code, *words)
    log = Log(f"sqlite:///{empty}")
    assert log.position() == 0
    log.close()
