"""Kill -9 at every point of a publication: the old state or the new one, nothing else."""

from __future__ import annotations

import multiprocessing
import os
import signal
from collections.abc import Callable
from pathlib import Path

import pytest

from foretaste.core.history import read_release_table, verify_release
from foretaste.core.release import releases
from foretaste.core.releasing import apply_release, commit_models
from foretaste.core.workspace import Workspace
from tests.workspaces import copy_workspace, fingerprint, isolate, stage_night

CHILDREN = multiprocessing.get_context("forkserver")
CHILDREN.set_forkserver_preload([__name__, "dvc.api", "dvc.repo", "pyarrow.parquet"])

FIRST, SECOND = "2026-01-01", "2026-01-02"
WRITTEN = (
    f"data/accepted/night={SECOND}/part-0.parquet",
    f"data/contributions/night={SECOND}/part-0.parquet",
    "data/night/sanitize/verdicts.parquet",
    "data/state/night.json",
    "data/state/validity.parquet",
)
BEFORE_COMMIT = (
    "journal",
    *(f"{what} {path}" for path in WRITTEN for what in ("temp", "renamed")),
    "removed data/night/sanitize/old.json",
    "removed data/state/old.json",
    *(f"added data/{d}" for d in ("contributions", "accepted", "state", "golden", "canaries")),
    "recorded sanitize",
    "pushed",
    "wrote releases/0002.json",
    "wrote releases/0002.sig",
    "indexed",
)
AFTER_COMMIT = ("committed", "tagged", "done")
IN_RECOVERY = ("pointers restored", "files removed", "settled")

Act = Callable[[Workspace, Callable[[str], None]], object]


def first_night(workspace: Workspace, checkpoint: Callable[[str], None]) -> object:
    old = ("data/state/old.json", "data/night/sanitize/old.json")
    plan = stage_night(workspace, FIRST, more=old)
    return apply_release(workspace, plan, checkpoint=checkpoint)


def second_night(workspace: Workspace, checkpoint: Callable[[str], None]) -> object:
    plan = stage_night(workspace, SECOND, ids=range(10, 15))
    return apply_release(workspace, plan, checkpoint=checkpoint)


def models(workspace: Workspace, checkpoint: Callable[[str], None]) -> object:
    work = workspace.layout.runs / "models"
    work.mkdir(parents=True, exist_ok=True)
    for name in ("model", "train", "gates"):
        (work / name).write_text(name)
    return commit_models(
        workspace,
        message="Models of release 1",
        tag="model/0001",
        staged={
            "models/abc/model.skops": work / "model",
            "data/night/train/predictions.csv": work / "train",
            "data/night/evaluate/gates.json": work / "gates",
        },
        checkpoint=checkpoint,
    )


def recovery(workspace: Workspace, checkpoint: Callable[[str], None]) -> object:
    return workspace.recover(checkpoint=checkpoint)


def _child(act: Act, root: Path, environment: dict[str, str], point: str) -> None:
    # The fork server was started under another test's environment.
    os.environ.clear()
    os.environ.update(environment)

    def die(passed: str) -> None:
        if passed == point:
            os.kill(os.getpid(), signal.SIGKILL)

    act(Workspace.open(root), die)


def killed(act: Act, workspace: Workspace, point: str) -> None:
    """Do something in a child that is killed at a point."""
    child = CHILDREN.Process(target=_child, args=(act, workspace.root, dict(os.environ), point))
    child.start()
    child.join()
    assert child.exitcode == -signal.SIGKILL, f"never reached {point!r}"


def ignore(_: str) -> None:
    """Pass a point alive."""


