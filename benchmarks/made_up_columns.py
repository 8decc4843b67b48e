"""A seeded log put straight into columns, of any size: what the derivation benchmarks run on."""

from collections.abc import Iterator
from typing import Final

import polars as pl

from engine.projections.columns import ACTOR, EVENTS, POSITION, SIDES, STAMP, Codes, Columns
from engine.projections.kept import Kept
from engine.projections.streams import Streams
from engine.stages.criteria_polars import CODE, has_number, is_kind
from engine.stages.definition import Definition, parse_definition

DAY: Final = 86_400_000_000
YEARS: Final = 3 * 365 * DAY
"""in which journeys begin, one after the other"""
PART: Final = 65_536
"""journeys made up at a time, which is what makes any number of them possible"""

DEFINITION = parse_definition(
    {
        "pipeline": "bench",
        "stages": [
            {"key": "contact", "kind": "open"},
            {"key": "qualification", "kind": "open", "enter": {"bant_confirmed": {"at_least": 3}}},
            {"key": "meeting", "kind": "open", "enter": {"touch": {"kind": ["meeting", "demo"]}}},
            {"key": "proposal", "kind": "open", "enter": {"event": "ProposalSent"}},
            {
                "key": "negotiation",
                "kind": "open",
                "enter": {
                    "any": [
                        {"event": "ProposalRevised"},
                        {"all": [{"event": "ValueChanged"}, {"proposals": {"at_least": 1}}]},
                    ]
                },
            },
            {"key": "won", "kind": "won", "enter": {"event": "DealWon"}},
            {"key": "lost", "kind": "lost", "enter": {"any": [{"event": "DealLost"}, {"event": "LeadDisqualified"}]}},
            {"key": "retention", "kind": "after_sale", "enter": {"event": "SatisfactionRecorded"}},
        ],
    }
)


KINDS: Final = {
    "Touched": 460,
    "BantAssessed": 180,
    "ProposalSent": 50,
    "ProposalRevised": 20,
    "ValueChanged": 40,
    "NoteAdded": 100,
    "OwnerAssigned": 30,
    "Scored": 30,
    "DealWon": 12,
    "DealLost": 22,
    "LeadDisqualified": 6,
    "SatisfactionRecorded": 15,
    "StageMoved": 20,
    "DealReopened": 10,
    "EntryRetracted": 5,
}
"""of a thousand events besides the openings"""
CODES: Final = {
    "Touched": 10,
    "BantAssessed": 12,
    "OwnerAssigned": 40,
    "Scored": 100,
    "StageMoved": 7,
    "DealReopened": 7,
}
"""how many different codes each kind carries"""
STAGES: Final = (*(stage.key for stage in DEFINITION.stages[:5]), "parked", "retention")
"""what a person's move may name: a stage that the definition does not know among them"""


def made_up_columns(events: int, *, seed: int = 7) -> tuple[Columns, Definition]:
    """Columns of about so many events, 17 a journey."""
    columns = Columns()
    give_codes(columns.codes)
    parts = list(made_up_parts(events, seed=seed))
    columns.streams = Streams(pl.Series(journey_ids(0, journeys_of(events))))
    tables = {name: Kept(pl.concat([part[name] for part in parts], rechunk=True)) for name in parts[0]}
    columns.events = tables.pop("events")
    columns.sides |= tables
    columns.position = len(columns.events)
    return columns, DEFINITION


