"""A stall raises one alert and one follow-up, for a reason that is recorded; an episode ends with a touch or a move."""

from datetime import timedelta
from typing import Any

import pytest

from engine.aggregates.deal.commands import Lose, MoveStage, ReopenDeal
from engine.aggregates.inputs import SourceKey
from engine.aggregates.journey.commands import AddNote, AssignOwner, CompleteFollowUp, RetractEntry, Touch
from engine.aggregates.lead.commands import CaptureLead, ConvertLead
from engine.handle import handle
from engine.log.application import Log
from engine.log.people import person
from engine.log.texts import texts
from engine.projections.lens import Lens
from engine.projections.stalled import stalled
from engine.projections.stalling import episodes
from engine.values import TouchKind, to_micros
from tests.policies.stories import BEGAN, REP, Story, day, stage
from tests.service.commandline import run

IDLE = {"stages": [stage(idle_days=14)]}


@pytest.fixture
def story(log: Log) -> Story:
    return Story(log, IDLE)


def test_a_silent_deal_is_alerted_once_with_the_reason_and_one_follow_up_for_its_owner(story: Story) -> None:
    deal = story.opened()
    story.touch(deal, at=1)
    assert story.run(14.9) == []
    assert [done.what for done in story.run(15)] == ["done"]
    for later in (15, 15.1, 16, 40):
        assert story.run(later) == []
    (alert,), (follow_up,) = story.alerts(deal), story.follow_ups(deal)
    called = story.log.stream(deal)[1]
    assert alert.event.started_by == called.event_id
    assert (alert.event.stage, alert.event.idle_days, alert.event.limit_days, alert.event.definition) == (
        "contact",
        14,
        14,
        1,
    )
    owner = person(story.log, REP.source, REP.key)
    assert owner is not None
    assert (follow_up.event.kind, follow_up.event.owner) == (TouchKind.CALL, owner.person_id)
    assert follow_up.event.due_at == day(16)
    assert {alert.envelope.origin, follow_up.envelope.origin} == {"policy:raise_stalled"}
    assert alert.envelope.causation_id == called.event_id
    assert alert.envelope.command_id == follow_up.envelope.command_id


@pytest.mark.parametrize(
    ("rule", "why"),
    [
        ({"idle_days": 5}, "nothing happened for 5 days"),
        ({"touch_days": 1}, "no touch for 1 day"),
        ({"touch_days": 2.5, "touch_kinds": ["call", "meeting"]}, "no call or meeting for 2.5 days"),
        ({"stage_days": 5}, "in contact for 5 days"),
        ({"idle_days": 5, "business": True}, "nothing happened for 5 working days"),
    ],
)
def test_the_follow_up_says_why_as_a_colleague_would(log: Log, rule: dict[str, Any], why: str) -> None:
    story = Story(log, {"stages": [stage(**rule)], "calendar": {}})
    deal = story.opened()
    story.run(8.1234567)
    (follow_up,) = story.follow_ups(deal)
    note = follow_up.event.note.text_id
    assert texts(log, [note]) == {note: why}
    assert "idle 8.1 days" in run("history", str(deal), "--db", log.url).out


def test_without_an_owner_the_follow_up_is_for_the_team(story: Story) -> None:
    deal = story.opened(owner=None)
    story.run(20)
    assert [follow_up.event.owner for follow_up in story.follow_ups(deal)] == [None]


def test_a_touch_ends_the_episode_and_the_next_silence_is_another(story: Story) -> None:
    deal = story.opened()
    for at in (13, 14, 20, 25, 39, 40):
        if at == 25:
            story.touch(deal, at=24)
        story.run(at)
    assert story.alerted_on(deal) == [14, 39]
    assert len(story.follow_ups(deal)) == 2


def test_what_policies_do_is_no_activity_and_a_completed_follow_up_is(story: Story) -> None:
    deal = story.opened()
    story.run(14)
    story.run(30)
    assert story.alerted_on(deal) == [14]
    follow_up = story.follow_ups(deal)[0].event.follow_up_id
    story.do(CompleteFollowUp(follow_up_id=follow_up, outcome="reached"), deal, at=31)
    story.run(44)
    story.run(45)
    assert story.alerted_on(deal) == [14, 45]


