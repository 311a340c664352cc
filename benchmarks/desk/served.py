"""The desk in a process of its own."""

from __future__ import annotations

import multiprocessing
from collections.abc import Iterator
from contextlib import contextmanager
from multiprocessing.connection import Connection
from pathlib import Path

from foretaste.core.keys import WorkspaceKey
from foretaste.core.ledger import Ledger
from foretaste.core.workspace import Workspace
from foretaste.review.desk import Desk
from foretaste.review.serve import Address, listen, serve


@contextmanager
def answering(folder: Path) -> Iterator[str]:
    """Serve the desk from a process of its own; give its address."""
    context = multiprocessing.get_context("spawn")
    ours, theirs = context.Pipe()
    process = context.Process(target=_answer, args=(folder, theirs))
    process.start()
    theirs.close()
    try:
        yield ours.recv()
    finally:
        process.terminate()
        process.join()


def _answer(folder: Path, told: Connection) -> None:
    workspace = Workspace(folder, "0" * 16, WorkspaceKey(bytes(32)))
    address = Address(port=0)
    taken = listen(address)
    with Ledger.open(folder / "ledger.sqlite") as ledger:
        told.send(address.url(taken.getsockname()[1]))
        serve(Desk(workspace, ledger, workspace.policy), address, taken)
