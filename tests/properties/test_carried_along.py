"""What is carried along while journeys change, told row by row, equals what is counted anew by columns."""

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from fractions import Fraction
from random import Random
from unittest.mock import patch

from hypothesis import given, settings
from hypothesis import strategies as st

from engine.projections import first_page, lengths, live
from engine.projections.board import board
from engine.projections.cards import Cards
from engine.projections.frames import Frames
from engine.projections.likelihood import Likelihood
from engine.projections.live import Live
from engine.projections.state import state_of, with_state
from engine.stages.definition import Definition
from engine.stages.facts import Fact
from tests.projections.journeys import FoundLook, funnel, journey, look
from tests.properties.answers_of import answers
from tests.properties.random_logs import definitions, facts
from tests.properties.telling_events import with_limits

DAY = 86_400_000_000
AS_OF = (2 * DAY + 30, 3 * DAY + 30)
"""what happened in the middle of the facts' time has been so for two days, or for three"""


@contextmanager
def limits(few: int) -> Iterator[None]:
    """What is carried only as long as it is little stays little."""
    with ExitStack() as patches:
        for module, name in ((live, "MANY"), (lengths, "FEW"), (first_page, "MOST"), (first_page, "SPARE")):
            patches.enter_context(patch.object(module, name, few))
        yield


@settings(max_examples=25, deadline=None)
@given(st.tuples(facts(), facts(), facts()), definitions(), st.integers(0, 2**32))
def test_answers_that_follow_journeys_a_few_at_a_time_equal_answers_about_what_they_became(
    told: tuple[list[list[Fact]], ...], definition: Definition, seed: int
) -> None:
    """Each journey becomes another, and then a third, as if what was entered of it until now had been replaced."""
    random = Random(seed)
    definition, as_of = with_limits(definition, random), random.choice(AS_OF)
    began, meanwhile, became = (look(dict(enumerate(each)), definition, as_of=as_of) for each in told)
    now, *others = (Live.of(derived(each)) for each in (began, meanwhile, became))
    codes = list(range(max(map(len, told)))) * 2
    random.shuffle(codes)
    with limits(random.choice([2, 5, 9])):
        answers(replace(began, frames=now))
        behind = now
        while codes:
            changed = {codes.pop() for _ in range(min(len(codes), random.choice([1, 1, 2])))}
            now = now.replaced({code: others[code not in codes].rows_alone(code) for code in sorted(changed)})
            if random.random() < 0.4:
                answers(replace(began, frames=now))
            if random.random() < 0.2:
                behind = now
        # Somebody still looks at how it was, while others have gone on.
        as_it_was = Frames(behind.visits, behind.journeys, behind.attributes, behind.void)
        assert answers(replace(began, frames=behind)) == answers(replace(began, frames=as_it_was))
        assert answers(replace(became, frames=now)) == answers(became)


def derived(found: FoundLook) -> Frames:
    assert isinstance(found.frames, Frames)
    return found.frames


@settings(max_examples=40, deadline=None)
@given(facts(), definitions(), st.integers(0, 2**32))
def test_what_is_told_of_a_row_is_what_is_told_of_its_column(
    told: list[list[Fact]], definition: Definition, seed: int
) -> None:
    random = Random(seed)
    found = look(dict(enumerate(told)), with_limits(definition, random), as_of=random.choice(AS_OF))
    chances = [Likelihood(Fraction(1, rank + 2), 30, False) for rank in range(len(definition.stages))]
    expected = with_state(found.journeys.lazy(), found, chances).select("age", "stalled", "likelihood").collect()
    state = state_of(found, chances)
    assert [state(row) for row in found.journeys.iter_rows(named=True)] == expected.rows(named=True)


def test_who_looks_at_how_it_was_leaves_what_was_worked_out_to_those_who_went_on() -> None:
    """Else each answer that takes longer than the next change is long in coming would be worked out anew."""
    here = funnel(journey("contact@0"), journey("contact@1"), as_of=20).look
    before = Live.of(derived(here))
    then = before.replaced({1: before.rows_alone(1)})
    now = then.replaced({0: before.rows_alone(0)})
    before.carried("who", None, lambda: ["all"], lambda found, *_: found)
    told = now.carried("who", None, lambda: ["anew"], lambda found, were, are: [*found, len(were), len(are)])
    assert told == ["all", 2, 2]
    # And not the other way: it does not know what is to come.
    assert then.carried("who", None, lambda: ["anew"], lambda found, were, are: [*found, len(were)]) == ["anew"]


def test_a_page_is_full_whoever_leaves_it() -> None:
    """All cards that were carried leave at once: those behind them, which nobody carried, are shown."""
    here = funnel(*(journey(f"contact@{number}") for number in range(9)), as_of=20).look
    gone = funnel(*(journey("contact@0", "merged@1") for _ in range(9)), as_of=20).look
    left, now = Live.of(derived(gone)), Live.of(derived(here))
    with limits(2):
        first = board(replace(here, frames=now), cards=Cards(limit=2))
        now = now.replaced({code: left.rows_alone(code) for code in range(3)})
        then = board(replace(here, frames=now), cards=Cards(limit=2))
    assert [[card.key for card in each.cards] for each in (first, then)] == [["0", "1"], ["3", "4"]]
    assert then.next is not None
