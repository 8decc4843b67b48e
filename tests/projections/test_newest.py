"""The newest word on each thing, by neighbours, is the one that a plain dictionary ends with."""

import polars as pl
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.projections.newest import newest_of_each

JOURNEYS = st.lists(st.lists(st.sampled_from([None, "a", "b", "c"]), max_size=14), max_size=6)


@settings(max_examples=60, deadline=None)
@given(JOURNEYS)
def test_the_last_word_on_each_thing_stays_and_in_its_place(journeys: list[list[str | None]]) -> None:
    told = [(number, thing) for number, things in enumerate(journeys) for thing in things]
    newest = {(journey, thing): place for place, (journey, thing) in enumerate(told)}

    rows = pl.DataFrame(told, schema={"journey": pl.UInt32, "thing": pl.String}, orient="row").with_row_index("place")

    assert newest_of_each(rows, "thing")["place"].to_list() == sorted(newest.values())
