"""YAML in which every scalar is the text as written: `no` stays no, 2017-12-31 stays text, 007 stays 007."""

from collections.abc import Hashable
from pathlib import Path
from typing import Any

import yaml

from engine.errors import Rejected

MAX_BYTES = 1_000_000


class PlainLoader(yaml.BaseLoader):
    """Refuses a key given twice, of which YAML would silently keep the last."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Hashable, Any]:
        keys = [self.construct_object(key, deep=True) for key, _ in node.value]
        for key in keys:
            if keys.count(key) > 1:
                raise yaml.constructor.ConstructorError(None, None, f"{key!r} is given twice", node.start_mark)
        return super().construct_mapping(node, deep=deep)


def read_yaml(path: Path) -> Any:
    """Dicts, lists and strings; Rejected for a missing, too large or malformed file."""
    try:
        if path.stat().st_size > MAX_BYTES:
            raise Rejected(f"{path} is larger than {MAX_BYTES} bytes: is it a mapping?")
        return yaml.load(path.read_text(encoding="utf-8"), Loader=PlainLoader)
    except FileNotFoundError:
        raise Rejected(f"{path}: there is no such file") from None
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise Rejected(f"{path} is not YAML in UTF-8: {error}") from None