def journeys_of(events: int) -> int:
    return max(1, events * 6 // 100)


def journey_ids(first: int, journeys: int) -> list[str]:
    return [f"{number:032x}" for number in range(first, first + journeys)]


def give_codes(codes: Codes) -> None:
    """The words behind the made-up codes."""
    codes.pipelines["bench"] = 0
    codes.currencies["EUR"] = 0
    codes.stages |= {key: code for code, key in enumerate(STAGES)}
    codes.people |= {f"{number:032x}": number for number in range(40)}


def made_up_parts(events: int, *, seed: int = 7) -> Iterator[dict[str, pl.DataFrame]]:
    """Events (columns.EVENTS, sorted by ORDER) and side tables, by name, of PART journeys at a time.

    Touches, BANT, proposals, moves also to a stage that is not there, wins, losses, reopenings, and retractions, of an
    opening now and then.
    """
    journeys, position = journeys_of(events), 0
    for first in range(0, journeys, PART):
        here = min(PART, journeys - first)
        rows = made_up_part(first, here, events * here // journeys, YEARS // journeys, position, seed + first)
        position += rows.height
        yield {
            "events": rows.select(EVENTS.keys()),
            "openings": openings_of(rows),
            "numbers": rows.filter(has_number()).select(SIDES["numbers"].keys()),
            "corrections": rows.filter(is_kind("EntryRetracted")).select(*STAMP, takes_back="target"),
        }


def made_up_part(first: int, journeys: int, events: int, step: int, before: int, seed: int) -> pl.DataFrame:
    """The events of the journeys from `first` on, with `value` (SIDES["numbers"]) and `target`, the position of what is
    taken back; `before`: the last position of the part before.
    """
    wheel = pl.Series([CODE[name] for name, share in KINDS.items() for _ in range(share)], dtype=pl.UInt8)
    others = pl.select(row=pl.int_range(events - journeys, dtype=pl.UInt32))["row"]
    draw = [others.shuffle(seed=seed + n) for n in range(5)]
    rest = pl.DataFrame(
        {
            "journey": draw[0] % journeys,
            "after": (draw[1] % 3_000).cast(pl.Int64) * (DAY // 24) + DAY,
            "kind": wheel.gather(draw[2] % len(wheel)),
            "code": draw[3].cast(pl.Int32),
            "value": (draw[4] % 90_000).cast(pl.Int64) * 100,
        }
    )
    start = pl.DataFrame({"journey": pl.select(j=pl.int_range(journeys, dtype=pl.UInt32))["j"]}).with_columns(
        after=pl.lit(0, pl.Int64),
        kind=pl.lit(CODE["DealOpened"], pl.UInt8),
        code=pl.lit(-1, pl.Int32),
        value=(pl.col("journey") % 9_000).cast(pl.Int64) * 1_000,
    )
    code = pl.lit(-1, pl.Int32)
    for name, size in CODES.items():
        code = pl.when(pl.col("kind") == CODE[name]).then(pl.col("code") % size).otherwise(code)
    valued = pl.col("kind").is_in([CODE["DealOpened"], CODE["ValueChanged"], CODE["DealWon"]])
    rows = pl.concat([start, rest.with_columns(code=code.cast(pl.Int32))]).with_columns(
        journey=pl.col("journey") + first,
        occurred_at=(pl.col("journey") + first).cast(pl.Int64) * step + pl.col("after"),
    )
    rows = rows.sort("journey", "occurred_at", maintain_order=True).with_columns(
        position=pl.col("occurred_at").rank("ordinal").cast(POSITION) + before
    )
    retracts = pl.col("kind") == CODE["EntryRetracted"]
    entry = (pl.col("journey") == pl.col("journey").shift()) & (pl.col("kind").shift() != CODE["EntryRetracted"])
    return rows.select(
        "journey",
        "occurred_at",
        "position",
        "kind",
        code=pl.when(valued)
        .then(0)
        .when(pl.col("kind") == CODE["Touched"])
        .then(pl.col("code") + ACTOR * (pl.col("journey") % 40))
        .otherwise("code")
        .cast(pl.Int32),
        policy=pl.lit(False),
        value=pl.when(valued).then("value"),
        target=pl.when(retracts & entry).then(pl.col("position").shift()),
    )


def openings_of(events: pl.DataFrame) -> pl.DataFrame:
    first, here = int(events["journey"][0]), events["journey"].n_unique()
    return (
        events.filter(pl.col("kind") == CODE["DealOpened"])
        .select(
            *["journey", "occurred_at", "position"],
            stream=pl.Series(journey_ids(first, here)),
            pipeline=pl.lit(0, pl.Int16),
            first=pl.lit(True),
            owner=(pl.col("journey") % 40).cast(pl.Int32),
            source=pl.lit("web"),
            channel=pl.lit("direct"),
            title=pl.lit(None, pl.String),
            expected_close=pl.lit(None, pl.String),
        )
        .cast(SIDES["openings"])
    )


def with_values(columns: Columns) -> pl.DataFrame:
    """Every event with `value`: its number, or the position of what it takes back."""
    numbers, corrections = (columns.sides[name].all() for name in ("numbers", "corrections"))
    told = pl.concat(
        [numbers.select("position", "value"), corrections.select("position", value="takes_back")],
        how="vertical_relaxed",
    )
    return columns.events.all().join(told, on="position", how="left", maintain_order="left")


def only_first(columns: Columns, events: int) -> Columns:
    """The first journeys, of about so many events."""
    rows = columns.events.all()
    end = int(rows["journey"][min(events, rows.height - 1)])
    few = Columns()
    few.codes, few.position = columns.codes, columns.position
    few.streams = Streams(pl.Series(journey_ids(0, end)))
    few.events = Kept(rows.filter(pl.col("journey") < end))
    few.sides = {name: Kept(side.all().filter(pl.col("journey") < end)) for name, side in columns.sides.items()}
    return few
