"""What every answer can be asked: through which lens, about which journeys."""

import inspect
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, fields
from functools import wraps
from typing import TYPE_CHECKING, Annotated, Any

import typer

from service.cli.options import Csv, Db, Json, Shape

if TYPE_CHECKING:
    from engine.projections.filters import Filters
    from engine.projections.lens import Lens
    from service.question import Problem

LENS = "Which moment, which definition"
FILTER = "Which journeys"


def option(*names: str, panel: str, metavar: str, text: str) -> Any:
    return typer.Option(*names, metavar=metavar, help=text, rich_help_panel=panel, show_default=False)


@dataclass(frozen=True, kw_only=True)
class Glance:
    """Through which lens, and where: what every look at the log can be asked."""

    as_of: Annotated[
        str | None,
        option("--as-of", panel=LENS, metavar="TIME", text="Only what had happened by then: 2012-01-01T00:00Z (now)."),
    ] = None
    known_at: Annotated[
        str | None,
        option("--known-at", panel=LENS, metavar="TIME", text="Only what had been recorded by then (all)."),
    ] = None
    definition: Annotated[
        str,
        option(
            "--definition",
            panel=LENS,
            metavar="now|then|N|draft:N",
            text="By the stages in force now, then, by version N or a draft.",
        ),
    ] = "now"
    tz: Annotated[str, option("--tz", panel=LENS, metavar="ZONE", text="Decides what a day and a month are (UTC).")] = (
        "UTC"
    )
    json: Json = False
    csv: Csv = False
    db: Db = ""

    @property
    def shape(self) -> Shape:
        if self.json and self.csv:
            raise typer.BadParameter("--json and --csv are two shapes of one answer: give one")
        return "json" if self.json else "csv" if self.csv else "drawn"

    def lens(self) -> "Lens":
        """Usage errors name the option and the value."""
        from service.question import lens_of

        with usage():
            return lens_of(self.as_of, self.known_at, self.definition, self.tz)


@dataclass(frozen=True, kw_only=True)
class Question(Glance):
    """The same of many journeys: which. The fields are named after what they become in Filters."""

    pipeline: Annotated[
        str | None, option("--pipeline", panel=FILTER, metavar="KEY", text="Default: the only one.")
    ] = None
    owner: Annotated[str | None, option("--owner", panel=FILTER, metavar="REP", text="Key, name or id.")] = None
    source: Annotated[str | None, option("--source", panel=FILTER, metavar="NAME", text="Where it came from.")] = None
    channel: Annotated[str | None, option("--channel", panel=FILTER, metavar="NAME", text="By which channel.")] = None
    team: Annotated[str | None, option("--team", panel=FILTER, metavar="NAME", text="The owner's team.")] = None
    manager: Annotated[str | None, option("--manager", panel=FILTER, metavar="REP", text="The owner's manager.")] = None
    region: Annotated[str | None, option("--region", panel=FILTER, metavar="NAME", text="The owner's region.")] = None
    membership: Annotated[
        str,
        option("--membership", panel=FILTER, metavar="then|today", text="Team, manager and region of when (then)."),
    ] = "then"
    attributes: Annotated[
        list[str] | None,
        option("--attr", panel=FILTER, metavar="NAME=VALUE", text="Attribute; repeat for more."),
    ] = None
    value_min: Annotated[
        str | None, option("--value-min", panel=FILTER, metavar="AMOUNT", text="Worth at least; needs --currency.")
    ] = None
    value_max: Annotated[
        str | None, option("--value-max", panel=FILTER, metavar="AMOUNT", text="Worth at most; needs --currency.")
    ] = None
    currency: Annotated[str | None, option("--currency", panel=FILTER, metavar="CODE", text="Such as EUR.")] = None
    since: Annotated[
        str | None, option("--from-date", "--since", panel=FILTER, metavar="DATE", text="Window begins (included).")
    ] = None
    until: Annotated[
        str | None, option("--to-date", "--until", panel=FILTER, metavar="DATE", text="Window ends (not included).")
    ] = None

    def filters(self) -> "Filters":
        """Usage errors name the option and the value."""
        from engine.projections.filters import Filters
        from service.question import filters_of

        same = {name: getattr(self, name) for name in Filters.model_fields if name != "attributes"}
        with usage():
            return filters_of(same, self.attributes or ())


OPTIONS = {"since": "--from-date", "until": "--to-date", "attributes": "--attr"}


@contextmanager
def usage() -> Iterator[None]:
    """What is unclear, in the words of the command line."""
    from service.question import Unclear

    try:
        yield
    except Unclear as error:
        raise typer.BadParameter("; ".join(said(problem) for problem in error.problems)) from None


def said(problem: "Problem") -> str:
    given = "" if problem.given is None else f" (given: {problem.given})"
    if not problem.field:
        return f"{problem.why}{given}"
    option = OPTIONS.get(problem.field, f"--{problem.field.replace('_', '-')}")
    return f"{option}: {problem.why}{given}"


def asks(command: Callable[..., None]) -> Callable[..., None]:
    """Gives a command the options of its first parameter's class (Glance or Question) besides its own."""
    first, *own = inspect.signature(command).parameters.values()
    asked = first.annotation
    shared = [
        inspect.Parameter(field.name, inspect.Parameter.KEYWORD_ONLY, default=field.default, annotation=field.type)
        for field in fields(asked)
    ]

    @wraps(command)
    def run(**typed: Any) -> None:
        question = asked(**{field.name: typed.pop(field.name) for field in fields(asked)})
        command(question, **typed)

    # What Typer reads to know a command's options.
    run.__dict__["__signature__"] = inspect.Signature([*own, *shared])
    run.__annotations__ = {parameter.name: parameter.annotation for parameter in [*own, *shared]}
    return run
