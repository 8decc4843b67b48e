"""What every question can be asked over HTTP; the same words as on the command line. Unknown ones are refused."""

from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, WithJsonSchema

from engine.projections.filters import Filters
from engine.projections.lens import Lens
from service.question import filters_of, lens_of

Text = Annotated[str, StringConstraints(min_length=1, max_length=200)]
Time = Annotated[
    str,
    StringConstraints(min_length=1, max_length=60),
    # Not a constraint: what is wrong with a moment is said in better words (question.py).
    WithJsonSchema(
        {
            "type": "string",
            "pattern": (
                "^[0-9]{4}-[0-9]{2}-[0-9]{2}(T[0-9]{2}:[0-9]{2}(:[0-9]{2}([.][0-9]{1,6})?)?(Z|[+-][0-9]{2}:[0-9]{2}))?$"
            ),
            "examples": ["2026-03-31"],
        }
    ),
]
"""a date, or a moment with its offset"""
Cursor = Annotated[str, StringConstraints(min_length=1, max_length=1_000)]
PAGE_MOST = 500


class Moments(BaseModel):
    """As of when, as known when: what asks of no stages."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    as_of: Annotated[
        Time | None, Field(description="Only what had happened by then (now)", examples=["2026-03-31"])
    ] = None
    known_at: Annotated[Time | None, Field(description="Only what had been recorded by then (all)")] = None
    tz: Annotated[Text, Field(description="Decides what a day and a month are")] = "UTC"

    def lens(self) -> Lens:
        return lens_of(self.as_of, self.known_at, tz=self.tz)


class Glance(Moments):
    """Through which lens."""

    definition: Annotated[Text, Field(description="Stages in force now, then, version N, or draft:N")] = "now"

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
    since: Annotated[Time | None, Field(description="The window begins (included)")] = None
    until: Annotated[Time | None, Field(description="The window ends (not included)")] = None

    def filters(self) -> Filters:
        same = {name: getattr(self, name) for name in Filters.model_fields if name != "attributes"}
        return filters_of(same, self.attr)

    def options(self) -> dict[str, Any]:
        """What the answer's function is asked besides: the fields of its own, by the same names."""
        shared = {*Question.model_fields, *Worded.model_fields}
        return {name: getattr(self, name) for name in type(self).model_fields if name not in shared}


class Worded(BaseModel):
    """Stages also by their names in a language."""

    lang: Annotated[
        str | None,
        Field(pattern="^[a-z]{2,3}$", description="The answer's `names`: what the stages are called in it"),
    ] = None


class Paged(BaseModel):
    """A list, a page at a time; of several lists of one answer so many of each."""

    limit: Annotated[int, Field(ge=0, le=PAGE_MOST, description="How many, of each list")] = 50
    after: Annotated[
        Cursor | None, Field(description="`next` of the page before; the page is of the same moment and position")
    ] = None


class ExplainQuestion(Paged):
    """One number of an answer."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    cell: Annotated[
        list[Text],
        Field(
            min_length=1,
            max_length=10,
            description="NAME=VALUE: part (the number), what else names it (stage, month, ...), group; repeat for more",
            examples=[["part=lost", "stage=proposal"]],
        ),
    ]
    limit: Annotated[int, Field(ge=0, le=1_000, description="How many journeys are listed")] = 100


class Grouped(Question):
    by: Annotated[
        Text | None, Field(description="owner, team, manager, region, source, channel, month or attr:NAME")
    ] = None
