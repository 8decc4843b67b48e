"""What came between two moments of one journey: new entries, entries taken back, and what they changed.

Each moment is a lens. As it stood at T is as_of=T with known_at=T; with one of the two the same on both sides the
difference is what happened in between, or what was learnt in between about the same time.
"""

from collections import Counter
from collections.abc import Iterable, Iterator
from datetime import datetime
from typing import Any, Literal
from uuid import UUID

from engine.errors import NotFound, Rejected
from engine.log.application import Log
from engine.projections.figures import Answer, Figures
from engine.projections.lens import Lens
from engine.values import from_micros
from replay.history import History, HistoryEvent, HistoryVisit, history
from replay.standing import Person, Standing

SPLIT = ("bant", "attributes")
"""fields of the standing that are told by their parts"""


class Moment(Figures):
    """How it stood at one of the two moments."""

    as_of: datetime
    known_at: datetime | None
    pipeline: str | None
    definition: int | str | None
    n: int
    """events"""
    state: Standing | None
    """None: there was nothing of it yet"""


class EventBetween(HistoryEvent):
    retroactive: bool
    """it occurred by the earlier moment, and nobody had recorded it by then"""


class Change(Figures):
    field: str
    """of the standing: stage, value, owner, bant.budget, attributes.NAME, ..."""
    before: Any
    after: Any


class VisitChange(Figures):
    pipeline: str
    stage: str
    entered_at: datetime
    how: str
    change: Literal["new", "gone", "left", "same"]
    """gone: what was recorded since rewrote it; left: it ended since, or ended at another time"""
    left_before: datetime | None
    left_after: datetime | None


class JourneyDifference(Answer):
    """The head is that of the later moment; n counts the new events."""

    journey: str
    key: str | None
    label: str | None
    before: Moment
    after: Moment
    events: tuple[EventBetween, ...]
    """in the order in which they happened"""
    taken_back: tuple[HistoryEvent, ...]
    """entries of before that corrections among the new events take back"""
    changes: tuple[Change, ...]
    visits: tuple[VisitChange, ...]
    """of both moments, in order"""
    people: dict[str, Person]
    """everybody the events name, by person_id"""


def difference(log: Log, journey: str | UUID, before: Lens, after: Lens) -> JourneyDifference:
    """From one moment to a later one. NotFound: an unknown journey, or nothing of it by the later moment.

    Rejected where the moments are the wrong way round.
    """
    if before.as_of > after.as_of or known(before) > known(after):
        raise Rejected("the earlier moment comes first: swap the two", field="since")
    now = history(log, journey, after)
    try:
        then = history(log, journey, before, position=now.position)
    except NotFound:
        # The journey is there, as `now` shows: it began later.
        then = None
    had = {} if then is None else {event.event_id: event for event in then.events}
    new = [event for event in now.events if event.event_id not in had]
    return JourneyDifference(
        **{name: getattr(now, name) for name in Answer.model_fields if name != "n"},
        n=len(new),
        journey=now.journey,
        key=now.key,
        label=now.label,
        before=moment(then, before),
        after=moment(now, after),
        events=tuple(
            EventBetween(**dict(event), retroactive=event.occurred_at <= from_micros(before.as_of)) for event in new
        ),
        taken_back=tuple(
            event
            for event in now.events
            if event.event_id in had and event.retracted_by != had[event.event_id].retracted_by
        ),
        changes=tuple(changes(None if then is None else then.state, now.state)),
        visits=tuple(visit_changes(() if then is None else then.visits, now.visits)),
        people=now.people,
    )


def known(lens: Lens) -> float:
    return float("inf") if lens.known_at is None else lens.known_at


def moment(found: History | None, lens: Lens) -> Moment:
    return Moment(
        as_of=from_micros(lens.as_of),
        known_at=None if lens.known_at is None else from_micros(lens.known_at),
        pipeline=None if found is None else found.pipeline,
        definition=None if found is None else found.definition,
        n=0 if found is None else found.n,
        state=None if found is None else found.state,
    )


def changes(before: Standing | None, after: Standing) -> Iterator[Change]:
    was, now = ({} if state is None else flat(state) for state in (before, after))
    for field in dict.fromkeys([*was, *now]):
        if was.get(field) != now.get(field):
            yield Change(field=field, before=was.get(field), after=now.get(field))


def flat(state: Standing) -> dict[str, Any]:
    told = state.model_dump(mode="json")
    parts = {f"{name}.{part}": value for name in SPLIT for part, value in told.pop(name).items()}
    return told | parts


def visit_changes(before: Iterable[HistoryVisit], after: Iterable[HistoryVisit]) -> list[VisitChange]:
    was, now = numbered(before), numbered(after)
    found = []
    for key, visit in {**was, **now}.items():
        old, new = was.get(key), now.get(key)
        left_before, left_after = (None if each is None else each.left_at for each in (old, new))
        change: Literal["new", "gone", "left", "same"] = "same" if left_before == left_after else "left"
        if old is None or new is None:
            change = "new" if old is None else "gone"
        found.append(
            VisitChange(
                pipeline=visit.pipeline,
                stage=visit.stage,
                entered_at=visit.entered_at,
                how=visit.how,
                change=change,
                left_before=left_before,
                left_after=left_after,
            )
        )
    return sorted(found, key=lambda visit: visit.entered_at)


def numbered(visits: Iterable[HistoryVisit]) -> dict[tuple[str, str, datetime, int], HistoryVisit]:
    """By pipeline, stage and beginning; the last number tells apart those that begin at one moment."""
    counts: Counter[tuple[str, str, datetime]] = Counter()
    found = {}
    for visit in visits:
        key = (visit.pipeline, visit.stage, visit.entered_at)
        counts[key] += 1
        found[*key, counts[key]] = visit
    return found
