"""Cursors of lists that pin what the first page saw: the moment, the log's position, the definition, the question."""

import base64
import binascii
import json
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from hashlib import sha256
from typing import NamedTuple, TypeVar

from engine.log.application import Log
from engine.log.positions import recorded_at
from engine.projections.lens import Lens
from engine.projections.look import Look
from engine.projections.snapshot import Snapshot
from engine.values import to_micros
from service.http_errors import Refused
from service.question import Problem, Unclear
from service.running import Pinned, Running

T = TypeVar("T")
C = TypeVar("C")
MOST = to_micros(datetime.max.replace(tzinfo=UTC))
"""of a number in a cursor: it may be a moment"""


def cursor(log: Log, pin: Pinned, question: str, following: str) -> str:
    """pin: the world of the page; question: what must stay the same from page to page; following: the list's own
    cursor.
    """
    text = json.dumps([log.log_id.hex, *pin, digest(question), following], separators=(",", ":"))
    return base64.urlsafe_b64encode(text.encode()).decode().rstrip("=")


def resumed(running: Running, after: str, question: str, *, live: bool) -> tuple[Look, str]:
    """The look that the first page was made from, and the list's own cursor. live: it was asked for without as_of."""
    pin, recorded, following = read_cursor(running.log, after, question)
    _, version, as_of, known_at, _ = pin
    by_then = recorded if known_at is None else min(known_at, recorded)
    return running.pinned(pin, Lens(as_of, by_then, version, live=live)), following


def read_cursor(log: Log, after: str, question: str) -> tuple[Pinned, int, str]:
    """What `cursor` was given, and when the event at the position was recorded (microseconds).

    Refused where it is of another question, or of another log.
    """
    try:
        told = json.loads(base64.urlsafe_b64decode(after + "=" * (-len(after) % 4)))
        log_id, pipeline, version, as_of, known_at, position, asked, following = told
        moments = [as_of] if known_at is None else [as_of, known_at]
        if not all(isinstance(each, str) for each in (log_id, pipeline, asked, following)):
            raise ValueError(after)
        if not all(type(each) is int and abs(each) <= MOST for each in (version, position, *moments)):
            raise ValueError(after)
    except (binascii.Error, ValueError, TypeError):
        raise no_cursor() from None
    if asked != digest(question):
        raise Unclear([Problem("after", "the cursor continues another question: ask for the first page again")])
    recorded = recorded_at(log, position) if log_id == log.log_id.hex else None
    if recorded is None:
        raise Refused("gone", "after: this list was made from another database: ask for the first page again")
    return (pipeline, version, as_of, known_at, position), recorded, following


class StaffPage(NamedTuple):
    """What a page of who sells, or of what they shall win, is of, and behind whom it begins."""

    staff: Snapshot
    position: int
    """of the log, as the first page saw it"""
    last: str | None
    """what the page before ended with; None: this is the first"""


def staff_page(running: Running, lens: Lens, after: str | None, question: str) -> StaffPage:
    """lens: what is asked for. The pages that follow see the log up to where the first one saw it."""
    if after is None:
        staff = running.views.staff(lens)
        return StaffPage(staff, staff.columns.position, None)
    (_, _, as_of, known_at, position), recorded, last = read_cursor(running.log, after, question)
    by_then = recorded if known_at is None else min(known_at, recorded)
    return StaffPage(running.views.staff(Lens(as_of, by_then, live=lens.live)), position, last)


def staff_cursor(log: Log, page: StaffPage, question: str, following: str | None) -> str | None:
    """Of the page behind this one, which ends with `following`; None where there is none."""
    lens = page.staff.lens
    pin = ("", 0, lens.as_of, lens.known_at, page.position)
    return None if following is None else cursor(log, pin, question, following)


def part(whole: Sequence[T], named: Callable[[T], C], after: C | None, limit: int) -> tuple[Sequence[T], C | None]:
    """A page of a list that is made whole each time, and what the next one comes after, where there is one.

    named: what a page is continued after. Unclear where nothing in the list is called `after`.
    """
    names = [named(each) for each in whole]
    if after is not None and after not in names:
        raise no_cursor()
    start = 0 if after is None else names.index(after) + 1
    end = start + limit
    return whole[start:end], names[end - 1] if start < end < len(whole) else None


def no_cursor() -> Unclear:
    return Unclear([Problem("after", "this is no cursor: use `next` of the page before, or leave it out")])


def digest(question: str) -> str:
    return sha256(question.encode()).hexdigest()[:16]
