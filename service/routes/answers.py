"""The answers over HTTP, one row each: what it may be asked, what computes it. The words are the command line's."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from functools import partial
from typing import Annotated, Any, Literal

from pydantic import Field

from engine.periods import Every, PeriodName
from engine.projections import (
    activity,
    board,
    comparison,
    conversion,
    cycle_time,
    follow_ups,
    forecast,
    forecast_accuracy,
    hygiene,
    likeliest,
    losses,
    satisfaction,
    sizing,
    sources,
    stalled,
    trend,
    velocity,
    win_rate,
)
from engine.projections.cards import Cards, Order
from engine.projections.figures import Answer
from engine.projections.filters import Filters
from engine.projections.foretold import HORIZONS, MOST_LOOKS
from engine.projections.likelihood import Basis
from engine.projections.listing import Listing, listing
from engine.projections.look import Look
from service.question import cards_of, money_of, period_of, understood
from service.routes.asked import Grouped, Paged, Question, Text, Worded


class BoardQuestion(Grouped, Worded, Paged):
    basis: Annotated[Literal["observed", "configured"], Field(description="Where the likelihood comes from")] = (
        "observed"
    )
    order: Annotated[Order, Field(description="Which cards come first; value needs currency")] = "age"
    stage: Annotated[Text | None, Field(description="Cards of this stage alone")] = None
    show: Annotated[Literal["all", "open", "closed"], Field(description="Which cards")] = "all"

    def options(self) -> dict[str, Any]:
        return {"by": self.by, "basis": self.basis, "cards": cards_asked(self), "language": self.lang}


class ConversionQuestion(Grouped, Worded):
    strict: Annotated[bool, Field(description="Skipped stages do not count as passed")] = False
    within_days: Annotated[float | None, Field(description="Each journey N days after it entered")] = None
    in_period: Annotated[bool, Field(description="As it stood at the end of the window; needs until")] = False


class CycleTimeQuestion(Grouped, Worded):
    from_stage: Annotated[Text | None, Field(description="The clock starts at the first entry of this stage")] = None
    from_first_touch: Annotated[bool, Field(description="The clock starts at the first touch")] = False


class WinRateQuestion(Grouped):
    cohort: Annotated[Literal["closed", "opened"], Field(description="Closed in the window, or opened in it")] = (
        "closed"
    )
    without_reason: Annotated[
        list[Text], Field(default_factory=list, max_length=50, description="Losses for it are left out")
    ]

    def options(self) -> dict[str, Any]:
        return {"by": self.by, "cohort": self.cohort, "without_reasons": tuple(self.without_reason)}


class VelocityQuestion(Grouped):
    pace: Annotated[Literal["median", "mean"], Field(description="Which cycle length the formula takes")] = "median"


class SizingQuestion(Grouped):
    target: Annotated[Text | None, Field(description="Revenue to reach", examples=["100000 EUR"])] = None
    deals: Annotated[int | None, Field(description="Or a number of deals to win")] = None
    average: Annotated[Text | None, Field(description="Average sale; without it as observed")] = None
    close_rate: Annotated[float | None, Field(description="0 to 1; without it as observed")] = None
    reps: Annotated[int | None, Field(description="How many share the leads")] = None

    def options(self) -> dict[str, Any]:
        revenue, average = money_of("target", self.target), money_of("average", self.average)
        with understood():
            target = sizing.Target(
                revenue=revenue, deals=self.deals, average=average, close_rate=self.close_rate, reps=self.reps
            )
        return {"target": target, "by": self.by}


class SourcesQuestion(Question):
    by: Annotated[Text, Field(description="source, channel, attr:NAME, owner, team, manager, region or month")] = (
        "source"
    )


class ActivityQuestion(Grouped):
    sla_hours: Annotated[float, Field(ge=0.01, le=87_600, description="Answered in time: within")] = 24.0

    def options(self) -> dict[str, Any]:
        return {"by": self.by, "sla": timedelta(hours=self.sla_hours)}


class LossesQuestion(Grouped, Worded, Paged):
    late_days: Annotated[float, Field(description="Leads found unfit that old are late")] = 30.0
    score_below: Annotated[int | None, Field(description="Scores that made a won lead doubtful")] = None


class LikeliestQuestion(Question, Worded, Paged):
    by: Annotated[Text, Field(description="Whose deals: owner, team, manager, region, source, ...")] = "owner"
    basis: Annotated[Literal["observed", "configured"], Field(description="Where the likelihood comes from")] = (
        "observed"
    )


class ForecastQuestion(Question):
    every: Annotated[Every | None, Field(description="How long each period is (month)")] = None
    period: Annotated[
        PeriodName | None, Field(description="This one alone: 2026-03, 2026-Q1 or 2026-W05", examples=["2026-Q3"])
    ] = None
    basis: Annotated[Basis, Field(description="Where the likelihood comes from")] = "observed"


class ForecastAccuracyQuestion(Grouped):
    every: Annotated[Every, Field(description="How long each period is")] = "month"
    count: Annotated[
        int, Field(ge=1, le=forecast_accuracy.MOST, description="How many periods, when since is not given")
    ] = 6
    horizon: Annotated[
        list[Text],
        Field(
            default_factory=list,
            max_length=MOST_LOOKS,
            description="start, or days before the end of the period; repeat for more (start, 30, 60 and 90)",
            examples=[["start", "30"]],
        ),
    ]
    basis: Annotated[Basis, Field(description="Where the likelihood comes from")] = "observed"
    hindsight: Annotated[bool, Field(description="As of then by all that is recorded now, not by what was then")] = (
        False
    )

    def options(self) -> dict[str, Any]:
        named = {name: getattr(self, name) for name in ("by", "every", "count", "basis", "hindsight")}
        return {**named, "horizons": tuple(self.horizon) or HORIZONS}


class CompareQuestion(Grouped, Worded):
    against: Annotated[
        Text | None,
        Field(
            description="The earlier period, FROM..TO; without it as long just before",
            examples=["2026-01-01..2026-04-01"],
        ),
    ] = None

    def options(self) -> dict[str, Any]:
        window = None if self.against is None else period_of("against", self.against, self.tz)
        return {"by": self.by, "against": window}


class TrendQuestion(Grouped):
    every: Annotated[Literal["week", "month", "quarter"], Field(description="How long each period is")] = "month"
    count: Annotated[int, Field(ge=1, le=600, description="How many periods, when since is not given")] = 12
    stage: Annotated[Text | None, Field(description="Entries and conversion of this stage, not of all")] = None


class StalledQuestion(Question, Worded, Paged):
    idle_days: Annotated[float | None, Field(description="Nothing happened for longer; else by the stages' rules")] = (
        None
    )


class HygieneQuestion(Question, Paged):
    silent_days: Annotated[float, Field(description="Silent from then on")] = 14
    note_days: Annotated[float, Field(description="Notes are stale from then on")] = 30


class FollowUpsQuestion(Question, Paged):
    overdue: Annotated[bool, Field(description="Only those that are due since")] = False


class ListQuestion(Question, Paged):
    order: Annotated[Order, Field(description="Which come first; value needs currency")] = "activity"
    stage: Annotated[Text | None, Field(description="Those in this stage alone")] = None
    show: Annotated[Literal["all", "open", "closed"], Field(description="Which")] = "all"

    def options(self) -> dict[str, Any]:
        return {"cards": cards_asked(self)}


def cards_asked(question: BoardQuestion | ListQuestion) -> Cards:
    asked = {name: getattr(question, name) for name in ("order", "stage", "show", "limit", "after")}
    return cards_of({**asked, "currency": question.currency if question.order == "value" else None})


def sizes(look: Look, filters: Filters, *, target: sizing.Target, by: str | None) -> sizing.Sizing:
    return sizing.sizing(look, target, filters, by=by)


@dataclass(frozen=True, slots=True)
class Asked:
    """A question, what it may be asked, and what computes the answer."""

    name: str
    question: type[Question]
    answer: type[Answer]
    compute: Callable[..., Answer]
    """of the look, the filters and the question's options"""
    summary: str


