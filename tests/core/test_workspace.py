from __future__ import annotations

import json
import os
import shutil
import stat
import subprocess
from datetime import UTC, datetime
from pathlib import Path

import pytest

from foretaste.core.errors import Dirty, Locked, Tampered, WorkspaceError
from foretaste.core.keys import key_folder
from foretaste.core.lock import workspace_lock
from foretaste.core.recovery import verify_tree
from foretaste.core.release import releases
from foretaste.core.releasing import apply_release, commit_models
from foretaste.core.workspace import MARKER, Workspace, init_workspace
from tests.workspaces import fingerprint, stage_night

NOW = datetime(2026, 1, 2, tzinfo=UTC)


def test_init_makes_a_committed_private_workspace(template: Path, tmp_path: Path) -> None:
    workspace = init_workspace(tmp_path / "ws", template=template)
    assert workspace.git.changes() == {}
    assert workspace.git.branch() == "main"
    assert workspace.store.changed().keys() == {"sanitize", "train", "evaluate"}
    assert workspace.store.remote() == str(tmp_path / "ws.remote")
    assert workspace.policy.seed == 7
    assert Workspace.open(tmp_path / "ws") == workspace
    assert workspace.recover() == ()
    for path in key_folder().iterdir():
        assert stat.S_IMODE(path.stat().st_mode) == 0o600
        assert path.read_bytes().strip() not in _all_bytes(workspace.root)


def test_a_workspace_inside_another_repository_is_its_own(template: Path, tmp_path: Path) -> None:
    outer = ["git", "-c", "user.name=o", "-c", "user.email=o@localhost", "-C", str(tmp_path)]
    subprocess.run([*outer, "init", "--quiet"], check=True)
    subprocess.run([*outer, "commit", "--quiet", "--allow-empty", "-m", "outer"], check=True)
    workspace = init_workspace(tmp_path / "ws", template=template)
    theirs = subprocess.run([*outer, "rev-parse", "HEAD"], check=True, capture_output=True)
    assert workspace.git.head() != theirs.stdout.decode().strip()
    assert Workspace.open(tmp_path / "ws").recover() == ()


def test_init_again_gives_the_same_workspace(workspace: Workspace, template: Path) -> None:
    before = fingerprint(workspace)
    assert init_workspace(workspace.root, template=template) == workspace
    assert fingerprint(workspace) == before


def test_a_killed_init_is_finished_by_the_next(template: Path, tmp_path: Path) -> None:
    first = init_workspace(tmp_path / "ws", template=template)
    shutil.rmtree(first.root / ".git")
    with pytest.raises(WorkspaceError, match="not a foretaste workspace"):
        Workspace.open(first.root)
    second = init_workspace(tmp_path / "ws", template=template)
    assert second == first
    assert second.git.changes() == {}


def test_init_takes_a_remote_of_the_users_own(template: Path, tmp_path: Path) -> None:
    workspace = init_workspace(tmp_path / "ws", template=template, remote=str(tmp_path / "a" / "b"))
    apply_release(workspace, stage_night(workspace))
    assert any((tmp_path / "a" / "b").rglob("*.dir"))


def test_a_workspace_moves_with_its_remote(workspace: Workspace, tmp_path: Path) -> None:
    apply_release(workspace, stage_night(workspace))
    (tmp_path / "elsewhere").mkdir()
    for name in ("ws", "ws.remote"):
        shutil.move(tmp_path / name, tmp_path / "elsewhere" / name)
    moved = Workspace.open(tmp_path / "elsewhere" / "ws")
    moved.recover()
    apply_release(moved, stage_night(moved, "2026-01-02"))
    assert moved.store.remote() == str(tmp_path / "elsewhere" / "ws.remote")


def test_init_refuses_a_folder_with_something_in_it(template: Path, tmp_path: Path) -> None:
    (tmp_path / "thesis.tex").write_text("years of work")
    with pytest.raises(WorkspaceError, match="not empty"):
        init_workspace(tmp_path, template=template)
    assert [p.name for p in tmp_path.iterdir()] == ["thesis.tex"]


@pytest.mark.parametrize("text", ["{", "[]", '{"format": 1}', '{"workspace": "x"}'])
def test_a_damaged_marker_is_named(workspace: Workspace, text: str) -> None:
    (workspace.root / MARKER).write_text(text)
    with pytest.raises(WorkspaceError, match="damaged"):
        Workspace.open(workspace.root)


