"""Activity: touches by kind and person, attempts, leads never touched, time to the first answer."""

from collections import Counter
from dataclasses import replace
from datetime import timedelta
from typing import Any

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.aggregates.deal.commands import Lose, Win
from engine.aggregates.inputs import PersonRef
from engine.aggregates.journey.commands import Touch
from engine.aggregates.lead.commands import CaptureLead, ConvertLead, DisqualifyLead
from engine.errors import Rejected
from engine.handle import handle
from engine.log.application import Log
from engine.projections.activity import MOST_ATTEMPTS, Activity, activity
from engine.projections.filters import Filters
from engine.projections.worked import AUTOMATED, INBOUND
from engine.stages.criteria_polars import is_kind
from engine.stages.definition import Definition
from engine.stages.facts import Fact
from engine.stages.presets import preset
from engine.values import Direction, Money, TouchKind
from replay.plain_answers import quantile
from tests.checklist.desk import Desk, Sale
from tests.projections.journeys import funnel, journey, look, person
from tests.projections.one_by_one import one_by_one
from tests.properties.random_logs import definitions, facts

AS_OF = 10_000
CALL, MAIL, MEETING = (Touch(kind=kind) for kind in (TouchKind.CALL, TouchKind.EMAIL, TouchKind.MEETING))
THEY_CALLED = Touch(kind=TouchKind.CALL, direction=Direction.INBOUND)
NEWSLETTER = Touch(kind=TouchKind.EMAIL, automated=True)
LOST, WON = Lose(reason="silence"), Win(evidence="order 1", value=Money.of(10, "EUR"))


@pytest.fixture
def desk(sqlite_url: str) -> Any:
    log = Log(sqlite_url)
    found = Desk(log)
    found.publish(preset("ca"))
    yield found
    log.close()


def lead(desk: Desk, **told: Any) -> Sale:
    return desk.begin(CaptureLead(pipeline="ca", **told))


def asked(desk: Desk, **options: Any) -> Activity:
    filters = Filters(**options.pop("filters", {}))
    return activity(desk.look(), filters, **options)


@pytest.mark.checklist("S9")
def test_the_response_time_is_from_received_to_the_first_touch_of_a_person(desk: Desk) -> None:
    lead(desk).goes(NEWSLETTER, THEY_CALLED, days=0.25).goes(CALL, days=0.5)
    lead(desk).goes(MAIL, days=3)
    found = asked(desk).response
    assert (found.n, found.p50_seconds, found.mean_seconds) == (2, 2 * 86_400, 2 * 86_400)
    assert (found.within_sla, found.within_sla_share) == (1, 0.5)
    assert asked(desk, sla=timedelta(days=3)).response.within_sla_share == 1.0


def test_who_was_never_answered_is_counted_and_who_may_still_be_in_time_waits(desk: Desk) -> None:
    lead(desk).goes(CALL)
    lead(desk).goes(NEWSLETTER)
    lead(desk).goes(DisqualifyLead(reason="a joke"), days=0.1)
    found = activity(desk.look(as_of=desk.clock + timedelta(hours=20)))
    assert (found.response.never_answered, found.response.waiting, found.response.n) == (1, 2, 0)
    assert found.response.within_sla_share == 0.0
    assert asked(desk).response.never_answered == 2
    assert asked(desk).response.within_sla_share == 1 / 3


@pytest.mark.checklist("S27")
def test_attempts_per_lead_show_who_gives_up_after_two_calls_where_eight_are_needed(desk: Desk) -> None:
    for _ in range(3):
        lead(desk).goes(CALL, CALL, DisqualifyLead(reason="silence"))
    lead(desk).goes(*[CALL] * 8, ConvertLead(), WON, CALL)
    lead(desk).goes(*[CALL] * 12)
    found = asked(desk)
    assert [(row.attempts, row.leads, row.won, row.lost, row.open) for row in found.attempts] == [
        (2, 3, 0, 3, 0),
        (8, 1, 1, 0, 0),
        (MOST_ATTEMPTS, 1, 0, 0, 1),
    ]
    assert found.attempts_mean == (2 * 3 + 8 + 12) / 5


@pytest.mark.checklist("S27")
def test_leads_never_followed_up_are_counted(desk: Desk) -> None:
    for _ in range(8):
        lead(desk).goes(CALL)
    lead(desk).goes(THEY_CALLED)
    lead(desk)
    lead(desk).goes(DisqualifyLead(reason="a joke"))
    found = asked(desk)
    assert (found.leads, found.touched, found.never_touched, found.never_touched_open) == (11, 8, 3, 2)
    assert found.never_touched_share == 3 / 11


@pytest.mark.checklist("S44")
def test_calls_and_meetings_are_counted_for_each_person_who_made_them(desk: Desk) -> None:
    first = lead(desk).goes(CALL, CALL, MEETING)
    other = PersonRef(source="crm", key="rep-07")
    for touch in (CALL, THEY_CALLED, NEWSLETTER):
        handle(desk.log, touch, actor=other, origin="cli", on=first.stream, occurred_at=first.now)
    one, two = asked(desk).actors
    assert {one.key, two.key} == {"rep-01", "rep-07"}
    by_kind = {actor.key: {kind.kind: kind.touches for kind in actor.kinds} for actor in (one, two)}
    assert by_kind == {"rep-01": {"call": 2, "meeting": 1}, "rep-07": {"call": 2, "email": 1}}
    (calls, mails, meetings) = asked(desk).kinds
    assert (calls.touches, calls.outbound, calls.inbound, calls.automated) == (4, 3, 1, 0)
    assert (mails.kind, mails.automated, meetings.outbound) == ("email", 1, 1)


