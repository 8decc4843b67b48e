"""S26: leads gone silent, deals stuck longer than is normal in their stage, stale notes."""

import pytest

from engine.aggregates.deal.commands import MoveStage, OpenDeal
from engine.aggregates.inputs import SourceKey
from engine.aggregates.journey.commands import AddNote
from engine.errors import Rejected
from engine.log.application import Log
from engine.projections.hygiene import hygiene
from engine.projections.lens import Lens
from engine.projections.look import Look
from tests.policies.stories import REP, Story, day, stage
from tests.service.commandline import run


@pytest.fixture
def story(sqlite_url: str) -> Story:
    """31 deals that stayed in contact for 1 to 31 days, then one more for each question."""
    story = Story(Log(sqlite_url), {"stages": [stage(), stage("proposal")]})
    for number in range(1, 32):
        deal = story.opened(0)
        story.do(MoveStage(stage="proposal"), deal, at=number)
    return story


def named(story: Story, key: str, at: float) -> None:
    deal = story.do(OpenDeal(pipeline="sales", owner=REP, record=SourceKey(source="crm", key=key)), at=at)
    story.do(AddNote(note="they wait for the budget"), deal, at=at + 1)
    if key != "silent":
        story.touch(deal, at=39)


def look(story: Story) -> Look:
    return story.views.look("sales", Lens.of(day(40)))


@pytest.mark.checklist("S26")
def test_silent_stuck_and_stale_are_told_apart(story: Story) -> None:
    # 85 % of 31 visits of 1 to 31 days are shorter than 26.5 days.
    named(story, "stuck", at=13.4)
    named(story, "not yet stuck", at=13.6)
    named(story, "silent", at=25)
    named(story, "stale notes", at=8.9)
    found = {
        each.key: (each.silent, each.stuck, each.stale_notes) for each in hygiene(look(story)).journeys if each.key
    }
    assert found == {
        "stuck": (False, True, False),
        "silent": (True, False, False),
        "stale notes": (False, True, True),
    }
    normal = {each.stage: (each.completed, each.p85_seconds) for each in hygiene(look(story)).normal}
    assert normal == {"contact": (31, 26.5 * 86_400), "proposal": (0, None)}


def test_days_are_asked_for_and_counts_are_those_of_the_list(story: Story) -> None:
    named(story, "silent", at=25)
    found = hygiene(look(story), silent_days=15, note_days=15)
    assert found.silent == sum(each.silent for each in found.journeys)
    assert "silent" not in [each.key for each in found.journeys if each.silent]
    with pytest.raises(Rejected, match="silent_days 0"):
        hygiene(look(story), silent_days=0)


def test_it_is_asked_on_the_command_line(story: Story) -> None:
    named(story, "silent", at=25)
    answer = run("hygiene", "--as-of", day(40).isoformat(), "--json", "--db", story.log.url).answer
    assert answer["silent"] == hygiene(look(story)).silent
    assert "silent" in run("hygiene", "--as-of", day(40).isoformat(), "--db", story.log.url).out
