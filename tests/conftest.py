"""Isolation for every test, and workspaces to work in."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from foretaste.core.release import Release, releases
from foretaste.core.releasing import apply_release
from foretaste.core.workspace import Workspace, init_workspace
from tests.views.judged import publish_nights
from tests.workspaces import CHECKOUT, copy_workspace, isolate, stage_night


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Begin with the nights, which take as long as all the rest."""
    items.sort(key=lambda item: item.path.parent.name != "e2e")


@pytest.fixture(autouse=True)
def _isolated(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> None:
    isolate(monkeypatch, tmp_path_factory.mktemp("home"))


@pytest.fixture(scope="session")
def template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The repository's dvc.yaml beside a policy that is all defaults."""
    folder = tmp_path_factory.mktemp("template")
    shutil.copyfile(CHECKOUT / "dvc.yaml", folder / "dvc.yaml")
    (folder / "params.yaml").write_text("seed: 7\n")
    return folder


@pytest.fixture(scope="session")
def blank(template: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A folder with a fresh workspace ``ws``, its remote and its keys, to be copied."""
    folder = tmp_path_factory.mktemp("blank")
    with pytest.MonkeyPatch.context() as patch:
        isolate(patch, folder / "home")
        init_workspace(folder / "ws", template=template)
        yield folder


@pytest.fixture
def workspace(blank: Path, tmp_path: Path) -> Workspace:
    """A fresh workspace of the test's own."""
    return copy_workspace(blank, tmp_path)


@pytest.fixture(scope="session")
def grown(blank: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What ``blank`` made, two nights later: ten rows, then five more; to be copied."""
    folder = tmp_path_factory.mktemp("grown")
    with pytest.MonkeyPatch.context() as patch:
        isolate(patch, folder / "home")
        workspace = copy_workspace(blank, folder)
        apply_release(workspace, stage_night(workspace, "2026-01-01"))
        apply_release(workspace, stage_night(workspace, "2026-01-02", ids=range(10, 15)))
        workspace.recover()
    return folder


@pytest.fixture
def two(workspace: Workspace, grown: Path) -> tuple[Release, Release]:
    """Two releases in the test's own workspace, the ledger up to date."""
    for name in ("ws", "ws.remote"):
        shutil.rmtree(workspace.root.with_name(name))
        shutil.copytree(grown / name, workspace.root.with_name(name), symlinks=True)
    first, second = releases(workspace)
    return first, second


@pytest.fixture(scope="session")
def judged_folder(blank: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a workspace of two judged nights; to be copied."""
    folder = tmp_path_factory.mktemp("judged")
    with pytest.MonkeyPatch.context() as patch:
        isolate(patch, folder / "home")
        publish_nights(copy_workspace(blank, folder))
    return folder


@pytest.fixture
def judged(judged_folder: Path, tmp_path: Path) -> Workspace:
    """Two judged nights in a workspace of the test's own."""
    return copy_workspace(judged_folder, tmp_path)
