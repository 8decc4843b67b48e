"""What is carried along while journeys change, told row by row, equals what is counted anew by columns."""

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from random import Random
from unittest.mock import patch

from hypothesis import given, settings
from hypothesis import strategies as st

from engine.projections import first_page, lengths, live
from engine.projections.frames import Frames
from engine.projections.live import Live
from engine.stages.definition import Definition
from engine.stages.facts import Fact
from tests.projections.journeys import look
from tests.properties.answers_of import answers
from tests.properties.random_logs import definitions, facts
from tests.properties.telling_events import with_limits

DAY = 86_400_000_000


@contextmanager
def limits(few: int) -> Iterator[None]:
    """What is carried only as long as it is little stays little."""
    with ExitStack() as patches:
        for module, name in ((live, "MANY"), (lengths, "FEW"), (first_page, "MOST"), (first_page, "SPARE")):
            patches.enter_context(patch.object(module, name, few))
        yield


@settings(max_examples=40, deadline=None)
@given(facts(), facts(), definitions(), st.integers(0, 2**32))
def test_answers_that_follow_journeys_one_by_one_equal_answers_about_what_they_became(
    before: list[list[Fact]], after: list[list[Fact]], definition: Definition, seed: int
) -> None:
    """Each journey becomes another, as if what was entered of it until now had been replaced."""
    random = Random(seed)
    definition = with_limits(definition, random)
    # What happened in the middle of the facts' time has been so for two days, or for three.
    as_of = random.choice([2, 3]) * DAY + 30
    began, became = (look(dict(enumerate(told)), definition, as_of=as_of) for told in (before, after))
    assert isinstance(became.frames, Frames)
    then = Live.of(became.frames)
    codes = list(range(max(len(before), len(after))))
    random.shuffle(codes)
    assert isinstance(began.frames, Frames)
    now = Live.of(began.frames)
    with limits(random.choice([2, 5, 9])):
        answers(replace(began, frames=now))
        while codes:
            changed = sorted(codes.pop() for _ in range(min(len(codes), random.choice([1, 1, 2]))))
            now = now.replaced({code: then.rows_alone(code) for code in changed})
            if random.random() < 0.5:
                answers(replace(began, frames=now))
        assert answers(replace(became, frames=now)) == answers(became)
