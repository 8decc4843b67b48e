"""Webhooks on the command line: made, listed, tried, changed, sent; bad input names what would be right."""

import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from standardwebhooks import Webhook as Verifier

from engine.log.application import Log
from tests.service.commandline import Said, run
from tests.service.notices.receiver import DIE, Receiver, receiving
from tests.service.notices.world import sending, told, with_backoff


@pytest.fixture
def receiver(monkeypatch: pytest.MonkeyPatch) -> Iterator[Receiver]:
    monkeypatch.setenv("DEALTRAIL_WEBHOOK_NETWORKS", "127.0.0.1")
    with receiving() as found:
        yield found


@pytest.fixture
def url(sqlite_url: str) -> str:
    log = Log(sqlite_url)
    told(log, deals=2, entries=2)
    log.close()
    return sqlite_url


def webhooks(url: str, *words: str | Path) -> Said:
    return run("webhooks", *words, "--db", url)


def test_it_is_added_tried_sent_to_and_listed(url: str, receiver: Receiver) -> None:
    made = webhooks(url, "add", receiver.url, "--type", "deal.*", "--after", "0", "--actor", "jo", "--json").answer
    short = made["webhook_id"][:8]
    assert webhooks(url, "test", short).out.startswith("accepted with 200")
    assert webhooks(url, "send", "--once").out == "4 accepted, 0 not accepted\n"
    for got in receiver.got:
        Verifier(made["secret"]).verify(got.body, dict(got.headers))
    listed = webhooks(url, "list", "--json").answer
    (found,) = listed["webhooks"]
    assert (found["webhook_id"], found["types"]) == (made["webhook_id"], ["deal.*"])
    assert (found["position"], found["waiting"]) == (listed["position"], 0)
    assert "sending" in webhooks(url, "list").out
    assert webhooks(url, "show", short, "--json").answer == found
    assert receiver.url in webhooks(url, "show", short).out
    # The secret is shown by the command that made it alone.
    assert made["secret"] not in webhooks(url, "show", short, "--json").out + webhooks(url, "list", "--json").out


