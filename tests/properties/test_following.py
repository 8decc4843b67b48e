"""Through a real log: the live views follow it, and what they hold equals deriving everything anew, and the fold."""

import shutil
from pathlib import Path
from tempfile import TemporaryDirectory

from hypothesis import given, settings
from hypothesis import strategies as st

from engine.log.application import Log
from engine.log.feed import read_feed
from engine.projections.board import board
from engine.projections.conversion import conversion
from engine.projections.cycle_time import cycle_time
from engine.projections.figures import Answer
from engine.projections.lens import Lens
from engine.projections.views import Look, Views
from engine.projections.win_rate import win_rate
from engine.stages.definition import Definition
from engine.stages.facts import Fact
from engine.values import from_micros
from replay.verify import verify
from tests.properties.events_of import START, STEP, publish, write_journeys
from tests.properties.random_logs import definitions, facts

BEFORE = 2
"""entries that publishing the definition puts before the journeys'"""


def frames(look: Look) -> list[list[tuple[object, ...]]]:
    return [frame.rows() for frame in (look.visits, look.journeys, look.attributes)] + [[(look.void,)]]


def answers(look: Look) -> list[Answer]:
    """Those that are told of what was added up before and what changed since."""
    return [board(look), conversion(look), conversion(look, strict=True), cycle_time(look), win_rate(look)]


@settings(max_examples=60, deadline=None)
@given(st.lists(facts(), min_size=1, max_size=3), definitions(), st.integers(1, 9))
def test_views_that_follow_the_log_equal_views_that_begin_anew(
    sqlite_template: Path, batches: list[list[list[Fact]]], definition: Definition, at_a_time: int
) -> None:
    with TemporaryDirectory() as folder:
        log = fresh(sqlite_template, Path(folder) / "log.db")
        publish(log, definition)
        following = Views(log)
        following.look("one", Lens.of())
        for number, journeys in enumerate(batches):
            write_journeys(log, journeys, at_a_time=at_a_time, name=str(number))
            lens = Lens.of()
            followed, anew = following.look("one", lens), Views(log).look("one", lens)
            assert frames(followed) == frames(anew)
            assert answers(followed) == answers(anew)
        assert verify(log, following) == []
        log.close()


@settings(max_examples=60, deadline=None)
@given(facts(), definitions(), st.integers(3, 40), st.integers(0, 7))
def test_the_two_lenses_together_show_the_log_as_it_stood(
    sqlite_template: Path, journeys: list[list[Fact]], definition: Definition, prefix: int, day: int
) -> None:
    """What is asked now about then equals what a log that ends there would answer."""
    as_of = START + 10 * STEP * day
    with TemporaryDirectory() as folder:
        whole, short = (fresh(sqlite_template, Path(folder) / name) for name in ("whole.db", "short.db"))
        for log in (whole, short):
            publish(log, definition)
        write_journeys(whole, journeys, at_a_time=1, name="")
        known = [[fact for fact in each if fact.position + BEFORE <= prefix] for each in journeys]
        write_journeys(short, known, at_a_time=1, name="")
        known_at = from_micros(read_feed(whole, 0, prefix)["recorded_at"][-1])
        then = Views(whole).look("one", Lens.of(as_of, known_at))
        stood = Views(short).look("one", Lens.of(as_of))
        assert frames(then) == frames(stood)
        whole.close()
        short.close()


def fresh(template: Path, path: Path) -> Log:
    shutil.copyfile(template, path)
    return Log(f"sqlite:///{path}")
