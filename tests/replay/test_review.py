"""What a careful reviewer remarks on stages: each remark where its case is, and none where it is not."""

from collections.abc import Sequence
from typing import Any

import pytest

from engine.projections.filters import EVERYTHING
from engine.stages.criteria import Criterion
from engine.stages.definition import Definition, parse_definition
from replay.remark import Remark
from replay.review import compared, review
from replay.stage_figures import funnel as funnel_of
from replay.tried import may_fail, tried
from replay.unmapped import unmapped_keys
from tests.projections.journeys import SALES, Journey, funnel, journey

MANY = 30


WON = {"key": "won", "kind": "won", "enter": {"event": "DealWon"}}
LOST = {"key": "lost", "kind": "lost", "enter": {"event": "DealLost"}}


def stages(*opens: dict[str, Any], closed: Sequence[dict[str, Any]] = (WON, LOST)) -> Definition:
    first = {"key": "contact", "kind": "open"}
    return parse_definition(
        {"pipeline": "sales", "stages": [first, *({"kind": "open", **each} for each in opens), *closed]}
    )


def remarks(definition: Definition, *journeys: Journey) -> dict[str, list[Remark]]:
    """By kind."""
    look = funnel(*journeys, definition=definition).look
    told: dict[str, list[Remark]] = {}
    for each in review(look, funnel_of(look, EVERYTHING)[0], unmapped_keys(look), tried([look])[0]):
        told.setdefault(each.kind, []).append(each)
    return told


def beside(before: Definition, after: Definition, *journeys: Journey) -> list[Remark]:
    """Those on what the second makes of the first."""
    old, new = (funnel(*journeys, definition=each).look for each in (before, after))
    known = tuple(each for told in remarks(after, *journeys).values() for each in told)
    return [each for each in compared(known, (), old, new) if each not in known]


MET = {"key": "met", "enter": {"signal": "met"}}
OFFER = {"key": "offer", "enter": {"signal": "offer"}}


def test_good_stages_are_not_remarked_on() -> None:
    healthy = [journey("contact", "qualified", "proposal", "won", "retention")] * MANY + [
        journey("contact", "qualified", "proposal", "lost")
    ] * MANY
    fallen = [journey("contact", "lost")] * MANY + [journey("contact", "qualified", "lost")] * MANY
    assert remarks(SALES, *healthy, *fallen) == {}


def test_nothing_is_remarked_before_anything_happened() -> None:
    assert remarks(SALES) == {}


def test_a_stage_that_nobody_ever_enters() -> None:
    (only,) = remarks(stages(MET, {"key": "samples"}), journey("contact", "met", "lost"), journey("contact", "won"))[
        "never_entered"
    ]
    assert (only.stage, only.n, only.of) == ("samples", 0, 2)
    assert "2 journeys" in only.says
    moved = journey("contact", "<samples", "lost"), journey("contact", "met", "won")
    assert "never_entered" not in remarks(stages(MET, {"key": "samples"}), *moved)


def test_a_stage_that_is_overtaken_whenever_its_criterion_holds() -> None:
    shadowed = {"key": "invited", "enter": {"signal": "met"}}
    (only,) = remarks(stages(shadowed, MET), journey("contact", "met", "won"), journey("contact", "met", "lost"))[
        "never_entered"
    ]
    assert only.stage == "invited"
    assert "held 2 times" in only.says
    assert "before the stages that are entered at the same moment" in only.advice


def test_an_after_sale_stage_is_not_to_be_placed_before_others() -> None:
    retention = {"key": "retention", "kind": "after_sale", "enter": {"event": "SatisfactionRecorded"}}
    sold = journey("contact", "won", "retention")
    never = [{"key": "won", "kind": "won", "enter": {"signal": "never"}}, retention]
    (only,) = remarks(stages(MET, closed=never), sold)["never_entered"]
    assert only.stage == "retention"
    assert only.says.endswith("its criterion held 1 times, but nobody was won, and only from a won stage "
                              "does one come here")  # fmt: skip
    at_the_win = {**retention, "enter": {"any": [{"event": "DealWon"}, {"event": "PaymentReceived"}]}}
    (only,) = remarks(stages(MET, closed=[WON, at_the_win]), sold)["never_entered"]
    assert "never after the win" in only.says
    assert "after the sale" in only.advice


