"""The pipelines and the deal that the aggregates' tests speak of."""

from engine.aggregates.deal.events import DealLost, DealOpened, DealWon
from engine.aggregates.deal.rules import decide
from engine.aggregates.deal.state import Deal, evolve
from engine.stages.definition import Definition, parse_definition
from engine.values import Money
from tests.given_when_then import Aggregate, text

SALES: Definition = parse_definition(
    {
        "pipeline": "sales",
        "stages": [
            {"key": "contact", "kind": "open"},
            {"key": "qualification", "kind": "open", "enter": {"bant_confirmed": {"at_least": 3}}},
            {"key": "meeting", "kind": "open", "enter": {"touch": {"kind": ["meeting"]}}, "replaces": ["presentation"]},
            {
                "key": "proposal",
                "kind": "open",
                "enter": {"event": "ProposalSent"},
                "gate": {"bant": {"dimension": "budget", "verdict": "confirmed"}},
            },
            {"key": "paid", "kind": "won", "enter": {"event": "PaymentReceived"}},
            {"key": "won", "kind": "won", "enter": {"event": "DealWon"}},
            {
                "key": "lost",
                "kind": "lost",
                "enter": {"any": [{"event": "DealLost"}, {"event": "LeadDisqualified"}]},
            },
            {"key": "given-up", "kind": "lost", "enter": {"signal": "given up"}},
            {"key": "retention", "kind": "after_sale", "enter": {"event": "SatisfactionRecorded"}},
            {"key": "renewal", "kind": "after_sale"},
        ],
    }
)
PARTNERS: Definition = parse_definition(
    {
        "pipeline": "partners",
        "stages": [{"key": "first", "kind": "open"}, {"key": "second", "kind": "open"}, {"key": "won", "kind": "won"}],
    }
)
DEFINITIONS = {"sales": SALES, "partners": PARTNERS}

deal = Aggregate(decide, evolve, Deal(), DEFINITIONS)
OPENED = DealOpened(pipeline="sales")
WON = DealWon(evidence=text("contract 7"))
LOST = DealLost(reason="price")
EUROS = Money.of("1200.50", "EUR")
