"""Fixed sets of words under names of their own, for programs that make clients: else each place numbers its own."""

from collections.abc import Iterator
from typing import Any, Final

ENUMS: Final = {
    "Basis": "query.basis",
    "Clock": "query.clock",
    "Cohort": "query.cohort",
    "Every": "Forecast.every",
    "FigureUnit": "Difference.unit",
    "JourneyKind": "Found.kind",
    "MembershipOf": "query.membership",
    "Order": "query.order",
    "Outcome": "Found.outcome",
    "Pace": "Velocity.pace",
    "PolicyName": "ActivatePolicy.policy",
    "PolicyResult": "Acted.what",
    "RemarkKind": "Remark.kind",
    "Show": "query.show",
    "StageChange": "StageRow.how",
    "StageKind": "Stage.kind",
    "Strength": "StageStrength.strength",
    "TargetChangeKind": "TargetChange.what",
    "VisitChangeKind": "VisitChange.change",
    "Weekday": "Calendar.working_days",
}
"""the name, and one place of it: a field of a shape, or a query parameter"""


def enums_named(made: dict[str, Any]) -> dict[str, Any]:
    """The document with these sets as components, wherever they stand."""
    shapes = made["components"]["schemas"]
    assert not ENUMS.keys() & shapes.keys(), "a set of words has the name of a shape"
    found = {name: next(enums_at(made, place)) for name, place in ENUMS.items()}
    names = {tuple(values): name for name, values in found.items()}

    def pointing(told: Any) -> Any:
        if isinstance(told, list):
            return [pointing(each) for each in told]
        if not isinstance(told, dict):
            return told
        name = names.get(tuple(told["enum"])) if isinstance(told.get("enum"), list) else None
        if name is None:
            return {key: pointing(value) for key, value in told.items()}
        beside = {key: value for key, value in told.items() if key not in ("enum", "type", "title")}
        return {"$ref": f"#/components/schemas/{name}", **beside}

    told: dict[str, Any] = pointing(made)
    sets = {name: {"type": "string", "enum": values, "title": name} for name, values in found.items()}
    told["components"]["schemas"] |= sets
    return told


def enums_at(made: dict[str, Any], place: str) -> Iterator[list[str]]:
    shape, _, name = place.partition(".")
    if shape != "query":
        yield from enums_in(made["components"]["schemas"][shape]["properties"][name])
        return
    for operations in made["paths"].values():
        for operation in operations.values():
            for parameter in operation.get("parameters", ()):
                if (parameter["in"], parameter["name"]) == ("query", name):
                    yield from enums_in(parameter["schema"])


def enums_in(told: Any) -> Iterator[list[str]]:
    """All there are inside."""
    if isinstance(told, dict):
        if isinstance(told.get("enum"), list):
            yield told["enum"]
        for value in told.values():
            yield from enums_in(value)
    elif isinstance(told, list):
        for each in told:
            yield from enums_in(each)
