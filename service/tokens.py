"""Bearer tokens of an OpenID Connect issuer: the second way in, beside API keys (docs/operations.md).

A token is checked by PyJWT, against the issuer's public keys alone (issuer_keys.py), for signature, algorithm, issuer,
audience and time. Its claims say who it is and in which role.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

import jwt

from engine.errors import Rejected
from service.issuer_keys import IssuerKeys, checked_address
from service.keys import ROLES, Role
from service.settings import Serving

ALGORITHMS: Final = (
    "RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA",
)  # fmt: skip
"""signatures of a private key alone: with a shared secret (HS256) whoever can check a token could make one"""
CHECKING: Final = jwt.PyJWT({"enforce_minimum_key_length": True})
"""RSA below 2048 bits proves nothing (RFC 7518, 3.3)"""
NEEDED: Final = ("exp", "iss", "aud", "sub")
LEEWAY_SECONDS: Final = 30
"""by which clocks may differ"""
LONGEST: Final = 16_384
"""characters of a token that is looked at"""


class BadToken(Exception):
    """The token proves nothing; says why."""


class NoRole(Exception):
    """The token is good, and gives none of our roles."""


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
        self._keys = IssuerKeys(self.url)

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
            algorithm, key_id = header.get("alg"), header.get("kid")
            if algorithm not in ALGORITHMS:
                raise BadToken(f"the token is signed by {algorithm!r}: use one of {', '.join(ALGORITHMS)}")
            if not key_id:
                raise BadToken("the token does not say which of the issuer's keys signed it: it needs a kid")
            key = self._keys.key(key_id, algorithm)
            return CHECKING.decode(
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

    def _role(self, claims: Mapping[str, Any]) -> Role:
        found = claim(claims, self.role_claim)
        told = [found] if isinstance(found, str) else found if isinstance(found, list) else []
        for value, role in self.roles.items():
            if value in told:
                return role
        raise NoRole(f"the token's claim {self.role_claim} has none of {', '.join(self.roles)}")


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
