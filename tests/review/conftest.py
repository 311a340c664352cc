"""Desks for every test of the pages."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from foretaste.core.git import Git
from foretaste.core.keys import WorkspaceKey
from foretaste.core.ledger import Ledger
from foretaste.core.workspace import Workspace
from foretaste.review.desk import Desk
from tests.review.desks import Browser, Clock, browsing, people, seated


@pytest.fixture(scope="session")
def seated_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What the desk reads of a workspace without nights: a policy, git, a ledger; to be copied."""
    folder = tmp_path_factory.mktemp("seated") / "ws"
    folder.mkdir()
    (folder / "params.yaml").write_text("seed: 7\n")
    Git(folder).run("init", "--quiet", "--template=", ".")
    Git(folder).run("commit", "--quiet", "--allow-empty", "--message", "begin")
    with Ledger.open(folder / "ledger.sqlite") as ledger:
        people(ledger)
    return folder


@pytest.fixture
def clock() -> Clock:
    """The desk's clock."""
    return Clock()


@pytest.fixture
def desk(seated_folder: Path, tmp_path: Path, clock: Clock) -> Iterator[Desk]:
    """A desk with one user of each role and no cases."""
    shutil.copytree(seated_folder, tmp_path / "ws")
    workspace = Workspace(tmp_path / "ws", "0" * 16, WorkspaceKey(bytes(32)))
    with workspace.ledger() as ledger:
        yield seated(workspace, ledger, clock)


@pytest.fixture
def stranger(desk: Desk) -> Iterator[Browser]:
    """A browser that is not logged in."""
    with browsing(desk) as browser:
        yield browser


@pytest.fixture
def admin(desk: Desk) -> Iterator[Browser]:
    """A browser in which the admin ada is logged in."""
    with browsing(desk, "ada") as browser:
        yield browser
