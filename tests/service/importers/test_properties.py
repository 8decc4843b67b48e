"""Whatever the history: imported twice, or in two steps, is imported once; what is stored is what a command stores."""

import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

from hypothesis import given, settings
from hypothesis import strategies as st

from engine.log.application import Log
from engine.log.registry import TAGS
from tests.service.importers.histories import LONG, bring, facts, journeys_feed

WHATS = ["call", "call", "offer", "hello", "noise", "win", "lose", "to new", "to offer", "to old"]
BEGIN = datetime(2024, 1, 1, tzinfo=UTC)
events = st.tuples(
    st.sampled_from(["a", "b", "c"]),
    st.sampled_from(WHATS),
    st.integers(0, 5),
    st.sampled_from(["ann", "bob", ""]),
)
histories = st.lists(events, max_size=25)


def line(case: str, what: str, day: int, who: str) -> str:
    return f"{case},{what},{(BEGIN + timedelta(days=day)).isoformat()},{who},10\n"


def file_of(history: list[tuple[str, str, int, str]]) -> str:
    openings = "".join(line(case, "open", 0, "ann") for case in "abc")
    return "case,what,when,who,amount\n" + openings + "".join(line(*event) for event in history)


@contextmanager
def empty_log(template: Path) -> Iterator[tuple[Log, Path]]:
    with tempfile.TemporaryDirectory() as folder:
        shutil.copyfile(template, Path(folder) / "log.db")
        log = Log(f"sqlite:///{folder}/log.db")
        yield log, Path(folder)
        log.close()


@settings(max_examples=40, deadline=None)
@given(history=histories)
def test_import_twice_is_import_once(sqlite_template: Path, history: list[tuple[str, str, int, str]]) -> None:
    with empty_log(sqlite_template) as (log, folder):
        first = bring(log, folder, LONG, file_of(history))
        before = journeys_feed(log)
        again = bring(log, folder, LONG, file_of(history), corrections=True)
        assert (again.new_events, again.changed_count) == (0, 0)
        assert again.already_known == first.new_events
        assert journeys_feed(log).equals(before)


@settings(max_examples=40, deadline=None)
@given(history=histories, cut=st.integers(0, 25))
def test_a_history_in_two_steps_is_the_history_at_once(
    sqlite_template: Path, history: list[tuple[str, str, int, str]], cut: int
) -> None:
    history.sort(key=lambda event: event[2])
    with empty_log(sqlite_template) as (log, folder), empty_log(sqlite_template) as (other, elsewhere):
        bring(log, folder, LONG, file_of(history[:cut]))
        assert bring(log, folder, LONG, file_of(history)).changed_count == 0
        bring(other, elsewhere, LONG, file_of(history))
        assert facts(log) == facts(other)


@settings(max_examples=20, deadline=None)
@given(history=histories)
def test_what_is_stored_is_what_a_command_stores(
    sqlite_template: Path, history: list[tuple[str, str, int, str]]
) -> None:
    with empty_log(sqlite_template) as (log, folder):
        bring(log, folder, LONG, file_of(history))
        for tag, payload in journeys_feed(log).select("type", "payload").iter_rows():
            assert TAGS[tag].model_validate_json(payload).payload() == payload
