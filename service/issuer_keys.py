"""The public keys of an OpenID Connect issuer: found by its discovery document, kept while they serve.

Why not PyJWT's own client: docs/adr/0014-an-issuer-s-keys.md.
Any token may make us ask the issuer, so that it is bounded how often; and what it does not tell now takes nothing away
of what it told before.
"""

import json
import time
import urllib.request
from collections.abc import Mapping
from dataclasses import dataclass
from http.client import HTTPException
from threading import Lock
from typing import Any, Final
from urllib.parse import urlsplit

import jwt

from engine.errors import Rejected

KEYS_SECONDS: Final = 300
"""how long the issuer's keys are taken as they are; a key it withdraws is refused after that"""
OUTAGE_SECONDS: Final = 3_600
"""how long they serve on while it does not answer: a key withdrawn meanwhile would be taken as long"""
COOLDOWN_SECONDS: Final = 10
"""between two looks, whatever came of the first"""
PATIENCE_SECONDS: Final = 1
"""how long a token waits for what another asks, where no key is known yet; later tokens of known keys never wait"""
TIMEOUT_SECONDS: Final = 5
LARGEST: Final = 1_000_000
"""bytes of the discovery document, and of the keys"""
PUBLIC: Final = ("RSA", "EC", "OKP")
"""kinds of keys that have a public half"""
LOOPBACK: Final = ("localhost", "127.0.0.1", "::1")


class IssuerSilent(Exception):
    """The issuer's keys can't be had now; trying again may help."""


@dataclass(frozen=True, slots=True)
class Told:
    """What the issuer told last."""

    keys: Mapping[str, Mapping[str, Any]]
    """JSON Web Keys by id"""
    at: float

    @property
    def age(self) -> float:
        return time.monotonic() - self.at


class IssuerKeys:
    """One a process; any thread may ask."""

    def __init__(self, issuer: str) -> None:
        self.issuer = issuer
        self._told: Told | None = None
        self._trouble = ""
        """of the last look; empty: it went well"""
        self._again_at = 0.0
        self._looking = Lock()

    def key(self, key_id: str, algorithm: str) -> jwt.PyJWK:
        """For this signature, where the key itself does not say which one it is for.

        Raises PyJWTError where the issuer has no such key, or it is for something else; IssuerSilent.
        """
        known = self._known(key_id)
        return jwt.PyJWK.from_dict(dict(known), None if known.get("alg") else algorithm)

    def _known(self, key_id: str) -> Mapping[str, Any]:
        told = self._told
        found = None if told is None else told.keys.get(key_id)
        if told is not None and found is not None and told.age < KEYS_SECONDS:
            return found
        looked = self._look(0 if told is not None else PATIENCE_SECONDS)
        told = self._told
        found = None if told is None else told.keys.get(key_id)
        if told is not None and found is not None and told.age < OUTAGE_SECONDS:
            return found
        if not looked:
            raise IssuerSilent(f"the issuer {self.issuer} is being asked for its keys")
        if self._trouble:
            raise IssuerSilent(f"the issuer {self.issuer} did not tell its keys: {self._trouble}")
        raise jwt.InvalidKeyError(f"the issuer has no signing key {key_id[:100]!r}")

    def _look(self, patience: float) -> bool:
        """Asks the issuer, unless that was done a moment ago; False: another thread is at it."""
        if not self._looking.acquire(timeout=patience):
            return False
        try:
            if time.monotonic() >= self._again_at:
                try:
                    self._told = Told(self._fetched(), time.monotonic())
                    self._trouble = ""
                except (OSError, HTTPException, ValueError, KeyError, TypeError, Rejected) as error:
                    self._trouble = str(error) or type(error).__name__
                self._again_at = time.monotonic() + COOLDOWN_SECONDS
        finally:
            self._looking.release()
        return True

    def _fetched(self) -> dict[str, Mapping[str, Any]]:
        """Where the issuer says its keys are, those that sign."""
        document = fetched(f"{self.issuer.rstrip('/')}/.well-known/openid-configuration")
        if document["issuer"] != self.issuer:
            raise ValueError(f"it calls itself {document['issuer']!r}")
        told = fetched(checked_address(str(document["jwks_uri"]), "its jwks_uri"))["keys"]
        found: dict[str, Mapping[str, Any]] = {
            each["kid"]: each for each in told if isinstance(each, dict) and signs(each)
        }
        if not found:
            raise ValueError("there is no signing key among them")
        return found


def signs(key: Mapping[str, Any]) -> bool:
    meant = key.get("use", "sig") == "sig" and "verify" in key.get("key_ops", ("verify",))
    return meant and isinstance(key.get("kid"), str) and key.get("kty") in PUBLIC


class NoRedirect(urllib.request.HTTPRedirectHandler):
    """Keys come from the issuer itself, not from where it, or somebody on the way, sends us."""

    def redirect_request(self, *_: Any) -> None:
        return None


def fetched(address: str) -> Any:
    with urllib.request.build_opener(NoRedirect).open(address, timeout=TIMEOUT_SECONDS) as response:
        return json.loads(response.read(LARGEST))


def checked_address(url: str, what: str) -> str:
    """https, or http to this machine itself: over the network anybody could pass off keys."""
    parts = urlsplit(url)
    if parts.hostname and (parts.scheme == "https" or (parts.scheme == "http" and parts.hostname in LOOPBACK)):
        return url
    raise Rejected(f"{what}={url!r} is no https address")
