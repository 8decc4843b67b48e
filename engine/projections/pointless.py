"""Open follow-ups whose reason is over: the journey closed or moved on, somebody was in touch, the proposal is decided.

Exact definitions: docs/policies.md#what-is-withdrawn. A follow-up is told by its policy and by the place in the log of
its scheduling: what was recorded after that may have ended its reason.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING
from uuid import UUID

import polars as pl

from engine.projections.attempts import tried
from engine.projections.columns import POSITION
from engine.projections.duties import scheduled
from engine.projections.journeys import last, open_follow_ups
from engine.projections.resumed import with_alert
from engine.projections.seen import is_live
from engine.projections.stalling import LIMITS, STARTED_BY, ran
from engine.projections.undone import current, retracted_causes, undone
from engine.stages.criteria_polars import CODE, is_kind

if TYPE_CHECKING:
    from engine.projections.look import Look

IdOf = Callable[[str, UUID, UUID], UUID]
"""which follow-up a policy asks for on a journey because of an event"""

HERE = (
    *("journey", "journey_id", "stream", "outcome", "closed_at", "stage", "stage_since", "stage_position"),
    *("active_at", "active_position", "touched_at", "touched_position"),
)
OVER = ("follow_up", "because", "why")
made, entered = pl.col("made"), pl.col("stage_position")
is_open = pl.col("outcome") == "open"
of_person, put_off = pl.col("policy").is_null(), pl.col("snoozed")
ENDED = {
    "ProposalAccepted": "the proposal was accepted",
    "ProposalDeclined": "the proposal was declined",
    "ProposalExpired": "the proposal has expired",
    "ProposalRevised": "the proposal was revised",
}
MOVED_ON = "the journey has moved on"


@dataclass(frozen=True, slots=True)
class Pointless:
    journey: UUID
    stream: UUID
    follow_up: UUID
    because: UUID
    """event_id of what ended its reason"""
    why: str


def pointless(look: "Look", since: Mapping[str, int], id_of: IdOf) -> list[Pointless]:
    """Of what people planned themselves: what a close after `since` (microseconds by stage) left open. In the order in
    which it was asked for.
    """
    rows = waiting(look)
    found = pl.concat([part for part in parts(look, rows, since, id_of) if not part.is_empty()] or [NOTHING])
    found = (
        found.unique("follow_up", keep="first", maintain_order=True).join(rows, on="follow_up", how="left").sort("made")
    )
    ids = look.event_ids(found["because"])
    return [
        Pointless(
            UUID(hex=row["journey_id"]),
            UUID(hex=row["stream"]),
            UUID(row["follow_up"]),
            ids[row["because"]],
            row["why"],
        )
        for row in found.iter_rows(named=True)
    ]


def has_follow_ups(look: "Look") -> bool:
    """Whether anybody ever planned a step in this pipeline."""
    planned = look.seen().sides["follow_ups"]["journey"].unique()
    return bool(planned.is_in(look.journeys["journey"].implode()).any())


def waiting(look: "Look") -> pl.DataFrame:
    """Open follow-ups of the journeys that something happened to since: follow_up, made (position), policy (null: a
    person), snoozed; and the columns HERE of Look.journeys.

    snoozed: somebody put it off, whether or not that is over.
    """
    seen = look.seen()
    signs = pl.max_horizontal("active_position", "stage_position")
    changed = (pl.col("step_position") < signs) | (pl.col("outcome") == "merged")
    here = look.journeys.filter(pl.col("step_position").is_not_null()).select((*HERE, "step_position"))
    # What policies do is no activity, nor is time that passes.
    timed = seen.sides["follow_ups"].filter(pl.col("origin").is_in(["policy:expire_proposals", "policy:hand_over"]))
    corrected = seen.rows.filter(~is_live())["journey"].unique()
    here = here.filter(changed | pl.col("journey").is_in(pl.concat([timed["journey"], corrected]).implode()))
    of_these = pl.col("journey").is_in(here["journey"].implode())
    steps = seen.sides["follow_ups"].filter(of_these)
    newest = open_follow_ups(replace(seen, sides={"follow_ups": steps})).select(
        "follow_up", snoozed=pl.col("kind") == CODE["FollowUpSnoozed"]
    )
    asked = steps.filter(pl.col("kind") == CODE["FollowUpScheduled"])
    origin = pl.col("origin").cast(pl.String)
    by = pl.when(origin.str.starts_with("policy:")).then(origin.str.strip_prefix("policy:"))
    said = asked.select("journey", "follow_up", made="position", policy=by)
    return said.join(newest, on="follow_up").join(here, on="journey")


def parts(look: "Look", rows: pl.DataFrame, since: Mapping[str, int], id_of: IdOf) -> Iterator[pl.DataFrame]:
    """Each with the columns OVER; because: a position."""
    yield merged(look, rows.filter(pl.col("outcome") == "merged"), since)
    yield closed(look, rows, since)
    yield told(rows.filter((pl.col("policy") == "stage_tasks") & (made < entered)), entered, MOVED_ON)
    opens = rows.filter(is_open)
    of_these = (pl.col("policy") == "stage_tasks") | (is_open & (pl.col("policy") == "answer_signals"))
    yield told(retracted_causes(look, rows.filter(of_these)), pl.col("because"), "what it was asked for was retracted")
    yield told(opens.filter(pl.col("policy").is_in(OF_STAGE) & ~put_off & (made < entered)), entered, MOVED_ON)
    yield active_again(look, opens.filter((pl.col("policy") == "raise_stalled") & ~put_off))
    yield tried_since(look, opens.filter((pl.col("policy") == "climb_ladder") & ~put_off))
    yield assigned(look, opens.filter(pl.col("policy") == "hand_over"))
    yield decided(look, opens.filter(pl.col("policy") == "expire_proposals"), id_of)
    yield repeated(look, opens.filter(pl.col("policy") == "answer_signals"), id_of)


OF_STAGE = ("raise_stalled", "climb_ladder")
NOTHING = pl.DataFrame(schema=dict(zip(OVER, (pl.String, POSITION, pl.String), strict=True)))


def told(rows: pl.DataFrame, because: pl.Expr, why: str) -> pl.DataFrame:
    return rows.select("follow_up", because=because.cast(POSITION), why=pl.lit(why))


def merged(look: "Look", rows: pl.DataFrame, since: Mapping[str, int]) -> pl.DataFrame:
    if rows.is_empty():
        return NOTHING
    begins = min(since.values())
    merges = last(look.seen().events.filter(is_kind("LeadMerged", "DealMerged"))).select("journey", merge="position")
    recent = rows.filter(~of_person | (pl.col("closed_at") >= begins)).join(merges, on="journey")
    return told(recent, pl.col("merge"), "it was merged into another")


def closed(look: "Look", rows: pl.DataFrame, since: Mapping[str, int]) -> pl.DataFrame:
    """What was open when it closed. What a person plans after that, or beyond a win, is meant so."""
    begins = {rank: since[stage.key] for rank, stage in enumerate(look.definition.stages)}
    after = pl.col("stage").replace_strict(list(begins), list(begins.values()), default=None, return_dtype=pl.Int64)
    over = rows.filter((made < entered) & (~of_person | (pl.col("stage_since") >= after)))
    return pl.concat(
        [
            told(over.filter(pl.col("outcome") == "lost"), entered, "it was lost"),
            told(over.filter(pl.col("outcome") == "disqualified"), entered, "it was disqualified"),
            told(
                over.filter((pl.col("outcome") == "won") & ~of_person & (pl.col("policy") != "stage_tasks")),
                entered,
                "it was won",
            ),
        ]
    )


def active_again(look: "Look", rows: pl.DataFrame) -> pl.DataFrame:
    """The clock that raised the alert does not run any more, or runs since something else."""
    changed = rows.filter(made < pl.col("active_position"))
    if changed.is_empty():
        return NOTHING
    running = changed.with_columns(
        **{clock: pl.when(ran(clock, look.definition, look.as_of)).then(STARTED_BY[clock]) for clock in LIMITS}
    )
    ids = look.event_ids(position for clock in LIMITS for position in running[clock].drop_nulls())
    names = {position: name.hex for position, name in ids.items()}
    starters = [
        running[clock].replace_strict(list(names), list(names.values()), default=None, return_dtype=pl.String)
        for clock in LIMITS
    ]
    told_of = with_alert(running.with_columns(starters), look)
    still = pl.any_horizontal((pl.col(clock) == pl.col("started_by")).fill_null(False) for clock in LIMITS)
    return told(told_of.filter(~still), pl.col("active_position"), "something happened since")


def tried_since(look: "Look", rows: pl.DataFrame) -> pl.DataFrame:
    """Somebody tried, or the customer answered: the next attempt counts from there."""
    if rows.is_empty():
        return NOTHING
    rungs = {rank: len(stage.ladder.after_days) for rank, stage in enumerate(look.definition.stages) if stage.ladder}
    here = rows.unique("journey").select("journey", "stage", "stage_since", "stage_position")
    newest = tried(look, here, scheduled(look, "climb_ladder"), rungs).select("journey", newest="position")
    later = rows.join(newest, on="journey").filter(made < pl.col("newest"))
    return told(later, pl.col("newest"), "somebody was in touch since")


def assigned(look: "Look", rows: pl.DataFrame) -> pl.DataFrame:
    if rows.is_empty():
        return NOTHING
    owned = last(look.seen().events.filter(is_kind("OwnerAssigned"))).select("journey", assigned="position")
    return told(rows.join(owned, on="journey").filter(made < pl.col("assigned")), pl.col("assigned"), "it was assigned")


def decided(look: "Look", rows: pl.DataFrame, id_of: IdOf) -> pl.DataFrame:
    """The proposal is accepted, declined, revised, expired, or was taken back."""
    if rows.is_empty():
        return NOTHING
    said = look.seen().sides["proposals"].join(rows.select("journey").unique(), on="journey", how="semi")
    newest = said.unique(["journey", "proposal"], keep="last", maintain_order=True).select(
        "journey", "proposal", newest="position", end="kind", expires_at="expires_at"
    )
    offers = said.filter(pl.col("kind").is_in([CODE["ProposalSent"], CODE["ProposalRevised"]]))
    asked = because_of(look, rows, offers.select("journey", "proposal", "position"), "expire_proposals", id_of)
    found = asked.join(newest, on=["journey", "proposal"], how="left")
    ended = {CODE[name]: why for name, why in ENDED.items()}
    why = pl.col("end").replace_strict(list(ended), list(ended.values()), default=None, return_dtype=pl.String)
    late = pl.col("expires_at") <= look.as_of
    over = pl.col("position").is_null() | (pl.col("position") != pl.col("newest")) | late
    return found.filter(over.fill_null(False)).select(
        "follow_up",
        because=pl.coalesce("newest", made),
        why=pl.when(pl.col("position").is_null())
        .then(pl.lit("the proposal was taken back"))
        .when(pl.col("position") != pl.col("newest"))
        .then(why)
        .otherwise(pl.lit(ENDED["ProposalExpired"])),
    )


def repeated(look: "Look", rows: pl.DataFrame, id_of: IdOf) -> pl.DataFrame:
    """The same signal came again: it is asked for anew."""
    if rows.is_empty():
        return NOTHING
    said = look.seen().events.filter(is_kind("SignalRecorded") & pl.col("journey").is_in(rows["journey"].implode()))
    said = said.select("journey", "code", "position")
    several = said.filter(pl.len().over("journey", "code") > 1)
    newest = several.unique(["journey", "code"], keep="last", maintain_order=True)
    asked = because_of(look, rows, several, "answer_signals", id_of)
    found = asked.join(newest.rename({"position": "newest"}), on=["journey", "code"], how="left")
    return told(found.filter(pl.col("position") != pl.col("newest")), pl.col("newest"), "the signal came again")


def because_of(look: "Look", rows: pl.DataFrame, events: pl.DataFrame, policy: str, id_of: IdOf) -> pl.DataFrame:
    """The follow-ups with the event (journey, position and more) because of which each was asked for; null: none."""
    ids, over = look.event_ids(events["position"]), undone(look)
    journeys = dict(rows.select("journey", "journey_id").unique().iter_rows())
    named = [
        str(current(id_of(policy, UUID(hex=journeys[journey]), ids[position]), over)) if journey in journeys else None
        for journey, position in events.select("journey", "position").iter_rows()
    ]
    known = events.drop("journey").with_columns(follow_up=pl.Series(named, dtype=pl.String))
    return rows.select("journey", "follow_up", "made").join(known, on="follow_up", how="left")
