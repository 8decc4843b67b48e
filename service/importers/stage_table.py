"""Pipelines defined from an export's own table of stages."""

from collections.abc import Iterable
from decimal import Decimal, InvalidOperation
from typing import Any

import polars as pl
from pydantic import Field

from engine.errors import Rejected
from engine.stages.definition import Definition, parse_definition
from service.importers.conditions import UNLISTED, as_key, holds
from service.importers.words import Column, Conditions, Strict, columns_of


class StageTable(Strict):
    """Columns of a side table with a row a stage. Keys are written as keys: Closed Won is closed_won."""

    table: str
    pipeline: Column | None = None
    """The pipeline a stage is of; without it all are of the mapping's."""
    pipeline_name: Column | None = None
    stage: Column
    name: Column | None = None
    order: Column
    """A number; the stages stand by it, the open ones first, then won, then lost."""
    won: Conditions = Field(default_factory=dict)
    lost: Conditions = Field(default_factory=dict)
    """Which rows are won or lost stages; a pipeline without one gets the stage `won` or `lost`."""
    probability: Column | None = None
    """A share from 0 to 1, or with `percent` from 0 to 100."""
    percent: bool = False

    @property
    def of_the_table(self) -> set[str]:
        named = {self.pipeline, self.pipeline_name, self.stage, self.name, self.order, self.probability}
        return {
            f"{self.table}.{name}" for name in named | columns_of(self.won) | columns_of(self.lost) if name is not None
        }

    def definitions(self, rows: pl.DataFrame, pipeline: str) -> list[Definition]:
        """rows: the side table, columns named TABLE.COLUMN; pipeline: of rows that name none."""
        stages = rows.rename({name: name.removeprefix(f"{self.table}.") for name in rows.columns})
        named = as_key(pl.col(self.pipeline)) if self.pipeline else pl.lit(pipeline)
        won = holds(self.won) if self.won else pl.lit(False)
        lost = holds(self.lost) if self.lost else pl.lit(False)
        closed = pl.when(won).then(pl.lit("won")).when(lost).then(pl.lit("lost"))
        stages = stages.with_columns(
            named.fill_null(pipeline).alias("#pipeline"),
            as_key(pl.col(self.stage)).alias("#stage"),
            closed.otherwise(pl.lit("open")).alias("#kind"),
            pl.col(self.order).cast(pl.Float64, strict=False).alias("#order"),
        )
        for column, why in (("#stage", "a key"), ("#order", "a number to stand by"), ("#pipeline", "a pipeline's key")):
            wrong = stages.filter(pl.col(column).is_null() | (pl.col(column).cast(pl.String) == UNLISTED))
            if wrong.height:
                raise Rejected(f"table {self.table}: stage {wrong[self.stage][0]!r} has not {why}")
        own = stages.group_by("#pipeline", maintain_order=True)
        # Where no stage is open no journey can begin: such a pipeline is none, and its deals are told as bad rows.
        return [self.definition(key[0], rows) for key, rows in own if "open" in rows["#kind"]]

    def definition(self, pipeline: object, rows: pl.DataFrame) -> Definition:
        made = [stage for kind in ("open", "won", "lost") for stage in self.of_kind(kind, rows)]
        raw: dict[str, Any] = {"pipeline": pipeline, "stages": made}
        if self.pipeline_name is not None and rows[self.pipeline_name][0] is not None:
            raw["name"] = rows[self.pipeline_name][0]
        return parse_definition(raw, f"pipeline {pipeline!r} of table {self.table}")

    def of_kind(self, kind: str, rows: pl.DataFrame) -> Iterable[dict[str, Any]]:
        found = rows.filter(pl.col("#kind") == kind).sort("#order", maintain_order=True).to_dicts()
        stages = [{"key": row["#stage"], "kind": kind} | self.described(row) for row in found]
        if kind == "open":
            return stages
        stages = stages or [{"key": kind, "kind": kind}]
        # An event says that a deal is won or lost, not by which of several stages: they are one here.
        ends = ["DealWon"] if kind == "won" else ["DealLost", "LeadDisqualified"]
        first = stages[0] | {"enter": {"any": [{"event": event} for event in ends]}}
        return [first | {"replaces": [stage["key"] for stage in stages[1:]]}] if len(stages) > 1 else [first]

    def described(self, row: dict[str, Any]) -> dict[str, Any]:
        told: dict[str, Any] = {}
        if self.name is not None and row[self.name] is not None:
            told["name"] = row[self.name]
        if self.probability is not None and row[self.probability] is not None:
            try:
                share = Decimal(row[self.probability]) / (100 if self.percent else 1)
            except InvalidOperation:
                raise Rejected(f"table {self.table}: probability {row[self.probability]!r} is no number") from None
            told["probability"] = float(share)
        return told
