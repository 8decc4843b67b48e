"""Which erasable rows go with which stream's events."""

from collections import defaultdict
from collections.abc import Collection

from engine.log.writes import Erasable, StreamKey, Text


class Beside:
    """The erasable rows by the stream they are written with."""

    def __init__(self, erasable: Erasable, streams: Collection[bytes]) -> None:
        texts: dict[bytes, list[Text]] = defaultdict(list)
        keys: dict[bytes, list[StreamKey]] = defaultdict(list)
        for text in erasable.texts:
            texts[text.stream_id.bytes].append(text)
        for key in erasable.keys:
            keys[key.stream_id.bytes].append(key)
        self._texts, self._keys = texts, keys
        alone = {*texts, *keys}.difference(streams)
        self.first = Erasable(erasable.people, self.of(alone).texts, self.of(alone).keys)
        """What belongs to no stream of the batch."""

    def of(self, streams: Collection[bytes]) -> Erasable:
        texts = [text for stream in streams for text in self._texts.get(stream, ())]
        return Erasable((), texts, [key for stream in streams for key in self._keys.get(stream, ())])
