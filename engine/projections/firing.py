"""Where the criteria of stages fire: asked of each criterion once, however many definitions have it."""

from collections.abc import Sequence

import polars as pl

from engine.projections.columns import Codes
from engine.projections.parts import on_threads
from engine.projections.seen import HIDDEN, Seen
from engine.stages.criteria import Criterion
from engine.stages.criteria_polars import fires, is_kind, looked_at, weighs


def visiting(seen: Seen, pipeline: int, codes: Codes) -> pl.DataFrame:
    """What stages are derived from: seen.rows with `first` and `row`, the place there. Of journeys that never were in
    the pipeline they are of a kind that no rule speaks of.
    """
    rows = seen.rows.select("journey", "kind", "code").with_row_index("row")
    if len(codes.pipelines) == 1:
        return rows.with_columns(first=seen.first)
    came = seen.numbers.filter(is_kind("PipelineChanged") & (pl.col("value") == pipeline))["journey"]
    visits = (seen.began == pipeline).scatter(came.filter(seen.began[came] >= 0), True)
    here = visits[rows["journey"]]
    kind = pl.when(here).then("kind").otherwise(pl.lit(HIDDEN, pl.UInt8))
    return rows.with_columns(kind=kind, first=seen.first & here)


def fired(
    seen: Seen, rows: pl.DataFrame, pipeline: int, criteria: Sequence[Criterion], codes: Codes
) -> list[pl.Series]:
    """For each criterion the rows at which it fires: a mask as long as the rows, which are visiting(...)."""
    unknown = [each for each in dict.fromkeys(criteria) if (pipeline, each) not in seen.fired]
    weighed = rows.with_columns(values(seen)) if any(map(weighs, unknown)) else rows
    masks = fires(weighed, unknown, codes.signals, codes.currencies)
    seen.fired.update({(pipeline, each): mask for each, mask in zip(unknown, masks, strict=True)})
    return [seen.fired[pipeline, each] for each in criteria]


def values(seen: Seen) -> pl.Series:
    """By row of seen.rows its `value`; null where it has none."""
    nowhere = pl.repeat(None, seen.rows.height, dtype=pl.Int64, eager=True)
    return nowhere.scatter(seen.numbers["row"], seen.numbers["value"]).alias("value")


def tried(seen: Seen, pipeline: str, criteria: Sequence[Criterion], codes: Codes) -> list[tuple[int, int]]:
    """For each criterion how often it was looked at in all, and how often it held."""
    code = codes.pipelines.get(pipeline)
    if code is None or not criteria:
        return [(0, 0)] * len(criteria)

    def of_part(part: Seen) -> list[tuple[int, int]]:
        rows = visiting(part, code, codes)
        looked = rows.select(looked_at(each, codes.signals).sum().alias(str(n)) for n, each in enumerate(criteria))
        held = [int(mask.sum()) for mask in fired(part, rows, code, criteria, codes)]
        return list(zip(looked.row(0), held, strict=True))

    parts = zip(*on_threads(of_part, seen.parts), strict=True)
    return [(sum(looked for looked, _ in each), sum(held for _, held in each)) for each in parts]