@pytest.mark.parametrize("kind", ["won", "lost"])
def test_a_closing_stage_that_another_forestalls_is_not_to_be_placed_before_others(kind: str) -> None:
    second = {"key": "partner", "kind": kind, "enter": {"event": "DealWon"}}
    (only,) = remarks(stages(MET, closed=[second, WON]), journey("contact", "won"))["never_entered"]
    assert (only.stage, only.n) == ("partner", 0)
    assert "another stage closed" in only.says
    assert "place" not in only.advice


def test_a_criterion_that_holds_at_moves_alone_brings_nobody_in() -> None:
    reopened = {"key": "lost", "kind": "lost", "enter": {"event": "DealReopened"}}
    told = journey("contact", "met", "won", "^contact")
    found = remarks(stages({"key": "moved", "enter": {"happened": "StageMoved"}}, closed=[WON, reopened]),
                    journey("contact", "<contact"), told)["never_entered"]  # fmt: skip
    assert [each.stage for each in found] == ["moved", "lost"]
    assert all("held 1 times, each time at a person's move" in each.says for each in found)


def test_a_criterion_that_never_held_though_it_was_looked_at() -> None:
    late = {"key": "eager", "enter": {"touches": {"at_least": 3}}}
    twice = journey("contact", "touch", "touch", "won")
    told = remarks(stages(late), twice, journey("contact", "lost"))
    (only,) = told["never_true"]
    assert (only.stage, only.n, only.of) == ("eager", 0, 2)
    assert "never_entered" not in told, "said once"
    assert "never_true" not in remarks(stages(late), journey("contact", "touch", "touch", "touch", "lost"), twice)


def test_a_criterion_that_waits_for_what_never_happened() -> None:
    misspelt = {"key": "met", "enter": {"signal": "mett"}}
    (only,) = remarks(stages(misspelt), journey("contact", "met", "<met", "lost"), journey("contact", "won"))[
        "never_true"
    ]
    assert (only.n, only.of) == (0, 0)
    assert "nothing that it speaks of has ever happened" in only.says
    assert "1 journeys in it were moved by a person" in only.says


def test_the_first_stage_s_criterion_that_never_held_though_everybody_begins_there() -> None:
    first = {"key": "contact", "kind": "open", "enter": {"signal": "called"}}
    waiting = parse_definition({"pipeline": "sales", "stages": [first, {**MET, "kind": "open"}]})
    (only,) = remarks(waiting, journey("contact", "met"), journey("contact"))["never_true"]
    assert (only.stage, only.n, only.of) == ("contact", 0, 0)
    assert "2 journeys in it came by their first event" in only.says
    assert "leave it out" in only.advice
    assert "never_true" not in remarks(waiting, journey("contact", "called"), journey("contact", "met"))


@pytest.mark.parametrize(
    ("criterion", "journeys", "told"),
    [
        ({"touches": {"at_least": 2}}, [journey("contact", "touch", "touch", "touch", "won")] * MANY, False),
        ({"amount": {"at_least": 50}}, [journey("contact", "value=80 EUR", "lost")] * MANY, True),
        ({"amount": {"at_least": 90}}, [journey("contact", "value=80 EUR", "lost")] * MANY, False),
        ({"amount": {"at_least": 50}}, [journey("contact", "value=80 EUR", "lost")] * 9, False),
        ({"touches": {"at_least": 1}}, [journey("contact", "touch", "lost")] * MANY, False),
        ({"event": "Touched"}, [journey("contact", "touch", "lost")] * MANY, False),
    ],
)
def test_a_criterion_that_could_fail_and_never_does(
    criterion: dict[str, Any], journeys: list[Journey], told: bool
) -> None:
    found = remarks(stages({"key": "next", "enter": criterion}), *journeys).get("always_true", [])
    assert [each.stage for each in found] == (["next"] if told else [])
    assert all(each.n == each.of >= MANY for each in found)


