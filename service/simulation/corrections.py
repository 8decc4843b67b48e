"""What goes wrong in a log: entries taken back, and moves that lead nowhere."""

import polars as pl

from service.simulation.between import within
from service.simulation.endings import retract
from service.simulation.settings import DAY
from service.simulation.telling import Telling

UNKNOWN = "site-visit"
"""a stage key that no definition knows"""
WRONG, WRONG_RETRACTED, ODD_MOVE = 600, 601, 610


def tell_corrections(telling: Telling, stays: pl.DataFrame) -> None:
    dice, number = telling.dice, pl.col("number")
    share = telling.settings.parameters.corrected
    stays = stays.filter(pl.col("stage") < pl.col("open_count"))
    chosen = stays.filter(dice.share("wrong", number) < share)
    lost = ~pl.col("lead") & (dice.share("wrong loss", number) < 0.4)
    for kind, rows in (("DealLost", chosen.filter(lost)), ("Touched", chosen.filter(~lost))):
        fields = {"reason": "price"} if kind == "DealLost" else {"kind": "meeting"}
        telling.tell(kind, rows, WRONG, at=within(pl.lit(0.5)), make=lambda fields=fields: fields)
        wrong = rows.with_columns(target=pl.Series(telling.event_ids(rows, WRONG), dtype=pl.String))
        later = within(pl.lit(0.5)) + (dice.share("until corrected", number) * 2 * DAY).cast(pl.Int64)
        retract(telling, wrong, WRONG_RETRACTED, at=later, reason="entered on the wrong deal")
    # The third stage of both pipelines is left by events alone, so that nothing brings it back before.
    moved = stays.filter((pl.col("stage") == 2) & ~pl.col("lead") & (dice.share("odd move", number) < 0.03))
    moved = moved.with_columns(
        stage_key=pl.when(dice.share("unknown", number) < 0.5).then(pl.lit(UNKNOWN)).otherwise("key")
    )
    telling.tell(
        "StageMoved",
        moved,
        ODD_MOVE,
        at=within(pl.lit(0.9)),
        leaves=("stage_key",),
        make=lambda stage_key: {"stage": stage_key},
    )
