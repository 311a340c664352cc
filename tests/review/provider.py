"""A small identity provider on no network: signs what it is told, also lies."""

from __future__ import annotations

import base64
import hashlib
import json
import time
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx
from joserfc import jwt
from joserfc.jwk import OctKey, RSAKey

ISSUER = "https://id.example"
CLIENT = "desk"
SECRET = "a secret of client and provider"


@dataclass
class SmallProvider:
    """Answers as an OpenID provider; ``lies`` replaces claims, ``said`` the metadata."""

    subject: str = "sub-lea"
    lies: dict[str, Any] = field(default_factory=dict)
    said: dict[str, Any] = field(default_factory=dict)
    signs: str = "RS256"
    key: RSAKey = field(default_factory=lambda: RSAKey.generate_key(2048, {"kid": "one"}))
    down: bool = False
    asked: dict[str, str] = field(default_factory=dict)

    def visit(self, url: str) -> dict[str, str]:
        """What a browser brings back after logging in at ``url``."""
        self.asked = {name: values[0] for name, values in parse_qs(urlsplit(url).query).items()}
        return {"code": "the-code", "state": self.asked["state"]}

    def transport(self) -> httpx.MockTransport:
        """The network in front of it."""
        return httpx.MockTransport(self._answer)

    def _answer(self, request: httpx.Request) -> httpx.Response:
        if self.down:
            raise httpx.ConnectError("nobody there")
        path = request.url.path
        if path.endswith("openid-configuration"):
            return httpx.Response(200, json=self._metadata())
        if path == "/keys":
            return httpx.Response(200, json={"keys": [self.key.as_dict(private=False)]})
        return self._token(parse_qs(request.content.decode()))

    def _metadata(self) -> dict[str, Any]:
        known = {
            "issuer": ISSUER,
            "authorization_endpoint": f"{ISSUER}/authorize",
            "token_endpoint": f"{ISSUER}/token",
            "jwks_uri": f"{ISSUER}/keys",
            "id_token_signing_alg_values_supported": ["RS256", "HS256", "none"],
        }
        return known | self.said

    def _token(self, form: dict[str, list[str]]) -> httpx.Response:
        digest = hashlib.sha256(form.get("code_verifier", [""])[0].encode()).digest()
        challenge = base64.urlsafe_b64encode(digest).rstrip(b"=").decode()
        if form["code"] != ["the-code"] or challenge != self.asked["code_challenge"]:
            return httpx.Response(400, json={"error": "invalid_grant"})
        now = int(time.time())
        claims = {"iss": ISSUER, "sub": self.subject, "aud": CLIENT, "iat": now, "exp": now + 60}
        claims |= {"nonce": self.asked["nonce"]}
        claims = {name: v for name, v in (claims | self.lies).items() if v is not None}
        body = {"access_token": "a", "token_type": "Bearer", "id_token": self._signed(claims)}
        return httpx.Response(200, json=body)

    def _signed(self, claims: dict[str, Any]) -> str:
        if self.signs == "none":
            parts = [json.dumps(one).encode() for one in ({"alg": "none"}, claims)]
            sealed = [base64.urlsafe_b64encode(one).rstrip(b"=").decode() for one in parts]
            return ".".join([*sealed, ""])
        if self.signs == "HS256":
            key: Any = OctKey.import_key(SECRET)
            return jwt.encode({"alg": "HS256"}, claims, key, algorithms=["HS256"])
        key = self.key if self.signs == "RS256" else RSAKey.generate_key(2048, {"kid": "one"})
        return jwt.encode({"alg": "RS256", "kid": "one"}, claims, key)
