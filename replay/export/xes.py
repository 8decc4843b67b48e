"""Journeys as an XES log (IEEE 1849): a trace a journey, its live entries in the order they happened.

An event's payload is its attributes (attributes.py), besides `stream` (lead or deal), `position`, `origin` and, where
it brought the journey to a stage, `stage:entered`. Actors and owners are told by their keys, the erased by their ids.
"""

import json
import re
from collections import Counter
from collections.abc import Iterable, Iterator
from datetime import datetime
from pathlib import Path
from typing import Final
from xml.sax.saxutils import escape

import polars as pl

from replay.export.attributes import Plain, attributes
from replay.export.people import People
from replay.export.shown import iso

PEOPLE: Final = ("owner", "person")
REMEMBERED: Final = 50_000
"""payloads that are kept as they were written; most are like many others"""
NOT_XML: Final = re.compile("[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
UNSAFE: Final = re.compile('[&<>"\x00-\x1f]|' + NOT_XML.pattern)
EXTENSIONS: Final = {
    "Concept": "concept",
    "Lifecycle": "lifecycle",
    "Organizational": "org",
    "Time": "time",
    "Identity": "identity",
}
HEAD: Final = "".join(
    [
        '<?xml version="1.0" encoding="UTF-8"?>\n<log xes.version="1849-2016" xes.features="" xmlns="http://www.xes-standard.org/">\n',
        *(
            f'<extension name="{name}" prefix="{prefix}" uri="http://www.xes-standard.org/{prefix}.xesext"/>\n'
            for name, prefix in EXTENSIONS.items()
        ),
        '<global scope="trace">\n<string key="concept:name" value=""/>\n</global>\n',
        '<global scope="event">\n<string key="concept:name" value=""/>\n'
        '<string key="lifecycle:transition" value="complete"/>\n'
        '<date key="time:timestamp" value="1970-01-01T00:00:00.000000+00:00"/>\n</global>\n',
        '<classifier name="Event Name" keys="concept:name"/>\n',
        '<classifier name="Resource" keys="org:resource"/>\n',
    ]
)


def write_xes(batches: Iterable[pl.DataFrame], path: Path, people: People, left_out: Counter[str]) -> int:
    """Writes the journeys of lives.py; returns how many events. left_out is told those of no journey."""
    count, said = 0, dict[str, str]()
    with path.open("w", encoding="utf-8", newline="\n") as file:
        file.write(HEAD)
        for batch in batches:
            rows = batch.filter(pl.col("journey").is_not_null())
            if others := batch.height - rows.height:
                left_out["of no journey"] += others
            count += rows.height
            file.writelines(traces(rows, people, said))
        file.write("</log>\n")
    return count


def traces(rows: pl.DataFrame, people: People, said: dict[str, str]) -> Iterator[str]:
    """said: the attributes of payloads as they were written before."""
    names = people.of(ids_of(rows))

    def called(person_id: str) -> str:
        return escaped(names.get(person_id, (person_id,))[0])

    told = rows.select(
        "journey",
        "key",
        "kind",
        iso("occurred_at"),
        "actor",
        "event_id",
        pl.col("type").str.split(".").list.first(),
        "position",
        "origin",
        "entered",
        "payload",
    )
    actors = {actor: called(actor) for actor in rows["actor"].unique()}
    origins = {origin: escaped(origin) for origin in rows["origin"].unique()}
    before: str | None = None
    for journey, key, kind, at, actor, event_id, stream, position, origin, entered, payload in told.iter_rows():
        if journey != before:
            if before is not None:
                yield "</trace>\n"
            before = journey
            yield f'<trace>\n{tag("concept:name", key or journey)}<id key="identity:id" value="{journey}"/>\n'
        written = said.get(payload)
        if written is None:
            if len(said) >= REMEMBERED:
                said.clear()
            written = said[payload] = "".join(
                person(name, called(str(value))) if name in PEOPLE else tag(name, value)
                for name, value in attributes(json.loads(payload))
            )
        yield (
            f'<event>\n<string key="concept:name" value="{kind}"/>\n'
            '<string key="lifecycle:transition" value="complete"/>\n'
            f'<date key="time:timestamp" value="{at}"/>\n'
            f'<string key="org:resource" value="{actors[actor]}"/>\n'
            f'<id key="identity:id" value="{event_id}"/>\n'
            f'<string key="stream" value="{stream}"/>\n'
            f'<int key="position" value="{position}"/>\n'
            f'<string key="origin" value="{origins[origin]}"/>\n'
            f"{tag('stage:entered', entered) if entered is not None else ''}{written}</event>\n"
        )
    if before is not None:
        yield "</trace>\n"


def ids_of(rows: pl.DataFrame) -> set[str]:
    """Everybody whom the rows may name."""
    told = rows["payload"].str.extract_all(r'"(owner|person|rep|manager)":"[0-9a-f-]{36}"').explode().str.slice(-37, 36)
    return {*rows["actor"].unique(), *told.drop_nulls().unique()}


def person(key: str, called: str) -> str:
    """called: escaped."""
    return f'<string key="{key}" value="{called}"/>\n'


def tag(key: str, value: Plain) -> str:
    """One attribute; its element by the type of the value."""
    match value:
        case str():
            return f'<string key="{escaped(key)}" value="{escaped(value)}"/>\n'
        case bool():
            return f'<boolean key="{escaped(key)}" value="{"true" if value else "false"}"/>\n'
        case int():
            return f'<int key="{escaped(key)}" value="{value}"/>\n'
        case datetime():
            return f'<date key="{escaped(key)}" value="{value.isoformat(timespec="microseconds")}"/>\n'
        case _:
            return f'<float key="{escaped(key)}" value="{value}"/>\n'


def escaped(text: str) -> str:
    """As the value of an attribute between double quotes. XML has no place for most control characters."""
    if not UNSAFE.search(text):
        return text
    return escape(NOT_XML.sub("\ufffd", text), {'"': "&quot;", "\t": "&#9;", "\n": "&#10;", "\r": "&#13;"})
