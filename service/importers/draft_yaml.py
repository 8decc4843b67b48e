"""How a drafted mapping is written down."""

import unicodedata
from typing import Any

import polars as pl
import yaml

from service.importers.conditions import as_key


class Written(yaml.SafeDumper):
    def ignore_aliases(self, data: object) -> bool:  # noqa: ARG002  (the base names it)
        return True


def dumped(raw: dict[str, Any]) -> str:
    return yaml.dump(raw, Dumper=Written, sort_keys=False, allow_unicode=True, width=110, default_flow_style=None)


def plain(value: Any) -> Any:
    """As the mapping's own reader gives it: every scalar is text."""
    if isinstance(value, dict):
        return {str(key): plain(inner) for key, inner in value.items()}
    if isinstance(value, list):
        return [plain(inner) for inner in value]
    return str(value).lower() if isinstance(value, bool) else str(value)


def distinct(stages: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return list({stage["key"]: stage for stage in reversed(stages)}.values())[::-1]


def key_of(text: str) -> str:
    """As `as: key` writes it; empty where nothing is left."""
    key = pl.select(as_key(pl.lit(unicodedata.normalize("NFC", text)))).item()
    return "" if key is None or key.startswith("\0") else str(key)
