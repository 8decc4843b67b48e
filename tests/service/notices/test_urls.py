"""A URL that notices could never be sent to is refused when the webhook is made, and says what would be right."""

import pytest

from engine.errors import Rejected
from service.notices.addresses import networks
from service.notices.urls import checked_url


@pytest.mark.parametrize(
    ("url", "why"),
    [
        ("ftp://example.com/", "can't be posted to"),
        ("example.com/hooks", "can't be posted to"),
        ("https:///hooks", "can't be posted to"),
        ("https://bücher.example/", "xn--"),
        ("https://example.com/a b", "can't be posted to"),
        ("https://example.com/\r\nx: y", "can't be posted to"),
        ("https://example.com:99999/", "can't be read"),
        ("https://example.com:0/", "can't be posted to"),
        ("https://[::1/", "can't be read"),
        ("https://me:secret@example.com/", "leave it out"),
        ("https://example.com/#part", "leave 'part' out"),
        ("https://example.com/" + "x" * 2_000, "2000 are the most"),
        ("https://" + "x" * 64 + ".example.com/", "no name of a host"),
        ("https://example..com/", "no name of a host"),
        ("https://exam%70le.com/", "no name of a host"),
        ("https://example.com\\.elsewhere.com/", "no name of a host"),
        ("https://" + "x." * 130 + "com/", "no name of a host"),
        ("http://example.com/", "use https"),
        ("http://8.8.8.8/", "use https"),
    ],
)
def test_an_url_that_can_t_be_sent_to_is_refused(url: str, why: str) -> None:
    with pytest.raises(Rejected, match=why):
        checked_url(url)


@pytest.mark.parametrize("scheme", ["https", "http"])
@pytest.mark.parametrize(
    "host",
    [
        *["127.0.0.1", "127.1", "2130706433", "0x7f000001", "0x7f.1", "0177.0.0.1", "017700000001", "127.0.0.1."],
        *["10.0.0.1", "167772161", "172.16.3.4", "192.168.0.1", "169.254.169.254", "0xa9fea9fe", "0.0.0.0", "0"],
        *["[::1]", "[::]", "[fe80::1]", "[fe80::1%25eth0]", "[fd00::1]", "[::ffff:10.0.0.1]", "[::ffff:a9fe:a9fe]"],
        *["[64:ff9b::127.0.0.1]", "[64:ff9b::a9fe:a9fe]", "[2002:7f00:1::]", "[::127.0.0.1]"],
        *["localhost", "LOCALHOST", "localhost.", "api.localhost"],
    ],
)
def test_an_internal_address_is_refused_however_it_is_written(scheme: str, host: str) -> None:
    with pytest.raises(Rejected, match=r"url: .* internal address .*DEALTRAIL_WEBHOOK_NETWORKS"):
        checked_url(f"{scheme}://{host}:8443/hooks")


@pytest.mark.parametrize(
    "url", ["http://10.1.2.3/x", "https://0xa010203/", "http://[::ffff:10.1.2.3]:81/", "http://crm/"]
)
def test_within_the_networks_that_are_named_it_is_taken(url: str) -> None:
    assert checked_url(url, networks("10.1.0.0/16")) == url


@pytest.mark.parametrize(
    "url",
    [
        *["https://example.com", "https://example.com.", "https://xn--bcher-kva.example:8443/hooks?for=deals&x=%20"],
        *["https://8.8.8.8/", "https://[2606:4700::1111]/", "https://under_score.example/", "https://1.2.3.4.example/"],
    ],
)
def test_what_can_be_sent_to_is_taken_as_it_is(url: str) -> None:
    assert checked_url(url) == url


def test_a_scheme_in_capitals_is_the_same_scheme() -> None:
    assert checked_url("HTTPS://Example.com/Hooks") == "https://Example.com/Hooks"
