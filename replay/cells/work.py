"""The cells of the activity: leads by how they were worked, and the touches themselves."""

from datetime import timedelta
from typing import Any

import polars as pl

from engine.projections.activity import A_DAY, MOST_ATTEMPTS
from engine.projections.filters import Filters, chosen, narrowed
from engine.projections.groups import labels
from engine.projections.journeys import named
from engine.projections.look import Look
from engine.projections.satisfaction import DETRACTOR, PROMOTER
from engine.projections.satisfaction import asked_of as scored_of
from engine.projections.worked import AUTOMATED, INBOUND, asked_of
from engine.stages.criteria_polars import is_kind
from engine.values import TouchKind
from replay.cells.counted import Counted, What, Word, all_rows
from replay.cells.events import among, as_it_stands, merged, of, openings

RESPONSE = ("answered", "never_answered", "waiting", "within_sla", "within_sla_share")


def activity(look: Look, filters: Filters, by: str | None, *, sla: timedelta = A_DAY, **_: Any) -> list[Counted]:
    leads, made = asked_of(look, filters, by)
    limit = sla // timedelta(microseconds=1)
    answered, is_open = pl.col("answered_at").is_not_null(), pl.col("outcome") == "open"
    spent = pl.col("answered_at") - pl.col("opened_at")
    waiting = ~answered & is_open & (pl.col("opened_at") + limit > look.as_of)
    parts = {
        "leads": all_rows(),
        "touched": answered,
        "never_touched": ~answered,
        "never_touched_share": all_rows(),
        "never_touched_open": ~answered & is_open,
        "won": pl.col("outcome") == "won",
        "lost": pl.col("outcome").is_in(["lost", "disqualified"]),
        "open": is_open,
        "attempts_mean": all_rows(),
        "answered": answered,
        "never_answered": ~answered & ~waiting,
        "waiting": waiting,
        "within_sla": (spent <= limit).fill_null(False),
        "within_sla_share": ~waiting,
    }

    def worked(rows: pl.DataFrame, part: str) -> list[What]:
        opened = ("opened", openings(look, rows))
        if part in RESPONSE:
            return [opened, ("answered", of(rows.filter(answered), "answered_position"))]
        return [opened, ("attempted", attempts(look, rows))]

    people = labels(look, "owner", made.select(named("actor", look.codes.people)).to_series().unique().to_list())
    keys = {value: key for value, key, _ in people if value is not None}
    told = made.lazy().with_columns(who=named("actor", look.codes.people))
    who = pl.col("who").replace_strict(list(keys), list(keys.values()), default=None, return_dtype=pl.String)
    kinds = tuple(kind.value for kind in TouchKind)
    kind = pl.col("kind").replace_strict(range(len(kinds)), kinds, default=None, return_dtype=pl.String)
    human = ~pl.col("automated")
    touches = {
        "touches": all_rows(),
        "outbound": human & ~pl.col("inbound"),
        "inbound": human & pl.col("inbound"),
        "automated": pl.col("automated"),
    }
    opened = narrowed(chosen(look, filters).with_columns(at=pl.col("opened_at")), look, filters)
    tries = pl.col("attempts").clip(upper_bound=MOST_ATTEMPTS).cast(pl.String)
    counts = tuple(map(str, range(MOST_ATTEMPTS + 1)))
    return [
        Counted(leads.lazy().with_columns(spent=spent), parts, worked, {"attempts": Word(tries, counts)}),
        Counted(
            told,
            touches,
            lambda rows, _: [("touched", of(rows, "position"))],
            {"kind": Word(kind, kinds), "actor": Word(who)},
        ),
        merged(look, opened.filter(filters.window.holds("opened_at"))),
    ]


def satisfaction(look: Look, filters: Filters, by: str | None, **_: Any) -> list[Counted]:
    scored, silent = scored_of(look, filters, by)
    score = pl.col("score")
    parts = {
        "scored": all_rows(),
        "mean": all_rows(),
        "promoters": score >= PROMOTER,
        "passives": (score < PROMOTER) & (score > DETRACTOR),
        "detractors": score <= DETRACTOR,
        "net_promoter": all_rows(),
        "n": all_rows(),
    }
    words = {"score": Word(score.cast(pl.String), tuple(map(str, range(11))))}
    return [
        Counted(scored, parts, lambda rows, _: [("scored", of(rows, "position"))], words),
        Counted(silent, {"unscored": all_rows()}, as_it_stands(look)),
    ]


def attempts(look: Look, leads: pl.DataFrame) -> pl.DataFrame:
    """The outbound touches of people up to the close of each lead."""
    automated = ((pl.col("code") & AUTOMATED) > 0) | pl.col("policy")
    human = is_kind("Touched") & ((pl.col("code") & INBOUND) == 0) & ~automated
    ends = leads.select("journey", ends=pl.col("closed_at").fill_null(look.as_of))
    touches = among(look.seen().events.filter(human), leads).join(ends, on="journey", maintain_order="left")
    return of(touches.filter(pl.col("occurred_at") <= pl.col("ends")), "position")
