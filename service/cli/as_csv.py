"""--csv: an answer as one table for a spreadsheet. Nothing is left out: rows of several tables say which in `table`.

Figures of the whole are the row `all`; lists are a row each, named after their field, lists inside them
`stages.reasons` with what names their parent. Money has a column a currency. A text that a spreadsheet would take for
a formula is preceded by an apostrophe.
"""

import csv
import io
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from replay.export.cells import harmless

if TYPE_CHECKING:
    from engine.projections.figures import Answer

HEAD = {name: name for name in ("pipeline", "definition", "as_of", "known_at")} | {"position": "log_position"}
"""column of each field of the head; an event has a position of its own"""
NAMING = ("journey", "key", "stage", "horizon", "period", "team", "rep", "reason", "kind", "position")
"""fields that say what a row is about; rows of a list inside it repeat them"""

MEASURES = frozenset({"amount", "share", "periods"})
"""what is told of a currency"""

Row = dict[str, Any]


def as_csv(found: "Answer", names: Mapping[str, str] | None = None) -> str:
    """The whole answer, with a header line. names: what to call the stages, by key, in a column of its own."""
    told = found.model_dump(mode="json", by_alias=True)
    head = {column: told.pop(name) for name, column in HEAD.items()}
    groups = told.pop("groups", None)
    listed = list(rows_of(told, {}))
    for group in groups or ():
        own = {"group": group.pop("key"), "group_label": group.pop("label")}
        listed += [own | row for row in rows_of(group, {})]
    if names is not None:
        listed = [row | {"stage_name": names.get(row["stage"])} if "stage" in row else row for row in listed]
    columns = dict.fromkeys(["table", *(["group", "group_label"] if groups else [])])
    for row in listed:
        columns |= dict.fromkeys(row)
    written = io.StringIO()
    writer = csv.DictWriter(written, list(columns | dict.fromkeys(head)), lineterminator="\n")
    writer.writeheader()
    writer.writerows({name: cell(value) for name, value in (head | row).items()} for row in listed)
    return written.getvalue()


def rows_of(told: Mapping[str, Any], about: Row, table: str = "") -> Iterator[Row]:
    """One row of the plain fields, then a row for each part that is a table of its own."""
    plain: Row = {}
    parts: list[tuple[str, Sequence[Mapping[str, Any]]]] = []
    for name, value in told.items():
        if is_table(value):
            parts.append((name, value))
        elif isinstance(value, dict) and not is_money(value) and not table:
            parts.append((name, [value]))
        else:
            plain |= flat(name, value)
    if plain:
        yield {"table": table or "all", **about, **plain}
    named = about | {name: plain[name] for name in NAMING if name in plain}
    for name, rows in parts:
        for row in rows:
            yield from rows_of(row, named, f"{table}.{name}" if table else name)


def flat(name: str, value: Any) -> Row:
    """The columns of one field."""
    if is_money(value):
        (told,) = (value[part] for part in value if part != "currency")
        return {f"{name}_{value['currency']}": told}
    if isinstance(value, dict):
        return {column: cell for own, part in value.items() for column, cell in flat(f"{name}.{own}", part).items()}
    if isinstance(value, list):
        if all(map(is_money, value)):
            return {column: cell for part in value for column, cell in flat(name, part).items()}
        return {name: "; ".join(map(str, value))}
    return {name: value}


def is_money(value: Any) -> bool:
    """An amount of a currency, a share of it, or how many periods of it."""
    return isinstance(value, dict) and len(value) == 2 and "currency" in value and not MEASURES.isdisjoint(value)


def is_table(value: Any) -> bool:
    return isinstance(value, list) and bool(value) and all(isinstance(row, dict) and not is_money(row) for row in value)


def cell(value: Any) -> Any:
    """Amounts are texts that are numbers: they stay as they are."""
    if isinstance(value, bool):
        return "true" if value else "false"
    return harmless(value) if isinstance(value, str) else value
