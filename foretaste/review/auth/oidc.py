"""Logging in elsewhere: OpenID Connect, authorization code with PKCE, state and nonce."""

from __future__ import annotations

import logging
import secrets
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, Final
from urllib.parse import urlsplit

import httpx
from authlib.common.errors import AuthlibBaseError
from authlib.integrations.base_client.sync_openid import OpenIDMixin
from authlib.integrations.httpx_client import OAuth2Client
from joserfc.errors import JoseError

from foretaste.core.errors import ContractError, Unavailable, WorkspaceError

logger = logging.getLogger(__name__)

_SECONDS: Final = 10.0
# The provider's own key signs: neither a secret that both know, nor nobody ("none").
_ALGORITHMS: Final = frozenset(
    (
        "RS256",
        "RS384",
        "RS512",
        "PS256",
        "PS384",
        "PS512",
        "ES256",
        "ES384",
        "ES512",
        "EdDSA",
        "Ed25519",
    )
)
_NEEDED: Final = ("authorization_endpoint", "token_endpoint", "jwks_uri")
_NAMES: Final = (
    "FORETASTE_OIDC_ISSUER",
    "FORETASTE_OIDC_CLIENT_ID",
    "FORETASTE_OIDC_CLIENT_SECRET",
)


@dataclass(frozen=True, slots=True)
class Settings:
    """What the provider and this desk agreed on."""

    issuer: str
    client_id: str
    client_secret: str = field(repr=False)

    @classmethod
    def read(cls, environment: Mapping[str, str]) -> Settings | None:
        """Read them from the environment; None when they are not set.

        Raises
        ------
        ContractError
            If some are missing, or the issuer could be read on the way.
        """
        found = [environment.get(name, "").strip() for name in _NAMES]
        if not any(found):
            return None
        if not all(found):
            raise ContractError(f"set all of {', '.join(_NAMES)}, or none", location="environment")
        parts = urlsplit(found[0])
        near = parts.hostname in {"localhost", "127.0.0.1", "::1"}
        if parts.scheme != "https" and not (parts.scheme == "http" and near):
            raise ContractError("the issuer begins with https://", location=_NAMES[0])
        return cls(found[0].rstrip("/"), found[1], found[2])


@dataclass(frozen=True, slots=True)
class Started:
    """A login that went to the provider; the browser keeps it, sealed, until it returns.

    Parameters
    ----------
    target
        Where the login leads in the end.
    """

    state: str
    nonce: str
    verifier: str
    target: str


class Provider(OpenIDMixin):
    """An identity provider.

    Parameters
    ----------
    transport
        An httpx transport; default: the network.
    """

    def __init__(self, settings: Settings, *, transport: Any = None) -> None:
        self.client_id = settings.client_id
        self.server_metadata: dict[str, Any] = {}
        self._settings = settings
        self._transport = transport

    def begin(self, redirect_uri: str, target: str) -> tuple[str, Started]:
        """Give the URL to send the browser to, and what to remember until it returns.

        Raises
        ------
        Unavailable
            If the provider does not answer.
        """
        state, nonce, verifier = (secrets.token_urlsafe(48) for _ in range(3))
        with _named_faults(), self._get_session(redirect_uri) as session:
            url, _ = session.create_authorization_url(
                self.load_server_metadata()["authorization_endpoint"],
                state=state,
                nonce=nonce,
                code_verifier=verifier,
            )
        return str(url), Started(state, nonce, verifier, target)

    def subject(
        self, started: Started, *, state: str, code: str, issuer: str | None, redirect_uri: str
    ) -> str:
        """Exchange a code for who it is: the ``sub`` of a verified ID token.

        Parameters
        ----------
        issuer
            Who the answer says it comes from (RFC 9207); None where it does not say.

        Raises
        ------
        WorkspaceError
            If the answer is not one to this login, or does not hold.
        Unavailable
            If the provider does not answer.
        """
        if not secrets.compare_digest(state.encode(), started.state.encode()):
            raise WorkspaceError("that login was begun elsewhere", hint="begin it again")
        if issuer is not None and issuer.rstrip("/") != self._settings.issuer:
            raise WorkspaceError("that login comes from another provider", hint="begin it again")
        with _named_faults(), self._get_session(redirect_uri) as session:
            token = session.fetch_token(
                self.load_server_metadata()["token_endpoint"],
                grant_type="authorization_code",
                code=code,
                code_verifier=started.verifier,
            )
            claims = self.parse_id_token(token, started.nonce, claims_options=self._claims())
        subject = "" if claims is None else str(claims.get("sub", ""))
        if not 0 < len(subject) <= 255:
            raise WorkspaceError("the identity provider did not say who logged in")
        return subject

    def load_server_metadata(self) -> dict[str, Any]:
        """Give what the provider says of itself; asked once."""
        if not self.server_metadata:
            with self._get_session() as session:
                url = self._settings.issuer + "/.well-known/openid-configuration"
                answer = session.request("GET", url, withhold_token=True)
                answer.raise_for_status()
                self.server_metadata = self._checked(answer.json())
        return self.server_metadata

    def _checked(self, said: dict[str, Any]) -> dict[str, Any]:
        if str(said.get("issuer", "")).rstrip("/") != self._settings.issuer:
            raise WorkspaceError("the identity provider says that it is another one")
        if not all(isinstance(said.get(name), str) for name in _NEEDED):
            raise WorkspaceError("the identity provider does not say where it is to be asked")
        offered = said.get("id_token_signing_alg_values_supported", ["RS256"])
        usable = [one for one in offered if one in _ALGORITHMS]
        return said | {"id_token_signing_alg_values_supported": usable}

    def _claims(self) -> dict[str, Any]:
        return {
            "iss": {"essential": True, "value": self.server_metadata["issuer"]},
            "aud": {"essential": True, "value": self.client_id},
        }

    def _get_session(self, redirect_uri: str | None = None) -> Any:
        return OAuth2Client(
            self._settings.client_id,
            self._settings.client_secret,
            scope="openid",
            redirect_uri=redirect_uri,
            code_challenge_method="S256",
            timeout=_SECONDS,
            transport=self._transport,
        )


@contextmanager
def _named_faults() -> Iterator[None]:
    try:
        yield
    except httpx.HTTPError as error:
        logger.warning("the identity provider: %s", error)
        raise Unavailable("the identity provider does not answer as it should") from None
    except (AuthlibBaseError, JoseError, ValueError, KeyError) as error:
        logger.warning("the identity provider: %s", error)
        raise WorkspaceError("that login does not hold", hint="begin it again") from None
