"""The cells of the answers that look at what was decided: won, lost, earned, and how long it took."""

from functools import partial
from typing import Any

import polars as pl

from engine.projections.closings import CLOSED, at_their_close
from engine.projections.cohort import ranks_of
from engine.projections.columns import POSITION
from engine.projections.cycle_time import clocked_of, stays_of
from engine.projections.decided import closed
from engine.projections.doubts import doubtful
from engine.projections.filters import Filters
from engine.projections.look import Look
from engine.projections.looked_back import found_late
from engine.projections.losses import LATE_DAYS, lost_of
from engine.projections.sizing import came
from engine.projections.sources import OUTCOMES, opened_of
from engine.projections.velocity import ready_of
from engine.projections.win_rate import Cohort, asked_of
from engine.stages.criteria_polars import is_kind
from replay.cells.counted import Counted, What, Word, all_rows, of_stage
from replay.cells.events import (
    among,
    as_it_stands,
    closes,
    merged,
    of,
    openings,
    qualifications,
    standing,
    with_next,
    worth_at_close,
)

WORTH = ("won_value", "average_won_value", "average_sale", "earned", "earned_per_lead", "value_per_win", "value")
"""figures of money"""


def is_(*outcomes: str) -> pl.Expr:
    return pl.col("outcome").cast(pl.String).is_in(outcomes)


def valued() -> pl.Expr:
    return pl.col("amount_minor").is_not_null()


def decided(look: Look, rows: pl.DataFrame, part: str) -> list[What]:
    """How each was opened and closed, or where it stands; what said its value."""
    if part.startswith("qualified"):
        ready = ("qualified", qualifications(look, rows.filter(pl.col("qualified_at").is_not_null())))
        return [("opened", openings(look, rows)), ready]
    return [*standing(look, rows), *([worth_at_close(look, rows)] if part in WORTH else [])]


def win_rate(
    look: Look,
    filters: Filters,
    by: str | None,
    *,
    cohort: Cohort = "closed",
    without_reasons: tuple[str, ...] = (),
    **_: Any,
) -> list[Counted]:
    asked, ready = asked_of(look, filters, by, cohort, without_reasons)
    parts = {
        **{outcome: is_(outcome) for outcome in ("won", "lost", "open", "disqualified", "transferred", "merged")},
        "win_rate": is_("won", "lost"),
        "won_value": is_("won") & valued(),
        "average_won_value": is_("won") & valued(),
        "by_value": is_("won", "lost") & valued(),
        "lifetime": is_("won", "lost"),
    }
    return [
        Counted(asked, parts, partial(decided, look)),
        Counted(ready, {"qualified": all_rows()}, partial(decided, look)),
    ]


def cycle_time(
    look: Look,
    filters: Filters,
    by: str | None,
    *,
    from_stage: str | None = None,
    from_first_touch: bool = False,
    **_: Any,
) -> list[Counted]:
    timed = clocked_of(look, filters, by, from_stage, from_first_touch=from_first_touch)
    left, lasting = stays_of(look, filters, by, with_next(look).lazy())

    def clocked(rows: pl.DataFrame, _: str) -> list[What]:
        if from_stage is not None:
            stays = among(look.visits, rows).filter(pl.col("stage") == look.definition.ranks[from_stage])
            start = "entered", of(stays.unique("journey", keep="first", maintain_order=True), "entered_position")
        elif from_first_touch:
            touches = among(look.seen().events.filter(is_kind("Touched")), rows)
            start = "touched", of(touches.unique("journey", keep="first", maintain_order=True), "position")
        else:
            start = "opened", openings(look, rows)
        return [start, ("closed", closes(look, rows))]

    def stayed(rows: pl.DataFrame, _: str) -> list[What]:
        return [("entered", of(rows, "entered_position")), ("left", of(rows, "next_position"))]

    parts = {"won": is_("won"), "lost": is_("lost"), "closed": is_("won", "lost"), "disqualified": is_("disqualified")}
    in_stage = {"stage": of_stage(look)}
    return [
        Counted(timed, parts, clocked),
        Counted(left, {"n": all_rows()}, stayed, in_stage, once=True),
        Counted(lasting, {"open_n": all_rows()}, stayed, in_stage),
        merged(look, at_their_close(look, filters)),
    ]


