"""Through a real log: the live views follow it, and what they hold equals deriving everything anew, and the fold."""

import shutil
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from random import Random
from tempfile import TemporaryDirectory
from typing import Any
from unittest.mock import patch

from hypothesis import given, settings
from hypothesis import strategies as st

from engine.log.application import Log
from engine.log.feed import read_feed
from engine.projections import first_page, following, kept, lengths, live, spans, streams
from engine.projections import views as reading
from engine.projections.columns import ACTOR, Columns
from engine.projections.lens import Lens
from engine.projections.look import Look
from engine.projections.views import Views
from engine.stages.definition import Definition
from engine.stages.facts import KINDS, MOVES, VALUED, Fact
from engine.values import from_micros
from replay.verify import verify
from tests.properties.answers_of import answers
from tests.properties.events_of import START, STEP, publish, write_journeys, writing
from tests.properties.random_logs import definitions, facts
from tests.properties.telling_events import Telling, with_limits

BEFORE = 2
"""entries that publishing the definition puts before the journeys'"""


def assert_same(found: dict[str, object], expected: dict[str, object]) -> None:
    """Part by part, so that a difference is shown and not all there is."""
    for name, part in expected.items():
        assert found[name] == part, name


NOW = datetime(2024, 5, 1, tzinfo=UTC)
LIVE = (("one", 1), ("one", 2), ("two", 1))


def everything(views: Views) -> dict[str, object]:
    """All that the views tell and keep, in words."""
    views.catch_up()
    told = in_words(views.columns)
    for pipeline, version in LIVE:
        look = views.look(pipeline, Lens.of(definition=version, now=NOW))
        told[f"{pipeline} {version}"] = frames(look)
        if version == LIVE[0][1]:
            told[f"answers of {pipeline}"] = answers(look)
        told[f"schema of {pipeline} {version}"] = (look.visits.schema, look.journeys.schema, look.attributes.schema)
    return told


def anew(log: Log) -> dict[str, object]:
    with many_at_once():
        return everything(Views(log))


@contextmanager
def many_at_once() -> Iterator[None]:
    """However few events and journeys there are, they are read and derived by columns."""
    with (
        patch.object(reading, "FEW_EVENTS", 0),
        patch.object(following, "FEW", 0),
        patch.object(following, "WHOLESALE", 1.0),
    ):
        yield


@contextmanager
def limits(few: int) -> Iterator[None]:
    """What is kept apart until there is much of it is put together after so little."""
    with ExitStack() as patches:
        for module, name in (
            (kept, "NEWEST"),
            (kept, "FEW"),
            (kept, "TIMES"),
            (spans, "BESIDE"),
            (spans, "MOST"),
            (following, "PLAIN"),
            (spans, "WIDTH"),
            (spans, "FEW"),
            (live, "MANY"),
            (lengths, "FEW"),
            (first_page, "MOST"),
            (first_page, "SPARE"),
            (streams, "RECENT"),
        ):
            patches.enter_context(patch.object(module, name, few))
        yield


