"""What the pipeline commands say of stages."""

from typing import TYPE_CHECKING, Any

from service.cli.terminal import percent, table

if TYPE_CHECKING:
    from engine.stages.definition import Definition, Stage


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