@pytest.mark.parametrize(
    ("criterion", "may"),
    [
        ({"event": "DealWon"}, False),
        ({"happened": "DealWon"}, False),
        ({"proposals": {"at_least": 1}}, False),
        ({"proposals": {"at_least": 2}}, True),
        ({"not": {"happened": "DealWon"}}, True),
        ({"any": [{"event": "DealWon"}, {"score": {"at_least": 1}}]}, True),
        ({"all": [{"event": "DealWon"}, {"signal": "met"}]}, False),
        ({"bant": {"dimension": "need", "verdict": "confirmed"}}, True),
    ],
)
def test_what_can_fail_when_it_is_looked_at(criterion: dict[str, Any], may: bool) -> None:
    assert may_fail(Criterion.model_validate(criterion)) is may


def test_a_stage_that_most_journeys_jump_into() -> None:
    three = stages(MET, OFFER)
    jumping = [journey("contact", "offer", "won")] * 20
    stepwise = [journey("contact", "met", "offer", "lost")] * 15
    (only,) = remarks(three, *jumping, *stepwise)["swallows"]
    assert (only.stage, only.n, only.of) == ("offer", 20, 35)
    assert "past met" in only.says
    assert "swallows" not in remarks(three, *jumping, *stepwise, *stepwise)


def test_a_jump_past_a_stage_that_nobody_enters_is_none() -> None:
    assert "swallows" not in remarks(stages(MET, OFFER), *[journey("contact", "offer", "won")] * 40)


def test_a_persons_move_is_no_swallowing() -> None:
    moved = [journey("contact", "<offer", "won")] * 20 + [journey("contact", "met", "lost")] * 12
    assert "swallows" not in remarks(stages(MET, OFFER), *moved)


def test_keys_that_moves_name_and_the_definition_does_not_know() -> None:
    lost_there = journey("contact", "<tasting"), journey("contact", "<tasting", "met", "lost")
    told = remarks(stages(MET), *lost_there, journey("contact", "<sampling", "<tasting"))["unmapped_keys"]
    # Two unknown keys in a row are one unmapped visit, which the first of them began.
    assert [(each.advice, each.n, each.of) for each in told] == [
        ("add `replaces: [tasting]` to the stage that takes it over", 1, 2),
        ("add `replaces: [sampling]` to the stage that takes it over", 1, 1),
    ]
    knows = stages({**MET, "replaces": ["tasting", "sampling"]})
    assert "unmapped_keys" not in remarks(knows, *lost_there)


def test_a_step_that_loses_nobody() -> None:
    straight = [journey("contact", "met", "won")] * MANY + [journey("contact", "lost")] * 10
    (only,) = remarks(stages(MET), *straight)["passes_all"]
    assert (only.stage, only.n, only.of) == ("met", MANY, MANY)
    assert only.says == "all 30 journeys that left it went further (the other steps pass on 75.0%)"
    assert "passes_all" not in remarks(stages(MET), *straight, journey("contact", "met", "lost"))
    assert "passes_all" not in remarks(stages(MET), *straight[:9])


def test_a_step_that_lost_nobody_yet_is_no_sign_while_many_stand_there() -> None:
    fallen = [journey("contact", "lost")] * 30
    passed, waiting = [journey("contact", "met", "won")] * 50, [journey("contact", "met")]
    (only,) = remarks(stages(MET), *fallen, *passed, *waiting * 5)["passes_all"]
    assert (only.stage, only.n, only.of) == ("met", 50, 50)
    assert only.says.endswith("; 5 still stand there"), "a conversion of 91 % is not called 100 %"
    assert "passes_all" not in remarks(stages(MET), *fallen, *passed, *waiting * 20)


def test_a_step_that_loses_nobody_is_no_sign_where_the_others_lose_hardly_anybody() -> None:
    straight = [journey("contact", "met", "won")] * MANY
    assert "passes_all" not in remarks(stages(MET), *straight, journey("contact", "lost"))


def test_a_narrowing_points_at_the_stage_before() -> None:
    healthy = [journey("contact", "qualified", "proposal", "won")] * 40 + [journey("contact", "lost")] * 10
    stuck = [journey("contact", "qualified", "lost")] * 60
    told = remarks(SALES, *healthy, *stuck, journey("contact", "qualified", "proposal", "lost"))
    (only,) = told["abnormal_narrowing"]
    assert only.stage == "qualified"
    assert "look at what is done in qualified" in only.advice
    assert "narrows at proposal" in only.says
    assert "abnormal_narrowing" not in remarks(SALES, *healthy, journey("contact", "qualified", "proposal", "lost"))