def in_words(columns: Columns) -> dict[str, object]:
    """The columns' rows. Codes are given as words are met, by rows or by columns, so only the words can be equal."""
    people, stages, signals, pipelines, currencies = (
        dict(enumerate(getattr(columns.codes, name)))
        for name in ("people", "stages", "signals", "pipelines", "currencies")
    )
    events = []
    for row in columns.events.all().rows(named=True):
        kind = KINDS[row["kind"]]
        coded = {"SignalRecorded": signals, "OwnerAssigned": people}
        coded |= dict.fromkeys(MOVES, stages) | dict.fromkeys(VALUED, currencies | {-1: ""})
        code = coded[kind][row["code"]] if kind in coded else row["code"]
        told = (code % ACTOR, people[code // ACTOR]) if kind == "Touched" else code
        events.append(row | {"code": told})
    sides: dict[str, Any] = {name: side.all().rows(named=True) for name, side in columns.sides.items()}
    for row in sides["openings"]:
        row |= {"pipeline": pipelines[row["pipeline"]], "owner": people.get(row["owner"])}
    changed = {row["position"] for row in events if KINDS[row["kind"]] == "PipelineChanged"}
    sides["numbers"] = [
        row | {"value": pipelines[row["value"]] if row["position"] in changed else row["value"]}
        for row in sides["numbers"]
    ]
    return {"events": events} | sides | {"streams": columns.streams.all().rows()}


def frames(look: Look) -> list[list[tuple[object, ...]]]:
    return [frame.rows() for frame in (look.visits, look.journeys, look.attributes)] + [[(look.void,)]]


@settings(max_examples=12, deadline=None)
@given(facts(), st.tuples(definitions(), definitions(), definitions()), st.integers(0, 2**32), st.integers(1, 9))
def test_views_that_follow_the_log_equal_views_that_begin_anew(
    sqlite_template: Path, journeys: list[list[Fact]], stages: tuple[Definition, ...], seed: int, at_a_time: int
) -> None:
    """Row by row or by columns; in every version of every pipeline; whenever they look."""
    random = Random(seed)
    with TemporaryDirectory() as folder, limits(random.choice([1, 2, 5])):
        log = fresh(sqlite_template, Path(folder) / "log.db")
        for pipeline, definition in zip(("one", "one", "two"), stages, strict=True):
            publish(log, with_limits(definition, random, pipeline))
        by_rows, by_columns = Views(log), Views(log)
        for views in (by_rows, by_columns):
            everything(views)
        telling = Telling(random)
        for _ in writing(log, journeys, at_a_time=at_a_time, name="", tell=telling, envelope=telling.envelope):
            if random.random() < 0.2:
                answers(by_rows.look("one", Lens.of(now=NOW - timedelta(minutes=random.randrange(2)))))
            if random.random() < 0.2:
                by_rows.settle()
            if random.random() < 0.5:
                by_rows.catch_up()
                with many_at_once():
                    by_columns.catch_up()
        expected = anew(log)
        assert_same(everything(by_rows), expected)
        with many_at_once():
            assert_same(everything(by_columns), expected)
        log.close()


@settings(max_examples=10, deadline=None)
@given(st.lists(facts(), min_size=1, max_size=3), definitions(), st.integers(1, 9))
def test_views_that_follow_the_log_equal_the_plain_fold(
    sqlite_template: Path, batches: list[list[list[Fact]]], definition: Definition, at_a_time: int
) -> None:
    with TemporaryDirectory() as folder:
        log = fresh(sqlite_template, Path(folder) / "log.db")
        publish(log, definition)
        views = Views(log)
        views.look("one", Lens.of())
        for number, journeys in enumerate(batches):
            write_journeys(log, journeys, at_a_time=at_a_time, name=str(number))
            views.catch_up()
        assert verify(log, views) == []
        log.close()


@settings(max_examples=25, deadline=None)
@given(facts(), definitions(), st.integers(3, 40), st.integers(0, 7))
def test_the_two_lenses_together_show_the_log_as_it_stood(
    sqlite_template: Path, journeys: list[list[Fact]], definition: Definition, prefix: int, day: int
) -> None:
    """What is asked now about then equals what a log that ends there would answer."""
    as_of = START + 10 * STEP * day
    with TemporaryDirectory() as folder:
        whole, short = (fresh(sqlite_template, Path(folder) / name) for name in ("whole.db", "short.db"))
        for log in (whole, short):
            publish(log, definition)
        write_journeys(whole, journeys, at_a_time=1, name="")
        known = [[fact for fact in each if fact.position + BEFORE <= prefix] for each in journeys]
        write_journeys(short, known, at_a_time=1, name="")
        known_at = from_micros(read_feed(whole, 0, prefix)["recorded_at"][-1])
        then = Views(whole).look("one", Lens.of(as_of, known_at))
        stood = Views(short).look("one", Lens.of(as_of))
        assert frames(then) == frames(stood)
        whole.close()
        short.close()


def fresh(template: Path, path: Path) -> Log:
    shutil.copyfile(template, path)
    return Log(f"sqlite:///{path}")
