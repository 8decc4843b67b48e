"""Every rep's next steps: open follow-ups, the most overdue first, and the open journeys that have none.

Exact definitions: docs/policies.md#follow-ups.
"""

from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any
from uuid import UUID

import polars as pl

from engine.errors import NotFound, Rejected
from engine.log.keys import find_stream
from engine.log.texts import texts
from engine.projections.cards import Owner
from engine.projections.columns import WORD
from engine.projections.figures import Answer, Figures, head
from engine.projections.filters import EVERYTHING, MEMBERSHIP, Filters, chosen, narrowed, person
from engine.projections.groups import named
from engine.projections.journeys import last, open_follow_ups
from engine.projections.pages import Pages
from engine.projections.roster import departed
from engine.projections.seen import Seen, see
from engine.stages.criteria_polars import CODE
from engine.values import from_micros

if TYPE_CHECKING:
    from engine.projections.look import Look
    from engine.projections.views import Views


class Step(Figures):
    """A journey and who takes its next step."""

    journey: str
    key: str | None
    label: str | None
    stage: str
    owner: Owner | None
    """of the follow-up, else of the journey"""
    team: str | None
    """responsible for the stage, where nobody owns it"""


class FollowUp(Step):
    follow_up: str
    kind: str
    due_at: datetime
    """or until when it is snoozed"""
    overdue: bool
    snoozed: str | None
    """why, while it sleeps"""
    note: str | None
    policy: str | None
    """which asked for it; None: a person"""


class FollowUps(Answer):
    count: int
    overdue: int
    follow_ups: tuple[FollowUp, ...]
    """the longest due first"""
    without_next_step: int
    journeys: tuple[Step, ...]
    """open ones without an open follow-up, the longest silent first"""
    next: str | None
    """cursor of the following page of both lists"""


def follow_ups(
    look: "Look",
    filters: Filters = EVERYTHING,
    *,
    overdue: bool = False,
    limit: int | None = None,
    after: str | None = None,
) -> FollowUps:
    """Open follow-ups of open and won journeys, those planned after a loss, and open journeys without any; n: the open
    journeys.

    Who has left the roster owns nothing, but for filters.owner: what they had is found by their name too.
    filters.owner: whose next steps; the owner of a follow-up comes before that of its journey. filters.team: whose
    owner is in the team, or that have none and stand in a stage of the team's; manager and region are the owner's.
    overdue: those alone. limit and after: pages of both lists, so many of each.
    """
    others = filters.model_copy(update=dict.fromkeys(("owner", *MEMBERSHIP)))
    journeys = chosen(look, others).filter(others.window.holds("opened_at"))
    here = narrowed(journeys.with_columns(at=pl.lit(look.as_of)), look, others).collect()
    steps = open_steps(look.seen()).rename({"owner": "own"}).join(here, on="journey", how="inner")
    planned_since = pl.col("outcome").is_in(["lost", "disqualified"]) & (pl.col("made") > pl.col("stage_position"))
    steps = steps.filter(pl.col("outcome").is_in(["open", "won"]) | planned_since)
    steps = steps.with_columns(
        left_by=pl.coalesce("own", "owner"),
        owner=pl.coalesce(there("own", look), there("owner", look)),
        overdue=pl.col("due_at") < look.as_of,
    )
    here = here.with_columns(left_by="owner", owner=there("owner", look))
    is_open = here.filter(pl.col("outcome") == "open")
    idle = is_open.join(steps, on="journey", how="anti")
    if filters.owner is not None:
        holders = pl.concat([steps["left_by"], look.journeys["owner"]])
        whose = person(look, filters.owner, "owner", holders)
        theirs = (pl.col("owner") == whose) | (pl.col("left_by") == whose)
        steps, idle, is_open = (rows.filter(theirs) for rows in (steps, idle, is_open))
    steps, idle, is_open = (of_members(rows, look, filters) for rows in (steps, idle, is_open))
    late = steps.filter("overdue")
    asked = late if overdue else steps
    pages = Pages(limit, after, of=("follow_ups", "journeys"))
    shown = pages.page("follow_ups", asked, ("due_at", "follow_up"))
    without = pages.page("journeys", idle.clear() if overdue else idle, ("last_activity_at", "journey_id"))
    people = named(look, [*shown["owner"].drop_nulls().unique(), *without["owner"].drop_nulls().unique()])
    noted = look.seen().sides["notes"].filter(pl.col("position").is_in(shown["made"].implode()))
    notes = {position: UUID(hex=note) for position, note in noted.select("position", "note").iter_rows()}
    bodies = texts(look.log, list(notes.values())) if notes else {}
    return FollowUps(
        **head(look),
        n=is_open.height,
        count=asked.height,
        overdue=late.height,
        follow_ups=tuple(
            FollowUp(
                **step(row, look, people),
                follow_up=str(UUID(hex=row["follow_up"])),
                kind=row["touch"] or "other",
                due_at=from_micros(row["due_at"]),
                overdue=row["overdue"],
                snoozed=row["snoozed"] if row["due_at"] > look.as_of else None,
                note=bodies.get(notes[row["made"]]) if row["made"] in notes else None,
                policy=row["policy"],
            )
            for row in look.named(shown).iter_rows(named=True)
        ),
        without_next_step=idle.height,
        journeys=tuple(Step(**step(row, look, people)) for row in look.named(without).iter_rows(named=True)),
        next=pages.next,
    )


