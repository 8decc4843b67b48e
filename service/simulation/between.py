"""What happens during a stay and moves nothing: touches, assessments, scores, follow-ups, notes, changes."""

from typing import Any

import polars as pl

from engine.values import Attribute, from_micros
from service.simulation.entries import OFFER, dimension, offer, value
from service.simulation.settings import DAY
from service.simulation.telling import STAND_IN, Telling
from service.simulation.walk import STEPS

FIRST_KINDS = {"call": 5, "email": 4, "message": 2, "social": 1, "letter": 0.3, "event": 0.5, "other": 0.2}
KINDS = {"call": 4, "email": 4, "message": 2}
"""no meeting, demo or visit: those lead to the next stage"""
SIGNALS = {"pricing-page-visited": 3, "webinar-attended": 1, "document-opened": 3}
NOTES = ("asks for references", "compares with another supplier", "waits for the new budget", "wants a longer trial")
PROOF = ("said so in the call", "written in the tender", "confirmed by e-mail")
SPAN = pl.col("left_at") - pl.col("entered_at")
TOUCH, BANT, SCORE, FOLLOW_UP, NOTE, SIGNAL, ATTRIBUTE, VALUE, CLOSE, REVISED, EXPIRED = (
    100,
    200,
    300,
    400,
    500,
    510,
    520,
    530,
    540,
    550,
    904,
)


def within(share: pl.Expr) -> pl.Expr:
    """A moment of the stay."""
    return (pl.col("entered_at") + (SPAN * share / 1_000_000).cast(pl.Int64) * 1_000_000).cast(pl.Int64)


def tell_between(telling: Telling, stays: pl.DataFrame) -> None:
    is_open = stays.filter(pl.col("stage") < pl.col("open_count"))
    tell_touches(telling, stays)
    tell_assessments(telling, is_open)
    tell_follow_ups(telling, is_open)
    tell_remarks(telling, is_open)
    tell_changes(telling, is_open)


def tell_touches(telling: Telling, stays: pl.DataFrame) -> None:
    """Attempts in the first stage, some leads never touched; a few later; fewer after the sale."""
    dice, number, first = telling.dice, pl.col("number"), pl.col("stage") == 0
    never = first & (dice.share("never touched", pl.col("n")) < 0.06)
    closed = pl.col("stage") >= pl.col("open_count")
    count = (
        pl.when(never)
        .then(0)
        .when(first)
        .then(dice.below(6, "attempts", number) + 1)
        .when(closed)
        .then(dice.below(3, "touches", number))
        .otherwise(dice.below(6, "touches", number))
    )
    rows = stays.with_columns(place=pl.int_ranges(0, count, dtype=pl.UInt64)).filter(pl.col("place").list.len() > 0)
    rows = rows.explode("place")
    each = number * 16 + pl.col("place")
    share = dice.share("touched", each)
    inbound = dice.share("inbound", each) < 0.25
    kind = pl.when(first).then(dice.one_of(FIRST_KINDS, "kind", each)).otherwise(dice.one_of(KINDS, "kind", each))
    rows = rows.with_columns(
        # The first attempts come soon.
        at=within(pl.when(first).then(share**2).otherwise(share)),
        kind=kind,
        direction=pl.when(inbound).then(pl.lit("inbound")).otherwise(pl.lit("outbound")),
    ).with_columns(automated=pl.col("kind").eq("email") & ~inbound & (dice.share("automated", each) < 0.3))
    # A converted lead takes corrections only: late entries are a deal's.
    late = ~pl.col("lead") & (dice.share("late", each) < telling.settings.parameters.late)
    delay = (dice.share("delay", each) * 5 * DAY).cast(pl.Int64)
    told = pl.col("at") + pl.when(late).then(delay).otherwise(0)
    leaves = ("kind", "direction", "automated")
    telling.tell("Touched", rows, pl.col("place") + TOUCH, at="at", told=told, leaves=leaves)


