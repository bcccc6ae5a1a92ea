"""An issuer of signed tokens: keys, tokens good and bad, and a server of its keys."""

from __future__ import annotations

import base64
import hashlib
import hmac
import http.server
import json
import ssl
import threading
from pathlib import Path
from typing import Any, Self

import jwt
import trustme
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from jwt.algorithms import ECAlgorithm, OKPAlgorithm, RSAAlgorithm

from tests.support.tls import context

ISSUER = "https://login.example.org"
AUDIENCE = "bgcopy"
ELSEWHERE = "/elsewhere"
_MAKERS: dict[str, Any] = {"RS256": RSAAlgorithm, "ES256": ECAlgorithm, "EdDSA": OKPAlgorithm}


def new_key(algorithm: str) -> Any:
    """A private key for an algorithm."""
    if algorithm == "RS256":
        return rsa.generate_private_key(public_exponent=65537, key_size=2048)
    if algorithm == "ES256":
        return ec.generate_private_key(ec.SECP256R1())
    return ed25519.Ed25519PrivateKey.generate()


def public(algorithm: str, key: Any, kid: str) -> dict[str, Any]:
    """The public half of a key as JWK."""
    jwk: dict[str, Any] = json.loads(_MAKERS[algorithm].to_jwk(key.public_key()))
    named = {"alg": algorithm, "use": "sig"} if algorithm == "RS256" else {}
    return {**jwk, "kid": kid, **named}


class Issuer:
    """Keys by id, which is that of their algorithm, in a file."""

    def __init__(self, folder: Path) -> None:
        self.keys = {algorithm: new_key(algorithm) for algorithm in _MAKERS}
        self.jwks = folder / "jwks.json"
        self.config = folder / "issuer.toml"
        self.write()

    def set(self) -> bytes:
        """The JWKS."""
        keys = [public(algorithm, key, algorithm) for algorithm, key in self.keys.items()]
        shared = {"kty": "oct", "k": "c2VjcmV0", "kid": "shared"}
        longer = {**public("RS256", self.keys["RS256"], "RS512"), "alg": "RS512"}
        return json.dumps({"keys": [*keys, shared, longer]}).encode()

    def write(self) -> None:
        """Puts the keys into the file."""
        self.jwks.write_bytes(self.set())

    def configure(self, *lines: str, keys: str | None = None) -> dict[str, Any]:
        """The file for the daemon; as keyword arguments of Settings."""
        place = keys or f'jwks_file = "{self.jwks}"'
        told = [f'issuer = "{ISSUER}"', f'audience = "{AUDIENCE}"', place, *lines]
        self.config.write_text("\n".join(told))
        return {"jwt_issuers": {"login": self.config}}

    def token(
        self,
        now: float,
        *,
        alg: str = "ES256",
        headers: dict[str, Any] | None = None,
        **claims: Any,
    ) -> str:
        """A token of an hour; claims that are None are left out."""
        all_ = {"iss": ISSUER, "aud": AUDIENCE, "sub": "anna", "exp": int(now) + 3600, **claims}
        told = {name: value for name, value in all_.items() if value is not None}
        return jwt.encode(told, self.keys[alg], alg, {"kid": alg, **(headers or {})})

    def public_pem(self, alg: str) -> bytes:
        """A public key as everybody knows it."""
        pem: bytes = (
            self.keys[alg]
            .public_key()
            .public_bytes(
                serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
            )
        )
        return pem


def by_hand(header: dict[str, Any], claims: Any, secret: bytes | None = None) -> str:
    """A token that no library would make, with a MAC of a secret or without a signature."""
    parts = [_coded(json.dumps(part).encode()) for part in (header, claims)]
    signed = ".".join(parts)
    mac = b"" if secret is None else hmac.digest(secret, signed.encode(), hashlib.sha256)
    return f"{signed}.{_coded(mac)}"


def _coded(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).decode().rstrip("=")


class KeyServer:
    """Serves a JWKS over TLS and counts who asks."""

    def __init__(self, folder: Path, body: bytes) -> None:
        self.body = body
        self.status = 200
        self.asked = 0
        authority = trustme.CA()
        self.ca = folder / "keys-ca.pem"
        authority.cert_pem.write_to_path(str(self.ca))
        self._context: ssl.SSLContext = context(authority)

    def __enter__(self) -> Self:
        keys = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                keys.asked += 1
                self.send_response(200 if self.path == ELSEWHERE else keys.status)
                self.send_header("Content-Length", str(len(keys.body)))
                self.send_header("Location", ELSEWHERE)
                self.end_headers()
                self.wfile.write(keys.body)

            def log_message(self, *_: object) -> None:
                """Tests look at what comes of it."""

        self._server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.socket = self._context.wrap_socket(self._server.socket, server_side=True)
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.05,))
        self._thread.start()
        self.url = f"https://localhost:{self._server.server_address[1]}/jwks.json"
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()
