"""An authorization server as the tests need one: it publishes metadata and keys, and signs whatever it is told."""

import json
import time
from typing import Any, Final

import jwt
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey, generate_private_key
from jwt.algorithms import RSAAlgorithm
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route

AUDIENCE: Final = "https://mcp.example.com/mcp"


def new_key() -> RSAPrivateKey:
    """A key to sign with."""
    return generate_private_key(65537, 2048)


class AuthorizationServer:
    """Publishes metadata and keys, and signs tokens.

    Attributes:
        url: Where it is served.
        keys: The keys that it publishes, by name.
        fetched: How often they were read.
        away: Whether it answers with an error.
        keys_at: Where its metadata says that the keys are, if not where they are.
    """

    def __init__(self) -> None:
        self.url = ""
        self.keys = {"one": new_key()}
        self.fetched = 0
        self.away = False
        self.keys_at = ""

    def app(self) -> Starlette:
        """What it publishes."""

        def metadata(_: Request) -> JSONResponse:
            return JSONResponse(
                {"issuer": self.url, "jwks_uri": self.keys_at or f"{self.url}/keys"}, 503 if self.away else 200
            )

        def keys(_: Request) -> JSONResponse:
            self.fetched += 1
            public = {name: json.loads(RSAAlgorithm.to_jwk(key.public_key())) for name, key in self.keys.items()}
            return JSONResponse(
                {"keys": [key | {"kid": name, "use": "sig", "alg": "RS256"} for name, key in public.items()]}
            )

        return Starlette(routes=[Route("/.well-known/openid-configuration", metadata), Route("/keys", keys)])

    def token(self, *, key: Any = "its own", alg: str = "RS256", kid: str | None = "one", **claims: Any) -> str:
        """A token that is good unless told otherwise; a claim that is None is left out."""
        good = {"iss": self.url, "aud": AUDIENCE, "sub": "ada", "exp": time.time() + 60, "scope": "capgo other"}
        chosen = {name: value for name, value in (good | claims).items() if value is not None}
        signing = self.keys["one"] if key == "its own" else key
        return jwt.encode(chosen, signing, alg, headers={} if kid is None else {"kid": kid})

    def signed(self, payload: bytes) -> str:
        """A token of any content, odd ones as well, with a good signature."""
        return jwt.PyJWS().encode(payload, self.keys["one"], "RS256", headers={"kid": "one"})
