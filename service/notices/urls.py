"""Which URLs a webhook may have: those that notices could be sent to, as far as the URL itself says."""

import re
from collections.abc import Sequence
from typing import Final
from urllib.parse import SplitResult, urlsplit

from engine.errors import Rejected
from service.notices.addresses import SETTING, Network, Refused, judge, spelled_out

LONGEST: Final = 2_000
_SHOWN: Final = 200
_LABEL: Final = re.compile(r"[a-z0-9_]([a-z0-9_-]{0,61}[a-z0-9_])?")


def checked_url(url: str, inside: Sequence[Network] = ()) -> str:
    """The URL, its scheme in lower case; Rejected where notices could never be sent there.

    inside: networks that are allowed besides the world. Where a name leads is found out at every attempt, not here.
    """
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError as error:
        raise Rejected(f"url {url[:_SHOWN]!r} can't be read: {error}") from None
    ascii_only = url.isascii() and url.isprintable() and " " not in url
    if parts.scheme not in ("https", "http") or not parts.hostname or port == 0 or not ascii_only:
        raise Rejected(f"url {url[:_SHOWN]!r} can't be posted to: use https://HOST/PATH, in ASCII (a name as xn--...)")
    if parts.username is not None or parts.password is not None:
        raise Rejected("url: it holds a user or a password, which everybody who sees the list would read: leave it out")
    if parts.fragment:
        raise Rejected(f"url: no receiver sees what stands after #: leave {parts.fragment!r} out")
    if len(url) > LONGEST:
        raise Rejected(f"url: it has {len(url)} characters, {LONGEST} are the most")
    check_host(parts, inside)
    return parts.scheme + url[len(parts.scheme) :]


def check_host(parts: SplitResult, inside: Sequence[Network]) -> None:
    host, tls = parts.hostname or "", parts.scheme == "https"
    addresses = spelled_out(host)
    if not addresses and not is_name(host):
        raise Rejected(
            f"url: {host[:_SHOWN]!r} is no name of a host: letters, digits and -, at most 63 between two dots"
        )
    if addresses:
        try:
            judge(host, addresses, inside, tls=tls)
        except Refused as refused:
            raise Rejected(f"url: {refused}") from None
    elif not tls and not inside:
        raise Rejected(f"url: {host} over plain http: use https ({SETTING} names the networks where http is allowed)")


def is_name(host: str) -> bool:
    """Whether a name server could be asked for it; lower case."""
    return len(host) <= 253 and all(_LABEL.fullmatch(label) for label in host.removesuffix(".").split("."))
