"""Ready definitions to begin with; each is a YAML file beside this one, named as the preset."""

from pathlib import Path
from typing import Final

from engine.errors import NotFound
from engine.stages.definition import Definition, load_definition, parse_definition

PRESETS: Final = ("ca", "es", "ro", "bg", "aida", "aidca", "aidas", "aidcas", "tl", "builder")
"""Names of all presets, in the order they are listed."""


def preset(name: str) -> Definition:
    """The definition of a preset; its pipeline is called like the preset. NotFound names those there are."""
    return load_definition(preset_file(name))


def preset_file(name: str) -> Path:
    """The preset as written, to be copied and changed."""
    if name not in PRESETS:
        raise NotFound(f"there is no preset {name!r}: use one of {', '.join(PRESETS)}")
    return Path(__file__).with_name(f"{name}.yaml")


def under(definition: Definition, pipeline: str) -> Definition:
    """The same stages as another pipeline: one funnel a channel. Rejected for a key no pipeline can have."""
    raw = definition.model_dump(mode="json", exclude_none=True)
    return parse_definition(raw | {"pipeline": pipeline}, f"pipeline {pipeline!r}")
