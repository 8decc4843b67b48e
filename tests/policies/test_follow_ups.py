"""S15: every rep's next steps, and the journeys that have none; done, snoozed and cancelled on the command line."""

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest

from engine.aggregates.deal.commands import Lose, OpenDeal
from engine.aggregates.inputs import PersonRef, SourceKey
from engine.aggregates.journey.commands import ScheduleFollowUp
from engine.aggregates.lead.commands import CaptureLead, ConvertLead
from engine.aggregates.roster.commands import EnrolRep, RecordRepLeft
from engine.log.application import Log
from engine.policies.every import POLICIES
from engine.projections.filters import Filters
from engine.projections.follow_ups import FollowUps, follow_ups
from engine.projections.lens import Lens
from engine.values import TouchKind
from service.cli.follow_ups import telling
from tests.policies.stories import REP, Story, day, stage
from tests.service.commandline import run

OTHER = PersonRef(source="crm", key="rep-02", name="Rep Two")
RULES = {"stages": [{**stage(idle_days=14), "team": "inside sales"}]}


@pytest.fixture
def story(log: Log) -> Story:
    return Story(log, RULES)


def opened(story: Story, key: str, owner: PersonRef | None = REP, at: float = 0) -> UUID:
    return story.do(OpenDeal(pipeline="sales", owner=owner, record=SourceKey(source="crm", key=key)), at=at)


def schedule(story: Story, deal: UUID, due: float, at: float = 1, owner: PersonRef | None = None) -> UUID:
    command = ScheduleFollowUp(kind=TouchKind.EMAIL, due_at=day(due), owner=owner, note="send the tasting notes")
    story.do(command, deal, at=at)
    found: UUID = story.follow_ups(deal)[-1].event.follow_up_id
    return found


def asked(story: Story, at: float, owner: str | None = None, overdue: bool = False) -> FollowUps:
    return follow_ups(story.views.look("sales", Lens.of(day(at))), Filters(owner=owner), overdue=overdue)


@pytest.mark.checklist("S15")
def test_next_steps_come_in_the_order_in_which_they_are_due(story: Story) -> None:
    deals = [opened(story, key) for key in ("A", "B", "C")]
    schedule(story, deals[0], due=9)
    schedule(story, deals[1], due=3)
    found = asked(story, at=5)
    assert [(each.key, each.due_at, each.overdue) for each in found.follow_ups] == [
        ("B", day(3), True),
        ("A", day(9), False),
    ]
    assert (found.count, found.overdue, found.n) == (2, 1, 3)
    assert [each.key for each in asked(story, at=5, overdue=True).follow_ups] == ["B"]
    assert found.follow_ups[0].note == "send the tasting notes"
    assert found.follow_ups[0].policy is None


def test_a_journey_without_a_next_step_is_shown_as_such(story: Story) -> None:
    deals = [opened(story, key) for key in ("A", "B", "C")]
    schedule(story, deals[1], due=3)
    story.touch(deals[0], at=2)
    story.do(Lose(reason="price"), deals[2], at=2)
    found = asked(story, at=5)
    assert (found.without_next_step, [each.key for each in found.journeys]) == (1, ["A"])


def test_a_rep_sees_own_steps_also_on_journeys_of_others(story: Story) -> None:
    mine, theirs = opened(story, "A"), opened(story, "B", owner=OTHER)
    schedule(story, mine, due=3)
    schedule(story, theirs, due=4, owner=REP)
    opened(story, "C", owner=OTHER)
    assert [each.key for each in asked(story, 5, owner="rep-01").follow_ups] == ["A", "B"]
    of_other = asked(story, 5, owner="rep-02")
    assert (of_other.count, [each.key for each in of_other.journeys]) == (0, ["C"])


def test_without_an_owner_it_is_the_team_of_the_stage_that_follows_up(story: Story) -> None:
    opened(story, "A", owner=None)
    story.run(15)
    (found,) = asked(story, 16).follow_ups
    assert (found.owner, found.team, found.policy) == (None, "inside sales", "raise_stalled")


def test_what_somebody_who_left_owned_is_followed_up_by_the_team_of_the_stage(story: Story) -> None:
    # Of whom no roster ever spoke, as in an imported log, they stay the owner.
    silent, _, planned = opened(story, "A"), opened(story, "B", owner=OTHER), opened(story, "C", owner=OTHER)
    story.do(EnrolRep(rep=REP, team="inside sales"), at=0)
    opened(story, "D", at=9)
    story.do(RecordRepLeft(rep=REP), at=10)
    story.run(15)
    assert [each.event.owner for each in story.follow_ups(silent)] == [None]
    schedule(story, planned, due=19, at=15, owner=REP)

    def told(at: float, **filters: str) -> dict[tuple[str | None, str | None], tuple[str | None, str | None]]:
        found = follow_ups(story.views.look("sales", Lens.of(day(at))), Filters(**filters))
        return {
            (each.key, getattr(each, "policy", "none")): (None if each.owner is None else each.owner.key, each.team)
            for each in (*found.follow_ups, *found.journeys)
        }

    of_team = {("A", "raise_stalled"): (None, "inside sales"), ("D", "none"): (None, "inside sales")}
    of_other = {(key, "raise_stalled"): ("rep-02", None) for key in "BC"} | {("C", None): ("rep-02", None)}
    assert told(16) == of_team | of_other
    assert told(16, team="inside sales") == of_team
    # Whoever takes over asks what they have left behind.
    assert told(16, owner="rep-01") == of_team | {("C", None): ("rep-02", None)}
    # As they were there still, it is theirs; and again when they are back.
    assert told(9.5, team="inside sales") == {(key, "none"): ("rep-01", None) for key in "AD"}
    story.do(EnrolRep(rep=REP, team="inside sales"), at=17)
    assert told(18, owner="rep-01")["A", "raise_stalled"] == ("rep-01", None)


