"""An earlier moment, derived from a later one and what happened in between, is what deriving all of it gives."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import polars as pl
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from polars.testing import assert_frame_equal

from engine.log import schema
from engine.log.application import Log
from engine.log.feed import read_few
from engine.projections import earlier
from engine.projections.earlier import Sight, changed_since
from engine.projections.lens import Lens
from engine.projections.look import Look
from engine.projections.views import Views
from engine.values import from_micros, to_micros
from service.simulation.history import simulate
from service.simulation.settings import Settings

END = datetime(2026, 1, 1, tzinfo=UTC)
DAYS = 300


@pytest.fixture(scope="module")
def made_up(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Views]:
    """Journeys that change pipelines, are merged, reopened and retracted, as a process that serves has them."""
    url = f"sqlite:///{tmp_path_factory.mktemp('earlier') / 'log.db'}"
    schema.init(url)
    log = Log(url)
    simulate(log, Settings(journeys=250, seed=11, since=to_micros(END - timedelta(days=DAYS)), until=to_micros(END)))
    yield Views(log)
    log.close()


def same(one: Look, other: Look) -> None:
    for name in ("visits", "journeys", "attributes"):
        assert_frame_equal(getattr(one, name), getattr(other, name))
    assert (one.as_of, one.known_at, one.void) == (other.as_of, other.known_at, other.void)


@given(
    days=st.lists(st.integers(0, DAYS), min_size=1, max_size=4),
    shares=st.lists(st.integers(0, 100), min_size=4, max_size=4),
    known=st.booleans(),
    pipeline=st.sampled_from(["direct", "online"]),
)
@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_step_by_step_back_gives_what_deriving_all_gives(
    made_up: Views,
    monkeypatch: pytest.MonkeyPatch,
    days: list[int],
    shares: list[int],
    known: bool,
    pipeline: str,
) -> None:
    # However much changed in between.
    monkeypatch.setattr(earlier, "WHOLESALE", 2)
    look = made_up.look(pipeline, Lens.of())
    recorded = [known_at(made_up, share) if known else None for share in sorted(shares, reverse=True)]
    for day, then in zip(sorted(days, reverse=True), recorded, strict=False):
        at = END - timedelta(days=DAYS - day)
        look = look.at(to_micros(at), then)
        told = None if then is None else from_micros(then)
        same(look, made_up.look(pipeline, Lens.of(at, told)))


def known_at(views: Views, share: int) -> int:
    """When so many percent of the log were recorded."""
    [row] = read_few(views.log, max(1, views.position * share // 100) - 1, 1)
    return row.recorded_at


def test_only_what_happened_or_was_recorded_in_between_has_changed(made_up: Views) -> None:
    made_up.catch_up()
    rows = made_up.columns.events.all()
    earlier_end, later_end = (to_micros(END - timedelta(days=days)) for days in (40, 10))
    happened = rows.filter((pl.col("occurred_at") > earlier_end) & (pl.col("occurred_at") <= later_end))
    found = changed_since(made_up.columns, Sight(earlier_end, None), Sight(later_end, None))
    assert found.to_list() == sorted(set(happened["journey"]))
    assert 0 < len(found) < len(made_up.columns.streams)
    half = made_up.position // 2
    told = changed_since(made_up.columns, Sight(later_end, half), Sight(later_end, None))
    assert told.to_list() == sorted(set(rows.filter(pl.col("position") > half)["journey"]))


def test_a_later_moment_than_that_of_the_look_is_derived_from_the_log(made_up: Views) -> None:
    past, later = (END - timedelta(days=days) for days in (100, 20))
    look = made_up.look("direct", Lens.of(past))
    same(look.at(to_micros(later), None), made_up.look("direct", Lens.of(later)))
