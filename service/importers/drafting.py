"""A first mapping and pipeline for a file: valid, importable as it stands, and to be reviewed line by line."""

import re
from typing import Any

import polars as pl
from pydantic import BaseModel

from engine.errors import Rejected
from engine.stages.definition import parse_definition
from service.importers.candidates import Candidates
from service.importers.dates import instants
from service.importers.draft_yaml import distinct, dumped, key_of, plain
from service.importers.guesses import date_format
from service.importers.looking import ColumnSeen, FileSeen
from service.importers.mapping import parse_mapping

WON = (
    r"(?<![a-z])(won|win|approved|signed|purchased|gewonnen|ganad[oa]|gagn[ée]e?|c[âa][sșş]tigat[ăa]?"
    r"|спечелен[ао]?)(?![a-z])"
)
LOST = (
    r"(?<![a-z])(lost|lose|declined|cancel+ed|rejected|refused|abandoned|verloren|abgesagt|abgelehnt|perdid[oa]|perdue?"
    r"|pierdut[ăa]?|загубен[ао]?)(?![a-z])"
)
MOST_STAGES = 30
MOST_ATTRIBUTES = 12
CURRENCY = "EUR"


class Draft(BaseModel):
    mapping: str
    """YAML"""
    pipeline: str
    """YAML; the file that the mapping names as its definition"""
    review: list[str]
    """what a person must decide"""


def draft_of(seen: FileSeen, found: Candidates, rows: pl.DataFrame, definition: str) -> Draft:
    """definition: name of the pipeline's file. Rejected where no column can be the id or the time of a journey."""
    if not found.case or not found.time:
        what = "the id of a journey" if found.time else "a time (no date format fits all its cells)"
        raise Rejected(f"{seen.file}: no column can be {what}; nothing to draft from")
    drafter = Drafter(seen, found, rows)
    mapping, stages = drafter.long() if found.shape == "long" else drafter.wide()
    pipeline = {"pipeline": drafter.name, "stages": stages}
    mapping = drafter.head(definition) | mapping
    parse_mapping({word: plain(value) for word, value in mapping.items()}, "the draft")
    parse_definition(pipeline, "the drafted pipeline")
    drafter.notes += [
        f"{column.name} holds dates of several formats (`also`) and is left out: {' or '.join(column.mixed.formats)}"
        for column in seen.columns
        if column.mixed is not None
    ]
    review = drafter.notes
    head = "".join(f"#  - {note}\n" for note in review)
    return Draft(
        mapping=f"# Drafted from {seen.file}. Review before the first import:\n{head}" + dumped(mapping),
        pipeline=f"# Drafted from {seen.file}: order, names and what is won or lost are guesses.\n" + dumped(pipeline),
        review=review,
    )


