"""An answer for every shape of answers, as the documentation shows it: about the sample, every list cut short."""

from pathlib import Path
from typing import Any, Final

import yaml

FILE: Final = Path(__file__).with_suffix(".yaml")


def answer_examples() -> dict[str, Any]:
    """By the name of the shape in the OpenAPI document."""
    found: dict[str, Any] = yaml.safe_load(FILE.read_text())
    return found
