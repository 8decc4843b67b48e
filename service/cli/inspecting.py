"""dealtrail import --inspect: what a file holds, and a first mapping for it. Nothing is written to the log."""

import json
from pathlib import Path
from typing import TYPE_CHECKING

from engine.errors import Rejected
from service.cli.terminal import console, table

if TYPE_CHECKING:
    from service.importers.candidates import Candidates
    from service.importers.drafting import Draft
    from service.importers.guesses import Mixed
    from service.importers.looking import ColumnSeen, FileSeen


def inspected(file: Path, out: Path | None, *, as_json: bool) -> None:
    """Shows the columns, and the draft, or writes it to `out` with its pipeline beside."""
    from service.importers.candidates import candidates_of
    from service.importers.drafting import draft_of
    from service.importers.looking import look_at

    if file.is_dir():
        raise Rejected(f"{file} is a folder: inspect its files one by one, the mapping then lists them under `files`")
    seen, rows = look_at(file)
    found = candidates_of(seen)
    pipeline = Path(f"{out.stem if out is not None else 'mapping'}.pipeline.yaml")
    try:
        drafted, why = draft_of(seen, found, rows, pipeline.name), ""
    except Rejected as error:
        drafted, why = None, str(error)
    if out is not None:
        if drafted is None:
            raise Rejected(why)
        write(drafted, out, out.with_name(pipeline.name))
    if as_json:
        told = {"columns": [], "draft": None, "pipeline": None} | seen.model_dump()
        told |= {"candidates": found.model_dump(), "review": drafted.review if drafted else [why]}
        told |= {"draft": drafted.mapping, "pipeline": drafted.pipeline} if drafted else {}
        print(json.dumps(told, indent=2, ensure_ascii=False))
        return
    show(seen, found)
    if drafted is None:
        console().print(why, soft_wrap=True)
    elif out is None:
        print(f"\n{drafted.mapping}\n# --- {pipeline} ---\n{drafted.pipeline}")
    else:
        show_review(drafted, out, out.with_name(pipeline.name))


def write(drafted: "Draft", out: Path, pipeline: Path) -> None:
    for path in (out, pipeline):
        if path.exists():
            raise Rejected(f"{path} is there already: it is not written over, name another file")
    out.write_text(drafted.mapping, encoding="utf-8")
    pipeline.write_text(drafted.pipeline, encoding="utf-8")


def show(seen: "FileSeen", found: "Candidates") -> None:
    out = console()
    way = [
        f"{seen.rows:,} rows",
        f"{len(seen.columns)} columns",
        f"a {'row an event' if found.shape == 'long' else 'row a journey'}",
    ]
    way += [f"encoding {seen.encoding}"] if seen.encoding != "utf-8" else []
    way += [f"delimiter {seen.delimiter!r}"] if seen.delimiter not in (None, ",") else []
    way += [f"rows at {seen.at}"] if seen.at else []
    out.print(f"[bold]{seen.file}[/bold]: {', '.join(way)}", soft_wrap=True)
    rows = table(
        "column", "filled", "empty", "distinct", "may be", "fits all", "examples", right=["filled", "empty", "distinct"]
    )
    roles = [
        name for name in ("case", "activity", "time", "value", "person") if name != "activity" or found.shape == "long"
    ]
    parts = {name: getattr(found, name)[:1] for name in roles}
    for column in seen.columns:
        role = ", ".join(part for part, names in parts.items() if column.name in names)
        cells = (f"{column.filled:,}", f"{column.empty:,}", f"{column.distinct:,}")
        rows.add_row(column.name, *cells, role, "; ".join(fits(column)), "; ".join(column.examples[:3]))
    out.print(rows)
    for column in seen.columns:
        if len(column.dates) > 1:
            read = "; ".join(f"{fit.format} reads the first as {fit.reads}" for fit in column.dates)
            out.print(f"· {column.name}: {len(column.dates)} date formats fit: {read}", markup=False, soft_wrap=True)
        if column.mixed is not None:
            out.print(f"· {column.name}: {mixed(column.mixed)}", markup=False, soft_wrap=True)
        if len(column.numbers) > 1:
            out.print(
                f"· {column.name}: its numbers can be read in {len(column.numbers)} ways", markup=False, soft_wrap=True
            )


def mixed(found: "Mixed") -> str:
    read = ", ".join(f"{name} reads {count:,}" for name, count in found.formats.items())
    rest = f"; {found.unread:,} are none, such as {found.example!r}" if found.unread else ""
    several = "; `also` lists further formats" if len(found.formats) > 1 else ""
    return f"no one date format fits all cells: of the different ones {read}{rest}{several}"


def fits(column: "ColumnSeen") -> list[str]:
    if column.numbers and not column.decimals and len(column.numbers) == 1 and not column.numbers[0].thousands:
        return [*(fit.format for fit in column.dates), "whole number"]
    numbers = [
        f"number {'1' + style.thousands + '000' if style.thousands else '1000'}{style.decimal}00"
        for style in column.numbers
    ]
    return [*(fit.format for fit in column.dates), *numbers]


def show_review(drafted: "Draft", out: Path, pipeline: Path) -> None:
    console().print(f"Drafted {out} and {pipeline}; review:", soft_wrap=True)
    for note in drafted.review:
        console().print(f"· {note}", markup=False, soft_wrap=True)
