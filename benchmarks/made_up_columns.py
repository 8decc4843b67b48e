"""A seeded log put straight into columns, of any size: what the derivation benchmarks run on."""

import polars as pl

from engine.projections.columns import EVENTS, ORDER, SIDES, Columns
from engine.stages.criteria_polars import CODE
from engine.stages.definition import Definition, parse_definition

DAY = 86_400_000_000

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


def made_up_columns(events: int, *, seed: int = 7) -> tuple[Columns, Definition]:
    """Columns of about so many events, 17 a journey: touches, BANT, proposals, moves, wins, losses, reopenings."""
    journeys = max(1, events * 6 // 100)
    kinds = {
        "Touched": 48,
        "BantAssessed": 18,
        "ProposalSent": 5,
        "ProposalRevised": 2,
        "ValueChanged": 4,
        "NoteAdded": 10,
        "OwnerAssigned": 3,
        "Scored": 3,
        "DealWon": 1,
        "DealLost": 3,
        "StageMoved": 2,
        "DealReopened": 1,
    }
    wheel = pl.Series([CODE[name] for name, share in kinds.items() for _ in range(share)], dtype=pl.UInt8)
    pl.set_random_seed(seed)
    columns = Columns()
    columns.journeys = [f"{number:032x}" for number in range(journeys)]
    columns.codes.pipelines["bench"] = 0
    columns.codes.currencies["EUR"] = 0
    columns.codes.stages |= {stage.key: code for code, stage in enumerate(DEFINITION.stages[:5])}
    columns.codes.people |= {f"{number:032x}": number for number in range(40)}
    others = pl.select(row=pl.int_range(events - journeys, dtype=pl.UInt32))["row"]
    draw = [others.shuffle(seed=seed + n) for n in range(5)]
    rest = pl.DataFrame(
        {
            "journey": draw[0] % journeys,
            "occurred_at": (draw[1] % 3_000).cast(pl.Int64) * (DAY // 24) + DAY,
            "kind": wheel.gather(draw[2] % len(wheel)),
            "code": draw[3].cast(pl.Int32),
            "value": (draw[4] % 90_000).cast(pl.Int64) * 100,
        }
    )
    start = pl.DataFrame({"journey": pl.select(j=pl.int_range(journeys, dtype=pl.UInt32))["j"]}).with_columns(
        occurred_at=(pl.col("journey") % 3_000).cast(pl.Int64) * (DAY // 24),
        kind=pl.lit(CODE["DealOpened"], pl.UInt8),
        code=pl.lit(-1, pl.Int32),
        value=(pl.col("journey") % 9_000).cast(pl.Int64) * 1_000,
    )
    limit = {"Touched": 10, "BantAssessed": 12, "OwnerAssigned": 40, "Scored": 100, "StageMoved": 5, "DealReopened": 5}
    code = pl.lit(-1, pl.Int32)
    for name, size in limit.items():
        code = pl.when(pl.col("kind") == CODE[name]).then(pl.col("code") % size).otherwise(code)
    valued = pl.col("kind").is_in([CODE["DealOpened"], CODE["ValueChanged"], CODE["DealWon"]])
    rows = pl.concat([start, rest.with_columns(code=code.cast(pl.Int32))]).sort("journey", "occurred_at")
    starts = start.select("journey", began="occurred_at")
    rows = rows.join(starts, on="journey", maintain_order="left").with_columns(
        occurred_at=pl.col("occurred_at") + pl.when(pl.col("kind") == CODE["DealOpened"]).then(0).otherwise("began"),
        position=pl.int_range(1, pl.len() + 1, dtype=pl.Int64),
        value=pl.when(valued).then("value"),
        unit=pl.when(valued).then(pl.lit(0, pl.Int16)),
        policy=pl.lit(False),
        actor=(pl.col("journey") % 40).cast(pl.Int32),
    )
    columns.base = rows.with_columns(recorded_at=pl.col("occurred_at")).select(EVENTS.keys()).cast(EVENTS).sort(ORDER)
    opening = columns.base.filter(pl.col("kind") == CODE["DealOpened"])
    columns.sides["openings"] = opening.select(
        *["journey", "occurred_at", "position", "recorded_at"],
        stream=pl.lit(None, pl.String),
        pipeline=pl.lit(0, pl.Int16),
        first=pl.lit(True),
        owner=(pl.col("journey") % 40).cast(pl.Int32),
        source=pl.lit("web"),
        channel=pl.lit("direct"),
        title=pl.lit(None, pl.String),
        expected_close=pl.lit(None, pl.String),
    ).cast(SIDES["openings"])
    return columns, DEFINITION
