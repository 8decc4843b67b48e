"""Journeys and their stays in stages, drawn from the chain: the skeleton that the events are told along."""

from dataclasses import dataclass

import polars as pl

from service.simulation.chain import beginnings, pause, shape, states, ways
from service.simulation.dice import Dice
from service.simulation.parameters import Parameters
from service.simulation.settings import DAY, Settings

STEPS = 64
"""More than the stays of any journey: it can return, change pipelines and be reopened once each."""
SECOND = 1_000_000
SELLERS = range(5, 25)
"""numbers of the reps that own journeys; those before are the managers"""


@dataclass(frozen=True)
class Model:
    """The chain as tables, made once a run."""

    of: Parameters
    states: pl.DataFrame
    """state (number), pipeline, stage, open_count, converts_at, returned, reopened, transferred"""
    ways: pl.DataFrame
    """source, state, low, high (of a draw in (0, 1)), what, to (state), shape, pause"""
    starts: pl.DataFrame
    """source, low, high, state"""


def model_of(of: Parameters) -> Model:
    known = states(of)
    number = {state: place for place, state in enumerate(known)}
    table = pl.DataFrame(
        [
            {"state": number[state], **state._asdict(), "open_count": len(of.pipelines[state.pipeline].stages)}
            for state in known
        ]
    )
    out, starts = [], []
    for name, source in of.sources.items():
        low = 0.0
        for start, share in beginnings(name, of).items():
            starts.append({"source": name, "low": low, "high": low + share, "state": number[start]})
            low += share
        for state in known:
            low = 0.0
            for way in ways(state, source.leak, of):
                out.append(
                    {
                        "source": name,
                        "state": number[state],
                        "low": low,
                        "high": low + way.probability,
                        "what": way.what,
                        "to": None if way.to is None else number[way.to],
                        "shape": shape(state, way.what, of),
                        "pause": pause(state, way.what, of),
                    }
                )
                low += way.probability
            # Rounding must leave no draw without a way.
            out[-1]["high"] = 2.0
    for place, row in enumerate(starts):
        if place + 1 == len(starts) or starts[place + 1]["source"] != row["source"]:
            row["high"] = 2.0
    return Model(of, table, pl.DataFrame(out), pl.DataFrame(starts))


def journeys_of(first: int, count: int, settings: Settings, model: Model, dice: Dice) -> pl.DataFrame:
    """One row a journey, by n; n is its place in the whole history, and journeys begin in this order."""
    of, n = model.of, pl.col("n")
    spacing = (settings.until - settings.since) / settings.journeys
    units = dice.below(of.units, "units", n) + 1
    rows = pl.DataFrame({"n": pl.int_range(first, first + count, dtype=pl.UInt64, eager=True)}).with_columns(
        opened_at=seconds(settings.since + (n.cast(pl.Float64) + dice.share("begin", n)) * spacing),
        source=dice.one_of({name: source.share for name, source in of.sources.items()}, "source", n),
        owner=dice.below(len(SELLERS), "owner", n) + SELLERS[0],
        product=dice.one_of(of.products, "product", n),
        currency=dice.one_of(of.currencies, "currency", n),
        sector=dice.one_of({"manufacturing": 3, "retail": 2, "public": 1, "services": 3, "health": 1}, "sector", n),
        campaign=dice.one_of({"spring": 1, "summer": 1, "autumn": 1, "none": 3}, "campaign", n),
        discount=dice.one_of({str(off): share for off, share in of.discounts.items()}, "discount", n).cast(pl.Int64),
        units=units,
        begins=dice.share("beginning", n),
        # Only every second one, so that the one before it stands.
        duplicate=(n % 2 == 1) & (dice.share("duplicate", n) < of.duplicates),
    )
    prices = pl.DataFrame(
        [
            {"product": product, "currency": currency, "unit_price": price}
            for product, by_currency in of.unit_prices.items()
            for currency, price in by_currency.items()
        ]
    )
    rows = rows.join(prices, on=["product", "currency"], maintain_order="left")
    rows = rows.join(model.starts, on="source", maintain_order="left").filter(
        (pl.col("low") <= pl.col("begins")) & (pl.col("begins") < pl.col("high"))
    )
    channels = pl.lit("")
    for name, source in of.sources.items():
        one = dice.one_of(dict.fromkeys(source.channels, 1), f"channel {name}", n)
        channels = pl.when(pl.col("source") == name).then(one).otherwise(channels)
    begun = model.states.select("state", "pipeline", lead=pl.col("converts_at") > 0)
    price = pl.col("units") * pl.col("unit_price")
    void = (n % 2 == 1) & ~pl.col("duplicate") & (dice.share("void", n) < of.void)
    return (
        rows.join(begun, on="state", maintain_order="left")
        .with_columns(
            channel=channels,
            price=price,
            signed=price * (100 - pl.col("discount")) // 100,
            void=void,
            # Needs the one before in the same slice: slices begin with an even n.
            before_is_lead=pl.col("lead").shift(),
            lead_stream=pl.Series(dice.ids("lead", rows["n"], 1)),
            deal_stream=pl.Series(dice.ids("deal", rows["n"], 1)),
        )
        .drop("low", "high", "begins")
    )


def stays_of(journeys: pl.DataFrame, settings: Settings, model: Model, dice: Dice) -> pl.DataFrame:
    """One row for each stay of a journey in a stage, by (n, step).

    Columns: of the journey; number (of the stay, unsigned, for drawing); of its state; by (how it came here: what of
    the stay before, null at the beginning), entered_at, left_at (of a silent stay: its last sign of life), what, and
    next_entered_at, lead (the stay is a lead's).
    """
    alive = journeys.with_columns(entered_at="opened_at", by=pl.lit(None, pl.String), was_lead="lead")
    found = []
    for step in range(STEPS):
        if alive.is_empty():
            break
        number = pl.col("n") * STEPS + step
        alive = alive.with_columns(step=pl.lit(step), number=number, way=dice.share("way", number))
        # A stay ends one way: the join gives every way, the filter leaves the drawn one.
        alive = alive.join(model.ways, on=["source", "state"], maintain_order="left").filter(
            (pl.col("low") <= pl.col("way")) & (pl.col("way") < pl.col("high"))
        )
        longest = max(model.ways["shape"].to_list())
        scale = model.of.scale_days * DAY
        left_at = pl.col("entered_at") + scale * dice.gamma(pl.col("shape"), longest, "stay", number)
        paused = scale * dice.gamma(pl.col("pause"), model.of.pause_shape, "pause", number)
        alive = alive.with_columns(left_at=seconds(left_at)).with_columns(
            next_entered_at=seconds(pl.col("left_at") + paused)
        )
        found.append(alive)
        cut = pl.col("void") | pl.col("duplicate")
        onward = alive.filter(pl.col("to").is_not_null() & ~cut & (pl.col("next_entered_at") <= settings.until))
        converts_at = model.states["converts_at"].gather(onward["state"])
        alive = onward.select(
            pl.col(journeys.columns).exclude("state"),
            state="to",
            entered_at="next_entered_at",
            by="what",
            was_lead=converts_at > 0,
        )
    whole = pl.concat(found, how="diagonal").drop("way", "low", "high", "shape", "pause", "to", "pipeline")
    return whole.join(model.states, on="state").with_columns(lead=pl.col("converts_at") > 0).sort("n", "step")


def seconds(micros: pl.Expr) -> pl.Expr:
    """Whole seconds, in microseconds."""
    return (micros / SECOND).floor().cast(pl.Int64) * SECOND
