"""What the pipeline commands say of versions and stages."""

from typing import TYPE_CHECKING, Any

from service.cli.terminal import moment, percent, table

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from uuid import UUID

    from engine.log.application import Log
    from engine.projections.definitions import Published
    from engine.stages.definition import Definition, Stage


def head(version: "Published", people: "Mapping[UUID, str]") -> dict[str, Any]:
    """people: what to call who published it (`callers`)."""
    from engine.projections.lens import called

    definition = version.definition
    return {
        "pipeline": definition.pipeline,
        "name": definition.name,
        "version": called(version.version),
        "published_at": written(version.occurred_at),
        "published_by": who(version.actor, people),
        "reason": version.reason,
        "stages": [stage.key for stage in definition.stages],
    }


def callers(log: "Log", ids: "Iterable[UUID | None]") -> "dict[UUID, str]":
    """What people are called: the name, else the key; erased ones are not in it."""
    from uuid import UUID

    from engine.log.people import people_frame

    wanted = {each.hex for each in ids if each is not None}
    rows = people_frame(log, customers=False).iter_rows(named=True)
    return {UUID(hex=row["person_id"]): row["name"] or row["key"] for row in rows if row["person_id"] in wanted}


def who(person: "UUID | None", people: "Mapping[UUID, str]") -> str | None:
    """An erased person keeps the id."""
    return None if person is None else people.get(person, str(person))


def written(micros: int) -> str:
    from engine.values import from_micros

    return from_micros(micros).isoformat().replace("+00:00", "Z")


def print_json(said: dict[str, Any]) -> None:
    from json import dumps

    print(dumps(said, indent=2, ensure_ascii=False))


def published_at(version: "Published") -> str:
    from engine.values import from_micros

    return moment(from_micros(version.occurred_at))


def english(names: dict[str, str]) -> str:
    return names.get("en") or next(iter(names.values()), "")


def spoken(names: dict[str, str], lang: str | None = None) -> str:
    """To be drawn: in the language asked for, else in English; without a language in any, English first."""
    from rich.markup import escape

    from engine.stages.names import called

    return escape(english(names) if lang is None else called(names, lang, ""))


def stage_table(definition: "Definition", lang: str | None = None) -> Any:
    """Names and descriptions in the language."""
    from rich.markup import escape

    drawn = table("", "stage", "name", "kind", "entered when", "team", "probability", "stalls after", right=[""])
    for place, stage in enumerate(definition.stages, 1):
        enter = stage.enter.describe() if stage.enter else ("it begins" if place == 1 else "a person moves it")
        share = percent(stage.probability)
        name, text = spoken(stage.name, lang), spoken(stage.description, lang)
        named = f"{name}\n[dim]{text}[/dim]" if text else name
        drawn.add_row(
            str(place), stage.key, named, stage.kind, escape(enter), escape(stage.team or ""), share, stalls(stage)
        )
    return drawn


def stalls(stage: "Stage") -> str:
    if stage.stall is None:
        return "-"
    rule = stage.stall
    kinds = "/".join(rule.touch_kinds) if rule.touch_kinds else "touch"
    limits = [(rule.idle_days, "idle"), (rule.touch_days, f"without {kinds}"), (rule.stage_days, "in it")]
    unit = "working d" if rule.business else "d"
    return ", ".join(f"{days:g} {unit} {what}" for days, what in limits if days is not None)