@pytest.mark.checklist("S44")
def test_calls_are_counted_for_each_manager_whose_people_own_the_deals() -> None:
    def member(number: int, manager: int) -> dict[str, Any]:
        return {
            "rep": person(number),
            "since": 0,
            "until": None,
            "team": "t",
            "manager": person(manager),
            "region": "r",
        }

    told = funnel(
        journey("contact", "touch", "touch", owner=person(1)),
        journey("contact", "touch", owner=person(2)),
        journey("contact", "touch", owner=person(3)),
        roster=[member(1, 4), member(2, 4), member(3, 5)],
    )
    groups = activity(told.look, by="manager").groups or ()
    calls = {group.key: [(kind.kind, kind.touches) for kind in group.kinds] for group in groups}
    assert calls == {"rep-4": [("call", 3)], "rep-5": [("call", 1)]}


def test_touches_are_those_of_the_window_and_leads_those_opened_in_it(desk: Desk) -> None:
    lead(desk).goes(CALL, days=2).goes(CALL, days=10)
    found = asked(desk, filters={"since": desk.clock + timedelta(days=5)})
    assert (found.leads, found.touches, len(found.actors)) == (0, 1, 1)
    assert (found.attempts, found.attempts_mean, found.response.within_sla_share) == ((), None, None)


def test_each_group_has_its_own_figures(desk: Desk) -> None:
    lead(desk, source="ads").goes(CALL)
    lead(desk, source="fair")
    groups = {group.key: group for group in asked(desk, by="source").groups or ()}
    assert (groups["ads"].touches, groups["ads"].never_touched) == (1, 0)
    assert (groups["fair"].touches, groups["fair"].never_touched) == (0, 1)
    months = asked(desk, by="month").groups or ()
    assert [(group.key, group.leads, group.touches) for group in months] == [("2025-03", 2, 1)]


def test_an_entry_taken_back_was_no_touch_and_no_time_is_no_sla(desk: Desk) -> None:
    from engine.aggregates.journey.commands import RetractEntry

    sale = lead(desk).goes(CALL)
    event = desk.log.stream(sale.stream)[-1].event_id
    sale.goes(RetractEntry(event_id=event, reason="another lead"))
    assert (asked(desk).touches, asked(desk).never_touched) == (0, 1)
    with pytest.raises(Rejected, match="SLA"):
        asked(desk, sla=timedelta(0))


@settings(max_examples=50, deadline=None)
@given(facts(), definitions(), st.randoms(use_true_random=False), st.integers(1, 40))
def test_activity_equals_the_count_one_by_one(
    journeys: list[list[Fact]], definition: Definition, dice: Any, sla: int
) -> None:
    found = look(dict(enumerate(journeys)), definition, as_of=AS_OF)
    seen = found.seen()
    bits = {position: dice.choice([0, 0, INBOUND, AUTOMATED, INBOUND + AUTOMATED]) for position in range(100)}
    directed = seen.rows.with_columns(
        code=pl.when(is_kind("Touched"))
        .then(pl.col("code") + pl.col("position").replace_strict(bits, return_dtype=pl.Int32))
        .otherwise("code")
    )
    answer = activity(
        type(found)(**{**vars(found), "seen": lambda: replace(seen, rows=directed)}), sla=timedelta(microseconds=sla)
    )
    told = one_by_one(journeys, definition, as_of=AS_OF)
    kinds: Counter[tuple[str, str]] = Counter()
    tries: Counter[int] = Counter()
    spans, waiting, silent = [], 0, 0
    for each in told:
        human = []
        for fact in each.life.entries:
            if fact.kind == "Touched":
                bit = bits[fact.position]
                way = "automated" if bit & AUTOMATED else "inbound" if bit else "outbound"
                kinds[fact.touch or "", way] += 1
                if way == "outbound":
                    human.append(fact.occurred_at)
        end = AS_OF if each.closed_at is None else each.closed_at
        tries[min(MOST_ATTEMPTS, sum(at <= end for at in human))] += 1
        if human:
            spans.append(human[0] - each.opened_at)
        elif each.outcome == "open" and each.opened_at + sla > AS_OF:
            waiting += 1
        else:
            silent += 1
    assert {
        (row.kind, way): getattr(row, way)
        for row in answer.kinds
        for way in ("outbound", "inbound", "automated")
        if getattr(row, way)
    } == kinds
    assert {row.attempts: row.leads for row in answer.attempts} == tries
    response = answer.response
    assert (response.n, response.never_answered, response.waiting) == (len(spans), silent, waiting)
    assert response.p50_seconds == quantile(sorted(spans), 50)
    assert response.within_sla == sum(span <= sla for span in spans)
