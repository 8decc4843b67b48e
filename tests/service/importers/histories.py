"""Small made-up histories with the traps of real ones, and what a log holds after them."""

import gzip
from pathlib import Path
from typing import Any

import polars as pl
import yaml

from engine.log.application import Log
from engine.log.feed import read_feed
from engine.log.registry import TAGS
from service.importers.report import ImportReport
from service.importers.run import run_import

PIPELINE = {
    "pipeline": "sales",
    "stages": [
        {"key": "new", "kind": "open"},
        {"key": "offer", "kind": "open", "enter": {"event": "ProposalSent"}},
        {"key": "won", "kind": "won", "enter": {"event": "DealWon"}},
        {"key": "lost", "kind": "lost", "enter": {"event": "DealLost"}},
    ],
}

LONG: dict[str, Any] = {
    "source": "shop",
    "pipeline": "sales",
    "definition": "pipeline.yaml",
    "shape": "long",
    "key": "case",
    "activity": "what",
    "time": "when",
    "actor": "who",
    "unknown": "signal",
    "dates": {"when": {"format": "iso8601"}},
    "events": [
        {
            "when": {"what": "open"},
            "event": "DealOpened",
            "with": {"value": {"amount": {"column": "amount"}, "currency": "EUR"}},
        },
        {"when": {"what": "call"}, "event": "Touched", "with": {"kind": "call"}},
        {"when": {"what": "offer"}, "event": "ProposalSent"},
        {"when": {"what": "accept"}, "event": "ProposalAccepted"},
        {
            "when": {"what": {"prefix": "to "}},
            "event": "StageMoved",
            "with": {"stage": {"column": "what", "map": {"to new": "new", "to offer": "offer", "to old": "old"}}},
        },
        {
            "when": {"what": ["win", "lose"], "who": {"empty": "false"}},
            "event": "OwnerAssigned",
            "with": {"owner": {"column": "who"}},
        },
        {"when": {"what": "win"}, "event": "DealWon", "with": {"evidence": {"row": "true"}}},
        {"when": {"what": "lose"}, "event": "DealLost", "with": {"reason": "price"}},
        {"when": {"what": "noise"}, "skip": "says nothing"},
    ],
}  # fmt: skip

ROWS = """case,what,when,who,amount
d1,open,2024-03-30T09:00:00+01:00,ann,1000
d1,call,2024-03-31T09:00:00+02:00,,1000
d1,call,2024-03-31T09:00:00+02:00,ann,1000
d2,open,2024-03-30T10:00:00+01:00,bob,250.50
d1,offer,2024-04-01T09:00:00+02:00,ann,1000
d1,hello,2024-04-01T09:00:00+02:00,ann,1000
d1,noise,2024-04-01T09:30:00+02:00,ann,1000
d1,win,2024-04-02T09:00:00+02:00,ann,1000
d1,call,2024-04-09T09:00:00+02:00,ann,1000
d2,lose,2024-04-02T09:00:00+02:00,,250.50
"""

WIDE: dict[str, Any] = {
    "source": "shop",
    "pipeline": "sales",
    "definition": "pipeline.yaml",
    "shape": "wide",
    "key": "id",
    "dates": {
        "opened": {"format": "%d/%m/%Y", "zone": "Europe/Madrid"},
        "closed": {"format": "%d/%m/%Y", "zone": "Europe/Madrid"},
    },
    "events": [
        {
            "event": "DealOpened",
            "at": {"column": "opened", "fallback": {"const": "01/02/2024"}},
            "with": {"owner": {"column": "rep"}, "attributes": {"product": {"column": "product"}}},
        },
        {
            "when": {"state": "Won"},
            "event": "DealWon",
            "at": "closed",
            "with": {"evidence": {"row": "true"}, "value": {"amount": {"column": "amount"}, "currency": "USD"}},
        },
        {"when": {"state": "Lost"}, "event": "DealLost", "at": "closed", "with": {"reason": "not told"}},
    ],
}

WIDE_ROWS = """id,rep,product,state,opened,closed,amount
o1,ann,Chair,Won,13/01/2024,15/02/2024,100
o2,bob,Chiar,Lost,14/01/2024,16/02/2024,0
o3,ann,Table,New,,,
"""


def lay(folder: Path, mapping: dict[str, Any], rows: str, name: str = "history.csv") -> tuple[Path, Path]:
    """Writes mapping, pipeline and file; gives the paths of the file and of the mapping."""
    (folder / "pipeline.yaml").write_text(yaml.safe_dump(PIPELINE))
    where = folder / "mapping.yaml"
    where.write_text(yaml.safe_dump(mapping, sort_keys=False))
    file = folder / name
    file.write_bytes(gzip.compress(rows.encode()) if name.endswith(".gz") else rows.encode())
    return file, where


def bring(
    log: Log, folder: Path, mapping: dict[str, Any], rows: str, name: str = "history.csv", **options: Any
) -> ImportReport:
    file, where = lay(folder, mapping, rows, name)
    return run_import(log, file, where, **({"actor": "clerk"} | options))


def changed(mapping: dict[str, Any], **words: Any) -> dict[str, Any]:
    """The mapping with some words replaced; None leaves one out."""
    return {key: value for key, value in (mapping | words).items() if value is not None}


def with_event(mapping: dict[str, Any], *events: dict[str, Any]) -> dict[str, Any]:
    return mapping | {"events": [*mapping["events"], *events]}


def journeys_feed(log: Log) -> pl.DataFrame:
    """What the log holds of leads and deals, by position."""
    feed = read_feed(log, 0)
    return feed.filter(pl.col("type").str.contains("^(lead|deal)[.]"))


def kinds(log: Log) -> list[str]:
    """The events of leads and deals by name, in order of position."""
    return [TAGS[tag].__name__ for tag in journeys_feed(log)["type"]]


def facts(log: Log) -> list[tuple[Any, ...]]:
    """All that is the same whenever the same history is imported, wherever and in however many steps."""
    columns = journeys_feed(log).select("stream_id", "occurred_at", "event_id", "type", "origin")
    return sorted(columns.rows())
