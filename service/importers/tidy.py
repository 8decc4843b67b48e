"""Rows made ready: what is no date, no key, or there twice is told apart; the moments of date columns are computed."""

import polars as pl

from service.importers.conditions import change_column
from service.importers.dates import instants
from service.importers.part import Part
from service.importers.reading import ROW, Reading, repeated
from service.importers.report import Skipped, tally
from service.importers.shaping import KEY, PART

JOURNEY, ACTOR = "_journey", "_actor"
"""What tells journeys apart across all files; the person the row names as who did it."""
AGAIN = "the same row again"
TWICE = "the row's id is empty or there twice"


def instant_column(column: str) -> str:
    """Where the moment of a date column stands, in microseconds."""
    return f"@{column}"


def tidy(rows: pl.DataFrame, reading: Reading) -> pl.DataFrame:
    """rows: with `_row`, as the shaper gives them. Adds _journey, _actor, the moments of date columns (Int64 micros,
    null where empty) and, where a rule asks, whether cells changed.
    """
    for name, kind in rows.schema.items():
        if kind == pl.String:
            held = rows.filter(pl.col(name).str.contains("\0", literal=True))
            reading.bad.add(held, None if name == KEY else name, "the cell holds a NUL character")
    parts = reading.mapping.parts
    if len(parts) == 1:
        return tidy_part(rows, parts[0], reading)
    own = [tidy_part(rows.filter(pl.col(PART) == place), part, reading) for place, part in enumerate(parts)]
    return pl.concat(own, how="diagonal").sort(ROW)


def tidy_part(rows: pl.DataFrame, part: Part, reading: Reading) -> pl.DataFrame:
    bad = reading.bad
    if part.shape == "wide":
        twice = rows.filter(pl.col(KEY).is_not_null() & pl.col(KEY).is_duplicated())
        bad.add(twice, part.key, "this id is there twice: a wide file has one row a journey")
    if part.row_id:
        own_id = pl.struct(sorted({KEY, *part.row_id}))
        without = pl.any_horizontal(pl.col(name).is_null() for name in part.row_id)
        again = rows.filter(~without & pl.struct(sorted({KEY, *part.told, *part.row_id})).is_first_distinct().not_())
        if again.height:
            reading.report.skip(Skipped(activity=part.name or "rows", reason=AGAIN, rows=again.height))
            reading.left_out.update(again[ROW])
        others = rows.filter(~without & ~pl.col(ROW).is_in(list(reading.left_out)))
        bad.add(others.filter(own_id.is_duplicated()), part.row_id[0], TWICE)
    for name in part.join:
        note_lacking(rows, name, part, reading)
    for column, how in part.dates.items():
        moments = instants(rows[column], how).alias(instant_column(column))
        rows = rows.with_columns(moments)
        wrong = rows.filter(pl.col(column).is_not_null() & pl.col(instant_column(column)).is_null())
        bad.add(wrong, column, f"is no date as the mapping states it: {how.shown}")
    if part.watched:
        rows = with_changes(rows, part)
    actor = pl.col(part.actor) if part.actor is not None else repeated("actor", None, rows.height)
    journey = pl.col(KEY) if reading.mapping.linked else pl.concat_str(pl.lit(f"{part.journeys}\n"), KEY)
    return rows.with_columns(actor.alias(ACTOR), journey.alias(JOURNEY))


def note_lacking(rows: pl.DataFrame, name: str, part: Part, reading: Reading) -> None:
    """Tells the rows that name nothing in a side table, or what it lacks."""
    table, column = reading.mapping.tables[name], part.join[name]
    lacking = rows.filter(pl.col(column).is_not_null() & pl.col(f"{name}.{table.key}").is_null())
    if table.unknown == "refuse":
        why = f"is not in {table.file}: fix it under `spelling`, or say `unknown: empty`"
        reading.bad.add(lacking, column, why)
    elif lacking.height and not (table.when or table.each):
        # Of a table that holds only some keys by intent, absence tells nothing.
        tally(reading.report.unknown_keys, {name: lacking.height})
    if rows[column].null_count():
        tally(reading.report.empty_keys, {name: rows[column].null_count()})


def with_changes(rows: pl.DataFrame, part: Part) -> pl.DataFrame:
    """Whether each cell differs from the journey's last one; rows at one instant stand as in the file."""
    moment = pl.col(instant_column(part.time or ""))
    ordered = rows.sort(pl.col(KEY), moment, pl.col(ROW))
    told = []
    for column in part.watched:
        before = pl.col(column).forward_fill().shift().over(KEY)
        changed = pl.when(before.is_null()).then(pl.lit("first")).when(pl.col(column) != before).then(pl.lit("differs"))
        told.append(pl.when(pl.col(column).is_not_null()).then(changed).fill_null("same").alias(change_column(column)))
    return ordered.with_columns(told).sort(ROW)
