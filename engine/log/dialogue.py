"""Work that wants to write, as a generator: it yields what it wants written and is sent what came of it.

So one that comes alone is written alone, and those that wait are gone through one by one and written in one
transaction.
"""

from collections.abc import Callable, Generator, Sequence
from functools import partial, wraps
from typing import Concatenate, ParamSpec, TypeVar

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
    ends: dict[int, T | Exception] = {}

    def next_wish(number: int, step: Callable[[], Wanted]) -> Wanted | None:
        """None where the dialogue is at its end."""
        try:
            return step()
        except StopIteration as end:
            ends[number] = end.value
        except Exception as error:
            ends[number] = error
        return None

    def told(number: int, done: Written | Exception) -> Wanted | None:
        dialogue = dialogues[number]
        if isinstance(done, Exception):
            return next_wish(number, partial(dialogue.throw, done))
        return next_wish(number, partial(dialogue.send, done))

    wishes = [(number, next_wish(number, partial(next, each))) for number, each in enumerate(dialogues)]
    wanted = [(number, wish) for number, wish in wishes if wish is not None]
    written = _written(log, [wish for _, wish in wanted])
    for (number, _), done in zip(wanted, written, strict=True):
        wish = told(number, done)
        while wish is not None:
            wish = told(number, _written(log, [wish])[0])
    return [ends[number] for number in range(len(dialogues))]


def _written(log: Log, wanted: Sequence[Wanted]) -> Sequence[Written | Exception]:
    if not wanted:
        return ()
    try:
        return log.write_all(wanted)
    except Exception as error:
        # Nothing was written, and each has to say so for itself.
        return [error] * len(wanted)
