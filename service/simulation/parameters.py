"""The true parameters of the simulation, all in one place; answers over the history are held against them (truth.py).

A journey in a stage stays there for a time, Gamma distributed with the stage's shape and one common scale, and then
goes one way, drawn independently of the time and of everything before:

    returned     a person moves it back (once in a life)
    transferred  a person carries it into the other pipeline (once in a life)
    advanced     to the next stage, or with `skip` of these to the one after it
    silent       nothing happens any more (a stall)
    lost         of these `reopened` come back to the same stage after a pause (once in a life)

The source of a journey multiplies the share that does not advance by its `leak`.
"""

from typing import Final

from engine.values import Value


class Source(Value):
    share: float
    """of all journeys"""
    leak: float
    """multiplies, in every stage, the share of journeys that do not advance"""
    leads: float
    """share that begins as a lead; the others as a deal"""
    channels: tuple[str, ...]


class StageWay(Value):
    """What becomes of a journey in an open stage. Shares of the journeys in it, unless said otherwise."""

    stage: str
    shape: int
    """of the time in the stage, in units of the scale"""
    advance: float
    """of those neither returned nor transferred, with leak 1"""
    skip: float = 0
    """of those that advance: over the next stage"""
    silent: float
    """of those that do not advance"""
    reopened: float
    """of those lost"""
    returned: float = 0
    back_to: str | None = None
    transferred: float = 0
    """to the engaged or meeting stage of the other pipeline, whichever it has"""


class PipelineWays(Value):
    share: float
    """of all journeys begins here"""
    stages: tuple[StageWay, ...]


class Parameters(Value):
    scale_days: float
    """of all Gamma distributions: the mean time in a stage is shape * scale_days"""
    pause_shape: int
    """of the pause before a reopening"""
    sources: dict[str, Source]
    pipelines: dict[str, PipelineWays]
    converts_late: float
    """of the leads: conversion at the third stage or later, not at the second"""
    won_reopened: float
    """of the won: the order is cancelled and the deal reopened at the proposal"""
    satisfied: float
    """of the won that are not reopened: satisfaction is recorded, which is after-sale"""
    satisfied_shape: int
    currencies: dict[str, float]
    """share of each"""
    products: dict[str, float]
    """share of each"""
    unit_prices: dict[str, dict[str, int]]
    """by product and currency, in minor units, a multiple of 100"""
    units: int
    """1 to so many are sold, each number as likely as another"""
    discounts: dict[int, float]
    """percent off at the signature, and its share"""
    duplicates: float
    """of every second journey: merged into the one before it"""
    void: float
    """of every second journey: the opening is retracted"""
    corrected: float
    """of the stays in a stage: a wrong entry that is retracted later"""
    late: float
    """of the touches: written down up to five days after they happened"""


TRUE: Final = Parameters(
    scale_days=3,
    pause_shape=7,
    sources={
        "referral": Source(share=0.12, leak=0.70, leads=0.35, channels=("phone", "partner")),
        "network": Source(share=0.10, leak=0.80, leads=0.40, channels=("phone", "event")),
        "events": Source(share=0.13, leak=1.00, leads=0.85, channels=("event",)),
        "advertising": Source(share=0.28, leak=1.10, leads=0.95, channels=("web", "social")),
        "social": Source(share=0.17, leak=1.15, leads=0.95, channels=("social",)),
        "cold outreach": Source(share=0.20, leak=1.25, leads=0.60, channels=("phone", "email")),
    },
    pipelines={
        "direct": PipelineWays(
            share=0.65,
            stages=(
                StageWay(stage="contact", shape=2, advance=0.50, skip=0.12, silent=0.25, reopened=0.03),
                StageWay(stage="qualified", shape=3, advance=0.70, skip=0.15, silent=0.25, reopened=0.04),
                StageWay(stage="meeting", shape=3, advance=0.72, silent=0.30, reopened=0.05, transferred=0.03),
                StageWay(
                    stage="proposal",
                    shape=5,
                    advance=0.64,
                    skip=0.30,
                    silent=0.20,
                    reopened=0.08,
                    returned=0.08,
                    back_to="qualified",
                ),
                StageWay(
                    stage="negotiation",
                    shape=3,
                    advance=0.76,
                    silent=0.15,
                    reopened=0.10,
                    returned=0.07,
                    back_to="meeting",
                ),
            ),
        ),
        "online": PipelineWays(
            share=0.35,
            stages=(
                StageWay(stage="contact", shape=1, advance=0.45, skip=0.10, silent=0.40, reopened=0.02),
                StageWay(stage="trial", shape=3, advance=0.58, skip=0.08, silent=0.35, reopened=0.04),
                StageWay(
                    stage="engaged",
                    shape=2,
                    advance=0.62,
                    skip=0.15,
                    silent=0.30,
                    reopened=0.05,
                    transferred=0.06,
                ),
                StageWay(
                    stage="offer",
                    shape=3,
                    advance=0.62,
                    silent=0.25,
                    reopened=0.06,
                    returned=0.05,
                    back_to="trial",
                ),
            ),
        ),
    },
    converts_late=0.3,
    won_reopened=0.02,
    satisfied=0.6,
    satisfied_shape=8,
    currencies={"EUR": 0.6, "USD": 0.25, "JPY": 0.15},
    products={"starter": 0.45, "business": 0.40, "enterprise": 0.15},
    unit_prices={
        "starter": {"EUR": 90_000, "USD": 100_000, "JPY": 140_000},
        "business": {"EUR": 360_000, "USD": 400_000, "JPY": 560_000},
        "enterprise": {"EUR": 1_800_000, "USD": 2_000_000, "JPY": 2_800_000},
    },
    units=8,
    discounts={0: 0.40, 5: 0.25, 10: 0.25, 20: 0.10},
    duplicates=0.02,
    void=0.01,
    corrected=0.01,
    late=0.05,
)
