"""What every question can be asked over HTTP; the same words as on the command line. Unknown ones are refused."""

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

from engine.projections.filters import Filters
from engine.projections.lens import Lens
from service.question import filters_of, lens_of

Text = Annotated[str, StringConstraints(min_length=1, max_length=200)]
Cursor = Annotated[str, StringConstraints(min_length=1, max_length=1_000)]
PAGE_MOST = 500


class Glance(BaseModel):
    """Through which lens."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    as_of: Annotated[
        Text | None, Field(description="Only what had happened by then (now)", examples=["2026-03-31"])
    ] = None
    known_at: Annotated[Text | None, Field(description="Only what had been recorded by then (all)")] = None
    definition: Annotated[Text, Field(description="Stages in force now, then, or version N")] = "now"
    tz: Annotated[Text, Field(description="Decides what a day and a month are")] = "UTC"

    def lens(self) -> Lens:
        return lens_of(self.as_of, self.known_at, self.definition, self.tz)


class Question(Glance):
    """Which journeys."""

    pipeline: Annotated[Text | None, Field(description="Key; without it the only one")] = None
    owner: Annotated[Text | None, Field(description="A rep's key, name or id")] = None
    source: Text | None = None
    channel: Text | None = None
    team: Text | None = None
    manager: Annotated[Text | None, Field(description="Key, name or id")] = None
    region: Text | None = None
    membership: Annotated[Literal["then", "today"], Field(description="Team, manager and region of when")] = "then"
    attr: Annotated[list[Text], Field(max_length=20, description="NAME=VALUE; repeat for more")] = []
    value_min: Annotated[Text | None, Field(description="Worth at least; needs currency")] = None
    value_max: Annotated[Text | None, Field(description="Worth at most; needs currency")] = None
    currency: Annotated[Text | None, Field(examples=["EUR"])] = None
    since: Annotated[Text | None, Field(description="The window begins (included)")] = None
    until: Annotated[Text | None, Field(description="The window ends (not included)")] = None

    def filters(self) -> Filters:
        same = {name: getattr(self, name) for name in Filters.model_fields if name != "attributes"}
        return filters_of(same, self.attr)


class Grouped(Question):
    by: Annotated[
        Text | None, Field(description="owner, team, manager, region, source, channel, month or attr:NAME")
    ] = None


class BoardQuestion(Grouped):
    basis: Annotated[Literal["observed", "configured"], Field(description="Where the likelihood comes from")] = (
        "observed"
    )
    order: Annotated[
        Literal["age", "value", "next_action", "likelihood"], Field(description="Which cards come first")
    ] = "age"
    stage: Annotated[Text | None, Field(description="Cards of this stage alone")] = None
    show: Annotated[Literal["all", "open", "closed"], Field(description="Which cards")] = "all"
    limit: Annotated[int, Field(ge=0, le=PAGE_MOST, description="How many cards")] = 50
    after: Annotated[
        Cursor | None, Field(description="`next` of the page before; the page is of the same moment and position")
    ] = None


class ConversionQuestion(Grouped):
    strict: Annotated[bool, Field(description="Skipped stages do not count as passed")] = False
    within_days: Annotated[float | None, Field(description="Each journey N days after it entered")] = None
    in_period: Annotated[bool, Field(description="As it stood at the end of the window; needs until")] = False


class CycleTimeQuestion(Grouped):
    from_stage: Annotated[Text | None, Field(description="The clock starts at the first entry of this stage")] = None
    from_first_touch: Annotated[bool, Field(description="The clock starts at the first touch")] = False


class WinRateQuestion(Grouped):
    cohort: Annotated[Literal["closed", "opened"], Field(description="Closed in the window, or opened in it")] = (
        "closed"
    )
    without_reason: Annotated[list[Text], Field(max_length=50, description="Losses for it are left out")] = []


class StalledQuestion(Question):
    idle_days: Annotated[float | None, Field(description="Nothing happened for longer; else by the stages' rules")] = (
        None
    )
