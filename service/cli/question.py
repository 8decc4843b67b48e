"""What every answer can be asked: through which lens, about which journeys."""

import inspect
from collections.abc import Callable
from dataclasses import dataclass, fields
from functools import wraps
from typing import TYPE_CHECKING, Annotated, Any

import typer

from engine.errors import Rejected
from service.cli.options import Db, Json

if TYPE_CHECKING:
    from engine.projections.filters import Filters
    from engine.projections.lens import Lens

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
            "--definition", panel=LENS, metavar="now|then|N", text="By the stages in force now, then, or version N."
        ),
    ] = "now"
    tz: Annotated[str, option("--tz", panel=LENS, metavar="ZONE", text="Decides what a day and a month are (UTC).")] = (
        "UTC"
    )
    json: Json = False
    db: Db = ""

    def lens(self) -> "Lens":
        """Usage errors name the option and the value."""
        from engine.projections.lens import Lens

        try:
            return Lens.of(
                self.moment("--as-of", self.as_of), self.moment("--known-at", self.known_at), self.definition
            )
        except Rejected as error:
            raise typer.BadParameter(f"--{error}") from None

    def moment(self, name: str, text: str | None) -> Any:
        """The datetime of an option; a date alone is its first moment in --tz."""
        from pydantic import TypeAdapter, ValidationError

        from engine.projections.filters import Bound, known_zone, moment
        from engine.values import from_micros

        try:
            zone = known_zone(self.tz)
        except ValueError as error:
            raise typer.BadParameter(f"--tz: {error}") from None
        if text is None:
            return None
        try:
            micros = moment(TypeAdapter(Bound).validate_python(text), zone)
        except (ValidationError, ValueError) as error:
            why = str(error) if not isinstance(error, ValidationError) else error.errors()[0]["msg"]
            raise typer.BadParameter(f"{name} {text!r}: {why.removeprefix('Value error, ')}") from None
        return None if micros is None else from_micros(micros)


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
        from pydantic import ValidationError

        from engine.projections.filters import Filters

        same = {name: getattr(self, name) for name in Filters.model_fields if name != "attributes"}
        try:
            return Filters.model_validate({**same, "attributes": [pair(text) for text in self.attributes or ()]})
        except ValidationError as error:
            raise typer.BadParameter(said(error)) from None


WHOLE = "as a whole"
OPTIONS = {"since": "--from-date", "until": "--to-date", "attributes": "--attr"}


def said(error: Any) -> str:
    """A pydantic ValidationError in the words of the command line."""
    from engine.stages.definition import problems

    lines = []
    for line in problems(error):
        place, _, rest = line.partition(": ")
        field = place.partition(".")[0]
        name = OPTIONS.get(field, f"--{field.replace('_', '-')}")
        lines.append(rest if place == WHOLE else f"{name}: {rest}")
    return "; ".join(dict.fromkeys(lines))


def pair(text: str) -> tuple[str, str]:
    name, separator, value = text.partition("=")
    if not separator or not name or not value:
        raise typer.BadParameter(f"--attr {text!r}: write NAME=VALUE, such as product=GTX")
    return name, value


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