def test_a_snoozed_one_says_why_and_until_when(story: Story) -> None:
    deal = opened(story, "A")
    schedule(story, deal, due=3)
    story.snooze(deal, at=4, until=8)
    (found,) = asked(story, 5).follow_ups
    assert (found.due_at, found.snoozed, found.overdue, found.kind) == (day(8), "they asked", False, "email")
    (found,) = asked(story, 9).follow_ups
    assert (found.snoozed, found.overdue) == (None, True)


def test_next_steps_of_a_lead_go_on_in_its_deal(story: Story) -> None:
    lead = story.do(CaptureLead(pipeline="sales", owner=REP, record=SourceKey(source="crm", key="L")), at=0)
    schedule(story, lead, due=3)
    story.do(ConvertLead(), lead, at=2)
    assert [each.key for each in asked(story, 5).follow_ups] == ["L"]
    assert run("follow-up", "complete", "L", "--outcome", "reached", "--db", story.log.url).code == 0
    assert asked(story, 5).count == 1
    assert follow_ups(story.views.look("sales", Lens.of())).count == 0


def test_they_are_done_snoozed_and_cancelled_on_the_command_line(story: Story) -> None:
    url = story.log.url
    deals = [opened(story, key) for key in ("A", "B")]
    first, second = (schedule(story, deals[0], due=due) for due in (3, 4))
    run("follow-up", "complete", "A", "--outcome", "reached", "--db", url).refused(3, "2 open follow-ups", str(second))
    run("follow-up", "complete", "B", "--outcome", "reached", "--db", url).refused(4, "'B' has no open follow-up")
    run("follow-up", "complete", "Z", "--outcome", "reached", "--db", url).refused(4, "'Z' is no open follow-up")
    assert run("follow-up", "complete", first.hex[:8], "--outcome", "reached", "--actor", "jo", "--db", url).code == 0
    later = datetime.now(UTC) + timedelta(days=3)
    snooze = ["follow-up", "snooze", "A", "--reason", "on leave", "--db", url]
    assert run(*snooze, "--until", later.isoformat()).code == 0
    run(*snooze, "--until", "2026-01-01").refused(3, "is past")
    run(*snooze, "--until", "soon").refused(2, "--until")
    (left,) = run("follow-ups", "--db", url, "--json").answer["follow_ups"]
    assert (left["follow_up"], left["snoozed"]) == (str(second), "on leave")
    assert run("follow-up", "cancel", str(second), "--reason", "they bought", "--db", url).code == 0
    due = (datetime.now(UTC) + timedelta(days=1)).isoformat()
    assert run("follow-up", "schedule", "B", "--kind", "call", "--due", due, "--db", url).code == 0
    answer = run("follow-ups", "--db", url, "--json").answer
    assert [each["key"] for each in answer["follow_ups"]] == ["B"]
    assert [each["key"] for each in answer["journeys"]] == ["A"]
    run("follow-up", "schedule", "B", "--kind", "pigeon", "--due", due, "--db", url).refused(2, "--kind")
    actors = {entry.envelope.actor for entry in story.log.stream(deals[0])}
    assert len(actors) == 3
    assert "B" in run("follow-ups", "--db", url).out


def test_ids_are_shown_as_long_as_it_takes_to_tell_them_apart() -> None:
    one, other = "00000000-f4c0-8c57-8c1e-42c348a5cce3", "00000000-f5a1-8c57-8c1e-42c348a5cce3"
    assert telling(()) == telling((one,)) == 8
    assert {name[: telling((one, other))] for name in (one, other)} == {"00000000-f4", "00000000-f5"}


def test_policies_are_listed_and_run_on_the_command_line(story: Story) -> None:
    url = story.log.url
    deal = opened(story, "A")
    run("policies", "run", "--now", "2026-03-20", "--db", url).refused(2, "--once")
    run("policies", "run", "--once", "--now", "2999-01-01", "--db", url).refused(3, "in the future")
    run("policies", "run", "--once", "--now", "soon", "--db", url).refused(2, "--now")
    would = run("policies", "run", "--once", "--dry-run", "--since", "2026-03-01", "--json", "--db", url).answer
    assert (would["count"], would["actions"][0]["journey"]) == (1, str(deal))
    before = story.log.position()
    assert listed(url)["since"] is None
    assert "0 done" in run("policies", "run", "--once", "--db", url).out
    # That it looks from now on, and nothing else.
    assert story.log.position() == before + 1
    done = run(
        "policies", "run", "--once", "--since", "2026-03-01", "--now", "2026-03-20", "--json", "--db", url
    ).answer
    assert [(each["what"], each["command"]) for each in done["actions"]] == [("done", "RaiseStalled")]
    assert story.alerted_on(deal) == [(datetime(2026, 3, 20, tzinfo=UTC) - day(0)) / timedelta(days=1)]
    assert listed(url)["stages"] == ["contact"]
    assert listed(url)["since"] is not None
    assert "raise_stalled" in run("policies", "list", "--db", url).out


def listed(url: str) -> dict[str, Any]:
    policies = run("policies", "list", "--json", "--db", url).answer["policies"]
    (found,) = (each for each in policies if each["policy"] == "raise_stalled")
    assert len(policies) == len(POLICIES)
    return dict(found)
