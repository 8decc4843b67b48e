"""dealtrail targets: what reps and teams shall win; set, revise and withdraw it, and see what it was before."""

from typing import TYPE_CHECKING, Annotated, Any

import typer

from service.cli.as_json import print_json
from service.cli.opening import viewed
from service.cli.options import Actor, Db, Json, from_options
from service.cli.question import LENS, option, usage
from service.cli.terminal import console, moment, money, table

if TYPE_CHECKING:
    from engine.handle import Outcome
    from engine.messages import Command
    from engine.projections.lens import Lens
    from engine.projections.targets_told import Target, TargetChange
    from engine.projections.views import Views

app = typer.Typer(
    help="What reps and teams shall win (`dealtrail forecast` holds it against what they do).", no_args_is_help=True
)

Named = Annotated[str, typer.Argument(metavar="TARGET", help="Its id, or the first digits of it.")]
Worth = Annotated[
    str | None, typer.Option("--value", metavar="MONEY", help='What shall be won, "100000 EUR".', show_default=False)
]
Wins = Annotated[
    int | None, typer.Option("--wins", metavar="N", help="Or a number of deals to win.", show_default=False)
]
AsOf = Annotated[str | None, option("--as-of", panel=LENS, metavar="TIME", text="Those that stood then (now).")]
KnownAt = Annotated[
    str | None, option("--known-at", panel=LENS, metavar="TIME", text="Only what had been recorded by then (all).")
]
Reason = Annotated[str, typer.Option("--reason", metavar="WORDS", help="Why.")]
Late = Annotated[
    str | None, typer.Option("--occurred-at", metavar="TIME", help="When it was decided (now).", show_default=False)
]


@app.command("set", epilog="Example: dealtrail targets set --rep rep-03 --period 2026-Q3 --value '100000 EUR'")
def set_one(
    *,
    period: Annotated[str, typer.Option("--period", metavar="NAME", help="2026-03, 2026-Q1 or 2026-W05.")],
    rep: Annotated[
        str | None, typer.Option("--rep", metavar="REP", help="Key, source:key or id.", show_default=False)
    ] = None,
    team: Annotated[str | None, typer.Option("--team", metavar="TEAM", help="Or a team.", show_default=False)] = None,
    value: Worth = None,
    wins: Wins = None,
    attribute: Annotated[
        str | None,
        typer.Option("--attr", metavar="NAME=VALUE", help="Of deals that have it alone.", show_default=False),
    ] = None,
    reason: Annotated[str | None, typer.Option("--reason", metavar="WORDS", help="Why.", show_default=False)] = None,
    pipeline: Annotated[
        str | None, typer.Option("--pipeline", metavar="KEY", help="Without it the only one.", show_default=False)
    ] = None,
    occurred_at: Late = None,
    actor: Actor = "",
    json: Json = False,
    db: Db = "",
) -> None:
    """Say what a rep or a team shall win in a week, month or quarter."""
    from engine.aggregates.target.commands import SetTarget
    from engine.log.people import find_person
    from service.membership import must_be_a_team
    from service.question import pair

    with usage():
        named = None if attribute is None else dict(zip(("name", "value"), pair(attribute), strict=True))
    told = {"team": team, "period": period, "attribute": named, "reason": reason, **goal(value, wins)}
    with viewed(db) as views:
        views.catch_up()
        if team is not None:
            must_be_a_team(views, team)
        person = None if rep is None else find_person(views.log, rep).person_id
        with from_options():
            command = SetTarget.model_validate({**told, "rep": person, "pipeline": views.definitions.key(pipeline)})
        done = handled(views, command, actor, occurred_at)
    if json:
        print_json(plain(done))
    else:
        print(f"set: {done.stream_id}")


@app.command(epilog="Example: dealtrail targets revise 3f9a12cc --value '120000 EUR' --reason 'two more reps'")
def revise(
    target: Named,
    *,
    reason: Reason,
    value: Worth = None,
    wins: Wins = None,
    occurred_at: Late = None,
    actor: Actor = "",
    json: Json = False,
    db: Db = "",
) -> None:
    """Another amount in its currency, or another number of wins; what it was before stays on record."""
    from engine.aggregates.target.commands import ReviseTarget

    with from_options():
        command = ReviseTarget.model_validate({"reason": reason, **goal(value, wins)})
    change("revised", target, command, actor, occurred_at, json, db)


@app.command(epilog="Example: dealtrail targets withdraw 3f9a12cc --reason 'on leave that month'")
def withdraw(
    target: Named,
    *,
    reason: Reason,
    occurred_at: Late = None,
    actor: Actor = "",
    json: Json = False,
    db: Db = "",
) -> None:
    """There is none from then on; what it was before stays on record."""
    from engine.aggregates.target.commands import WithdrawTarget

    with from_options():
        command = WithdrawTarget.model_validate({"reason": reason})
    change("withdrawn", target, command, actor, occurred_at, json, db)