QUESTIONS: tuple[Asked, ...] = (
    Asked("board", BoardQuestion, board.Board, board.board, "What stands in each stage, and the cards"),
    Asked("conversion", ConversionQuestion, conversion.Conversion, conversion.conversion, "How many went further"),
    Asked("cycle-time", CycleTimeQuestion, cycle_time.CycleTime, cycle_time.cycle_time, "How long it takes"),
    Asked("win-rate", WinRateQuestion, win_rate.WinRate, win_rate.win_rate, "Won of what was decided"),
    Asked("velocity", VelocityQuestion, velocity.Velocity, velocity.velocity, "What the pipeline brings in a day"),
    Asked("sizing", SizingQuestion, sizing.Sizing, sizes, "Deals and leads that a target takes"),
    Asked("sources", SourcesQuestion, sources.Sources, sources.sources, "What each source brings and earns"),
    Asked("activity", ActivityQuestion, activity.Activity, activity.activity, "Touches, attempts, first answers"),
    Asked("satisfaction", Grouped, satisfaction.Satisfaction, satisfaction.satisfaction, "What customers say of it"),
    Asked("losses", LossesQuestion, losses.Losses, losses.losses, "Why deals are lost, and from which stage"),
    Asked("likeliest", LikeliestQuestion, likeliest.Likeliest, likeliest.likeliest, "Likeliest to close first"),
    Asked("forecast", ForecastQuestion, forecast.Forecast, forecast.forecast, "Quota, won, gap and pipeline"),
    Asked(
        "forecast-accuracy",
        ForecastAccuracyQuestion,
        forecast_accuracy.ForecastAccuracy,
        forecast_accuracy.forecast_accuracy,
        "What forecasts said against what was won",
    ),
    Asked("compare", CompareQuestion, comparison.Comparison, comparison.comparison, "Two periods side by side"),
    Asked("trend", TrendQuestion, trend.Trend, trend.trend, "Every figure by week, month or quarter"),
    Asked("stalled", StalledQuestion, stalled.Stalled, stalled.stalled, "Where nothing happens any more"),
    Asked("hygiene", HygieneQuestion, hygiene.Hygiene, hygiene.hygiene, "Gone silent, stuck, with stale notes"),
    Asked("follow-ups", FollowUpsQuestion, follow_ups.FollowUps, follow_ups.follow_ups, "Every rep's next steps"),
)

LISTS: tuple[Asked, ...] = (
    Asked("journeys", ListQuestion, Listing, listing, "All journeys, leads and deals"),
    Asked("leads", ListQuestion, Listing, partial(listing, kind="lead"), "Leads that have not become a deal"),
    Asked("deals", ListQuestion, Listing, partial(listing, kind="deal"), "Deals, those that were leads too"),
)
