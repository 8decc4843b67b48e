"""A few new events of the log into the columns, row by row: what intake.py does with many at once.

Decoding one row with Polars costs as much as decoding a thousand. The two ways are held together by a property test.
"""

import json
from collections.abc import Callable, Iterator, Sequence
from datetime import datetime
from typing import Any

from engine.log.feed import FeedRow
from engine.projections.columns import ACTOR, Codes, Columns
from engine.projections.intake import KIND_OF
from engine.projections.kept import Row
from engine.stages.criteria_polars import DIMENSION, TOUCH, VERDICT
from engine.stages.facts import KINDS, MOVES, OPENINGS, VALUED
from engine.values import to_micros

PositionOf = Callable[[str, str], int | None]
"""The log's way to the position of an entry, by stream_id and event_id: what a retraction names may be old."""
Said = dict[str, Any]
"""a payload"""
FOLLOW_UPS = frozenset({"FollowUpScheduled", "FollowUpCompleted", "FollowUpSnoozed", "FollowUpCancelled"})
PROPOSALS = frozenset({"ProposalSent", "ProposalRevised", "ProposalAccepted", "ProposalDeclined", "ProposalExpired"})


def take_few(columns: Columns, feed: Sequence[FeedRow], position_of: PositionOf) -> list[int]:
    """Adds rows of the feed, at least one; returns the codes of the journeys they touch, in ascending order.

    All of them or, where this fails (position_of asks the database), none: the same rows can be given again.
    """
    events: list[Row] = []
    sides: dict[str, list[Row]] = {}
    for told in feed:
        if (kind := KIND_OF.get(told.type)) is None:
            continue
        said: Said = json.loads(told.payload)
        journey = journey_of(columns, told.stream_id, KINDS[kind], said)
        stamp = (journey, told.occurred_at, told.position)
        actor = coded(told.actor, columns.codes.people)
        code = code_of(KINDS[kind], said, actor, columns.codes)
        events.append((*stamp, kind, code, told.origin.startswith("policy:")))
        if KINDS[kind] == "EntryRetracted":
            takes_back = position_of(told.stream_id, hexed(said["event_id"]))
            sides.setdefault("corrections", []).append((*stamp, takes_back))
        for name, more in beside(KINDS[kind], kind, said, told, columns.codes):
            sides.setdefault(name, []).append((*stamp, *more))
    columns.add_few(feed[-1].position, events, sides)
    return sorted({row[0] for row in events})


def journey_of(columns: Columns, stream: str, kind: str, said: Said) -> int:
    """The code of the stream's journey; a deal opened from a lead continues the lead's."""
    known = columns.streams.journey(stream)
    if known is not None:
        return known
    lead = said.get("from_lead") if kind == "DealOpened" else None
    return columns.streams.begin(stream, stream if lead is None else hexed(lead))


def code_of(kind: str, said: Said, actor: int, codes: Codes) -> int:
    """What the columns hold of it in one small integer (columns.py)."""
    if kind == "Touched":
        inbound: bool = said.get("direction") == "inbound"
        automated: bool = said.get("automated", False)
        return TOUCH[said["kind"]] + 16 * inbound + 32 * automated + ACTOR * actor
    if kind == "BantAssessed":
        return DIMENSION[said["dimension"]] * 3 + VERDICT[said["verdict"]]
    if kind == "SignalRecorded":
        return coded(said["signal"], codes.signals)
    if kind == "Scored":
        fit: int = said.get("fit", -1)
        return fit
    if kind == "SatisfactionRecorded":
        score: int = said["score"]
        return score
    if kind == "OwnerAssigned":
        return coded(hexed(said["owner"]), codes.people)
    if kind in MOVES:
        return coded(said["stage"], codes.stages)
    if kind in VALUED and (money := said.get("value")) is not None:
        return coded(money["currency"], codes.currencies)
    return -1


def beside(kind: str, number: int, said: Said, told: FeedRow, codes: Codes) -> Iterator[tuple[str, Row]]:
    """The rows of the side tables (columns.SIDES) but for their stamps, by name; number: of the kind."""
    if kind in OPENINGS:
        owner = said.get("owner")
        yield (
            "openings",
            (
                told.stream_id,
                coded(said["pipeline"], codes.pipelines),
                said.get("from_lead") is None,
                None if owner is None else coded(hexed(owner), codes.people),
                said.get("source"),
                said.get("channel"),
                text_of(said, "title"),
                said.get("expected_close"),
            ),
        )
        if (person := said.get("person")) is not None:
            yield "customers", (hexed(person),)
    if kind in VALUED and (money := said.get("value")) is not None:
        yield "numbers", (money["amount_minor"],)
    if kind in OPENINGS or kind == "AttributesSet":
        for each in said.get("attributes", ()):
            yield "attributes", (each["name"], each["value"])
    elif kind in FOLLOW_UPS:
        owner, due = said.get("owner"), said.get("due_at") or said.get("until")
        yield (
            "follow_ups",
            (
                number,
                said["follow_up_id"],
                moment(due),
                said.get("kind"),
                None if owner is None else hexed(owner),
                said.get("reason"),
                told.origin,
            ),
        )
        if (note := text_of(said, "note")) is not None:
            yield "notes", (note,)
    elif kind == "Scored":
        yield "numbers", (said.get("engagement"),)
    elif kind == "PipelineChanged":
        yield "numbers", (coded(said["pipeline"], codes.pipelines),)
    elif kind == "Stalled":
        yield "stalls", (hexed(said["started_by"]),)
    elif kind in PROPOSALS:
        yield "proposals", (number, said["proposal_id"], moment(said.get("expires_at")))
    elif kind in ("DealLost", "LeadDisqualified"):
        yield "reasons", (said["reason"],)
    elif kind == "ExpectedCloseChanged":
        yield "closes", (said["expected_close"],)


def coded(word: str, codes: dict[str, int]) -> int:
    """The code of a word, a new one if need be."""
    return codes.setdefault(word, len(codes))


def hexed(written: str) -> str:
    """An id as the feed writes it: 32 hex digits, no dashes."""
    return written.replace("-", "")


def text_of(said: Said, field: str) -> str | None:
    """The text_id of a reference to a text."""
    text = said.get(field)
    return None if text is None else hexed(text["text_id"])


def moment(written: str | None) -> int | None:
    """ISO 8601 as microseconds."""
    return None if written is None else to_micros(datetime.fromisoformat(written))
