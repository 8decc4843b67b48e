"""Which columns may be the case, the activity, the time, the value: guesses by what they hold and are called."""

import re

from pydantic import BaseModel

from service.importers.looking import ColumnSeen, FileSeen

CASE = (
    r"case|deal|opportunit|lead|order|application|object|trace|ticket|journey|item|auftrag|vorgang|pedido|commande"
    r"|comand"
)
ACTIVITY = r"activity|concept:name|event|action|stage|status|state|step|what|type"
TIME = r"time|date|when|created|_at$|_on$|start|timestamp"
VALUE = (
    r"amount|value|price|revenue|total|sum|budget|betrag|wert|preis|umsatz|importe|precio|valor|montant|prix|pre[tț]|suma"
    r"|стойност|цена|сума"
)
PERSON = (
    r"owner|rep\b|_rep|agent|seller|resource|user|actor|assigned|verk[äa]ufer|vertriebler|vendedor|vendeur|comercial"
    r"|търговец"
)
MOST_KINDS = 200
"""An activity or status has few different values."""


class Candidates(BaseModel):
    """Best first."""

    shape: str
    """long: an event a row; wide: a journey a row"""
    case: list[str]
    activity: list[str]
    time: list[str]
    value: list[str]
    person: list[str]


def candidates_of(seen: FileSeen) -> Candidates:
    times = ranked(seen, TIME, [column for column in seen.columns if column.dates and column.filled])
    others = [column for column in seen.columns if column.name not in times and column.filled]
    plain = [column for column in others if not column.empty]
    repeated = [
        column for column in plain if 1 < column.distinct < seen.rows and named(column, f"id|key|no$|^case|{CASE}")
    ]
    kinds = [column for column in others if is_kind(column)]
    repeated = [
        column for column in repeated if column.distinct > MOST_KINDS or named(column, r"id$|_id|key|^case:|no$")
    ]
    activity = ranked(seen, ACTIVITY, [column for column in kinds if not named(column, r"id$|^case:")])
    repeated = [column for column in repeated if not (column.numbers and named(column, VALUE))]
    steady = [name for name in times if not seen.column(name).empty]
    unique = [column for column in plain if column.unique and not (column.numbers and column.decimals)]
    if not unique and not repeated:
        # No column has a row a journey, so a journey has several: the id is what is called so, few as they may be.
        repeated = [
            column for column in plain if 1 < column.distinct < seen.rows and named(column, CASE) and not column.mixed
        ]
        activity = [name for name in activity if name not in [column.name for column in repeated]]
    long = bool(repeated and activity and steady)
    if long:
        # What is told once a journey is no time of its events.
        steady.sort(key=lambda name: -seen.column(name).distinct)
    return Candidates(
        shape="long" if long else "wide",
        case=ranked(seen, CASE, repeated, r"^case:concept:name$")
        if long
        else ranked(seen, rf"id$|key|no$|{CASE}", unique),
        activity=activity,
        time=[*steady, *(name for name in times if name not in steady)],
        value=ranked(seen, VALUE, [column for column in others if is_value(column)], only=True),
        person=ranked(
            seen, PERSON, [column for column in others if not column.numbers or named(column, PERSON)], only=True
        ),
    )


def named(column: ColumnSeen, words: str) -> bool:
    return re.search(words, column.name.lower()) is not None


def is_kind(column: ColumnSeen) -> bool:
    return 1 < column.distinct <= MOST_KINDS and not column.numbers and column.longest <= MOST_KINDS


def is_value(column: ColumnSeen) -> bool:
    return bool(column.numbers) and not column.negative and column.decimals <= 2 and not named(column, r"id$|phone|zip")


def ranked(
    seen: FileSeen, words: str, columns: list[ColumnSeen], foremost: str = "$^", *, only: bool = False
) -> list[str]:
    """Those called so first, in the file's order; with `only` no others."""
    place = {column.name: number for number, column in enumerate(seen.columns)}
    chosen = [column for column in columns if named(column, words) or not only]
    order = sorted(
        chosen,
        key=lambda column: (
            not named(column, foremost),
            not named(column, words),
            column.empty > 0,
            place[column.name],
        ),
    )
    return [column.name for column in order]
