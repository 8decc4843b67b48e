"""Whom the few journeys that are shown are sold to: no column holds it, the log and the people are asked."""

from typing import TYPE_CHECKING, Final
from uuid import UUID

import polars as pl
from sqlalchemy import select

from engine.log.application import Log
from engine.log.feed import upcast
from engine.log.frames import read_frame
from engine.log.identity import from_database, to_database
from engine.log.tables import events, people
from engine.projections.cards import Owner

if TYPE_CHECKING:
    from engine.projections.look import Look

_ASKED: Final = 500
_READ: Final = tuple(events.c[name] for name in ("position", "type", "payload"))
_PERSON: Final = pl.Struct({"person": pl.String})


def customers_of(look: "Look", shown: pl.Series) -> dict[int, Owner]:
    """By code of the journey, of those that have one. shown: codes of a page's journeys.

    What was said last counts: a deal may name another than its lead. Who was erased is nobody any more.
    """
    said = look.seen().sides["openings"].filter(pl.col("journey").is_in(shown.implode()))
    said = said.select("journey", "occurred_at", "position")
    named = said.join(named_at(look.log, said["position"].sort().to_list()), on="position").drop_nulls("person")
    last = named.sort("occurred_at", "position").unique("journey", keep="last")
    known = customers(look.log, last["person"].unique().to_list())
    return {journey: known[who] for journey, who in last.select("journey", "person").iter_rows() if who in known}


def named_at(log: Log, positions: list[int]) -> pl.DataFrame:
    """position and person (32 hex digits, or null) of the openings there."""
    parts = [pl.DataFrame(schema={"position": pl.UInt32, "person": pl.String})]
    for start in range(0, len(positions), _ASKED):
        some = positions[start : start + _ASKED]
        asked = f"FROM events WHERE position IN ({', '.join('?' * len(some))})"
        with log.engine.connect() as connection:
            found = upcast(log, read_frame(connection, _READ, asked, some))
        person = found["payload"].str.json_decode(_PERSON).struct.field("person").str.replace_all("-", "", literal=True)
        parts.append(found.select(pl.col("position").cast(pl.UInt32), person.alias("person")))
    return pl.concat(parts)


def customers(log: Log, ids: list[str]) -> dict[str, Owner]:
    """key and label of customers by person_id (32 hex digits)."""
    with log.engine.connect() as connection:
        asked = [to_database(connection, UUID(hex=one)) for one in ids]
        rows = connection.execute(select(people).where(people.c.person_id.in_(asked))).all() if ids else []
    return {from_database(row.person_id).hex: Owner(key=row.key, label=row.name or row.key) for row in rows}
