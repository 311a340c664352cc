"""A workspace with judged nights, made once and copied for each test."""

from __future__ import annotations

from pathlib import Path

import pytest

from foretaste.core.workspace import Workspace
from tests.views.judged import publish_nights
from tests.workspaces import copy_workspace, isolate


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
