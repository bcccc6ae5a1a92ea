"""Signed tokens (JWT): whose, for what, until when; and the attacks that are known on them."""

from __future__ import annotations

import asyncio
import base64
import json
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any
from unittest import mock

import grpc
import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from pydantic import ValidationError

from bgcopy.v1 import background_copy_manager_pb2 as pb
from bgcopyd.callers import keys, signed
from bgcopyd.config import Settings
from tests.support.jwt_issuer import AUDIENCE, ISSUER, Issuer, KeyServer, by_hand, new_key, public
from tests.support.rpc_house import House, house
from tests.support.rpc_status import refusal

INFO = pb.GetServerInfoRequest()
OWNER = f"jwt:{ISSUER}#anna"


@pytest.fixture
def issuer(tmp_path: Path) -> Issuer:
    return Issuer(tmp_path)


async def told(home: House, token: str) -> tuple[str, list[int], list[str]]:
    info = await home.caller(token, tcp=True).call("GetServerInfo", INFO)
    return info.caller.principal, list(info.caller.scopes), list(info.roots)


async def refused(home: House, token: str) -> tuple[str, str]:
    found = await refusal(home.caller(token, tcp=True).call("GetServerInfo", INFO))
    assert found.code is grpc.StatusCode.UNAUTHENTICATED
    return found.reason, found.message


def now(home: House) -> float:
    return home.clock.now().timestamp()


@pytest.mark.parametrize("alg", ["RS256", "ES256", "EdDSA"])
async def test_who_shows_a_signed_token(issuer: Issuer, alg: str) -> None:
    async with house(**issuer.configure()) as home:
        assert await told(home, issuer.token(now(home), alg=alg)) == (OWNER, [1, 2], ["default"])
        several = issuer.token(now(home), alg=alg, aud=["other", AUDIENCE], scope="bgcopy.admin")
        assert (await told(home, several))[1] == [1, 2]
        # Tokens of our own are good as before.
        assert (await told(home, await home.token("bert")))[0] == "user:bert"


async def test_scopes_come_from_the_claim_and_within_the_rights(issuer: Issuer) -> None:
    table = ('scope_claim = "roles"', "[scopes]", '"jobs:see" = "read"', '"boss" = "admin"')
    rights = {f"jwt:{ISSUER}#boss": "read admin root:default", f"jwt:{ISSUER}#gone": "none"}
    async with house(**issuer.configure(*table), rights=rights) as home:
        for subject, claim, scopes in (
            ("anna", "jobs:see other", [1]),
            ("carl", "jobs:see boss", [1, 3]),
            ("anna", ["jobs:see", 5], [1]),
            ("anna", None, []),
            ("anna", {"jobs:see": True}, []),
            ("boss", "jobs:see boss", [1, 3]),
            ("gone", "jobs:see boss", []),
        ):
            token = issuer.token(now(home), sub=subject, roles=claim)
            assert (await told(home, token))[1] == scopes, (subject, claim)


async def test_times_with_their_leeway(issuer: Issuer) -> None:
    async with house(**issuer.configure("leeway = 60")) as home:
        at = now(home)
        assert await told(home, issuer.token(at, exp=int(at) - 30, nbf=int(at) + 30))
        assert (await refused(home, issuer.token(at, exp=int(at) - 90)))[0] == "CREDENTIAL_EXPIRED"
        early = issuer.token(at, nbf=int(at) + 90)
        assert await refused(home, early) == ("CREDENTIAL_INVALID", "the token is not good yet")
        known = issuer.token(at)
        assert await told(home, known)
        home.clock.ahead = timedelta(seconds=3700)
        assert (await refused(home, known))[0] == "CREDENTIAL_EXPIRED"