ENDED = [
    *[journey("contact", "met", "won")] * 3,
    *[journey("contact", "lost")] * 2,
    journey("contact", "disqualified"),
    journey("contact", "won", "^contact"),
    journey("contact", "lost", "^contact"),
    journey("contact", "met"),
]


def test_wins_and_losses_that_no_stage_takes() -> None:
    (only,) = remarks(stages(MET, closed=[LOST]), *ENDED)["no_won_stage"]
    assert (only.n, only.of) == (3, 9), "a reopened one is open as it should be"
    assert "3 journeys of which DealWon was told" in only.says
    (only,) = remarks(stages(MET, closed=[WON]), *ENDED)["no_lost_stage"]
    assert (only.n, only.of) == (3, 9)
    assert "{event: DealLost}, {event: LeadDisqualified}" in only.advice
    assert "no_won_stage" not in remarks(stages(MET, closed=[LOST]), journey("contact", "met")), "none was won yet"


def test_what_ended_otherwise_by_the_stages_before() -> None:
    whole = [WON, {**LOST, "enter": {"any": [{"event": "DealLost"}, {"event": "LeadDisqualified"}]}}]
    by_payment = {**WON, "enter": {"event": "PaymentReceived"}}
    before, after = stages(MET, closed=whole), stages(MET, closed=[by_payment, whole[1]])
    (only,) = beside(before, after, *ENDED)
    assert (only.kind, only.n, only.of) == ("other_outcomes", 3, 3)
    assert only.says == "3 of the 3 journeys that are won by the stages before are open by these"
    (only,) = beside(after, before, *ENDED)
    assert (only.n, only.of) == (3, 6), "and the other way round"
    assert beside(before, stages(MET, OFFER, closed=whole), *ENDED) == []
    assert beside(before, stages(MET, closed=whole[1:]), *ENDED) == [], "that there is no won stage is said once"


def test_leads_that_count_as_lost_because_another_stage_qualifies() -> None:
    closed = [WON, {**LOST, "enter": {"any": [{"event": "DealLost"}, {"event": "LeadDisqualified"}]}}]
    only_first = parse_definition({"pipeline": "sales", "stages": [{"key": "met", "kind": "open"}, *closed]})
    (only,) = beside(stages(MET, closed=closed), only_first, *ENDED)
    assert only.says == "1 of the 1 journeys that are disqualified by the stages before are lost by these"
    assert "from 'met', stage 1, on (before: 'met', stage 2)" in only.advice


@pytest.mark.parametrize("field", ["enter", "name"])
def test_live_keys_that_change_places(field: str) -> None:
    met, offer = {**MET, "name": "Met"}, {**OFFER, "name": "Offer"}
    told = journey("contact", "<met"), journey("contact", "met", "<offer", "<met"), journey("contact")
    swapped = stages({**met, field: offer[field]}, {**offer, field: met[field]})
    found = beside(stages(met, offer), swapped, *told)
    assert [(each.kind, each.stage, each.n, each.of) for each in found] == [
        ("key_given_away", "met", 2, 3),
        ("key_given_away", "offer", 1, 3),
    ]
    for fine in (stages(offer, met), stages({**met, field: offer[field]}), stages({**met, "name": "Visited"}, offer)):
        assert "key_given_away" not in {each.kind for each in beside(stages(met, offer), fine, *told)}


def test_a_key_is_replaced_that_nobody_ever_used() -> None:
    replacing = stages({**MET, "replaces": ["mett", "offer", "moved-there"]})
    found = beside(stages(OFFER), replacing, journey("contact", "<moved-there"), journey("contact", "<offer"))
    assert [(each.kind, each.stage, each.key, each.n) for each in found] == [("replaces_nothing", "met", "mett", 0)]
    assert "correct the key" in found[0].advice
    assert beside(replacing, replacing, journey("contact")) == [], "it was looked at before"