def there(column: str, look: "Look") -> pl.Expr:
    """The person of the column; null for who has left the roster: what they had is for the team of the stage."""
    return pl.when(~pl.col(column).is_in(departed(look.membership).implode())).then(column)


def of_members(rows: pl.DataFrame, look: "Look", filters: Filters) -> pl.DataFrame:
    """Rows with owner and stage: those left by team, manager and region; what nobody owns is the stage's team's."""
    if filters.team is None and filters.manager is None and filters.region is None:
        return rows
    owned = rows.filter(pl.col("owner").is_not_null()).lazy()
    kept = narrowed(owned, look, Filters(**{name: getattr(filters, name) for name in (*MEMBERSHIP, "membership")}))
    if filters.team is None or filters.manager is not None or filters.region is not None:
        return kept.select(rows.columns).collect()
    teams = {rank: stage.team for rank, stage in enumerate(look.definition.stages)}
    team = pl.col("stage").replace_strict(list(teams), list(teams.values()), default=None, return_dtype=pl.String)
    nobodys = rows.lazy().filter(pl.col("owner").is_null() & (team == filters.team))
    return pl.concat([kept.select(rows.columns), nobodys]).collect()


def step(row: dict[str, Any], look: "Look", people: dict[str, tuple[str, str]]) -> dict[str, Any]:
    key, label = people.get(row["owner"] or "", (row["owner"], row["owner"]))
    rank = row["stage"]
    return {
        "journey": str(UUID(row["journey_id"])),
        "key": row["key"],
        "label": row["label"],
        "stage": look.definition.key_of(rank),
        "owner": None if key is None else Owner(key=key, label=label),
        "team": look.definition.stages[rank].team if key is None and rank >= 0 else None,
    }


def open_steps(seen: Seen) -> pl.DataFrame:
    """Open follow-ups with what their scheduling said: journey, follow_up, due_at, snoozed (the reason), made
    (position), touch, owner, policy.
    """
    found = open_follow_ups(seen)
    scheduled = seen.sides["follow_ups"].filter(pl.col("kind") == CODE["FollowUpScheduled"])
    said = scheduled.unique(["journey", "follow_up"], keep="first", maintain_order=True)
    origin = pl.col("origin").cast(pl.String)
    asked_by = pl.when(origin.str.starts_with("policy:")).then(origin.str.strip_prefix("policy:"))
    steps = found.select("journey", "follow_up", "due_at", snoozed="reason").join(
        said.select("journey", "follow_up", "touch", "owner", made="position", policy=asked_by),
        on=["journey", "follow_up"],
        how="left",
        maintain_order="left",
    )
    return steps.cast({WORD: pl.String})


@dataclass(frozen=True)
class Found:
    """An open follow-up, and the stream that takes what is done with it."""

    stream: UUID
    follow_up: UUID


SHORTEST = 4
"""digits of an id that may stand for it"""


def find_follow_up(views: "Views", asked: str) -> Found:
    """The open follow-up of an id, of its first digits, or of a journey that has one open follow-up alone.

    NotFound: there is none; Rejected: there are several.
    """
    views.catch_up()
    seen = see(views.columns, as_of=None, known=None)
    streams = last(seen.sides["openings"].select("journey", "stream"))
    steps = open_steps(seen).join(streams, on="journey", how="inner")
    digits = asked.lower().replace("-", "")
    # As the events write it, with dashes.
    by_id = steps.filter(pl.col("follow_up").str.replace_all("-", "", literal=True).str.starts_with(digits))
    if len(digits) >= SHORTEST and not by_id.is_empty():
        return the_one(by_id, asked)
    try:
        stream = find_stream(views.log, asked)
    except NotFound:
        raise NotFound(f"{asked!r} is no open follow-up, and no lead or deal that has one") from None
    journey = views.columns.streams.journeys(pl.Series([stream.hex]))
    of_it = steps.filter(pl.col("journey").is_in(journey.implode()))
    if of_it.is_empty():
        raise NotFound(f"{asked!r} has no open follow-up")
    return the_one(of_it, asked)


def the_one(steps: pl.DataFrame, asked: str) -> Found:
    if steps.height > 1:
        choices = ", ".join(
            f"{UUID(hex=row['follow_up'])} ({row['touch']}, {from_micros(row['due_at']):%Y-%m-%d})"
            for row in steps.sort("due_at").head(10).iter_rows(named=True)
        )
        raise Rejected(f"{asked!r} has {steps.height} open follow-ups: name one of {choices}")
    return Found(UUID(hex=steps["stream"][0]), UUID(hex=steps["follow_up"][0]))
