"""Whom the few journeys that are shown are sold to."""

from typing import TYPE_CHECKING
from uuid import UUID

import polars as pl
from sqlalchemy import select

from engine.log.application import Log
from engine.log.identity import from_database, to_database
from engine.log.tables import people
from engine.projections.cards import Owner

if TYPE_CHECKING:
    from engine.projections.look import Look


def customers_of(look: "Look", shown: pl.Series) -> dict[int, Owner]:
    """By code of the journey, of those that have one. shown: codes of a page's journeys.

    What was said last counts: a deal may name another than its lead. Who was erased is nobody any more.
    """
    said = look.seen().sides["customers"].filter(pl.col("journey").is_in(shown.implode()))
    last = said.sort("occurred_at", "position").unique("journey", keep="last")
    known = customers(look.log, last["person"].unique().to_list())
    return {journey: known[who] for journey, who in last.select("journey", "person").iter_rows() if who in known}


def customers(log: Log, ids: list[str]) -> dict[str, Owner]:
    """key and label of customers by person_id (32 hex digits)."""
    if not ids:
        return {}
    with log.engine.connect() as connection:
        asked = [to_database(connection, UUID(hex=one)) for one in ids]
        rows = connection.execute(select(people).where(people.c.person_id.in_(asked))).all()
    return {from_database(row.person_id).hex: Owner(key=row.key, label=row.name or row.key) for row in rows}
