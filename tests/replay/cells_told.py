"""Every number of an answer that counts or adds something up, with the cell it stands in: read from its JSON alone."""

from collections.abc import Iterator, Mapping
from typing import Any

from engine.projections.figures import Answer

TABLES = {
    "stages": ("stage",),
    "reasons": ("reason",),
    "transitions": ("from", "to"),
    "months": ("month",),
    "attempts": ("attempts",),
    "kinds": ("kind",),
    "scores": ("score",),
    "actors": ("actor",),
    "points": ("period",),
    "unmapped": ("stage",),
    "periods": ("period",),
    "teams": ("team",),
    "people": ("rep",),
    "horizons": ("horizon",),
}
"""lists whose rows are named by these fields"""
UNCOUNTED = frozenset(
    {
        "definition",
        "position",
        "closed_n",
        "void",
        "days_in_month",
        "deals",
        "leads_per_rep",
        "entries",
        "reps",
        "average_sale",
        "value_per_win",
        "per_day",
        "per_month",
        "weighted",
        "average_won_value",
        "earned_per_lead",
        "target",
        "value_per_month",
        "late",
        "doubtful",
        "cards",
        "journeys",
        "follow_ups",
        "normal",
        "by_value",
        "average_won",
        "velocity",
        "completed",
        "unassessed",
        "narrowings",
        "quota",
        "quota_wins",
        "gap",
        "gap_wins",
        "attainment",
        "coverage",
        "targets",
        "measured",
        "insufficient",
        "forecast",
        "came",
        "came_wins",
        "error",
        "wape",
        "bias",
        "mape",
        "mape_left_out",
        "mape_wins_left_out",
    }
)
"""what is no count of journeys or touches and no plain sum: derived figures, lists of journeys, the head"""

Cell = dict[str, str]
Number = int | dict[str, str]
"""a count, or money by currency"""


def cells(found: Answer) -> Iterator[tuple[Cell, Number]]:
    told = found.model_dump(mode="json", by_alias=True)
    groups = told.pop("groups", None) or []
    yield from inside(told, {})
    for group in groups:
        key = "none" if group.pop("key") is None else group["label"]
        yield from inside(group, {"group": key})


def inside(told: Mapping[str, Any], words: Cell) -> Iterator[tuple[Cell, Number]]:
    for name, value in told.items():
        if name in UNCOUNTED or value is None or isinstance(value, str | bool | float):
            continue
        if name == "leads" and "leads_per_rep" in told:
            continue  # how many a plan needs
        if isinstance(value, int):
            yield {**words, "part": name}, value
        elif isinstance(value, list) and name in TABLES:
            for row in value:
                yield from inside(*named(row, words, TABLES[name]))
        elif isinstance(value, list) and all(map(is_money, value)):
            yield {**words, "part": name}, {money["currency"]: money["amount"] for money in value}
        elif isinstance(value, dict) and name in ("overall", "then", "now"):
            yield from inside(value, words | ({"side": name} if name != "overall" else {}))
        elif isinstance(value, dict) and name == "unmapped":
            yield from inside(*named(value, words, TABLES[name]))
        elif isinstance(value, dict) and name == "response":
            yield from inside({("answered" if own == "n" else own): count for own, count in value.items()}, words)
        elif isinstance(value, dict) and name == "incoming":
            yield {**words, "part": name}, value["leads"]
        elif isinstance(value, dict) and "p50_seconds" in value:
            yield {**words, "part": name}, value["n"]
        else:
            raise AssertionError(f"{name}: neither counted nor known to be no count")


def named(row: Mapping[str, Any], words: Cell, names: tuple[str, ...]) -> tuple[dict[str, Any], Cell]:
    """The rest of a row, and the words with those that name it."""
    rest = dict(row)
    own = dict(words)
    for name in names:
        value = rest.pop("key" if name == "actor" else name)
        if name == "month" and rest.pop("overdue"):
            value = "overdue"
        own[name] = "none" if value is None else str(value)
    return rest, own


def is_money(value: Any) -> bool:
    return isinstance(value, dict) and value.keys() == {"amount", "currency"}