def tell_assessments(telling: Telling, stays: pl.DataFrame) -> None:
    """BANT and scores. In the first stage two dimensions at most: the third that is confirmed qualifies."""
    dice, number, at = telling.dice, pl.col("number"), pl.col("key")

    def assessed(rows: pl.DataFrame, place: int, verdict: pl.Expr, share: float, slot: int) -> None:
        proven = dice.share(f"proven {slot}", number) < 0.3
        rows = rows.with_columns(dimension=dimension(telling, place), verdict=verdict).with_columns(
            proof=pl.when(proven & (pl.col("verdict") == "confirmed")).then(
                dice.below(len(PROOF), f"proof {slot}", number)
            )
        )
        leaves = ("dimension", "verdict", "proof", "pipeline")
        telling.tell("BantAssessed", rows, slot, at=within(pl.lit(share)), leaves=leaves, make=assessment(telling))

    first = stays.filter(at == "contact")
    qualifies = pl.col("what").eq("advanced") & pl.col("next_key").eq("qualified")
    doubtful = {"unknown": 3, "denied": 2, "confirmed": 1}
    for place, share in ((0, 0.4), (1, 0.7)):
        assessed(first.filter(qualifies), place, pl.lit("confirmed"), share, BANT + place)
        others = first.filter(~qualifies.fill_null(False) & (dice.share(f"asked {place}", number) < 0.4))
        assessed(others, place, dice.one_of(doubtful, f"answer {place}", number), share, BANT + place)
    later = stays.filter(at == "qualified")
    surer = {"confirmed": 5, "denied": 1, "unknown": 1}
    for place, share in ((3, 0.5), (0, 0.8)):
        again = later.filter(dice.share(f"asked again {place}", number) < 0.4)
        assessed(again, place, dice.one_of(surer, f"second answer {place}", number), share, BANT + 10 + place)
    # Below 80 together: only what a trial adds leads on.
    scored = stays.filter((pl.col("step") == 0) & (dice.share("scored", number) < 0.7)).with_columns(
        fit=dice.below(41, "fit", number), engagement=dice.below(39, "engagement", number)
    )
    telling.tell("Scored", scored, SCORE, at=within(pl.lit(0.1)), leaves=("fit", "engagement"))


def assessment(telling: Telling) -> Any:
    def fields(dimension: str, verdict: str, proof: int | None, pipeline: str) -> dict[str, Any]:
        evidence = None if proof is None else telling.library.ref(pipeline, PROOF[proof])
        return {"dimension": dimension, "verdict": verdict, "evidence": evidence}

    return fields