def test_a_snooze_silences_and_the_alarm_rings_again_when_it_is_over(story: Story) -> None:
    deal = story.opened()
    story.run(14)
    story.snooze(deal, at=15, until=20)
    for at in (15.5, 19.9):
        assert story.run(at) == []
    story.run(20)
    story.run(21)
    assert story.alerted_on(deal) == [14, 20]
    snooze = next(entry for entry in story.log.stream(deal) if "snoozed" in entry.event.TOPIC)
    assert story.alerts(deal)[-1].event.started_by == snooze.event_id


def test_a_touch_after_the_snooze_leaves_nothing_to_ring(story: Story) -> None:
    deal = story.opened()
    story.run(14)
    story.snooze(deal, at=15, until=20)
    story.touch(deal, at=17)
    story.run(20)
    story.run(30.9)
    assert story.alerted_on(deal) == [14]
    story.run(31)
    assert story.alerted_on(deal) == [14, 31]


def test_a_snooze_before_any_stall_does_not_ring_early(story: Story) -> None:
    deal = story.opened()
    story.run(14)
    story.touch(deal, at=15)
    story.snooze(deal, at=16, until=18)
    story.run(18)
    assert story.alerted_on(deal) == [14]
    story.run(29)
    assert story.alerted_on(deal) == [14, 29]


def test_only_touches_that_count_stop_the_clock_of_touches(log: Log) -> None:
    story = Story(log, {"stages": [stage(touch_days=7, touch_kinds=["call", "meeting"])]})
    deal = story.opened()
    story.touch(deal, at=3, kind=TouchKind.CALL)
    story.touch(deal, at=6, kind=TouchKind.EMAIL)
    story.do(AddNote(note="they think about it"), deal, at=9)
    story.run(9.9)
    story.run(10)
    story.touch(deal, at=12, kind=TouchKind.EMAIL)
    story.run(20)
    assert story.alerted_on(deal) == [10]
    story.touch(deal, at=21, kind=TouchKind.MEETING)
    story.run(28)
    assert story.alerted_on(deal) == [10, 28]


def test_the_clock_of_touches_starts_with_the_stage(log: Log) -> None:
    story = Story(log, {"stages": [stage(), stage("proposal", touch_days=7)]})
    deal = story.opened()
    story.touch(deal, at=1)
    story.do(MoveStage(stage="proposal"), deal, at=20)
    story.run(26.9)
    story.run(27)
    assert story.alerted_on(deal) == [27]


def test_too_long_in_a_stage_is_alerted_once_a_stay_whatever_happens_there(log: Log) -> None:
    story = Story(log, {"stages": [stage(stage_days=30), stage("proposal", stage_days=10)]})
    deal = story.opened()
    for at in range(0, 60, 5):
        story.touch(deal, at=at)
        story.run(at)
    assert story.alerted_on(deal) == [30]
    story.do(MoveStage(stage="proposal"), deal, at=60)
    story.run(69)
    story.run(70)
    story.do(MoveStage(stage="contact", reason="began anew"), deal, at=71)
    story.run(101)
    assert story.alerted_on(deal) == [30, 70, 101]


def test_in_one_silence_two_clocks_raise_one_alert(log: Log) -> None:
    story = Story(log, {"stages": [stage(idle_days=10, stage_days=20)]})
    deal = story.opened()
    story.touch(deal, at=2)
    for at in (12, 20, 25):
        story.run(at)
    assert story.alerted_on(deal) == [12]
    story.touch(deal, at=26)
    story.run(26.5)
    assert story.alerted_on(deal) == [12, 26.5]
    story.touch(deal, at=27)
    story.run(36.9)
    story.run(37)
    assert story.alerted_on(deal) == [12, 26.5, 37]


