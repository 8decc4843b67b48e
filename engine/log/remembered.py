"""What was read of the erasable tables, remembered until somebody is erased."""

from dataclasses import dataclass, field

MOST = 20_000
"""of each, that are remembered"""


@dataclass
class Words:
    """Only what there is: a key may still be given to what has none. Ids are 32 hex digits."""

    keys: dict[str, str] = field(default_factory=dict)
    """by stream_id"""
    titles: dict[str, str] = field(default_factory=dict)
    """by text_id"""


class Remembered:
    """Of one log. Any thread may ask."""

    def __init__(self) -> None:
        self._held = (-1, Words())

    def since(self, erased: int) -> Words:
        """What was read since there were so many erasures; who reads more adds it.

        Whoever began to read before an erasure adds to what nobody looks at any more.
        """
        before, words = self._held
        if before != erased or max(len(words.keys), len(words.titles)) > MOST:
            words = Words()
            self._held = erased, words
        return words
