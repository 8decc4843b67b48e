"""Bearer tokens of an OpenID Connect issuer: the second way in, beside API keys (docs/operations.md).

The issuer's keys are found by its discovery document and kept for a while; a token is checked by PyJWT, against
public keys alone, for signature, algorithm, issuer, audience and time. Its claims say who it is and in which role.
"""

import json
import time
import urllib.request
from collections.abc import Mapping
from dataclasses import dataclass
from http.client import HTTPException
from threading import Lock
from typing import Any, Final, Never
from urllib.parse import urlsplit

import jwt

from engine.errors import Rejected
from service.keys import ROLES, Role
from service.settings import Serving

ALGORITHMS: Final = (
    "RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA",
)  # fmt: skip
"""signatures of a private key alone: with a shared secret (HS256) whoever can check a token could make one"""
NEEDED: Final = ("exp", "iss", "aud", "sub")
LEEWAY_SECONDS: Final = 30
"""by which clocks may differ"""
KEYS_SECONDS: Final = 300
"""how long the issuer's keys are kept; a key it withdraws is refused after that"""
COOLDOWN_SECONDS: Final = 10
"""between two looks for a key nobody knows, and after a look that failed"""
TIMEOUT_SECONDS: Final = 5
LARGEST: Final = 1_000_000
"""bytes of the discovery document"""
LONGEST: Final = 16_384
"""characters of a token that is looked at"""
LOOPBACK: Final = ("localhost", "127.0.0.1", "::1")


class BadToken(Exception):
    """The token proves nothing; says why."""


class NoRole(Exception):
    """The token is good, and gives none of our roles."""


class IssuerSilent(Exception):
    """The issuer's keys can't be had now; trying again may help."""


@dataclass(frozen=True, slots=True)
class Told:
    """What a good token says."""

    token: str
    """the token's own id, or whose it is where it has none"""
    key: str
    """of the person, under the settings' person_source"""
    role: Role


