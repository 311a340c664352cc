"""The desk on a socket: opened, announced, closed cleanly."""

from __future__ import annotations

import ipaddress
import os
import socket
import ssl
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final
from urllib.parse import urlsplit

from foretaste.core.errors import ContractError, Unavailable, WorkspaceError
from foretaste.core.workspace import Workspace
from foretaste.review.auth.invitation import Invitation
from foretaste.review.desk import Desk, utc_now
from foretaste.views.people import local_admin, somebody_can_log_in

if TYPE_CHECKING:
    import uvicorn

    from foretaste.review.auth.oidc import Provider

PORT: Final = 8710
_GRACE_SECONDS: Final = 5
_BACKLOG: Final = 128


@dataclass(frozen=True, slots=True)
class Address:
    """Where the desk listens, and what people type.

    Parameters
    ----------
    origin
        What people type, e.g. ``https://desk.example``, when others than this machine's
        users reach it; "" otherwise.
    certificate, certificate_key
        Files of the desk's own TLS; None where a proxy in front does it.
    """

    host: str = "127.0.0.1"
    port: int = PORT
    origin: str = ""
    certificate: Path | None = None
    certificate_key: Path | None = None

    def check(self) -> None:
        """Refuse to send passwords and other people's texts over an open wire.

        Raises
        ------
        ContractError
            If others can reach the desk and no TLS is told of, the origin is none, or the
            certificate cannot be used.
        """
        if self.origin and not _is_origin(self.origin):
            raise ContractError("write https://NAME or https://NAME:PORT", location="--origin")
        if not self.local and not self.origin.startswith("https://"):
            raise ContractError(
                f"others can reach {self.host}: the desk needs TLS",
                location="--host",
                hint="--origin https://… of the proxy in front, or with --certificate of its own",
            )
        if self.certificate is not None:
            self._check_certificate(self.certificate)

    def _check_certificate(self, certificate: Path) -> None:
        if not self.origin.startswith("https://"):
            raise ContractError("say --origin https://… too", location="--certificate")
        try:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(certificate, self.certificate_key)
        except OSError as error:
            said = error.strerror or str(error)
            raise ContractError(f"it cannot be used: {said}", location="--certificate") from None

    @property
    def local(self) -> bool:
        """True where only this machine reaches the desk."""
        if self.host == "localhost":
            return True
        try:
            return ipaddress.ip_address(self.host).is_loopback
        except ValueError:
            return False

    def url(self, port: int) -> str:
        """Give what to type into a browser."""
        name = f"[{self.host}]" if ":" in self.host else self.host
        return self.origin or f"http://{name}:{port}"


def _is_origin(text: str) -> bool:
    parts = urlsplit(text)
    return (
        parts.scheme in {"http", "https"}
        and bool(parts.hostname)
        and text == f"{parts.scheme}://{parts.netloc}"
        and "@" not in parts.netloc
    )


@contextmanager
def opened(
    workspace: Workspace,
    address: Address,
    account: str,
    announce: Callable[[str], None],
    environment: Mapping[str, str] = os.environ,
) -> Iterator[Desk]:
    """Open a desk; without users of its own it invites the one who opens it.

    Parameters
    ----------
    account
        Name of who opens it.
    announce
        Told the token of each invitation.

    Raises
    ------
    WorkspaceError
        If others can reach it, and nobody could log in.
    """
    address.check()
    provider = _provider(environment)
    with workspace.ledger() as ledger:
        invitation = None
        if not somebody_can_log_in(ledger, provider=provider is not None):
            if not address.local or address.origin:
                raise WorkspaceError(
                    "the desk has no users", hint="`foretaste users add NAME --role admin`"
                )
            invitation = Invitation(local_admin(ledger, account, at=utc_now()), announce)
            invitation.renew()
        yield Desk(
            workspace,
            ledger,
            workspace.policy,
            origin=address.origin,
            provider=provider,
            invitation=invitation,
        )


def _provider(environment: Mapping[str, str]) -> Provider | None:
    if not environment.get("FORETASTE_OIDC_ISSUER"):
        return None
    from foretaste.review.auth.oidc import Provider, Settings

    settings = Settings.read(environment)
    return None if settings is None else Provider(settings)


def listen(address: Address) -> socket.socket:
    """Take the port, before anything is announced.

    Raises
    ------
    Unavailable
        If somebody else has it.
    """
    family = socket.AF_INET6 if ":" in address.host else socket.AF_INET
    taken = socket.socket(family)
    taken.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        taken.bind((address.host, address.port))
        # From here on who opens the link waits, rather than be turned away.
        taken.listen(_BACKLOG)
    except OSError as error:
        taken.close()
        raise Unavailable(
            f"{address.host} port {address.port} cannot be used: {error.strerror}",
            hint="give another --port",
        ) from None
    return taken


def serve(desk: Desk, address: Address, taken: socket.socket) -> None:
    """Answer until told to stop; what was begun is finished."""
    server(desk, address).run(sockets=[taken])


def server(desk: Desk, address: Address) -> uvicorn.Server:
    """Make what answers at an address."""
    import uvicorn

    from foretaste.review.app import create_app

    config = uvicorn.Config(
        create_app(desk),
        log_config=None,
        access_log=False,
        server_header=False,
        lifespan="off",
        ws="none",
        # Only a proxy that was told of may say who asks.
        proxy_headers=bool(address.origin) and address.certificate is None,
        ssl_certfile=address.certificate,
        ssl_keyfile=address.certificate_key,
        timeout_graceful_shutdown=_GRACE_SECONDS,
    )
    return uvicorn.Server(config)
