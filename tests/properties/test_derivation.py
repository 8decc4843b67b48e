"""The derivation over columns equals the plain fold, cell by cell, over random logs and random definitions."""

from itertools import chain

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from polars.testing import assert_frame_equal

from engine.projections import parts
from engine.projections.columns import Columns
from engine.projections.frames import derive
from engine.projections.journeys import derive_profiles, with_values
from engine.projections.outcomes import profiles_told
from engine.projections.seen import see
from engine.projections.visits import derive_visits
from engine.stages.definition import Definition
from engine.stages.facts import Fact, life
from engine.stages.fold import fold
from tests.properties.columns_of import columns_of, known_by
from tests.properties.random_logs import definitions, facts

Cells = list[tuple[int, str, int, int, int | None, str]]


def derived(columns: Columns, definition: Definition, as_of: int | None = None, known: int | None = None) -> Cells:
    seen = see(columns, as_of=as_of, known=known)
    visits = derive_visits(seen, definition, columns.codes)
    cells = visits.select("journey", "stage", "entered_at", "entered_position", "left_at", "how").rows()
    return [(journey, definition.key_of(stage), *rest) for journey, stage, *rest in cells]


def folded(journeys: list[list[Fact]], definition: Definition, as_of: int | None, known_at: int | None) -> Cells:
    return [
        (number, visit.stage, visit.entered_at, visit.entered_position, visit.left_at, visit.how)
        for number, entries in enumerate(journeys)
        for visit in fold(life(entries, as_of=as_of, known_at=known_at), definition).visits
    ]


@settings(max_examples=500, deadline=None)
@given(facts(), definitions(), st.none() | st.integers(0, 70), st.none() | st.integers(0, 200))
def test_the_derivation_equals_the_plain_fold(
    journeys: list[list[Fact]], definition: Definition, as_of: int | None, known_at: int | None
) -> None:
    columns = columns_of(dict(enumerate(journeys)))
    known = known_by(chain.from_iterable(journeys), known_at)
    assert derived(columns, definition, as_of, known) == folded(journeys, definition, as_of, known_at)


@settings(max_examples=120, deadline=None)
@given(facts(), definitions())
def test_a_visit_carries_the_value_the_journey_had_when_it_entered(
    journeys: list[list[Fact]], definition: Definition
) -> None:
    columns = columns_of(dict(enumerate(journeys)))
    seen = see(columns, as_of=None, known=None)
    visits = with_values(derive_visits(seen, definition, columns.codes), seen, columns.codes)
    expected = []
    for number, entries in enumerate(journeys):
        alive = life(entries)
        for visit in fold(alive, definition).visits:
            place = [fact.position for fact in alive.entries].index(visit.entered_position)
            values = [(f.amount_minor, f.currency) for f in alive.entries[: place + 1] if f.amount_minor is not None]
            expected.append((number, *(values[-1] if values else (None, None))))
    assert visits.select("journey", "amount_minor", "currency").rows() == expected


@settings(max_examples=80, deadline=None)
@given(facts(), definitions())
def test_some_journeys_derived_alone_equal_all_derived_together(
    journeys: list[list[Fact]], definition: Definition
) -> None:
    columns = columns_of(dict(enumerate(journeys)))
    everyone = see(columns, as_of=None, known=None)
    some = pl.Series([number for number in range(len(journeys)) if number % 2], dtype=pl.UInt32)
    few = see(columns, as_of=None, known=None, only=some)
    whole = derive_visits(everyone, definition, columns.codes).drop("row")
    part = derive_visits(few, definition, columns.codes).drop("row")
    assert part.rows() == whole.filter(pl.col("journey").is_in(some.implode())).rows()


@settings(max_examples=60, deadline=None)
@given(facts(), definitions(), st.integers(1, 12), st.none() | st.integers(0, 70))
def test_what_is_derived_in_parts_equals_what_is_derived_at_once(
    journeys: list[list[Fact]], definition: Definition, size: int, as_of: int | None
) -> None:
    columns = columns_of(dict(enumerate(journeys)))

    def frames() -> list[pl.DataFrame]:
        seen = see(columns, as_of=as_of, known=None)
        profiles = derive_profiles(seen, columns.codes)
        return [seen.events, profiles, *derive(seen, columns, definition, profiles)]

    at_once = frames()
    _, profiles, _, rows, *_ = at_once
    # Another definition of the pipeline is derived from what this one's rows tell.
    own = profiles.filter(pl.col("journey").is_in(rows["journey"].implode()))
    assert_frame_equal(profiles_told(rows), own.with_columns(pl.col("stream").fill_null(rows["journey_id"])))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(parts, "PART", 1)
        patch.setattr(pl, "thread_pool_size", lambda: size)
        for whole, joined in zip(at_once, frames(), strict=True):
            assert_frame_equal(joined, whole)