class Issuer:
    """One a process; any thread may check a token."""

    def __init__(self, serving: Serving) -> None:
        """Rejected where the settings make no sense; the issuer itself is asked at the first token."""
        self.url = checked_address(serving.oidc_issuer, "DEALTRAIL_OIDC_ISSUER")
        if not serving.oidc_audience:
            raise Rejected("DEALTRAIL_OIDC_AUDIENCE is empty: name what tokens must be meant for, such as dealtrail")
        self.audience = serving.oidc_audience
        self.person_claim = serving.oidc_person_claim
        self.person_source = serving.oidc_person_source
        self.role_claim = serving.oidc_role_claim
        self.roles = roles_of(serving.oidc_roles)
        self._keys: jwt.PyJWKClient | None = None
        self._silent_until = 0.0
        self._lock = Lock()

    def read(self, token: str) -> Told:
        """What the token says, once everything about it is checked. Raises BadToken, NoRole, IssuerSilent."""
        claims = self._checked(token)
        key = claim(claims, self.person_claim)
        if not isinstance(key, str) or not 0 < len(key) <= 300 or "\0" in key:
            raise BadToken(f"the token's claim {self.person_claim} names nobody")
        return Told(str(claims.get("jti") or claims["sub"]), key, self._role(claims))

    def _checked(self, token: str) -> dict[str, Any]:
        if len(token) > LONGEST:
            raise BadToken("the token is too long")
        try:
            header = jwt.get_unverified_header(token)
            if header.get("alg") not in ALGORITHMS:
                raise BadToken(f"the token is signed by {header.get('alg')!r}: use one of {', '.join(ALGORITHMS)}")
            key = self._key(str(header.get("kid", "")))
            return jwt.decode(
                token,
                key,
                algorithms=ALGORITHMS,
                audience=self.audience,
                issuer=self.url,
                leeway=LEEWAY_SECONDS,
                options={"require": list(NEEDED)},
            )
        except jwt.PyJWTError as error:
            raise BadToken(f"the token is refused: {error}") from error

    def _key(self, key_id: str) -> jwt.PyJWK:
        held = self._held(key_id)
        if held is not None:
            return held
        with self._lock:
            if time.monotonic() < self._silent_until:
                raise IssuerSilent(f"the issuer {self.url} did not answer a moment ago")
            try:
                if self._keys is None:
                    self._keys = self._discovered()
                return self._keys.get_signing_key(key_id)
            except jwt.PyJWKClientConnectionError as error:
                self._silent(error)
            except (jwt.PyJWKSetError, json.JSONDecodeError) as error:
                self._silent(error)

    def _held(self, key_id: str) -> jwt.PyJWK | None:
        """Of the keys that are kept, without waiting: while the issuer hangs, anybody's token of a key nobody knows
        would else keep those of a known one out.
        """
        cache = None if self._keys is None else self._keys.jwk_set_cache
        kept = None if cache is None else cache.get()
        if kept is None:
            return None
        usable = (key for key in kept.keys if key.public_key_use in ("sig", None))
        return next((key for key in usable if key.key_id == key_id), None)

    def _discovered(self) -> jwt.PyJWKClient:
        """Where the issuer says its keys are."""
        address = f"{self.url.rstrip('/')}/.well-known/openid-configuration"
        try:
            opener = urllib.request.build_opener(NoRedirect)
            with opener.open(address, timeout=TIMEOUT_SECONDS) as response:
                document = json.loads(response.read(LARGEST))
            if document["issuer"] != self.url:
                raise ValueError(f"it calls itself {document['issuer']!r}")
            keys = checked_address(document["jwks_uri"], "its jwks_uri")
        except (OSError, HTTPException, ValueError, KeyError, TypeError, Rejected) as error:
            self._silent(error)
        return jwt.PyJWKClient(keys, lifespan=KEYS_SECONDS, cooldown_duration=COOLDOWN_SECONDS, timeout=TIMEOUT_SECONDS)

    def _silent(self, error: Exception) -> Never:
        self._silent_until = time.monotonic() + COOLDOWN_SECONDS
        raise IssuerSilent(f"the issuer {self.url} did not tell its keys: {error}") from error

    def _role(self, claims: Mapping[str, Any]) -> Role:
        found = claim(claims, self.role_claim)
        told = [found] if isinstance(found, str) else found if isinstance(found, list) else []
        for value, role in self.roles.items():
            if value in told:
                return role
        raise NoRole(f"the token's claim {self.role_claim} has none of {', '.join(self.roles)}")


class NoRedirect(urllib.request.HTTPRedirectHandler):
    """Keys come from the issuer itself, not from where it, or somebody on the way, sends us."""

    def redirect_request(self, *_: Any) -> None:
        return None


def claim(claims: Mapping[str, Any], name: str) -> Any:
    """The claim of this name, or, where there is none, along its dots: realm_access.roles."""
    if name in claims:
        return claims[name]
    found: Any = claims
    for part in name.split("."):
        found = found.get(part) if isinstance(found, Mapping) else None
    return found


def roles_of(text: str) -> dict[str, Role]:
    """claim value -> role, out of "sales=rep,audit=auditor"; without anything, the names of the roles themselves."""
    if not text.strip():
        return {role: role for role in reversed(ROLES)}
    found: dict[str, Role] = {}
    known = {str(role): role for role in ROLES}
    for pair in text.split(","):
        value, _, role = (part.strip() for part in pair.partition("="))
        if not value or role not in known:
            raise Rejected(
                f"DEALTRAIL_OIDC_ROLES: {pair.strip()!r} is not VALUE=ROLE with a role of {', '.join(ROLES)}"
            )
        found[value] = known[role]
    return found


def checked_address(url: str, what: str) -> str:
    """https, or http to this machine itself: over the network anybody could pass off keys."""
    parts = urlsplit(url)
    if parts.hostname and (parts.scheme == "https" or (parts.scheme == "http" and parts.hostname in LOOPBACK)):
        return url
    raise Rejected(f"{what}={url!r} is no https address")
