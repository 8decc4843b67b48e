"""Hypothesis strategies for journeys and definitions: small alphabets, so that everything collides with everything."""

from typing import Any

from hypothesis import strategies as st

from engine.stages.definition import Definition, parse_definition
from engine.stages.facts import Fact

STAGES = ("a", "b", "c", "d")
OLD_STAGES = ("old", "older")
STRANGE = ("bungee", "nowhere")
AFTER = ("thanks", "again")
PIPELINES = ("one", "two")
SIGNALS = ("trial", "samples")
KINDS = (
    "Touched",
    "BantAssessed",
    "SignalRecorded",
    "ProposalSent",
    "ProposalRevised",
    "ValueChanged",
    "Scored",
    "StageMoved",
    "DealReopened",
    "LeadReopened",
    "PipelineChanged",
    "DealWon",
    "DealLost",
    "LeadDisqualified",
    "SatisfactionRecorded",
    "PaymentReceived",
    "EntryRetracted",
    "NoteAdded",
)
any_stage = st.sampled_from((*STAGES, *OLD_STAGES, *STRANGE, "won", "lost", *AFTER))
money = st.tuples(st.integers(0, 30_000), st.sampled_from(["EUR", "JPY"]))


@st.composite
def facts(draw: st.DrawFn) -> list[list[Fact]]:
    """Journeys of a log, positions given across all of them; few distinct times, so that many are equal or late."""
    sizes = draw(st.lists(st.integers(1, 12), min_size=1, max_size=6))
    turns = draw(st.permutations([journey for journey, size in enumerate(sizes) for _ in range(size)]))
    journeys: list[list[Fact]] = [[] for _ in sizes]
    for position, journey in enumerate(turns, start=1):
        journeys[journey].append(draw(fact(position, journeys[journey])))
    return journeys


@st.composite
def fact(draw: st.DrawFn, position: int, before: list[Fact]) -> Fact:
    """The next entry of a journey: its opening first, then anything, recorded in order and occurring whenever."""
    occurred_at = draw(st.integers(0, 6)) * 10
    details: dict[str, Any] = {}
    kind = draw(st.sampled_from(KINDS)) if before else draw(st.sampled_from(["LeadCaptured", "DealOpened"]))
    if before and kind == "NoteAdded" and draw(st.booleans()):
        kind, details = "DealOpened", {"from_lead": True, "pipeline": draw(st.sampled_from(PIPELINES))}
    elif not before:
        details["pipeline"] = draw(st.sampled_from((*PIPELINES, "one", "one")))
    if kind == "Touched":
        details["touch"] = draw(st.sampled_from(["call", "meeting", "demo"]))
    elif kind == "BantAssessed":
        details["dimension"] = draw(st.sampled_from(["budget", "authority", "need", "timeline"]))
        details["verdict"] = draw(st.sampled_from(["confirmed", "confirmed", "denied", "unknown"]))
    elif kind == "SignalRecorded":
        details["signal"] = draw(st.sampled_from(SIGNALS))
    elif kind == "Scored":
        details["fit"] = draw(st.none() | st.integers(0, 50))
        details["engagement"] = draw(st.none() | st.integers(0, 50))
    elif kind in ("StageMoved", "DealReopened", "LeadReopened", "PipelineChanged"):
        details["stage"] = draw(any_stage)
        if kind == "PipelineChanged":
            details["pipeline"] = draw(st.sampled_from((*PIPELINES, "three")))
    elif kind == "EntryRetracted":
        details["retracts"] = draw(st.sampled_from([entry.position for entry in before]))
    if kind in ("ValueChanged", "DealOpened", "LeadCaptured", "DealWon") and draw(st.booleans()):
        details["amount_minor"], details["currency"] = draw(money)
    return Fact(position, occurred_at, position * 5, kind, **details)


events: st.SearchStrategy[str] = st.sampled_from([kind for kind in KINDS if kind != "EntryRetracted"])
leaves = st.one_of(
    events.map(lambda name: {"event": name}),
    events.map(lambda name: {"happened": name}),
    st.lists(st.sampled_from(["call", "meeting", "demo"]), min_size=1, unique=True).map(
        lambda k: {"touch": {"kind": k}}
    ),
    st.sampled_from((*SIGNALS, "unheard of")).map(lambda name: {"signal": name}),
    st.tuples(
        st.sampled_from(["budget", "authority", "need", "timeline"]),
        st.sampled_from(["confirmed", "denied", "unknown"]),
    ).map(lambda pair: {"bant": {"dimension": pair[0], "verdict": pair[1]}}),
    st.integers(1, 3).map(lambda n: {"bant_confirmed": {"at_least": n}}),
    st.integers(1, 3).map(lambda n: {"touches": {"at_least": n}}),
    st.integers(1, 2).map(lambda n: {"touches": {"at_least": n, "kind": ["call"]}}),
    st.integers(1, 2).map(lambda n: {"proposals": {"at_least": n}}),
    st.tuples(st.integers(0, 300), st.sampled_from([{}, {"currency": "EUR"}, {"currency": "JPY"}])).map(
        lambda pair: {"amount": {"at_least": pair[0]} | pair[1]}
    ),
    st.integers(1, 80).map(lambda n: {"score": {"at_least": n}}),
)


def combined(inner: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    several = st.lists(inner, min_size=1, max_size=3)
    return st.one_of(
        several.map(lambda parts: {"all": parts}),
        several.map(lambda parts: {"any": parts}),
        inner.filter(lambda part: "event" not in part).map(lambda part: {"not": part}),
    )


criteria = st.recursive(leaves, combined, max_leaves=4)


@st.composite
def definitions(draw: st.DrawFn) -> Definition:
    """Any valid definition of pipeline "one": 1 to 4 open stages in any order, wins, losses and after-sales or not."""
    keys = draw(st.permutations(STAGES))[: draw(st.integers(1, 4))]
    olds = list(draw(st.permutations(OLD_STAGES)))
    stages: list[dict[str, Any]] = []
    for place, key in enumerate(keys):
        stage: dict[str, Any] = {"key": key, "kind": "open"}
        if place and draw(st.integers(0, 4)):
            stage["enter"] = draw(criteria)
        if draw(st.booleans()) and olds:
            stage["replaces"] = [olds.pop()]
        stages.append(stage)
    won: list[dict[str, Any]] = [{"key": "won", "kind": "won", "enter": {"event": "DealWon"}}]
    if draw(st.integers(0, 3)) == 0:
        won[0]["enter"] = draw(criteria)
    lost = [{"key": "lost", "kind": "lost", "enter": {"any": [{"event": "DealLost"}, {"event": "LeadDisqualified"}]}}]
    stages += draw(st.sampled_from([won, lost, won + lost, won + lost, lost + won, []]))
    for key in AFTER[: draw(st.integers(0, 2))]:
        stages.append({"key": key, "kind": "after_sale", "enter": draw(criteria)})
    return parse_definition({"pipeline": "one", "stages": stages})
