"""Bearer tokens of an OpenID Connect issuer: whom they let in, as whom, and what is tried to get past."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from time import sleep, time
from typing import Any

import pytest
from sqlalchemy import text

from engine.errors import Rejected
from engine.log import schema
from engine.log.people import person
from service import issuer_keys, tokens
from service.app import create_app
from service.auth import TRUSTED_SECONDS
from service.keys import ROLES, Role
from service.settings import Serving
from tests.service.http.conftest import publish
from tests.service.http.server import Client, Service, serving
from tests.service.http.test_access import OPEN, every_route, expected
from tests.service.operations.issuer import AUDIENCE, Issuer, Signer, encoded, issuing, unsigned, with_shared_secret


@pytest.fixture
def issuer() -> Iterator[Issuer]:
    with issuing() as found:
        yield found


def settings(issuer: Issuer, **more: str) -> Serving:
    return Serving(oidc_issuer=issuer.url, oidc_audience=AUDIENCE, **more)  # type: ignore[arg-type]  # all text


@pytest.fixture
def service(issuer: Issuer, sqlite_url: str) -> Iterator[Service]:
    publish(sqlite_url)
    with serving(sqlite_url, settings(issuer)) as running:
        yield running


@pytest.fixture
def anybody(service: Service) -> Client:
    return Client(service.port)


def test_a_token_lets_in_beside_a_key_and_its_person_is_the_actor(
    issuer: Issuer, service: Service, anybody: Client
) -> None:
    client = anybody.with_key(issuer.token())
    deal = client.post("/v1/deals", {"pipeline": "loans"}).answer["stream_id"]
    known = person(service.running.log, "oidc", "u-17")
    assert known is not None
    (event,) = client.get("/v1/events", after=2).answer["events"]
    assert event["actor"] == str(known.person_id)
    assert event["stream_id"] == deal
    service.client("manager").get("/v1/board").done()


def test_a_renewed_token_is_the_same_person_so_a_retry_gets_the_first_answer(issuer: Issuer, anybody: Client) -> None:
    first = anybody.with_key(issuer.token(jti="one")).post("/v1/deals", {"pipeline": "loans"}, idempotency_key="k")
    again = anybody.with_key(issuer.token(jti="two")).post("/v1/deals", {"pipeline": "loans"}, idempotency_key="k")
    assert again.answer == first.answer
    assert again.headers["idempotent-replayed"] == "true"


@pytest.mark.parametrize(
    ("changed", "why"),
    [
        ({"exp": int(time()) - 60}, "expired"),
        ({"exp": None}, "exp"),
        ({"nbf": int(time()) + 86_400}, "not yet valid"),
        ({"iat": int(time()) + 86_400}, "not yet valid"),
        ({"aud": "another-service"}, "udience"),
        ({"aud": None}, "aud"),
        ({"iss": "https://somebody.else"}, "ssuer"),
        ({"iss": None}, "iss"),
        ({"sub": None}, "sub"),
        ({"sub": ""}, "names nobody"),
    ],
)
def test_a_token_with_a_wrong_claim_is_refused(
    issuer: Issuer, anybody: Client, changed: dict[str, Any], why: str
) -> None:
    reply = anybody.with_key(issuer.token(**changed)).get("/v1/board")
    reply.refused(401, "unauthenticated", why)
    assert reply.headers["www-authenticate"] == "Bearer"


def test_a_token_is_not_what_it_says_it_is_signed_by(issuer: Issuer, anybody: Client) -> None:
    """No signature, the public key as a shared secret, another's key, another's signature, changed claims."""
    claims, header = issuer.claims(), {"kid": "first", "typ": "JWT"}
    forged = Signer("first")
    good = issuer.token()
    head, _, signature = good.split(".")
    admin = encoded(str(issuer.claims(roles=["admin"])).replace("'", '"').encode())
    attacks = [
        unsigned({**header, "alg": "none"}, claims) + ".",
        unsigned({**header, "alg": "None"}, claims) + ".",
        with_shared_secret(issuer.signer.public_pem, header, claims),
        with_shared_secret(issuer.signer.public["n"].encode(), header, claims),
        forged.token(claims),
        forged.token(claims, jwk=forged.public),
        forged.token(claims, jku="http://127.0.0.1:9/keys"),
        issuer.signer.token(claims, crit=["unknown"], unknown=True),
        f"{head}.{admin}.{signature}",
        good[:-4] + "AAAA",
        "a.b.c",
        "." * 20_000,
    ]
    for token in attacks:
        anybody.with_key(token).get("/v1/board").refused(401, "unauthenticated")
    anybody.with_key(good).get("/v1/board").done()


def test_a_shared_secret_that_the_issuer_publishes_signs_nothing(issuer: Issuer, anybody: Client) -> None:
    secret = {"kid": "shared", "kty": "oct", "k": encoded(b"s" * 32), "alg": "HS256", "use": "sig"}
    issuer.published.append(secret)
    token = with_shared_secret(b"s" * 32, {"kid": "shared"}, issuer.claims())
    anybody.with_key(token).get("/v1/board").refused(401, "unauthenticated", "HS256")


def test_other_signatures_of_private_keys_do(issuer: Issuer, anybody: Client) -> None:
    elliptic = Signer("second", "ES256")
    issuer.published.append(elliptic.public)
    anybody.with_key(elliptic.token(issuer.claims())).get("/v1/board").done()


@pytest.mark.parametrize("algorithm", ["RS256", "RS384", "RS512", "PS256", "PS384", "PS512"])
def test_a_key_that_does_not_say_what_for_is_good_for_every_signature_of_its_kind(
    algorithm: str, issuer: Issuer
) -> None:
    """As Entra ID publishes them; one that says so is good for that alone."""
    issuer.signer.algorithm = algorithm
    bare = {name: value for name, value in issuer.signer.public.items() if name != "alg"}
    token = issuer.token()
    for published, taken in ((bare, True), ({**bare, "alg": algorithm}, True), ({**bare, "alg": "RS1"}, False)):
        issuer.published = [published]
        reading = tokens.Issuer(settings(issuer))
        if taken:
            assert reading.read(token).key == "u-17"
        else:
            with pytest.raises(tokens.BadToken):
                reading.read(token)
    issuer.published = [bare]
    shared = with_shared_secret(issuer.signer.public_pem, {"kid": "first"}, issuer.claims())
    with pytest.raises(tokens.BadToken, match="HS256"):
        tokens.Issuer(settings(issuer)).read(shared)


def test_a_key_that_does_not_say_what_for_is_good_for_no_signature_of_another_kind(issuer: Issuer) -> None:
    """RFC 7518: which key each takes; RFC 8725: the token's word alone decides nothing."""
    for signer, others in (
        (Signer("second", "ES256"), ("ES384", "ES512", "EdDSA", "RS256", "PS512")),
        (Signer("third"), ("ES256", "ES512", "EdDSA", "PS256", "RS512")),
    ):
        issuer.published = [{name: value for name, value in signer.public.items() if name != "alg"}]
        reading = tokens.Issuer(settings(issuer))
        assert reading.read(signer.token(issuer.claims())).key == "u-17"
        for other in others:
            with pytest.raises(tokens.BadToken):
                reading.read(signer.token(issuer.claims(), alg=other))


