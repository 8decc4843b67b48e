"""What exports come to in the log, in short words."""

from pathlib import Path
from typing import Any

from engine.log.application import Log
from engine.log.keys import find_stream, keys_frame
from engine.projections.lens import Lens
from engine.projections.views import Views
from service.importers.report import ImportReport
from service.importers.run import run_import

HERE = Path(__file__).parent / "exports"
EXAMPLES = Path(__file__).parents[3] / "examples"


def brought(log: Log, export: str, mapping: str, **options: Any) -> ImportReport:
    return run_import(log, HERE / export, EXAMPLES / mapping, actor="clerk", **options)


def told(log: Log, key: str) -> list[str]:
    """Day, event and what it is about, of one lead or deal."""
    lines = []
    for entry in log.stream(find_stream(log, key)):
        event = entry.event
        about = [getattr(event, name, None) for name in ("stage", "pipeline", "kind", "reason", "signal")]
        money = getattr(event, "value", None)
        words = [str(word) for word in about if word is not None]
        words += [f"{money.amount} {money.currency}"] if money is not None else []
        lines.append(" ".join([f"{entry.occurred_at:%m-%d}", type(event).__name__, *words]))
    return lines


def standing(log: Log, pipeline: str) -> dict[str, tuple[str | None, str, int | None]]:
    """Stage, outcome and value of each journey by its key, as the answers see it."""
    look = Views(log).look(pipeline, Lens.of())
    keys = dict(keys_frame(log).select("stream_id", "key").iter_rows())
    rows = look.journeys.select("journey_id", "stage", "outcome", "amount_minor").iter_rows()
    return {
        keys[journey]: (None if stage is None else look.definition.key_of(stage), outcome, amount)
        for journey, stage, outcome, amount in rows
    }


def skipped(report: ImportReport) -> dict[str, int]:
    return {f"{item.activity}: {item.reason}": item.rows for item in report.skipped}
