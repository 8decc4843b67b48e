"""What a stage or a pipeline is called in a language."""

from collections.abc import Mapping
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from engine.stages.definition import Definition

ENGLISH = "en"


def called(names: Mapping[str, str], language: str | None, otherwise: str) -> str:
    """The name in the language, else in English, else `otherwise`: the key, which every stage has."""
    return names.get(language or ENGLISH) or names.get(ENGLISH) or otherwise


def stage_names(definition: "Definition", language: str | None) -> dict[str, str]:
    """Name by stage key."""
    return {stage.key: called(stage.name, language, stage.key) for stage in definition.stages}
