"""All rules of a mapping in one list: those it says, and those that follow from them."""

from dataclasses import dataclass

from service.importers.mapping import Mapping
from service.importers.part import Part
from service.importers.rule import Rule
from service.importers.words import Source


@dataclass(frozen=True)
class Ruled:
    """A rule, and the part of the mapping whose rows it is for."""

    place: int
    part: Part
    rule: Rule
    own: bool = True
    """written in the mapping; else it follows from it"""

    @property
    def name(self) -> str:
        """What it adds to an event's permanent name."""
        return f"{self.part.name}/{self.rule.key}" if self.part.name else self.rule.key


def rules_of(mapping: Mapping) -> list[Ruled]:
    """The mapping's rules and those it asks for beside: unknown activities, conversions of leads, reopenings."""
    return [ruled for place, part in enumerate(mapping.parts) for ruled in rules_of_part(place, part)]


def reopening(rule: Rule) -> Rule:
    """From the same rows as the win or loss, and told before it; it is left out where the deal is open."""
    was, now = ("lost", "won") if rule.event == "DealWon" else ("won", "lost")
    fields = {"stage": Source(const=rule.reopens), "reason": Source(const=f"import: {now} after it was {was}")}
    told = {"name": f"{rule.key}.reopened", "event": "DealReopened", "reopens": None, "fields": fields}
    return rule.model_copy(update=told)


def rules_of_part(place: int, part: Part) -> list[Ruled]:
    rules: list[Ruled] = []
    for rule in part.rules:
        if rule.reopens is not None:
            rules.append(Ruled(place, part, reopening(rule), own=False))
        rules.append(Ruled(place, part, rule))
    if part.unknown == "signal":
        signal = Rule(event="SignalRecorded", fields={"signal": Source(column=part.activity[0])})
        rules.append(Ruled(place, part, signal, own=False))
    if part.journeys == "lead_then_deal":
        # The conversion stands on the lead at the moment the deal opens, so it comes from the same rows.
        for rule in part.rules:
            if rule.event == "DealOpened":
                name = f"{rule.key}.converted"
                converted = rule.model_copy(update={"name": name, "event": "LeadConverted", "fields": {}})
                rules.append(Ruled(place, part, converted, own=False))
    return rules
