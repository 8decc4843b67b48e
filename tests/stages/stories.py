"""Journeys in a few words, for the worked cases: `story("opened 0", "proposal 1").visits("contact 0 1", ...)`.

A number is a day. `meeting 2 recorded 7` is a late entry, `retract #2 5` takes back the second entry on day 5.
Every story is derived twice, by the plain fold and over columns, and both must tell the same.
"""

from dataclasses import dataclass
from typing import Any

from engine.projections.seen import see
from engine.projections.visits import derive_visits
from engine.stages.definition import Definition, parse_definition
from engine.stages.facts import Fact, life
from engine.stages.fold import fold
from tests.properties.columns_of import columns_of, known_by

DAY = 86_400_000_000

DEFINITION = parse_definition(
    {
        "pipeline": "sales",
        "stages": [
            {"key": "contact", "kind": "open"},
            {"key": "qualification", "kind": "open", "enter": {"bant_confirmed": {"at_least": 3}}},
            {
                "key": "meeting",
                "kind": "open",
                "enter": {"touch": {"kind": ["meeting", "demo"]}},
                "replaces": ["presentation"],
            },
            {"key": "proposal", "kind": "open", "enter": {"event": "ProposalSent"}},
            {
                "key": "negotiation",
                "kind": "open",
                "enter": {
                    "any": [
                        {"event": "ProposalRevised"},
                        {"all": [{"event": "ValueChanged"}, {"proposals": {"at_least": 1}}]},
                    ]
                },
            },
            {"key": "won", "kind": "won", "enter": {"event": "DealWon"}},
            {"key": "lost", "kind": "lost", "enter": {"any": [{"event": "DealLost"}, {"event": "LeadDisqualified"}]}},
            {"key": "retention", "kind": "after_sale", "enter": {"event": "SatisfactionRecorded"}},
        ],
    }
)

EVENTS: dict[str, dict[str, Any]] = {
    "opened": {"kind": "DealOpened", "pipeline": "sales"},
    "captured": {"kind": "LeadCaptured", "pipeline": "sales"},
    "converted": {"kind": "LeadConverted"},
    "deal": {"kind": "DealOpened", "pipeline": "sales", "from_lead": True},
    "call": {"kind": "Touched", "touch": "call"},
    "meeting": {"kind": "Touched", "touch": "meeting"},
    "demo": {"kind": "Touched", "touch": "demo"},
    "proposal": {"kind": "ProposalSent"},
    "revised": {"kind": "ProposalRevised"},
    "value": {"kind": "ValueChanged", "amount_minor": 100, "currency": "EUR"},
    "won": {"kind": "DealWon"},
    "lost": {"kind": "DealLost"},
    "disqualified": {"kind": "LeadDisqualified"},
    "paid": {"kind": "PaymentReceived"},
    "satisfied": {"kind": "SatisfactionRecorded"},
    "retract": {"kind": "EntryRetracted"},
}
NAMED = {"moved": "StageMoved", "reopened": "DealReopened"}
VERDICTS = {"+": "confirmed", "-": "denied", "?": "unknown"}


@dataclass(frozen=True)
class Story:
    """A journey's entries, in the order they were recorded."""

    facts: tuple[Fact, ...]
    definition: Definition
    as_of: int | None = None
    known_at: int | None = None

    def known_on(self, day: int) -> "Story":
        return Story(self.facts, self.definition, self.as_of, day * DAY)

    def as_of_day(self, day: int) -> "Story":
        return Story(self.facts, self.definition, day * DAY, self.known_at)

    def visits(self, *expected: str) -> None:
        """Each as `stage entered left [how]`; left is - while the visit lasts; how is automatic where not said."""
        told = [told_visit(text) for text in expected]
        assert self.folded() == told
        assert self.derived() == told

    def folded(self) -> list[tuple[object, ...]]:
        trail = fold(life(self.facts, as_of=self.as_of, known_at=self.known_at), self.definition)
        return [(visit.stage, visit.entered_at, visit.left_at, visit.how) for visit in trail.visits]

    def derived(self) -> list[tuple[object, ...]]:
        columns = columns_of({0: self.facts})
        seen = see(columns, as_of=self.as_of, known=known_by(self.facts, self.known_at))
        visits = derive_visits(seen, self.definition, columns.codes)
        rows = visits.select("stage", "entered_at", "left_at", "how").rows()
        return [(self.definition.key_of(stage), *rest) for stage, *rest in rows]


def told_visit(text: str) -> tuple[object, ...]:
    stage, entered, left, how, *_ = [*text.split(), "automatic"]
    return (stage, int(entered) * DAY, None if left == "-" else int(left) * DAY, how)


def story(*entries: str, by: Definition = DEFINITION) -> Story:
    """Read the entries: `word [argument] day [recorded day]`."""
    facts = []
    for position, entry in enumerate(entries, start=1):
        words = entry.split()
        recorded = int(words.pop()) if "recorded" in words else None
        words = [word for word in words if word != "recorded"]
        day = int(words.pop())
        facts.append(read(words, position, day * DAY, (day if recorded is None else recorded) * DAY, by.pipeline))
    return Story(tuple(facts), by)


def read(words: list[str], position: int, occurred_at: int, recorded_at: int, pipeline: str) -> Fact:
    word, *arguments = words
    details: dict[str, Any]
    if word in NAMED:
        details = {"kind": NAMED[word], "stage": arguments[0]}
    elif word == "transferred":
        details = {"kind": "PipelineChanged", "pipeline": arguments[0], "stage": arguments[1]}
    elif word[:-1] in ("budget", "authority", "need", "timeline"):
        details = {"kind": "BantAssessed", "dimension": word[:-1], "verdict": VERDICTS[word[-1]]}
    else:
        details = dict(EVENTS[word])
        if word == "retract":
            details["retracts"] = int(arguments[0].removeprefix("#"))
        if details.get("pipeline"):
            details["pipeline"] = arguments[0] if arguments else pipeline
    return Fact(position=position, occurred_at=occurred_at, recorded_at=recorded_at, **details)