def attacks(issuer: Issuer, at: float) -> dict[str, tuple[str, str]]:
    """Tokens that must not be believed, each with a word of the refusal."""
    good = issuer.token(at)
    header, claims, signature = good.split(".")
    plain = {"iss": ISSUER, "aud": AUDIENCE, "sub": "root", "exp": int(at) + 999}
    forged = base64.urlsafe_b64encode(json.dumps(plain).encode()).decode().rstrip("=")
    foreign = jwt.encode(plain, new_key("ES256"), "ES256", {"kid": "ES256"})
    own_jwk = new_key("ES256")
    inline = {"kid": "ES256", "jwk": public("ES256", own_jwk, "ES256")}
    rsa_pem = issuer.public_pem("RS256")
    return {
        "none": (by_hand({"alg": "none", "kid": "ES256"}, plain), "algorithm"),
        "None": (by_hand({"alg": "None", "kid": "ES256"}, plain), "algorithm"),
        "no alg": (by_hand({"kid": "ES256"}, plain), ""),
        "HS256 with the public key": (
            by_hand({"alg": "HS256", "kid": "RS256"}, plain, rsa_pem), "alg",
        ),
        "HS256 with a key of the set": (
            by_hand({"alg": "HS256", "kid": "shared"}, plain, b"secret"), "alg",
        ),
        "RS256 with a key of ECDSA": (
            issuer.token(at, alg="RS256", headers={"kid": "ES256"}), "does not have",
        ),
        "RS256 with a key for RS512": (
            issuer.token(at, alg="RS256", headers={"kid": "RS512"}), "does not have",
        ),
        "RS512": (jwt.encode(plain, issuer.keys["RS256"], "RS512", {"kid": "RS256"}), "algorithm"),
        "without signature": (f"{header}.{claims}.", "signature"),
        "other claims": (f"{header}.{forged}.{signature}", "signature"),
        "foreign key": (foreign, "signature"),
        "key in the header": (jwt.encode(plain, own_jwk, "ES256", inline), "signature"),
        "critical header": (issuer.token(at, headers={"crit": ["x"], "x": 1}), ""),
        "wrong issuer": (issuer.token(at, iss=f"{ISSUER}/"), "issuer"),
        "no issuer": (issuer.token(at, iss=None), "issuer"),
        "wrong audience": (issuer.token(at, aud="other"), "aud"),
        "no audience": (issuer.token(at, aud=None), "aud"),
        "no end": (issuer.token(at, exp=None), "exp"),
        "no subject": (issuer.token(at, sub=None), "sub"),
        "endless": (issuer.token(at, exp=10**30), "time"),
        "subject with a line": (issuer.token(at, sub="a\nb"), "subject"),
        "subject of nothing": (issuer.token(at, sub=""), "subject"),
        "kid with a path": (issuer.token(at, headers={"kid": "../../etc/passwd"}), "does not have"),
        "kid of nobody": (issuer.token(at, headers={"kid": "x"}), "does not have"),
        "dots": ("a.b.c", "malformed"),
        "more dots": (f"{good}.{good}", "malformed"),
        "claims that are a list": (by_hand({"alg": "ES256", "kid": "ES256"}, [plain]), "malformed"),
        "deep": (
            by_hand({"alg": "ES256"}, 0).replace(".MA.", f".{'W1tb' * 900}."), "malformed",
        ),
        "long": (issuer.token(at, filler="x" * 4500), "more than"),
    }  # fmt: skip


