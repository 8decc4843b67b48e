"""Where the definition asks for something to be done: plain rows for the policies, out of what a look shows.

An event is named by its position in the log; `named` gives its id. All times are microseconds.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeVar
from uuid import UUID

import polars as pl

from engine.projections.journeys import last
from engine.projections.newest import newest_of_each
from engine.projections.undone import current, undone
from engine.stages.criteria_polars import CODE, is_kind

if TYPE_CHECKING:
    from engine.projections.look import Look

Duty = TypeVar("Duty")

RECENT = 30 * 86_400_000_000
"""a signal older than this is past answering"""


@dataclass(frozen=True, slots=True)
class Place:
    """A journey, and the event at which something became due."""

    journey: UUID
    stream: UUID
    stage: str
    owner: UUID | None
    at: int
    because: UUID
    """event_id"""


@dataclass(frozen=True, slots=True)
class Entry(Place):
    """It stands in a stage since."""


@dataclass(frozen=True, slots=True)
class Signal(Place):
    signal: str


@dataclass(frozen=True, slots=True)
class Proposal(Place):
    proposal: UUID
    expires_at: int


def scheduled(look: "Look", policy: str) -> pl.DataFrame:
    """What the policy ever scheduled, but for what is undone: journey, position, follow_up."""
    rows = (
        look.seen()
        .sides["follow_ups"]
        .filter((pl.col("kind") == CODE["FollowUpScheduled"]) & (pl.col("origin") == f"policy:{policy}"))
    )
    over = [] if rows.is_empty() else list(undone(look))
    return rows.filter(~pl.col("follow_up").is_in(over)).select("journey", "position", "follow_up")


def to_ask(look: "Look", policy: str, steps: Mapping[UUID, Duty]) -> dict[UUID, Duty]:
    """Those of the follow-ups that the policy never scheduled; a new id for what was withdrawn by mistake."""
    if not steps:
        return {}
    over = undone(look)
    asked = {str(current(step, over)): duty for step, duty in steps.items()}
    names = scheduled(look, policy)["follow_up"]
    known = set(names.filter(names.is_in(list(asked))))
    return {UUID(step): duty for step, duty in asked.items() if step not in known}


def standing(look: "Look", since: Mapping[str, int], ranks: Iterable[int]) -> pl.LazyFrame:
    """Journeys, open or won, that stand in one of the stages since after the stage's moment."""
    rows = look.journeys.lazy().filter(pl.col("outcome").is_in(["open", "won"]), pl.col("stage").is_in(list(ranks)))
    moments = {rank: since[stage.key] for rank, stage in enumerate(look.definition.stages)}
    after = pl.col("stage").replace_strict(list(moments), list(moments.values()), default=None, return_dtype=pl.Int64)
    return rows.filter(pl.col("stage_since") >= after)


def begins(look: "Look", since: Mapping[str, int]) -> int:
    """The earliest moment of the open stages: of what is asked for in all of them alike."""
    return min(since[stage.key] for stage in look.definition.stages if stage.kind == "open")


def entries(look: "Look", since: Mapping[str, int], tasks: Mapping[int, int], policy: str) -> list[Entry]:
    """Journeys that entered a stage and have fewer of the policy's follow-ups since than the stage has tasks.

    tasks: how many, by rank.
    """
    rows = standing(look, since, tasks).select(*PLACE, "journey", at="stage_since", position="stage_position")
    made = scheduled(look, policy).lazy().select("journey", made="position")
    counts = (
        rows.join(made, on="journey").filter(pl.col("made") > pl.col("position")).group_by("journey").agg(n=pl.len())
    )
    wanted = pl.col("stage").replace_strict(list(tasks), list(tasks.values()), default=0, return_dtype=pl.Int64)
    found = rows.join(counts, on="journey", how="left").filter(pl.col("n").fill_null(0) < wanted).collect()
    return [Entry(**place) for _, place in placed(look, found)]


