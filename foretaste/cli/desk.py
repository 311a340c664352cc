"""The command that opens the desk: review."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

from foretaste.cli.output import HERE, JsonOption, Printer, WorkspaceOption, note

CHECKOUT = Path(__file__).resolve().parents[2]


def register(app: typer.Typer) -> None:
    """Add the command to the app."""
    app.command()(review)


def review(
    host: Annotated[str, typer.Option(help="Address to listen on.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(min=0, max=65_535, help="Port; 0 takes any.")] = 8710,
    origin: Annotated[
        str, typer.Option(help="What people type, when others reach it: https://NAME.")
    ] = "",
    certificate: Annotated[
        Path | None, typer.Option(help="TLS certificate, where no proxy stands in front.")
    ] = None,
    certificate_key: Annotated[Path | None, typer.Option(help="Its key.")] = None,
    demo: Annotated[
        bool, typer.Option("--demo", help="Open it on the demonstration, made when missing.")
    ] = False,
    workspace: WorkspaceOption = HERE,
    as_json: JsonOption = False,
) -> None:
    """Open the desk, where people look at cases and decide."""
    from foretaste.core.workspace import Workspace
    from foretaste.review.serve import Address, listen, opened, serve
    from foretaste.views.review import reviewer

    address = Address(host, port, origin.rstrip("/").lower(), certificate, certificate_key)
    address.check()
    root = _demonstration(workspace) if demo else workspace
    found = Workspace.open(root)
    taken = listen(address)
    url = address.url(taken.getsockname()[1])
    with taken, opened(found, address, reviewer(None), lambda token: _invite(url, token)) as desk:
        Printer(as_json).data({"url": url}, [f"the desk is open at {url}"])
        sys.stdout.flush()
        serve(desk, address, taken)


def _invite(url: str, token: str) -> None:
    note(f"foretaste: log in with this link; it works once: {url}/enter?token={token}")


def _demonstration(workspace: Path) -> Path:
    """Give the demonstration's folder, made when there is none."""
    from foretaste.cli.demonstration import demonstrate

    root = Path("workspace") if workspace == HERE else workspace
    if not (root / ".foretaste.json").exists():
        note("foretaste: making the demonstration first; some minutes")
        demonstrate(root, CHECKOUT)
    return root