async def test_attacks(issuer: Issuer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(signed, "_LONGEST", 6000)
    async with house(**issuer.configure()) as home:
        for name, (token, word) in attacks(issuer, now(home)).items():
            reason, message = await refused(home, token)
            assert (reason, word in message) == ("CREDENTIAL_INVALID", True), (name, message)
        assert await told(home, issuer.token(now(home)))


async def test_a_huge_token_never_comes_so_far(issuer: Issuer) -> None:
    async with house(**issuer.configure()) as home:
        huge = issuer.token(now(home), filler="x" * 30_000)
        found = await refusal(home.caller(huge, tcp=True).call("GetServerInfo", INFO))
        assert found.code is grpc.StatusCode.RESOURCE_EXHAUSTED
        assert await told(home, issuer.token(now(home)))


async def test_a_weak_key_is_no_key(issuer: Issuer) -> None:
    issuer.keys["RS256"] = rsa.generate_private_key(public_exponent=65537, key_size=1024)
    issuer.keys["ES256"] = ec.generate_private_key(ec.SECP384R1())
    weak = public("RS256", issuer.keys["RS256"], "RS256")
    other = {**json.loads(jwt.algorithms.ECAlgorithm.to_jwk(issuer.keys["ES256"].public_key()))}
    issuer.jwks.write_text(json.dumps({"keys": [weak, {**other, "kid": "ES256"}]}))
    async with house(**issuer.configure()) as home:
        with pytest.warns(jwt.warnings.InsecureKeyLengthWarning):
            token = issuer.token(now(home), alg="RS256")
        assert "2048 bits" in (await refused(home, token))[1]
        plain = by_hand({"alg": "ES256", "kid": "ES256"}, {"iss": ISSUER}, b"")
        assert "does not have" in (await refused(home, plain))[1]


async def test_a_withdrawn_key_ends_its_tokens_at_once(issuer: Issuer) -> None:
    async with house(**issuer.configure()) as home:
        token = issuer.token(now(home))
        assert await told(home, token)
        with mock.patch.object(jwt, "decode", side_effect=AssertionError("verified again")):
            assert await told(home, token)
        issuer.keys["ES256"] = new_key("ES256")
        issuer.write()
        assert "signature" in (await refused(home, token))[1]
        assert await told(home, issuer.token(now(home)))
        issuer.jwks.write_text("{")
        assert await told(home, issuer.token(now(home)))


async def test_keys_by_https(issuer: Issuer, tmp_path: Path) -> None:
    with KeyServer(tmp_path, issuer.set()) as server:
        place = f'jwks_url = "{server.url}"\nca_file = "{server.ca}"'
        async with house(**issuer.configure(keys=place)) as home:
            for _ in range(3):
                assert await told(home, issuer.token(now(home)))
            assert server.asked == 1
            # Unknown ids ask once, however many come.
            home.clock.passed += keys.SHORTEST_PAUSE + 1
            flood = [
                refused(home, issuer.token(now(home), headers={"kid": f"k{number}"}))
                for number in range(50)
            ]
            assert {reason for reason, _ in await asyncio.gather(*flood)} == {"CREDENTIAL_INVALID"}
            assert server.asked == 2
            issuer.keys["new"] = new_key("ES256")
            fresh = jwt.encode(
                {"iss": ISSUER, "aud": AUDIENCE, "sub": "anna", "exp": int(now(home)) + 900},
                issuer.keys["new"], "ES256", {"kid": "new"},
            )  # fmt: skip
            server.body = json.dumps(
                {"keys": [public("ES256", issuer.keys["new"], "new")]}
            ).encode()
            assert (await refused(home, fresh))[0] == "CREDENTIAL_INVALID"
            home.clock.passed += keys.SHORTEST_PAUSE + 1
            assert await told(home, fresh)
            assert (await refused(home, issuer.token(now(home))))[0] == "CREDENTIAL_INVALID"


@pytest.mark.parametrize(
    "spoil",
    [
        lambda server: setattr(server, "status", 302),
        lambda server: setattr(server, "status", 500),
        lambda server: setattr(server, "body", b"{}"),
        lambda server: setattr(server, "body", b"x" * (257 << 10)),
    ],
)
async def test_answers_that_bring_no_keys(
    issuer: Issuer, tmp_path: Path, spoil: Callable[[KeyServer], None]
) -> None:
    with KeyServer(tmp_path, issuer.set()) as server:
        place = f'jwks_url = "{server.url}"\nca_file = "{server.ca}"'
        async with house(**issuer.configure(keys=place)) as home:
            spoil(server)
            assert (await refused(home, issuer.token(now(home))))[0] == "CREDENTIAL_INVALID"
            server.status, server.body = 200, issuer.set()
            home.clock.passed += keys.SHORTEST_PAUSE + 1
            token = issuer.token(now(home))
            assert await told(home, token)
            # What is there serves on while nothing new comes, for a day.
            spoil(server)
            home.clock.passed += keys.FRESH + 1
            assert await told(home, token)
            home.clock.passed += keys.LONGEST_STALE
            assert (await refused(home, issuer.token(now(home))))[0] == "CREDENTIAL_INVALID"


@pytest.mark.parametrize(
    ("lines", "problem"),
    [
        ((), "jwks_file or by jwks_url"),
        (('jwks_url = "http://x/"',), "write https"),
        (('jwks_file = "a.json"',), "not absolute"),
        (('jwks_file = "/a"', 'algorithms = ["HS256"]'), "algorithms"),
        (('jwks_file = "/a"', 'algorithms = ["none"]'), "algorithms"),
        (('jwks_file = "/a"', "algorithms = []"), "algorithms"),
        (('jwks_file = "/a"', "leeway = 3600"), "leeway"),
        (('jwks_file = "/a"', 'scopes = { x = "everything" }'), "no scope"),
        (('jwks_file = "/a"', 'nonsense = "x"'), "nonsense"),
        (('jwks_file = "/a"', 'issuer = "https://x#y"'), "has a '#'"),
    ],
)
def test_files_that_describe_no_issuer(
    tmp_path: Path, lines: tuple[str, ...], problem: str
) -> None:
    path = tmp_path / "issuer.toml"
    named = [f'issuer = "{ISSUER}"'] * ("issuer" not in " ".join(lines))
    path.write_text("\n".join((*named, f'audience = "{AUDIENCE}"', *lines)))
    settings: dict[str, Any] = {"jwt_issuers": {"login": path}}
    with pytest.raises(ValidationError, match=problem):
        Settings(**settings)


def test_an_issuer_is_described_once(issuer: Issuer) -> None:
    issuer.configure()
    settings: dict[str, Any] = {"jwt_issuers": {"a": issuer.config, "b": issuer.config}}
    with pytest.raises(ValidationError, match="more than one file"):
        Settings(**settings)
