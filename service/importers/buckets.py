"""A file of any size in pieces that fit into memory, each journey whole in one of them."""

from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

import polars as pl

IN_MEMORY = 1_000_000
"""Rows kept in memory as one piece; a larger file goes through temporary files, split by journey."""
PIECES = 64
CHUNK = 250_000
"""Rows gathered before they are split."""


def pieces(
    batches: Iterable[pl.DataFrame], key: str, folder: Path, read: Callable[[int], None], in_memory: int = IN_MEMORY
) -> tuple[int, Callable[[], Iterator[pl.DataFrame]]]:
    """Number of rows, and a way to go over the pieces, as often as wanted. `read` is told the rows read so far."""
    held: list[pl.DataFrame] = []
    waiting = rows = parts = 0
    for batch in batches:
        held.append(batch)
        rows += batch.height
        waiting += batch.height
        read(rows)
        if waiting >= (CHUNK if parts else in_memory):
            parts += 1
            split(pl.concat(held, how="diagonal"), key, folder, parts)
            held, waiting = [], 0
    if not parts:
        whole = pl.concat(held, how="diagonal", rechunk=True)
        return rows, lambda: iter([whole])
    if held:
        split(pl.concat(held, how="diagonal"), key, folder, parts + 1)
    return rows, lambda: spilled(folder)


def split(rows: pl.DataFrame, key: str, folder: Path, part: int) -> None:
    numbered = rows.with_columns((pl.col(key).fill_null("").hash(0) % PIECES).alias("_piece"))
    for (piece,), group in numbered.partition_by(
        "_piece", as_dict=True, maintain_order=True, include_key=False
    ).items():
        place = folder / f"{piece:02}"
        place.mkdir(exist_ok=True)
        group.write_ipc(place / f"{part:06}.arrow")


def spilled(folder: Path) -> Iterator[pl.DataFrame]:
    for place in sorted(path for path in folder.iterdir() if path.is_dir()):
        yield pl.concat([pl.read_ipc(part) for part in sorted(place.glob("*.arrow"))], how="diagonal", rechunk=True)