def tell_follow_ups(telling: Telling, stays: pl.DataFrame) -> None:
    """Scheduled early in the stay; done when due, snoozed, cancelled or left open."""
    dice, number = telling.dice, pl.col("number")
    rows = stays.filter(dice.share("follow-up", number) < 0.45)
    due = (pl.col("entered_at") // DAY + dice.below(7, "due", number) + 2) * DAY + DAY * 3 // 8
    rows = rows.with_columns(
        follow_up=pl.Series(dice.ids("follow-up", rows["number"], STEPS), dtype=pl.String),
        due=due,
        kind=dice.one_of(KINDS, "follow-up kind", number),
        fate=dice.one_of({"completed": 6, "snoozed": 2, "cancelled": 1, "left": 1}, "fate", number),
    )

    def scheduled(kind: str, due: int) -> dict[str, Any]:
        return {"follow_up_id": STAND_IN, "kind": kind, "due_at": from_micros(due)}

    def snoozed(due: int) -> dict[str, Any]:
        return {"follow_up_id": STAND_IN, "until": from_micros(due + 3 * DAY), "reason": "on holiday"}

    def ended(**words: str) -> Any:
        return lambda: {"follow_up_id": STAND_IN, **words}

    # Nobody puts off what ends before.
    ends = pl.col("due") + 3 * DAY > pl.col("left_at")
    fate = pl.when(pl.col("fate").eq("snoozed") & ends).then(pl.lit("completed")).otherwise(pl.col("fate"))
    begun = within(pl.lit(0.05))
    telling.tell(
        "FollowUpScheduled", rows, FOLLOW_UP, at=begun, leaves=("kind", "due"), make=scheduled, own_id="follow_up"
    )
    put_off = rows.filter(fate == "snoozed")
    telling.tell(
        "FollowUpSnoozed", put_off, FOLLOW_UP + 1, at=done(0), leaves=("due",), make=snoozed, own_id="follow_up"
    )
    for at, who in (
        (done(0), fate == "completed"),
        (done(3), (fate == "snoozed") & (dice.share("then", number) < 0.6)),
    ):
        telling.tell(
            "FollowUpCompleted",
            rows.filter(who),
            FOLLOW_UP + 2,
            at=at,
            make=ended(outcome="reached"),
            own_id="follow_up",
        )
    dropped = rows.filter(fate == "cancelled")
    telling.tell(
        "FollowUpCancelled",
        dropped,
        FOLLOW_UP + 3,
        at=done(0),
        make=ended(reason="answered before"),
        own_id="follow_up",
    )


def done(days: int) -> pl.Expr:
    """When the follow-up was due, or so many days later; not after the lead or deal moved on."""
    return pl.min_horizontal(pl.col("due") + days * DAY, pl.max_horizontal("left_at", within(pl.lit(0.05))))


def tell_remarks(telling: Telling, stays: pl.DataFrame) -> None:
    """Notes, signals, attributes."""
    dice, number = telling.dice, pl.col("number")

    def note(note: int, pipeline: str) -> dict[str, Any]:
        return {"note": telling.library.ref(pipeline, NOTES[note])}

    noted = stays.filter(dice.share("noted", number) < 0.25).with_columns(note=dice.below(len(NOTES), "note", number))
    telling.tell("NoteAdded", noted, NOTE, at=within(pl.lit(0.6)), leaves=("note", "pipeline"), make=note)
    signalled = stays.filter(dice.share("signalled", number) < 0.25)
    signalled = signalled.with_columns(signal=dice.one_of(SIGNALS, "signal", number))
    telling.tell("SignalRecorded", signalled, SIGNAL, at=within(pl.lit(0.3)), leaves=("signal",))
    told = stays.filter(dice.share("attribute", number) < 0.08).with_columns(
        priority=dice.one_of({"high": 1, "normal": 3}, "priority", number)
    )

    def attributes(priority: str) -> dict[str, Any]:
        return {"attributes": [Attribute(name="priority", value=priority)]}

    telling.tell("AttributesSet", told, ATTRIBUTE, at=within(pl.lit(0.5)), leaves=("priority",), make=attributes)


def tell_changes(telling: Telling, stays: pl.DataFrame) -> None:
    """Values, proposals and expected closes that change, where that leads nowhere new."""
    dice, number, key = telling.dice, pl.col("number"), pl.col("key")
    # With a proposal out, a new value would be a negotiation.
    before = (pl.col("stage") < 3) & ~pl.col("returned") & ~pl.col("reopened") & ~pl.col("lead")
    revalued = stays.filter(before & (dice.share("revalued", number) < 0.2)).with_columns(signed="price")
    telling.tell("ValueChanged", revalued, VALUE, at=within(pl.lit(0.5)), leaves=("signed", "currency"), make=value)
    haggling = stays.filter((key == "negotiation") & (dice.share("revised again", number) < 0.25))
    haggling = haggling.with_columns(off=pl.col("discount"))
    telling.tell(
        "ProposalRevised", haggling, REVISED, at=within(pl.lit(0.5)), leaves=OFFER, make=offer, own_id="proposal"
    )
    silent = stays.filter((pl.col("what") == "silent") & pl.col("proposal").is_not_null())
    expired = silent.filter((pl.col("expires") > pl.col("left_at")) & (dice.share("expired", number) < 0.4))
    telling.tell(
        "ProposalExpired", expired, EXPIRED, at="expires", make=lambda: {"proposal_id": STAND_IN}, own_id="proposal"
    )
    closing = stays.filter((pl.col("stage") >= 2) & ~pl.col("lead") & (dice.share("closing", number) < 0.4))
    day = pl.from_epoch((pl.col("entered_at") + 30 * DAY) // 1_000_000).dt.date().cast(pl.String)
    closing = closing.with_columns(expected_close=day)
    telling.tell("ExpectedCloseChanged", closing, CLOSE, at=within(pl.lit(0.2)), leaves=("expected_close",))
