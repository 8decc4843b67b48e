"""Rows of the feed read by shape (shapes.py): the narrow rows, and those of the side tables."""

from collections.abc import Callable, Iterator, Mapping
from typing import Final

import polars as pl
from polars._typing import PolarsDataType

from engine.projections.coding import FEW
from engine.projections.columns import EVENTS, SIDES, STAMP
from engine.projections.shapes import AMOUNT, NOTE, PERSON, SHAPES, Known, Shape, Value
from engine.stages.criteria_polars import CODE

_SHAPE: Final = {CODE[kind]: number for number, shape in enumerate(SHAPES) for kind in shape.kinds}
_BARE: Final = Shape(frozenset(), {})
"""of what columns hold no more than that it happened"""


def read(rows: pl.DataFrame, known: Known) -> tuple[pl.DataFrame, dict[str, pl.DataFrame]]:
    """The narrow rows and those of the side tables, in no order.

    rows: of the feed, with journey, kind, policy and actor as the columns have them.
    """
    events: list[pl.DataFrame] = []
    tables: dict[str, list[pl.DataFrame]] = {}
    for shape, some in by_shape(rows):
        told = decoded(some, shape.fields) if shape.fields else some
        events.append(selected(told, EVENTS, {"code": shape.code}, known))
        for name, values in shape.tables.items():
            more = PICKED[name](told) if name in PICKED else told
            if more.height:
                tables.setdefault(name, []).append(selected(more, SIDES[name], values, known))
    return joined(events), {name: joined(parts) for name, parts in tables.items()}


def by_shape(rows: pl.DataFrame) -> Iterator[tuple[Shape, pl.DataFrame]]:
    """The rows divided by shape."""
    shapes = {_SHAPE.get(kind) for kind in rows["kind"].unique().to_list()}
    if len(shapes) == 1:
        parts = {(shape,): rows for shape in shapes}
    else:
        number = pl.col("kind").replace_strict(_SHAPE, default=None, return_dtype=pl.UInt8)
        parts = rows.with_columns(shape=number).partition_by("shape", as_dict=True, include_key=False)
    for (shape,), some in parts.items():
        yield _BARE if shape is None else SHAPES[shape], some


def decoded(rows: pl.DataFrame, fields: Mapping[str, PolarsDataType]) -> pl.DataFrame:
    """With these fields of the payloads beside them. Of equal payloads one is read."""
    payloads, schema = rows["payload"], pl.Struct(dict(fields))
    different = payloads.unique() if len(payloads) > FEW else payloads
    if len(different) * 2 < len(payloads):
        told = pl.DataFrame([different, different.str.json_decode(schema).alias("said")])
        found = payloads.to_frame().join(told, on="payload", how="left", maintain_order="left")["said"]
    else:
        found = payloads.str.json_decode(schema)
    texts = found.struct.unnest()
    texts.columns = [f"said.{field}" for field in fields]
    return rows.hstack(texts)


def each_of(rows: pl.DataFrame) -> pl.DataFrame:
    """A row for each attribute that the payload lists."""
    listed = rows.select(*STAMP, attribute="said.attributes").filter(pl.col("attribute").list.len() > 0)
    return listed.explode("attribute").unnest("attribute")


def that_tell(rows: pl.DataFrame) -> pl.DataFrame:
    """Those that have a number: of what may say an amount, those that do."""
    return rows.filter(AMOUNT.is_not_null()) if "said.value" in rows.columns else rows


def noted(rows: pl.DataFrame) -> pl.DataFrame:
    return rows.filter(NOTE.is_not_null())


def of_somebody(rows: pl.DataFrame) -> pl.DataFrame:
    return rows.filter(PERSON.is_not_null())


PICKED: Final[Mapping[str, Callable[[pl.DataFrame], pl.DataFrame]]] = {
    "attributes": each_of,
    "customers": of_somebody,
    "notes": noted,
    "numbers": that_tell,
}
"""side tables that do not get one row for each event of the shape"""


def selected(
    rows: pl.DataFrame, schema: Mapping[str, PolarsDataType], values: Mapping[str, Value], known: Known
) -> pl.DataFrame:
    """The schema's columns: these values, and the others as the rows have them."""
    columns = []
    for name, dtype in schema.items():
        value = values.get(name)
        if value is None:
            columns.append(pl.col(name).cast(dtype))
            continue
        told = value if isinstance(value, pl.Expr) else pl.lit(value(rows, known))
        if name == "code":
            told = told.fill_null(-1)
        columns.append(told.cast(dtype).alias(name))
    return rows.select(columns)


def joined(parts: list[pl.DataFrame]) -> pl.DataFrame:
    return parts[0] if len(parts) == 1 else pl.concat(parts)
