"""The champion over HTTP, to be asked by what serves it: read-only, and no rows."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

from foretaste.core.ledger import Champion
from foretaste.core.workspace import Workspace

if TYPE_CHECKING:
    from starlette.applications import Starlette
    from starlette.requests import Request
    from starlette.responses import JSONResponse

LOOPBACK = "127.0.0.1"


def champion_of(root: Path) -> Champion | None:
    """Ask the ledger, which decides, who is champion; None before the first."""
    with Workspace.open(root).ledger() as ledger:
        return ledger.champion()


def champion_app(root: Path) -> Starlette:
    """Build the application.

    ``GET /champion`` gives the newest entry of the champions' history, 404 before the
    first. ``GET /champion/DIGEST`` says whether that model is champion.
    """
    from starlette.applications import Starlette
    from starlette.responses import JSONResponse
    from starlette.routing import Route

    def champion(_: Request) -> JSONResponse:
        found = champion_of(root)
        if found is None:
            return JSONResponse({"error": "there is no champion yet"}, status_code=404)
        return JSONResponse(told(found))

    def same(request: Request) -> JSONResponse:
        found = champion_of(root)
        asked = request.path_params["digest"]
        serves = found.model if found else None
        return JSONResponse({"champion": serves == asked, "serves": serves})

    routes = [
        Route("/champion", champion, methods=["GET"]),
        Route("/champion/{digest}", same, methods=["GET"]),
    ]
    return Starlette(routes=routes)


def told(champion: Champion) -> dict[str, Any]:
    """Give a champion as JSON values."""
    return asdict(champion) | {"at": champion.at.isoformat()}


def serve(root: Path, host: str, port: int) -> None:
    """Answer until stopped."""
    import uvicorn

    uvicorn.run(champion_app(root), host=host, port=port, log_level="warning")
