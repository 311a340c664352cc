"""Serve Canaille on loopback with one user and one client; run by Canaille's own Python.

Canaille cannot live beside foretaste's pins, so this file imports nothing of foretaste.
"""

from __future__ import annotations

import json
import sys
from datetime import UTC, datetime
from wsgiref.simple_server import WSGIRequestHandler, make_server

from canaille import create_app
from canaille.app import models


class _Quiet(WSGIRequestHandler):
    def log_message(self, *_: object) -> None:
        """Say nothing."""


def main() -> None:
    """Print the URL once it is served."""
    told = json.loads(sys.argv[1])
    server = make_server("127.0.0.1", 0, None, handler_class=_Quiet)
    where = f"127.0.0.1:{server.server_port}"
    app = create_app(
        {
            "SECRET_KEY": "s" * 32,
            "SERVER_NAME": where,
            "PREFERRED_URL_SCHEME": "http",
            "SESSION_COOKIE_SECURE": False,
            "CANAILLE": {"NAME": "test"},
            "CANAILLE_OIDC": {},
        }
    )
    with app.app_context(), app.backend.session():
        user = models.User(
            formatted_name="Lea",
            family_name="Lea",
            user_name=told["user"],
            emails=["lea@mail.example"],
            password=told["password"],
        )
        app.backend.save(user)
        client = models.Client(
            client_id=told["client"],
            client_secret=told["secret"],
            client_name="desk",
            client_uri="http://127.0.0.1",
            redirect_uris=[told["redirect"]],
            client_id_issued_at=datetime.now(UTC),
            grant_types=["authorization_code"],
            response_types=["code"],
            scope=["openid"],
            token_endpoint_auth_method="client_secret_basic",
        )
        app.backend.save(client)
        client.audience = [client]
        app.backend.save(client)
    server.set_app(app)
    sys.stdout.write(f"http://{where}\n")
    sys.stdout.flush()
    server.serve_forever()


if __name__ == "__main__":
    main()
