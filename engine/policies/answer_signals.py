"""A signal of the customer raises the follow-up it deserves: a sign-up, samples, a quote, a demo, a finished trial."""

from typing import TYPE_CHECKING

from engine.policies.due import Due, Policy, Since, asked, one_id
from engine.projections.duties import signals, to_ask

if TYPE_CHECKING:
    from engine.projections.look import Look

NAME = "answer_signals"


def due(look: "Look", since: Since) -> list[Due]:
    rules = {name: rule for rule in look.definition.signals or () for name in rule.signal}
    if not rules:
        return []
    steps = {one_id(NAME, signal.journey, signal.because): signal for signal in signals(look, since, rules)}
    return [asked(look, NAME, signal, step, rules[signal.signal]) for step, signal in to_ask(look, NAME, steps).items()]


ANSWER_SIGNALS = Policy(
    NAME,
    "asks for a follow-up when a declared signal comes",
    due,
    lambda definition, stage: bool(definition.signals) and stage.kind == "open",
)