def test_a_newer_workspace_is_refused(workspace: Workspace) -> None:
    (workspace.root / MARKER).write_text(json.dumps({"workspace": "x", "format": 99}))
    with pytest.raises(WorkspaceError, match="newer"):
        Workspace.open(workspace.root)


def test_without_its_key_a_workspace_stays_shut(workspace: Workspace) -> None:
    (key_folder() / f"{workspace.id}.key").unlink()
    with pytest.raises(WorkspaceError, match="key"):
        Workspace.open(workspace.root)


def test_an_edited_policy_is_legitimate_and_released(workspace: Workspace) -> None:
    workspace.layout.params.write_text("seed: 8\n")
    opened = Workspace.open(workspace.root)
    assert opened.recover() == ()
    apply_release(opened, stage_night(opened))
    assert opened.git.changes() == {}
    assert opened.git.run("show", "release/0001:params.yaml") == b"seed: 8\n"


@pytest.mark.parametrize(
    "name", ["dvc.yaml", "data/accepted.dvc", ".dvc/config", "releases/0001.json"]
)
@pytest.mark.parametrize("how", ["edit", "remove", "stage"])
@pytest.mark.usefixtures("two")
def test_nobodys_work_is_undone_but_our_own(workspace: Workspace, name: str, how: str) -> None:
    path = workspace.root / name
    if how == "remove":
        path.unlink()
    else:
        path.write_text(path.read_text() + "\n# mine\n")
    if how == "stage":
        workspace.git.run("add", "--", name)
    with pytest.raises(Dirty, match=name):
        workspace.recover()
    assert workspace.git.changes().keys() == {name}


@pytest.mark.parametrize("folder", ["contributions", "accepted", "state"])
@pytest.mark.parametrize("how", ["grow", "remove", "add"])
@pytest.mark.usefixtures("two")
def test_changed_data_is_named(workspace: Workspace, folder: str, how: str) -> None:
    files = sorted(p for p in (workspace.root / "data" / folder).rglob("*") if p.is_file())
    path = files[0] if how != "add" else files[0].with_name("stray.parquet")
    if how == "remove":
        path.unlink()
    else:
        with path.open("ab") as file:
            file.write(b"x")
    with pytest.raises(Dirty, match=path.name):
        workspace.recover()
    with pytest.raises(Dirty, match=path.name):
        apply_release(workspace, stage_night(workspace, "2026-01-03"))


@pytest.mark.usefixtures("two")
def test_a_flipped_bit_of_the_same_size_and_time_is_found(workspace: Workspace) -> None:
    path = workspace.root / "data/accepted/night=2026-01-01/part-0.parquet"
    was = path.stat()
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 1
    path.write_bytes(data)
    os.utime(path, ns=(was.st_atime_ns, was.st_mtime_ns))
    with pytest.raises(Tampered, match=r"night=2026-01-01/part-0\.parquet"):
        verify_tree(workspace)


@pytest.mark.usefixtures("two")
def test_users_golden_rows_are_theirs_and_versioned(workspace: Workspace) -> None:
    (workspace.layout.golden / "golden.parquet").write_bytes(b"mine")
    assert workspace.recover() == ()
    apply_release(workspace, stage_night(workspace, "2026-01-03"))
    (workspace.layout.golden / "golden.parquet").unlink()
    workspace.store.restore(["data/golden.dvc"])
    assert (workspace.layout.golden / "golden.parquet").read_bytes() == b"mine"


@pytest.mark.usefixtures("two")
def test_a_workspace_at_an_old_version_is_not_run(workspace: Workspace) -> None:
    workspace.git.run("checkout", "--quiet", "release/0001")
    with pytest.raises(WorkspaceError, match="not on its branch") as refused:
        workspace.recover()
    assert "git switch main" in refused.value.hint


@pytest.mark.usefixtures("two")
def test_a_missing_tag_is_made_again_where_it_was(workspace: Workspace) -> None:
    was = workspace.git.lines("rev-parse", "release/0001^{commit}")
    workspace.git.run("tag", "--delete", "release/0001")
    assert workspace.recover() == ("tagged again: release/0001",)
    assert workspace.git.lines("rev-parse", "release/0001^{commit}") == was
    assert workspace.recover() == ()


