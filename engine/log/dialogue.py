"""Work that wants to write, as a generator: it yields what it wants written and is sent what came of it.

So one that comes alone is written alone, and those that wait are gone through one by one and written in one
transaction.
"""

from collections.abc import Callable, Generator, Sequence
from functools import wraps
from typing import Concatenate, Generic, ParamSpec, TypeVar

from engine.log.application import Log, Wanted, Written

P = ParamSpec("P")
T = TypeVar("T")
Dialogue = Generator[Wanted, Written, T]
"""Thrown into it: the DealtrailError for which nothing was written, or what the database says."""


def alone(begin: Callable[Concatenate[Log, P], Dialogue[T]]) -> Callable[Concatenate[Log, P], T]:
    """What the dialogue returns or raises, written by itself."""

    @wraps(begin)
    def seen_through(log: Log, /, *given: P.args, **named: P.kwargs) -> T:
        (done,) = together(log, [begin(log, *given, **named)])
        if isinstance(done, Exception):
            raise done
        return done

    return seen_through


def together(log: Log, dialogues: Sequence[Dialogue[T]]) -> list[T | Exception]:
    """Sees the dialogues through and tells of each what it returns or raises. Their first wishes are one transaction.

    Who is refused there (one before it wrote to the same stream, say) goes on after that, one by one: so each decides
    on what the last one wrote.
    """
    talks = [_Talk(each) for each in dialogues]
    asking = [each for each in talks if each.wish is not None]
    written = _written(log, [each.wish for each in asking if each.wish is not None])
    for talk, done in zip(asking, written, strict=True):
        talk.tell(done)
        while talk.wish is not None:
            talk.tell(_written(log, [talk.wish])[0])
    return [each.end for each in talks]


class _Talk(Generic[T]):
    """A dialogue as far as it has come."""

    __slots__ = ("dialogue", "end", "wish")
    end: T | Exception
    """what it returned or raised, when it wishes for nothing more"""

    def __init__(self, dialogue: Dialogue[T]) -> None:
        self.dialogue = dialogue
        self.wish: Wanted | None = None
        self._go_on(dialogue.send, None)

    def tell(self, done: Written | Exception) -> None:
        self._go_on(self.dialogue.throw if isinstance(done, Exception) else self.dialogue.send, done)

    def _go_on(self, step: Callable[..., Wanted], said: Written | Exception | None) -> None:
        try:
            self.wish = step(said)
        except StopIteration as end:
            self.wish, self.end = None, end.value
        except Exception as error:
            self.wish, self.end = None, error


def _written(log: Log, wanted: Sequence[Wanted]) -> Sequence[Written | Exception]:
    if not wanted:
        return ()
    try:
        return log.write_all(wanted)
    except Exception as error:
        # Nothing was written, and each has to say so for itself.
        return [error] * len(wanted)