def test_a_test_delivery_that_is_not_accepted_is_told_by_the_exit_code(
    url: str, receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = webhooks(url, "add", receiver.url, "--json").answer["webhook_id"]
    receiver.answering = lambda _: 404
    said = webhooks(url, "test", made)
    assert (said.code, said.out.partition(",")[0]) == (1, "answered 404")
    monkeypatch.setenv("DEALTRAIL_WEBHOOK_NETWORKS", "127.0.0.2")
    elsewhere = webhooks(url, "add", "https://127.0.0.2/hooks", "--json").answer["webhook_id"]
    monkeypatch.delenv("DEALTRAIL_WEBHOOK_NETWORKS")
    said = webhooks(url, "test", elsewhere, "--json")
    assert said.code == 1
    assert "DEALTRAIL_WEBHOOK_NETWORKS" in said.out


def test_it_is_changed_and_removed(url: str, receiver: Receiver) -> None:
    made = webhooks(url, "add", receiver.url, "--after", "0", "--json").answer
    short = made["webhook_id"][:6]
    assert webhooks(url, "rotate", short, "--hours", "1", "--json").answer["secret"] != made["secret"]
    assert "paused: moving house" in webhooks(url, "pause", short, "--reason", "moving house").out
    assert webhooks(url, "send", "--once").out == "0 accepted, 0 not accepted\n"
    assert webhooks(url, "resume", short, "--json").answer["paused_at"] is None
    receiver.answering = lambda _: 500
    assert webhooks(url, "send", "--once").out.startswith("0 accepted, ")
    assert "failures in a row: answered 500" in webhooks(url, "list").out
    assert webhooks(url, "parked", short, "--json").answer == {"parked": []}
    assert webhooks(url, "retry", short).code == 0
    webhooks(url, "retry", short, "--position", "3").refused(4, "position 3")
    webhooks(url, "replay", short, "--after", "999").refused(3, "after 999")
    receiver.answering = lambda _: 200
    assert webhooks(url, "replay", short, "--after", "2", "--json").answer["position"] == 2
    assert webhooks(url, "remove", short).out.startswith(f"removed: {made['webhook_id']}")
    webhooks(url, "show", short).refused(4, "no webhook")
    assert "No webhook yet" in webhooks(url, "list").out


@pytest.mark.parametrize(
    ("words", "code", "why"),
    [
        (["add", "example.com"], 3, "use https://HOST/PATH"),
        (["add", "https://10.0.0.1/"], 3, "10.0.0.1 is an internal address"),
        (
            ["add", "https://example.com", "--type", "deal.wonn"],
            2,
            "no event is of type 'deal.wonn': did you mean deal.won",
        ),
        (["add", "https://example.com", "--type", "sales"], 2, "there are deal."),
        (["add", "https://example.com", "--pipeline", "salez"], 3, "no pipeline 'salez'"),
        (["add", "https://example.com", "--origin", "a b"], 2, "--origin: "),
        (["add", "https://example.com", "--after", "99"], 3, "positions 0 to"),
        (["pause", "abcd", "--reason", "x"], 4, "no webhook 'abcd'"),
        (["rotate", "abcd", "--hours", "-1"], 2, "--hours"),
    ],
)
def test_what_makes_no_sense_is_refused(url: str, words: list[str], code: int, why: str) -> None:
    webhooks(url, *words).refused(code, why)


def test_a_setting_that_makes_no_sense_is_named(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DEALTRAIL_WEBHOOK_NETWORKS", "home")
    webhooks(url, "send", "--once").refused(3, "DEALTRAIL_WEBHOOK_NETWORKS", "'home'")


def test_what_was_given_up_is_listed_retried_and_replayed_by_hand(url: str, receiver: Receiver) -> None:
    log = Log(url)
    receiver.answering = lambda got: 422 if got.position == 3 else 200
    made = webhooks(url, "add", receiver.url, "--after", "0", "--json").answer
    short, secrets = made["webhook_id"][:8], [made["secret"]]
    with sending(log, with_backoff(give_up=0.3)):
        deadline = time.monotonic() + 20
        while not (found := webhooks(url, "parked", short, "--json").answer["parked"]):
            assert time.monotonic() < deadline
        # Those behind it go out, too.
        while webhooks(url, "show", short, "--json").answer["waiting"]:
            assert time.monotonic() < deadline
    assert [(each["position"], each["problem"]) for each in found] == [(3, "answered 422")]
    drawn = webhooks(url, "parked", short).out
    assert "answered 422" in drawn
    assert "deal.opened.v1" in drawn

    # Nobody listens, then somebody does: it is tried once each time, and once by hand.
    receiver.answering = lambda _: DIE
    assert webhooks(url, "retry", short, "--position", "3", "--json").answer["parked"] == 0
    assert webhooks(url, "send", "--once").out == "0 accepted, 1 not accepted\n"
    assert webhooks(url, "show", short, "--json").answer["waiting"] == 1
    receiver.answering = lambda _: 200
    secrets += [webhooks(url, "rotate", short, "--hours", "1", "--json").answer["secret"]]
    assert webhooks(url, "resume", short, "--json").answer["waiting"] == 1
    receiver.got.clear()
    assert webhooks(url, "send", "--once").out == "1 accepted, 0 not accepted\n"
    assert webhooks(url, "replay", short, "--after", "3", "--json").answer["position"] == 3
    assert webhooks(url, "send", "--once").out == f"{log.position() - 3} accepted, 0 not accepted\n"
    assert [got.position for got in receiver.got[:1]] == [3]
    assert {got.position for got in receiver.got[1:]} == set(range(4, log.position() + 1))
    for got in receiver.got:
        for secret in secrets:
            Verifier(secret).verify(got.body, dict(got.headers))
    log.close()


def test_the_list_tells_what_each_was_asked_for(url: str) -> None:
    webhooks(url, "add", "https://example.com/a", "--type", "deal.*", "--pipeline", "sales", "--origin", "api")
    webhooks(url, "add", "https://example.com/b")
    drawn = " ".join(webhooks(url, "list").out.replace("│", " ").split())
    assert "deal.*; pipeline sales; origin api" in drawn
    assert "all but imports" in drawn