@pytest.fixture(scope="module")
def once(blank: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A workspace with one release, to be copied."""
    folder = tmp_path_factory.mktemp("once")
    with pytest.MonkeyPatch.context() as patch:
        isolate(patch, folder / "home")
        first_night(copy_workspace(blank, folder), ignore)
    return folder


@pytest.fixture
def published(once: Path, tmp_path: Path) -> Workspace:
    """A workspace with one release, of the test's own."""
    return copy_workspace(once, tmp_path)


@pytest.fixture(scope="module")
def reached(once: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """What it looks like after the second night, killed by nobody."""
    folder = tmp_path_factory.mktemp("reached")
    with pytest.MonkeyPatch.context() as patch:
        isolate(patch, folder / "home")
        workspace = copy_workspace(once, folder)
        second_night(workspace, ignore)
        return fingerprint(workspace)


def test_the_points_are_all_there_are(published: Workspace) -> None:
    passed: list[str] = []
    second_night(published, passed.append)
    assert passed == [*BEFORE_COMMIT, *AFTER_COMMIT]
    assert len(passed) >= 20


@pytest.mark.parametrize("point", [*BEFORE_COMMIT, *AFTER_COMMIT])
def test_a_killed_release_is_undone_or_finished(
    published: Workspace, reached: dict[str, str], point: str
) -> None:
    before = fingerprint(published)
    killed(second_night, published, point)
    workspace = Workspace.open(published.root)
    workspace.recover()
    assert fingerprint(workspace) == (reached if point in AFTER_COMMIT else before)
    assert workspace.git.changes() == {}
    assert workspace.recover() == ()
    second_night(workspace, ignore)
    assert_one_second_release(workspace)
    assert fingerprint(workspace) == reached


@pytest.mark.extra
@pytest.mark.parametrize("again", IN_RECOVERY)
@pytest.mark.parametrize("point", ["renamed data/state/night.json", "recorded sanitize", "indexed"])
def test_a_killed_recovery_is_recovered_from(published: Workspace, point: str, again: str) -> None:
    before = fingerprint(published)
    killed(second_night, published, point)
    killed(recovery, published, again)
    workspace = Workspace.open(published.root)
    workspace.recover()
    assert fingerprint(workspace) == before
    second_night(workspace, ignore)
    assert_one_second_release(workspace)


@pytest.mark.parametrize("point", ["journal", "recorded sanitize", "wrote releases/0001.sig"])
def test_a_killed_first_release_leaves_a_fresh_workspace(workspace: Workspace, point: str) -> None:
    before = fingerprint(workspace)
    killed(first_night, workspace, point)
    workspace.recover()
    assert fingerprint(workspace) == before
    first_night(workspace, ignore)
    assert [one.number for one in releases(workspace)] == [1]


@pytest.mark.parametrize(
    "point", ["temp models/abc/model.skops", "added models", "recorded evaluate", "committed"]
)
def test_killed_models_are_undone_or_finished(published: Workspace, point: str) -> None:
    before = fingerprint(published)
    killed(models, published, point)
    published.recover()
    if point == "committed":
        assert published.git.lines("tag", "--list", "model/*") == ["model/0001"]
        assert (published.root / "models/abc/model.skops").exists()
    else:
        assert fingerprint(published) == before
    assert models(published, ignore) == "model/0001"
    assert published.git.lines("tag", "--list", "model/*") == ["model/0001"]
    assert published.store.changed() == {}


def test_locks_that_a_dead_git_or_dvc_left_are_broken(published: Workspace) -> None:
    killed(second_night, published, "pushed")
    (published.root / ".git" / "index.lock").touch()
    (published.root / ".git" / "refs" / "heads" / "main.lock").touch()
    (published.root / ".dvc" / "tmp" / "rwlock").write_text('{"/data": {"wri')
    published.recover()
    second_night(published, ignore)
    assert_one_second_release(published)


def assert_one_second_release(workspace: Workspace) -> None:
    known = releases(workspace)
    assert [(one.number, one.night) for one in known] == [(1, FIRST), (2, SECOND)]
    assert workspace.git.lines("tag", "--list", "release/*") == ["release/0001", "release/0002"]
    verify_release(workspace, known[1])
    rows = read_release_table(workspace, known[1], "accepted")
    assert sorted(rows["row_id"].to_pylist()) == [f"r{i:04d}" for i in range(15)]
