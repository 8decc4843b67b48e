"""The real logs, imported by the examples' mappings, tell what they are known to tell."""

from pathlib import Path

import polars as pl
import pytest

from engine.log.application import Log
from engine.log.people import people_frame
from engine.log.registry import TAGS
from service.importers.run import run_import
from tests.service.importers.histories import journeys_feed

EXAMPLES = Path(__file__).parents[3] / "examples"
DAY = 86_400_000_000

pytestmark = pytest.mark.real_log


def count(feed: pl.DataFrame, tag: str, within: str = "") -> int:
    return feed.filter((pl.col("type") == tag) & pl.col("payload").str.contains(within, literal=True)).height


def journeys_with(feed: pl.DataFrame, within: str) -> int:
    return feed.filter(pl.col("payload").str.contains(f'"{within}"', literal=True))["stream_id"].n_unique()


def amounts(feed: pl.DataFrame) -> pl.Expr:
    return pl.col("payload").str.extract(r'"amount_minor":(\d+)').cast(pl.Int64)


def test_bpic_2012(log: Log, shared_data: Path) -> None:
    mapping = EXAMPLES / "bpic2012" / "mapping.yaml"
    report = run_import(log, shared_data / "bpic2012" / "bpic2012.csv.gz", mapping, actor="clerk")
    feed = journeys_feed(log)
    assert report.rows == 262_200
    assert report.journeys == feed["stream_id"].n_unique() == 13_087
    assert report.rows_without_actor == 18_010
    assert sum(skipped.rows for skipped in report.skipped) == 98_731
    assert report.unknown_activities == {}
    assert count(feed, "deal.touched.v1") == 71_376
    assert count(feed, "deal.touched.v1", '"kind":"call"') == 33_806
    assert count(feed, "deal.won.v1") == 2_246
    assert count(feed, "deal.lost.v1") == 10_442
    assert count(feed, "deal.lost.v1", '"declined"') == 7_635
    assert count(feed, "deal.lost.v1", '"cancelled"') == 2_807
    assert count(feed, "deal.opened.v1") == 13_087
    reached = {"A_PREACCEPTED": 7_367, "A_ACCEPTED": 5_113, "A_FINALIZED": 5_015, "O_SENT_BACK": 3_254}
    assert {signal: journeys_with(feed, signal) for signal in reached} == reached
    assert feed.filter(pl.col("type") == "deal.proposal_sent.v1")["stream_id"].n_unique() == 5_015
    assert count(feed, "deal.proposal_sent.v1") == 7_030

    won = feed.filter(pl.col("type") == "deal.won.v1").select("stream_id", won="occurred_at")
    opened = feed.filter(pl.col("type") == "deal.opened.v1").select(
        "stream_id", amounts(feed).alias("minor"), opened="occurred_at"
    )
    closed = won.join(opened, on="stream_id")
    assert closed["minor"].sum() == 35_290_338_00
    days = (closed["won"] - closed["opened"]) / DAY
    assert days.quantile(0.5, "linear") == pytest.approx(14.4366, abs=5e-5)
    assert days.quantile(0.9, "linear") == pytest.approx(28.6837, abs=5e-5)
    # The owner is set right before the decision, by whom the decision row names.
    deciding = feed.filter(pl.col("type").is_in(["deal.won.v1", "deal.lost.v1"]))["position"]
    owned = feed.filter(pl.col("type") == "deal.owner_assigned.v1")
    assert owned["position"].to_list() == (deciding - 1).to_list()
    assert (
        owned["payload"]
        .str.json_path_match("$.owner")
        .str.replace_all("-", "")
        .equals(owned["actor"], check_names=False)
    )
    # Equal timestamps keep the order of the trace.
    order = feed.group_by("stream_id", maintain_order=True).agg(pl.col("occurred_at").is_sorted().alias("sorted"))
    assert order["sorted"].all()

    people = people_frame(log).filter(pl.col("source") == "bpic2012")
    assert people.height == 68
    sample = feed.gather_every(97)
    for tag, payload in sample.select("type", "payload").iter_rows():
        assert TAGS[tag].model_validate_json(payload).payload() == payload

    again = run_import(log, shared_data / "bpic2012" / "bpic2012.xes.gz", mapping, actor="clerk", corrections=True)
    assert (again.rows, again.new_events, again.changed_count) == (262_200, 0, 0)
    assert again.already_known == report.new_events == 176_157
    assert again.rows_without_actor == 18_010


def test_maven_crm(log: Log, shared_data: Path) -> None:
    mapping = EXAMPLES / "maven_crm" / "mapping.yaml"
    file = shared_data / "maven_crm" / "sales_pipeline.csv"
    report = run_import(log, file, mapping, actor="clerk")
    feed = journeys_feed(log)
    assert report.journeys == 8_800
    assert report.fallbacks == {"dealopened: engage_date": 500}
    assert report.spelling == {"product": 1_480}
    assert report.empty_keys == {"accounts": 1_425}
    assert report.events["RepEnrolled"] == 35
    assert count(feed, "deal.won.v1") == 4_238
    assert count(feed, "deal.lost.v1") == 2_473
    assert count(feed, "deal.signal_recorded.v1", '"engaged"') == 4_238 + 2_473 + 1_589
    assert count(feed, "deal.opened.v1", "GTXPro") == 0
    assert count(feed, "deal.opened.v1", '"GTX Pro"') == 1_480
    won = feed.filter(pl.col("type") == "deal.won.v1").with_columns(amounts(feed).alias("minor"))
    assert won["minor"].mean() == pytest.approx(236_090.9, abs=0.05)
    opened = feed.filter(pl.col("type") == "deal.opened.v1").select("stream_id", opened="occurred_at")
    cycles = won.join(opened, on="stream_id").select(days=(pl.col("occurred_at") - pl.col("opened")) / DAY)["days"]
    assert cycles.mean() == pytest.approx(51.782, abs=5e-4)
    assert not feed["payload"].str.contains("Darcel|Schlecht|Isdom|Cancity").any()
    again = run_import(log, file, mapping, actor="clerk", corrections=True)
    assert (again.new_events, again.changed_count) == (0, 0)
