"""An OpenID Connect issuer on loopback with keys of its own. Tokens are signed here by hand, by no JWT library."""

import json
import threading
from base64 import urlsafe_b64encode
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from hashlib import sha256
from hmac import digest
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from time import time
from typing import Any

from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature
from cryptography.hazmat.primitives.hashes import SHA256, SHA384, SHA512
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

AUDIENCE = "dealtrail"
HASHES = {"256": SHA256(), "384": SHA384(), "512": SHA512()}


def encoded(data: bytes) -> str:
    return urlsafe_b64encode(data).rstrip(b"=").decode()


def number(value: int, size: int) -> str:
    return encoded(value.to_bytes(size, "big"))


class Signer:
    """A key pair, RSA or EC, known by its id."""

    def __init__(self, key_id: str, algorithm: str = "RS256", bits: int = 2048) -> None:
        self.key_id, self.algorithm = key_id, algorithm
        self.rsa = rsa.generate_private_key(65537, bits) if algorithm != "ES256" else None
        self.ec = ec.generate_private_key(ec.SECP256R1()) if algorithm == "ES256" else None

    @property
    def public(self) -> dict[str, str]:
        shared = {"kid": self.key_id, "use": "sig", "alg": self.algorithm}
        if self.rsa is not None:
            told = self.rsa.public_key().public_numbers()
            return {**shared, "kty": "RSA", "n": number(told.n, self.rsa.key_size // 8), "e": number(told.e, 3)}
        assert self.ec is not None
        point = self.ec.public_key().public_numbers()
        return {**shared, "kty": "EC", "crv": "P-256", "x": number(point.x, 32), "y": number(point.y, 32)}

    @property
    def public_pem(self) -> bytes:
        assert self.rsa is not None
        return self.rsa.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)

    def token(self, claims: Mapping[str, Any], **header: Any) -> str:
        signed = unsigned({"alg": self.algorithm, "kid": self.key_id, **header}, claims)
        return f"{signed}.{encoded(self.signature(signed.encode()))}"

    def signature(self, data: bytes) -> bytes:
        if self.rsa is not None:
            hashed = HASHES[self.algorithm[2:]]
            salted = padding.PSS(padding.MGF1(hashed), hashed.digest_size)
            return self.rsa.sign(data, salted if self.algorithm.startswith("PS") else padding.PKCS1v15(), hashed)
        assert self.ec is not None
        r, s = decode_dss_signature(self.ec.sign(data, ec.ECDSA(SHA256())))
        return r.to_bytes(32, "big") + s.to_bytes(32, "big")


def unsigned(header: Mapping[str, Any], claims: Mapping[str, Any]) -> str:
    return ".".join(encoded(json.dumps(part).encode()) for part in (header, claims))


def with_shared_secret(secret: bytes, header: Mapping[str, Any], claims: Mapping[str, Any]) -> str:
    """What an attacker makes of a public key, for a verifier that takes the token's word for the algorithm."""
    signed = unsigned({**header, "alg": "HS256"}, claims)
    return f"{signed}.{encoded(digest(secret, signed.encode(), sha256))}"


class Issuer:
    def __init__(self) -> None:
        self.signer = Signer("first")
        self.published: list[dict[str, Any]] = [self.signer.public]
        self.calls_itself: str | None = None
        self.silent = False
        self.asked: list[str] = []
        self.held = threading.Event()
        """cleared: it answers once this is set"""
        self.held.set()
        issuer = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                issuer.asked.append(self.path)
                issuer.held.wait(10)
                answers = {
                    "/.well-known/openid-configuration": {
                        "issuer": issuer.calls_itself or issuer.url,
                        "jwks_uri": f"{issuer.url}/keys",
                    },
                    "/keys": {"keys": issuer.published},
                }
                found = None if issuer.silent else answers.get(self.path)
                body = json.dumps(found).encode()
                self.send_response(500 if found is None else 200)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_: Any) -> None:
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}"

    def claims(self, **changed: Any) -> dict[str, Any]:
        """Of a good token of a manager; a claim set to None is left out."""
        now = int(time())
        told = {"iss": self.url, "aud": AUDIENCE, "sub": "u-17", "iat": now, "exp": now + 300, "roles": ["manager"]}
        return {name: value for name, value in {**told, **changed}.items() if value is not None}

    def token(self, **changed: Any) -> str:
        return self.signer.token(self.claims(**changed))


@contextmanager
def issuing() -> Iterator[Issuer]:
    issuer = Issuer()
    thread = threading.Thread(target=issuer.server.serve_forever, daemon=True)
    thread.start()
    try:
        yield issuer
    finally:
        issuer.server.shutdown()
        issuer.server.server_close()
        thread.join(10)