def signals(look: "Look", since: Mapping[str, int], names: Iterable[str]) -> list[Signal]:
    """The newest of each of these signals on open journeys, when it came after `since` and not long ago."""
    codes = {code: name for name, code in look.codes.signals.items() if name in set(names)}
    earliest = max(begins(look, since), look.as_of - RECENT)
    here = look.journeys.filter(pl.col("outcome") == "open").select(*PLACE, "journey")
    rows = look.seen().events.filter(
        is_kind("SignalRecorded") & (pl.col("occurred_at") >= earliest) & pl.col("code").is_in(list(codes))
    )
    newest = rows.unique(["journey", "code"], keep="last", maintain_order=True)
    found = newest.select("journey", "position", "code", at="occurred_at").join(here, on="journey")
    return [Signal(**place, signal=codes[row["code"]]) for row, place in placed(look, found)]


def proposals(look: "Look", since: Mapping[str, int], within: int) -> list[Proposal]:
    """Live proposals of open journeys that expired after `since`, or will within so many microseconds."""
    live = [CODE["ProposalSent"], CODE["ProposalRevised"]]
    newest = newest_of_each(look.seen().sides["proposals"], "proposal")
    expiring = newest.filter(
        pl.col("kind").is_in(live)
        & (pl.col("expires_at") >= begins(look, since))
        & (pl.col("expires_at") <= look.as_of + within)
    )
    here = look.journeys.filter(pl.col("outcome") == "open").select(*PLACE, "journey")
    found = expiring.select("journey", "position", "proposal", "expires_at", at="occurred_at").join(here, on="journey")
    return [
        Proposal(**place, proposal=UUID(row["proposal"]), expires_at=row["expires_at"])
        for row, place in placed(look, found)
    ]


def ready(look: "Look", since: Mapping[str, int], score: int, team: str) -> list[tuple[Place, UUID | None]]:
    """Open journeys that reach the score and belong to nobody of the team, each with the member who has least to do;
    None: the team has no members.
    """
    members = members_of(look, team)
    is_open = look.journeys.filter(pl.col("outcome") == "open")
    load = dict.fromkeys(members.to_list(), 0) | dict(
        is_open.filter(pl.col("owner").is_in(members.implode())).group_by("owner").len().iter_rows()
    )
    together = pl.col("fit").fill_null(0) + pl.col("engagement").fill_null(0)
    foreign = pl.col("owner").is_null() | ~pl.col("owner").is_in(members.implode())
    scored = last(look.seen().events.filter(is_kind("Scored"))).select("journey", "position", at="occurred_at")
    found = is_open.filter((together >= score) & foreign).join(scored, on="journey")
    found = found.filter(pl.col("at") >= begins(look, since))
    ready: list[tuple[Place, UUID | None]] = []
    for _, place in placed(look, found.select(*PLACE, "at", "position")):
        rep = min(load, key=lambda member: (load[member], member), default=None)
        if rep is not None:
            load[rep] += 1
        ready.append((Place(**place), None if rep is None else UUID(hex=rep)))
    return ready


def members_of(look: "Look", team: str) -> pl.Series:
    """person_ids of who is in the team."""
    return look.membership.filter((pl.col("team") == team) & pl.col("until").is_null())["rep"].unique().sort()


PLACE = ("journey_id", "stream", "stage", "owner")


def placed(look: "Look", rows: pl.DataFrame) -> Iterable[tuple[dict[str, Any], dict[str, Any]]]:
    """Rows with PLACE, at and position, what waits longest first: each with its fields of Place."""
    rows = rows.sort("at", "journey_id", "position")
    ids = look.event_ids(rows["position"])
    for row in rows.iter_rows(named=True):
        owner = row["owner"]
        yield (
            row,
            {
                "journey": UUID(hex=row["journey_id"]),
                "stream": UUID(hex=row["stream"]),
                "stage": look.definition.key_of(row["stage"]),
                "owner": None if owner is None else UUID(hex=owner),
                "at": row["at"],
                "because": ids[row["position"]],
            },
        )