def test_a_key_that_is_not_for_signatures_or_too_short_lets_nobody_in(issuer: Issuer) -> None:
    short = Signer("short", bits=1024)
    for signer, published in (
        (issuer.signer, {**issuer.signer.public, "use": "enc"}),
        (issuer.signer, {**issuer.signer.public, "key_ops": ["encrypt"]}),
        (short, short.public),
    ):
        issuer.published = [issuer.signer.public | {"kid": "another"}, published]
        with pytest.raises(tokens.BadToken):
            tokens.Issuer(settings(issuer)).read(signer.token(issuer.claims()))
    issuer.published = [{**issuer.signer.public, "key_ops": ["verify"]}]
    assert tokens.Issuer(settings(issuer)).read(issuer.token()).key == "u-17"


def test_an_issuer_that_falls_silent_takes_away_no_key_it_told_before(
    issuer: Issuer, anybody: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(issuer_keys, "COOLDOWN_SECONDS", 0.0)
    anybody.with_key(issuer.token()).get("/v1/board").done()
    issuer.silent = True
    unknown = Signer("unknown")
    for n in range(3):
        anybody.with_key(unknown.token(issuer.claims(jti=f"a{n}"))).get("/v1/board").refused(503, "unreachable")
        anybody.with_key(issuer.token(jti=f"b{n}")).get("/v1/board").done()
    monkeypatch.setattr(issuer_keys, "KEYS_SECONDS", 0.0)
    anybody.with_key(issuer.token(jti="kept")).get("/v1/board").done()
    monkeypatch.setattr(issuer_keys, "OUTAGE_SECONDS", 0.0)
    anybody.with_key(issuer.token(jti="too-old")).get("/v1/board").refused(503, "unreachable")


def test_nobody_waits_for_keys_that_another_token_asks_for(issuer: Issuer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(issuer_keys, "COOLDOWN_SECONDS", 0.0)
    reading = tokens.Issuer(settings(issuer))
    reading.read(issuer.token())
    issuer.held.clear()
    with ThreadPoolExecutor(1) as asking:
        first = asking.submit(reading.read, Signer("unknown").token(issuer.claims()))
        while len(issuer.asked) < 3:
            sleep(0.01)
        try:
            assert reading.read(issuer.token()).key == "u-17"
            with pytest.raises(issuer_keys.IssuerSilent, match="being asked"):
                reading.read(Signer("another").token(issuer.claims()))
        finally:
            issuer.held.set()
        with pytest.raises(tokens.BadToken, match="signing key"):
            first.result(10)


def test_the_issuer_changes_its_keys(issuer: Issuer, anybody: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(issuer_keys, "COOLDOWN_SECONDS", 0.2)
    monkeypatch.setattr(issuer_keys, "KEYS_SECONDS", 1.0)
    old = issuer.token()
    anybody.with_key(old).get("/v1/board").done()
    issuer.signer = Signer("next")
    issuer.published = [issuer.signer.public]
    sleep(0.25)
    anybody.with_key(issuer.token()).get("/v1/board").done()
    sleep(TRUSTED_SECONDS)
    anybody.with_key(old).get("/v1/board").refused(401, "unauthenticated", "signing key")


def test_tokens_with_made_up_key_ids_do_not_make_us_ask_the_issuer_each_time(issuer: Issuer, anybody: Client) -> None:
    for n in range(20):
        made_up = unsigned({"alg": "RS256", "kid": f"made-up-{n}"}, issuer.claims()) + ".AAAA"
        anybody.with_key(made_up).get("/v1/board").refused(401, "unauthenticated")
    assert len(issuer.asked) <= 3, issuer.asked


def test_an_issuer_that_does_not_answer_is_no_reason_to_let_in_or_to_call_a_token_bad(
    issuer: Issuer, service: Service, anybody: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(issuer_keys, "COOLDOWN_SECONDS", 0.2)
    issuer.silent = True
    for _ in range(3):
        reply = anybody.with_key(issuer.token()).get("/v1/board")
        reply.refused(503, "unreachable", "issuer")
        assert reply.headers["retry-after"]
    assert len(issuer.asked) <= 2
    service.client("manager").get("/v1/board").done()
    issuer.silent = False
    sleep(0.25)
    anybody.with_key(issuer.token()).get("/v1/board").done()


def test_who_calls_itself_otherwise_is_not_the_issuer(issuer: Issuer, anybody: Client) -> None:
    issuer.calls_itself = "https://somebody.else"
    anybody.with_key(issuer.token()).get("/v1/board").refused(503, "unreachable")


def test_claims_are_mapped_to_roles_and_people(issuer: Issuer, sqlite_url: str) -> None:
    publish(sqlite_url)
    mapped = settings(
        issuer,
        oidc_role_claim="realm_access.roles",
        oidc_roles="crm-leads=manager, crm-sales=rep",
        oidc_person_claim="employee",
        oidc_person_source="crm",
    )
    with serving(sqlite_url, mapped) as service:
        anybody = Client(service.port)

        def client(*roles: str, employee: str | None = "rep-01") -> Client:
            return anybody.with_key(
                issuer.token(sub=f"{roles}{employee}", realm_access={"roles": list(roles)}, employee=employee)
            )

        rep, manager = client("other", "crm-sales"), client("crm-sales", "crm-leads", employee="lead-01")
        enrolled = {"rep": {"source": "crm", "key": "rep-01"}, "team": "north"}
        rep.post("/v1/reps", enrolled).refused(403, "forbidden", "rep")
        manager.post("/v1/reps", enrolled).done()
        deal = rep.post("/v1/deals", {"pipeline": "loans"}).answer["stream_id"]
        assert manager.get(f"/v1/deals/{deal}").answer["state"]["owner"]["key"] == "rep-01"
        client("rep", "admin").get("/v1/board").refused(403, "forbidden", "realm_access.roles")
        client("crm-sales", employee=None).get("/v1/board").refused(401, "unauthenticated", "employee")


def test_what_an_auditor_reads_by_token_is_recorded(issuer: Issuer, service: Service, anybody: Client) -> None:
    anybody.with_key(issuer.token(roles="auditor", sub="a-1")).get("/v1/board", by="owner").done()
    with service.running.log.engine.connect() as connection:
        rows = connection.execute(text("SELECT path, query FROM reads")).all()
    assert [tuple(row) for row in rows] == [("/v1/board", "by=owner")]


@pytest.mark.parametrize("role", ROLES)
def test_every_route_lets_in_and_keeps_out_by_token_as_by_key(
    role: Role, issuer: Issuer, service: Service, anybody: Client
) -> None:
    client = anybody.with_key(issuer.token(roles=role))
    strangers = anybody.with_key(issuer.token(roles="visitor"))
    app = create_app(service.running.log.url)
    routes = [(method, path) for method, path in every_route(app) if path not in OPEN]
    app.state.running.close()
    assert len(routes) > 50
    for method, path in routes:
        address = path.replace("{pipeline}", "loans").replace("{rep}", "crm:x").replace("{person}", "x")
        # A stream that is let in does not end by itself.
        address = address.replace("/v1/stream", "/v1/stream?after=x").replace("{", "").replace("}", "")
        body, headers = (b"{}", {"Content-Type": "application/json"}) if method == "POST" else (None, {})
        status = client.send(method, address, body, headers).status
        assert (status != 403) == (role in expected(method, path)), f"{role}: {method} {address} {status}"
        assert status != 401
        strangers.send(method, address, body, headers).refused(403, "forbidden")


def test_settings_that_would_let_anybody_in_are_refused(sqlite_url: str) -> None:
    for wrong, why in (
        (Serving(oidc_issuer="http://issuer.example", oidc_audience="x"), "https"),
        (Serving(oidc_issuer="issuer.example", oidc_audience="x"), "https"),
        (Serving(oidc_issuer="https://issuer.example"), "DEALTRAIL_OIDC_AUDIENCE"),
        (Serving(oidc_issuer="https://issuer.example", oidc_audience="x", oidc_roles="all=root"), "all=root"),
    ):
        with pytest.raises(Rejected, match=why):
            create_app(sqlite_url, wrong)


def test_without_an_issuer_no_token_is_looked_at(sqlite_url: str, issuer: Issuer) -> None:
    schema.init(sqlite_url)
    with serving(sqlite_url) as service:
        Client(service.port, issuer.token()).get("/v1/board").refused(401, "unauthenticated", "API key")
    assert not issuer.asked
