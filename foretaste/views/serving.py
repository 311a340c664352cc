"""The champion over HTTP, to be asked by what serves it: read-only, and no rows."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

from foretaste.core.ledger import Champion
from foretaste.core.workspace import Workspace
from foretaste.models.promotion import against_gates

if TYPE_CHECKING:
    from starlette.applications import Starlette
    from starlette.requests import Request
    from starlette.responses import JSONResponse

LOOPBACK = "127.0.0.1"


def history_of(root: Path) -> list[Champion]:
    """Ask the ledger, which decides, who is and was champion, newest first."""
    with Workspace.open(root).ledger() as ledger:
        return ledger.champion_history()


def champion_app(root: Path) -> Starlette:
    """Build the application.

    ``GET /champion`` gives the newest entry of the champions' history, 404 before the
    first. ``GET /champion/DIGEST`` says whether that model is champion.
    """
    from starlette.applications import Starlette
    from starlette.responses import JSONResponse
    from starlette.routing import Route

    def champion(_: Request) -> JSONResponse:
        history = history_of(root)
        if not history:
            return JSONResponse({"error": "there is no champion yet"}, status_code=404)
        return JSONResponse(told(history))

    def same(request: Request) -> JSONResponse:
        asked = request.path_params["digest"]
        serves = next((one.model for one in history_of(root)), None)
        return JSONResponse({"champion": serves == asked, "serves": serves})

    routes = [
        Route("/champion", champion, methods=["GET"]),
        Route("/champion/{digest}", same, methods=["GET"]),
    ]
    return Starlette(routes=routes)


def told(history: Sequence[Champion]) -> dict[str, Any]:
    """Give the newest champion as JSON values; ``against_gates`` also after a rollback to one."""
    one = history[0]
    against = one.seq in against_gates(history)
    return asdict(one) | {"at": one.at.isoformat(), "against_gates": against}


def serve(root: Path, host: str, port: int) -> None:
    """Answer until stopped."""
    import uvicorn

    uvicorn.run(champion_app(root), host=host, port=port, log_level="warning")