def test_a_closed_deal_is_left_alone_until_it_is_reopened(story: Story) -> None:
    deal = story.opened()
    story.do(Lose(reason="price"), deal, at=3)
    story.run(40)
    assert story.alerted_on(deal) == []
    story.do(ReopenDeal(stage="contact", reason="they called"), deal, at=41)
    story.run(54)
    story.run(55)
    assert story.alerted_on(deal) == [55]


def test_a_touch_taken_back_does_not_hide_the_silence(story: Story) -> None:
    deal = story.opened()
    story.touch(deal, at=10)
    called = story.log.stream(deal)[-1].event_id
    story.do(RetractEntry(event_id=called, reason="another deal's"), deal, at=15)
    story.run(15)
    assert story.alerted_on(deal) == [15]


def test_a_late_entry_moves_the_clock_to_when_it_happened(story: Story) -> None:
    deal = story.opened()
    story.run(14)
    handle(
        story.log,
        Touch(kind=TouchKind.CALL),
        actor=REP,
        origin="cli",
        on=deal,
        occurred_at=day(13),
        now=day(15),
    )
    story.run(26.9)
    assert story.alerted_on(deal) == [14]
    story.run(27)
    assert story.alerted_on(deal) == [14, 27]


def test_the_silence_of_a_lead_goes_on_in_its_deal(story: Story) -> None:
    lead = story.do(CaptureLead(pipeline="sales", record=SourceKey(source="crm", key="L-1")), at=0)
    story.run(14)
    deal = story.do(ConvertLead(), lead, at=20)
    story.run(34)
    assert [len(story.alerts(lead)), story.alerted_on(deal)] == [1, [34]]


def test_a_follow_up_is_for_who_owns_the_deal_at_that_moment(story: Story) -> None:
    deal = story.opened()
    late = Story(story.log)
    late.views.catch_up()
    story.do(AssignOwner(owner=REP.model_copy(update={"key": "rep-02"})), deal, at=1)
    story.run(15)
    owner = person(story.log, "crm", "rep-02")
    assert owner is not None
    assert story.follow_ups(deal)[0].event.owner == owner.person_id


def test_the_board_the_list_and_the_policy_say_the_same(story: Story) -> None:
    deals = [story.opened(at) for at in (0, 1, 2)]
    story.run(14)
    story.snooze(deals[0], at=14.5, until=30)
    for at in (13, 14, 15, 16, 29, 30):
        seen = stalled(story.views.look(None, Lens.of(day(at)))).journeys
        would = {done.due.journey for done in story.run(at, dry_run=True)}
        known = {deals[0]} if 14 <= at < 15 else set()
        listed = {journey.journey for journey in seen}
        assert {str(journey) for journey in would | known} == listed, at


def test_business_days_leave_out_weekends_and_holidays(log: Log) -> None:
    calendar = {"zone": "Europe/Madrid", "country": "ES", "subdivision": "CT"}
    story = Story(log, {"calendar": calendar, "stages": [stage(idle_days=3, business=True, follow_up="email")]})
    # Monday 30 March 2026; Friday 3 April and Monday 6 April are holidays in Catalonia.
    deal = story.opened(at=(day(28) - BEGAN) / timedelta(days=1))
    assert day(28).isoformat() == "2026-03-30T09:00:00+00:00"
    story.touch(deal, at=30)
    story.run(36)
    story.run(36.9)
    assert story.alerted_on(deal) == []
    story.run(37)
    (follow_up,) = story.follow_ups(deal)
    assert story.alerted_on(deal) == [37]
    assert follow_up.event.kind == TouchKind.EMAIL
    assert follow_up.event.due_at == day(38)


def test_a_deal_that_was_silent_before_it_was_opened_would_have_been_alerted(story: Story) -> None:
    deal = story.opened(at=30)
    handle(story.log, Touch(kind=TouchKind.CALL), actor=REP, origin="cli", on=deal, now=day(30), occurred_at=day(1))
    (stall,) = episodes(
        story.views.look("sales", Lens.of(day(16))), dict.fromkeys(["contact", "won", "lost"], to_micros(BEGAN))
    )
    assert (stall.stream, stall.journey) == (deal, deal)