@app.command("list", epilog="Example: dealtrail targets list --period 2026-Q3 --team north")
def list_all(
    *,
    period: Annotated[
        str | None, typer.Option("--period", metavar="NAME", help="Of this period alone.", show_default=False)
    ] = None,
    rep: Annotated[
        str | None, typer.Option("--rep", metavar="REP", help="A rep's: key, source:key or id.", show_default=False)
    ] = None,
    team: Annotated[str | None, typer.Option("--team", metavar="TEAM", help="A team's.", show_default=False)] = None,
    as_of: AsOf = None,
    known_at: KnownAt = None,
    json: Json = False,
    db: Db = "",
) -> None:
    """The targets that stand."""
    from engine.periods import known_period
    from engine.projections.lens import Lens
    from engine.projections.reps import rep_called, reps
    from engine.projections.targets_told import standing_targets
    from service.membership import must_be_a_team

    lens = lens_asked(as_of, known_at)
    if period is not None:
        try:
            known_period(period)
        except ValueError as error:
            raise typer.BadParameter(f"--period: {error}") from None
    with viewed(db) as views:
        if team is not None:
            must_be_a_team(views, team)
        person = None if rep is None else rep_called(reps(views.staff(Lens.of())), rep)
        found = standing_targets(views.staff(lens), period=period, team=team, rep=person)
    if json:
        print_json({"targets": [each.model_dump(mode="json") for each in found]})
        return
    if not found:
        which = "such target" if period or rep or team else "target"
        print(f"No {which}: dealtrail targets set makes one")
        return
    drawn = table("target", "period", "whose", "target of", "of", "pipeline", right=("target of",))
    for each in found:
        kind = "all deals" if each.attribute is None else f"{each.attribute.name} {each.attribute.value}"
        drawn.add_row(each.target.hex[:8], each.period, whose(each), amount(each), kind, each.pipeline)
    console().print(drawn)


@app.command(epilog="Example: dealtrail targets show 3f9a12cc")
def show(target: Named, *, as_of: AsOf = None, known_at: KnownAt = None, json: Json = False, db: Db = "") -> None:
    """One of them, with every change: what, who, when and why."""
    from engine.projections.targets_told import find_target, target_history

    lens = lens_asked(as_of, known_at)
    with viewed(db) as views:
        found = target_history(views.staff(lens), find_target(views, target))
    if json:
        print_json(found.model_dump(mode="json"))
        return
    kind = "" if found.attribute is None else f", {found.attribute.name} {found.attribute.value}"
    standing = amount(found) if found.stands else "withdrawn"
    print(f"{found.period} · {whose(found)} · {found.pipeline}{kind}: {standing}")
    drawn = table("happened", "", "target of", "why", "by", "recorded", "log\nposition", right=("target of",))
    for each in found.changes:
        by = "-" if each.actor is None else each.actor.label
        times = (moment(each.occurred_at), moment(each.recorded_at))
        drawn.add_row(times[0], each.what, amount(each), each.reason or "-", by, times[1], f"{each.position:,}")
    console().print(drawn)


def goal(value: str | None, wins: int | None) -> dict[str, Any]:
    from service.question import money_of

    with usage():
        return {"value": money_of("value", value), "wins": wins}


def lens_asked(as_of: str | None, known_at: str | None) -> "Lens":
    from service.question import lens_of

    with usage():
        return lens_of(as_of, known_at, "now", "UTC")


def change(
    said: str, target: str, command: "Command", actor: str, occurred_at: str | None, json: bool, db: str
) -> None:
    from engine.projections.targets_told import find_target

    with viewed(db) as views:
        done = handled(views, command, actor, occurred_at, target=find_target(views, target))
    if json:
        print_json(plain(done))
    else:
        print(f"{said}: {done.stream_id}" if done.events else f"nothing to do: {done.stream_id} says so already")


def handled(views: "Views", command: "Command", actor: str, occurred_at: str | None, target: Any = None) -> "Outcome":
    from engine.aggregates.inputs import PersonRef
    from engine.handle import handle
    from service.cli.policies import when

    at = when("--occurred-at", occurred_at)
    by = PersonRef(source="login", key=actor)
    return handle(views.log, command, actor=by, origin="cli", on=target, occurred_at=at)


def plain(done: "Outcome") -> dict[str, Any]:
    return {"target": done.stream_id, "version": done.version, "events": [each.event.TOPIC for each in done.events]}


def whose(target: "Target") -> str:
    return target.rep.label if target.rep is not None else f"team {target.team}"


def amount(told: "Target | TargetChange") -> str:
    return f"{told.wins:,} wins" if told.wins is not None else money([told.value] if told.value else [])
