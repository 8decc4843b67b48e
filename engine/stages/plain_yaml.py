"""YAML as people write it by hand: no key twice, of bounded size and depth."""

from collections.abc import Hashable
from pathlib import Path
from typing import Any

import yaml

from engine.errors import Rejected

MAX_BYTES = 1_000_000
DEEPEST = 40


class StrictLoader(yaml.SafeLoader):
    """Refuses a key given twice, of which YAML would silently keep the last, and what grows when it is read."""

    depth = 0
    may_repeat = False
    """whether an alias may stand for what was written before"""

    def compose_node(self, parent: yaml.Node | None, index: Any) -> yaml.Node | None:
        event: Any = self.peek_event()  # type: ignore[no-untyped-call]  # PyYAML's stubs leave it untyped
        at: Any = event.start_mark
        if isinstance(event, yaml.AliasEvent) and not self.may_repeat:
            raise yaml.constructor.ConstructorError(None, None, "write it out: aliases are refused", at)
        if self.depth > DEEPEST:
            raise yaml.constructor.ConstructorError(None, None, f"nested deeper than {DEEPEST}", at)
        self.depth += 1
        try:
            return super().compose_node(parent, index)
        finally:
            self.depth -= 1

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Hashable, Any]:
        keys = [self.construct_object(key, deep=True) for key, _ in node.value]
        for key in keys:
            if keys.count(key) > 1:
                raise yaml.constructor.ConstructorError(None, None, f"{key!r} is given twice", node.start_mark)
        return super().construct_mapping(node, deep=deep)


class PlainLoader(StrictLoader):
    """Every scalar is the text as written: `no` stays no, 2017-12-31 stays text, 007 stays 007."""

    may_repeat = True
    yaml_implicit_resolvers: dict[str, Any] = {}  # noqa: RUF012 (PyYAML's own class attribute)


def read_yaml(path: Path, loader: type[StrictLoader] = PlainLoader) -> Any:
    """Dicts, lists and scalars; Rejected for a missing, too large or malformed file."""
    try:
        if path.stat().st_size > MAX_BYTES:
            raise Rejected(f"{path} is larger than {MAX_BYTES:,} bytes: is it the right file?")
        return yaml.load(path.read_text(encoding="utf-8"), Loader=loader)
    except FileNotFoundError:
        raise Rejected(f"{path}: there is no such file") from None
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise Rejected(f"{path} is not YAML in UTF-8: {error}") from None
