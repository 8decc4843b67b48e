"""Where a definition's stages put one journey: rows of the derived frames, by the plain fold (engine/stages/fold.py).

The same rows as derive_visits and derive_journeys give for all journeys at once; a property test holds them together.
"""

from typing import Any

from engine.projections.alone import Alone
from engine.stages.criteria_polars import CODE
from engine.stages.definition import Definition
from engine.stages.fold import fold

Rows = list[dict[str, Any]]
"""by column"""


def visits(journey: Alone, definition: Definition) -> Rows:
    """Its visits in the definition's pipeline, by n."""
    value: dict[int, tuple[int | None, str | None]] = {}
    worth: tuple[int | None, str | None] = (None, None)
    kinds = {}
    for fact in journey.life.entries:
        if fact.amount_minor is not None:
            worth = (fact.amount_minor, fact.currency)
        value[fact.position], kinds[fact.position] = worth, fact.kind
    rows: Rows = []
    been: set[str] = set()
    for visit in fold(journey.life, definition).visits:
        amount, currency = value[visit.entered_position]
        rows.append(
            {
                "journey": journey.journey,
                "n": len(rows) + 1,
                "stage": definition.ranks.get(visit.stage, -1),
                "entered_at": visit.entered_at,
                "entered_position": visit.entered_position,
                "left_at": visit.left_at,
                "how": visit.how,
                "transferred": visit.transferred,
                "by_kind": CODE[kinds[visit.entered_position]],
                "again": visit.stage in been,
                "amount_minor": amount,
                "currency": currency,
            }
        )
        been.add(visit.stage)
    return rows


def row(journey: Alone, profile: dict[str, Any], visits: Rows, definition: Definition) -> dict[str, Any]:
    """Its row of the journeys frame. visits: at least one."""
    kinds = [stage.kind for stage in definition.stages]
    last = visits[-1]

    def is_in(visit: dict[str, Any], *wanted: str) -> bool:
        return visit["stage"] >= 0 and kinds[visit["stage"]] in wanted

    qualified = [v for v in visits if v["stage"] >= definition.qualified_rank and not is_in(v, "lost")]
    closings = [visit for visit in visits if is_in(visit, "won", "lost")]
    if profile["merged_at"] is not None:
        outcome = "merged"
    elif last["transferred"]:
        outcome = "transferred"
    elif is_in(last, "won", "after_sale"):
        outcome = "won"
    elif is_in(last, "lost"):
        outcome = "disqualified" if last["by_kind"] == CODE["LeadDisqualified"] and not qualified else "lost"
    else:
        outcome = "open"
    closing = closings[-1] if closings and outcome in ("won", "lost", "disqualified") else None
    reasons = {row["position"]: row["reason"] for row in journey.sides["reasons"]}
    here = not last["transferred"]
    touched = counting_touch(journey, definition, last["stage"])
    return profile | {
        "journey_id": journey.journey_id,
        "stream": profile["stream"] or journey.journey_id,
        "stage": last["stage"] if here else None,
        "stage_since": last["entered_at"] if here else None,
        "stage_position": last["entered_position"],
        "outcome": outcome,
        "closed_at": closing["entered_at"] if closing else profile["merged_at"],
        "close_amount_minor": closing["amount_minor"] if closing else None,
        "close_currency": closing["currency"] if closing else None,
        "reason": reasons.get(closing["entered_position"]) if closing and outcome != "won" else None,
        "ever_won": any(is_in(visit, "won") for visit in visits),
        "qualified_at": qualified[0]["entered_at"] if qualified else None,
        "touched_at": touched[0],
        "touched_position": touched[1],
    }


def counting_touch(journey: Alone, definition: Definition, stage: int) -> tuple[int | None, int | None]:
    """When and where the newest touch is of the kinds that count in the stage where it stands."""
    rule = definition.stages[stage].stall if stage >= 0 else None
    if rule is None or rule.touch_days is None:
        return None, None
    for fact in reversed(journey.life.entries):
        if fact.kind == "Touched" and (rule.touch_kinds is None or fact.touch in rule.touch_kinds):
            return fact.occurred_at, fact.position
    return None, None


def attributes(journey: Alone) -> Rows:
    """The last value of each of its attributes."""
    told: dict[str, dict[str, Any]] = {}
    for row in journey.sides["attributes"]:
        # Anew: where it was told last decides the order.
        told.pop(row["name"], None)
        told[row["name"]] = row
    return list(told.values())