def test_a_lost_ledger_is_rebuilt_from_git(workspace: Workspace) -> None:
    apply_release(workspace, stage_night(workspace))
    for number in (1, 2):
        with workspace.ledger() as ledger:
            ledger.promote(f"m{number}", release=1, run_id=f"r{number}", by="x", reason="y", at=NOW)
        workspace.recover()
        commit_models(workspace, message=f"Champion {number}", tag=None, stages=())
    with workspace.ledger() as ledger:
        before = ledger.champion_history()
    for path in workspace.root.glob("ledger.sqlite*"):
        path.unlink()
    assert len(workspace.recover()) == 3
    assert workspace.recover() == ()
    with workspace.ledger() as ledger:
        assert ledger.champion_history() == before
        assert [(run.id, run.release) for run in ledger.runs()] == [("run-2026-01-01", 1)]
        assert ledger.audit_verify() is None


def test_the_champion_file_is_only_a_cache(workspace: Workspace) -> None:
    with workspace.ledger() as ledger:
        champion = ledger.promote("m", release=1, run_id="r", by="x", reason="y", at=NOW)
    assert workspace.recover() == ("wrote champion.json again",)
    assert json.loads(workspace.layout.champion.read_bytes())["model"] == champion.model
    workspace.layout.champion.write_text("{}")
    assert workspace.recover() == ("wrote champion.json again",)


def test_a_run_that_died_is_marked(workspace: Workspace) -> None:
    with workspace.ledger() as ledger:
        ledger.start_run("r1", night="2026-01-01", kind="nightly", at=NOW)
    assert workspace.recover() == ("interrupted: run r1",)
    assert workspace.recover() == ()


def test_recovery_waits_for_nobody_and_disturbs_nobody(workspace: Workspace) -> None:
    with workspace_lock(workspace.layout, "the run"):
        assert _refused_elsewhere(workspace)
        apply_release(workspace, stage_night(workspace))
    assert not _refused_elsewhere(workspace)
    assert len(releases(workspace)) == 1


def test_a_users_own_git_set_up_changes_nothing(workspace: Workspace) -> None:
    home = Path(os.environ["HOME"])
    hooks = home / "hooks"
    hooks.mkdir()
    (hooks / "pre-commit").write_text("#!/bin/sh\nexit 1\n")
    (hooks / "pre-commit").chmod(0o755)
    (home / "ignored").write_text("*.json\n*.lock\n*.dvc\n")
    (home / ".gitconfig").write_text(
        f"[core]\nhooksPath={hooks}\nexcludesFile={home / 'ignored'}\nautocrlf=true\n"
        "[commit]\ngpgSign=true\n[tag]\ngpgSign=true\n[user]\nsigningKey=nobody\n"
        "[status]\nshowUntrackedFiles=no\n"
    )
    apply_release(workspace, stage_night(workspace))
    assert workspace.git.changes() == {}
    assert workspace.recover() == ("ledger: release/0001 belongs to run run-2026-01-01",)


def test_tags_are_signed_by_the_workspace(workspace: Workspace) -> None:
    apply_release(workspace, stage_night(workspace))
    verified = subprocess.run(
        ["git", "-c", "gpg.ssh.allowedSignersFile=.allowed_signers", "verify-tag", "release/0001"],
        cwd=workspace.root,
        capture_output=True,
        text=True,
        check=True,
    )
    assert 'Good "git" signature for foretaste' in verified.stderr


def test_without_ssh_keygen_the_tag_is_plain_and_it_is_said(
    workspace: Workspace,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
    tmp_path: Path,
) -> None:
    git = shutil.which("git")
    assert git is not None
    (tmp_path / "bin").mkdir()
    (tmp_path / "bin" / "git").symlink_to(git)
    monkeypatch.setenv("PATH", str(tmp_path / "bin"))
    apply_release(workspace, stage_night(workspace))
    assert workspace.git.lines("cat-file", "-t", "release/0001") == ["tag"]
    assert "release/0001 is not signed" in caplog.text


def _refused_elsewhere(workspace: Workspace) -> bool:
    child = os.fork()
    if child == 0:
        try:
            workspace.recover()
        except Locked:
            os._exit(3)
        os._exit(0)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 3


def _all_bytes(root: Path) -> bytes:
    return b"".join(p.read_bytes() for p in root.rglob("*") if p.is_file())