def sources(look: Look, filters: Filters, by: str | None, **_: Any) -> list[Counted]:
    rows = opened_of(look, filters, by or "source")
    lead = is_(*OUTCOMES)
    parts = {
        "leads": lead,
        "qualified": lead & pl.col("qualified"),
        **{outcome: is_(outcome) for outcome in (*OUTCOMES, "merged")},
        "conversion": lead,
        "qualified_share": lead,
        "win_rate": is_("won", "lost"),
        "earned": is_("won") & valued(),
        "average_sale": is_("won") & valued(),
        "earned_per_lead": lead,
        "cycle": is_("won"),
        "share_of_leads": lead,
        "share_of_wins": is_("won"),
    }
    return [Counted(rows, parts, partial(decided, look))]


def losses(
    look: Look,
    filters: Filters,
    by: str | None,
    *,
    late_days: float = LATE_DAYS,
    score_below: int | None = None,
    **_: Any,
) -> list[Counted]:
    rows = lost_of(look, filters, by).rename({"age": "spent"})
    late = lost_of(look, filters, by).filter(found_late(late_days))
    ended = at_their_close(look, filters).filter(filters.window.holds("closed_at"))
    won = ended.filter(is_("won")).collect()
    doubted = doubtful(look, won, score_below)
    doubts = won.filter(pl.col("journey").is_in(list(doubted))).with_columns(group=pl.lit(None, pl.String))
    before = of_stage(look, "stage_before")

    def settled(rows: pl.DataFrame, _: str) -> list[What]:
        told = [
            (journey, each.position, "closed" if each.about == "won" else "settled")
            for journey in rows["journey"]
            for each in doubted[journey][1]
        ]
        frame = pl.DataFrame(told, {"journey": pl.UInt32, "position": POSITION, "what": pl.String}, orient="row")
        proofs = [(what, frame.filter(pl.col("what") == what).drop("what")) for what in ("settled", "closed")]
        return [("qualified", qualifications(look, rows)), *proofs]

    parts = {
        "n": all_rows(),
        "lost": is_("lost"),
        "disqualified": is_("disqualified"),
        "share": all_rows(),
        "value": valued(),
    }
    words = {"stage": before, "reason": Word(pl.col("reason"))}
    return [
        Counted(rows, parts, partial(decided, look), words),
        Counted(late.rename({"age": "spent"}), {"late": all_rows()}, as_it_stands(look), {"stage": before}),
        Counted(doubts.lazy(), {"doubtful": all_rows()}, settled),
        merged(look, ended),
    ]


def velocity(look: Look, filters: Filters, by: str | None, **_: Any) -> list[Counted]:
    past = details(look, closed(look, filters, by))
    ready = ready_of(look, filters, by)
    return [
        Counted(ready, {"qualified_open": all_rows()}, lambda rows, _: decided(look, rows, "qualified")),
        Counted(
            past,
            {
                "won": is_("won"),
                "lost": is_("lost"),
                "win_rate": is_("won", "lost"),
                "value_per_win": is_("won") & valued(),
                "cycle_days": is_("won"),
            },
            partial(decided, look),
        ),
    ]


def sizing(look: Look, filters: Filters, by: str | None, **_: Any) -> list[Counted]:
    past = closed(look, filters, by)
    here = pl.col("stage").is_in(ranks_of(look.definition, "open", "won"))
    visits = look.visits.lazy().filter(here).unique(["journey", "stage"], keep="first", maintain_order=True)
    reached = past.lazy().join(visits.select("journey", "stage", "entered_position"), on="journey")
    parts = {
        "won": is_("won"),
        "decided": is_(*CLOSED),
        "close_rate": is_(*CLOSED),
        "average_sale": is_("won") & valued(),
    }
    opened = came(look, filters).with_columns(group=pl.lit(None, pl.String))
    return [
        Counted(details(look, past), parts, partial(decided, look)),
        Counted(
            reached,
            {"observed": all_rows()},
            lambda rows, _: [("entered", of(rows, "entered_position")), ("closed", closes(look, rows))],
            {"stage": of_stage(look)},
        ),
        Counted(opened, {"incoming": all_rows()}, as_it_stands(look)),
    ]


def details(look: Look, past: pl.DataFrame) -> pl.LazyFrame:
    """Rows of `decided.closed` with what tells their events."""
    told = look.journeys.lazy().select("journey", "qualified_at", "stage_position", at="closed_at")
    return past.lazy().join(told, on="journey", how="left", maintain_order="left")