class Drafter:
    def __init__(self, seen: FileSeen, found: Candidates, rows: pl.DataFrame) -> None:
        self.seen, self.found, self.rows = seen, found, rows
        self.name = key_of(seen.file.split(".", 1)[0]) or "history"
        self.notes: list[str] = []
        self.dates: dict[str, dict[str, str]] = {}

    def head(self, definition: str) -> dict[str, Any]:
        told: dict[str, Any] = {"source": self.name, "pipeline": self.name, "definition": definition}
        if self.seen.delimiter not in (None, ","):
            told["delimiter"] = self.seen.delimiter
        if self.seen.encoding != "utf-8":
            told["encoding"] = self.seen.encoding
            self.notes.append(f"the file is no UTF-8: is it really {self.seen.encoding}?")
        if self.seen.at is not None:
            told["rows"] = self.seen.at
        numbers = [self.seen.column(name).numbers[0] for name in self.found.value[:1]]
        if numbers and (numbers[0].decimal, numbers[0].thousands) != (".", ""):
            told["numbers"] = numbers[0].model_dump()
        lacking = [column.name for column in self.seen.columns if not column.filled]
        return told | ({"may_lack": lacking} if lacking and self.seen.delimiter is None else {})

    def long(self) -> tuple[dict[str, Any], list[dict[str, Any]]]:
        case, activity, time = self.found.case[0], self.found.activity[0], self.found.time[0]
        self.date(time)
        happened = self.in_order(case, activity, time)
        won = [what for what in happened if re.search(WON, what.lower())]
        lost = [what for what in happened if re.search(LOST, what.lower())]
        opening: dict[str, Any] = {"event": "DealOpened", "each": "first"}
        fields = self.value([*self.found.value])
        events: list[dict[str, Any]] = [opening | ({"with": fields} if fields else {})]
        events += self.closings(activity, won, lost)
        if won or lost:
            self.notes.append(f"{activity} says what was won and lost: {', '.join([*won, *lost])}")
        events.append(
            {"when": {activity: {"empty": False} | ({"not_in": [*won, *lost]} if won or lost else {})},
             "event": "SignalRecorded", "with": {"signal": {"column": activity}}}
        )  # fmt: skip
        mapping: dict[str, Any] = {
            "shape": "long",
            "key": case,
            "activity": [activity],
            "time": time,
            "unknown": "skip",
        }
        if self.found.person:
            mapping["actor"] = self.found.person[0]
        self.notes.append(
            f"the first row of each {case} opens a deal; every other row is a signal called after {activity}"
        )
        middle = [what for what in happened if what not in won and what not in lost][:MOST_STAGES]
        stages: list[dict[str, Any]] = [{"key": "opened", "kind": "open"}]
        stages += [
            {"key": key, "kind": "open", "name": what[:200], "enter": {"signal": what}}
            for what in middle
            if (key := key_of(what)) and key not in ("opened", "won", "lost", "unmapped")
        ]
        return mapping | {"dates": self.dates, "events": events}, self.closed(distinct(stages))

    def wide(self) -> tuple[dict[str, Any], list[dict[str, Any]]]:
        case = self.found.case[0]
        dates = self.found.time
        begins = dates[0]
        for name in dates:
            self.date(name)
        opening: dict[str, Any] = {"event": "DealOpened", "at": self.at(begins, dates)}
        fields = self.value(self.found.value)
        if self.found.person:
            fields["owner"] = {"column": self.found.person[0]}
        status = next((name for name in self.found.activity if self.closing_words(name)), "")
        attributes = self.attributes({case, status, *dates, *self.found.value, *self.found.person})
        if attributes:
            fields["attributes"] = attributes
        events: list[dict[str, Any]] = [opening | ({"with": fields} if fields else {})]
        ends = next((name for name in reversed(dates) if re.search("clos|won|end|decid", name.lower())), dates[-1])
        stages: list[dict[str, Any]] = [{"key": "opened", "kind": "open"}]
        for name in dates:
            if name not in (begins, ends) or (name == ends != begins and not status):
                key = key_of(name) or "signal"
                events.append(
                    {
                        "name": key,
                        "when": {name: {"empty": False}},
                        "event": "SignalRecorded",
                        "at": name,
                        "with": {"signal": key},
                    }
                )
                stages.append({"key": key, "kind": "open", "name": name, "enter": {"signal": key}})
        if status:
            won, lost = self.closing_words(status) or ([], [])
            at = self.at(ends, [ends, begins])
            events += [rule | {"at": at} for rule in self.closings(status, won, lost)]
            self.notes.append(f"{status} says what was won and lost: {', '.join([*won, *lost])}")
        return {"shape": "wide", "key": case, "dates": self.dates, "events": events}, self.closed(distinct(stages))

    def date(self, name: str) -> None:
        fits = self.seen.column(name).dates
        how = date_format(fits[0].format)
        self.dates[name] = {"format": how.format} | ({"zone": how.zone} if how.zone else {})
        if len(fits) > 1:
            read = "; ".join(f"{fit.format} reads the first as {fit.reads}" for fit in fits)
            self.notes.append(f"{name} fits {len(fits)} date formats: {read}")
        if how.zone:
            self.notes.append(f"{name} has no offset: UTC is assumed, name the zone its times are in")

    def at(self, column: str, others: list[str]) -> Any:
        """Where cells are empty, the next date stands in, or else the last of the file."""
        if not self.seen.column(column).empty:
            return column
        spare = next((name for name in others if name != column and not self.seen.column(name).empty), None)
        self.notes.append(f"{column} has {self.seen.column(column).empty:,} empty cells: is their fall-back right?")
        if spare is not None:
            return {"column": column, "fallback": {"column": spare}}
        last = self.rows[column].drop_nulls().max()
        return {"column": column, "fallback": {"const": last}}

    def value(self, columns: list[str]) -> dict[str, Any]:
        if not columns:
            return {}
        fits = self.seen.column(columns[0]).numbers
        if len(fits) > 1:
            self.notes.append(
                f"{columns[0]} can be read by {len(fits)} ways of writing numbers: which decimal sign is it?"
            )
        self.notes.append(f"{columns[0]} is taken for the value, in {CURRENCY}: which currency is it?")
        return {"value": {"amount": {"column": columns[0]}, "currency": CURRENCY}}

    def closings(self, column: str, won: list[str], lost: list[str]) -> list[dict[str, Any]]:
        rules: list[dict[str, Any]] = []
        if won:
            rules.append(
                {"name": "won", "when": {column: won}, "event": "DealWon", "with": {"evidence": {"row": True}}}
            )
        if lost:
            rules.append(
                {"name": "lost", "when": {column: lost}, "event": "DealLost", "with": {"reason": {"column": column}}}
            )
        return rules

    def closing_words(self, column: str) -> tuple[list[str], list[str]] | None:
        values = [str(value) for value in self.rows[column].drop_nulls().unique().sort()]
        won = [value for value in values if re.search(WON, value.lower())]
        lost = [value for value in values if re.search(LOST, value.lower())]
        return (won, lost) if won or lost else None

    def attributes(self, taken: set[str]) -> dict[str, Any]:
        """Columns with few different short values: what one filters and groups by."""
        found: dict[str, Any] = {}
        for column in self.seen.columns:
            key = key_of(column.name)
            if column.name not in taken and key and key not in found and is_attribute(column):
                found[key] = {"column": column.name}
        return dict(list(found.items())[:MOST_ATTRIBUTES])

    def in_order(self, case: str, activity: str, time: str) -> list[str]:
        """Activities by the place they have in a journey on average."""
        moments = instants(self.rows[time], date_format(self.seen.column(time).dates[0].format)).alias("@")
        placed = (
            self.rows.select(case, activity, moments)
            .drop_nulls()
            .sort(case, "@", maintain_order=True)
            .select(activity, place=pl.int_range(pl.len()).over(case) / pl.len().over(case))
        )
        return placed.group_by(activity).agg(pl.col("place").mean()).sort("place", activity)[activity].to_list()

    def closed(self, stages: list[dict[str, Any]]) -> list[dict[str, Any]]:
        won = {"key": "won", "kind": "won", "enter": {"event": "DealWon"}}
        return [*stages[:50], won, {"key": "lost", "kind": "lost", "enter": {"event": "DealLost"}}]


def is_attribute(column: ColumnSeen) -> bool:
    return 1 < column.distinct <= 200 and column.longest <= 100 and not column.dates and column.mixed is None
