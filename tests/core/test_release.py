from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pandas as pd
import pytest

from foretaste.core.errors import Dirty, IntegrityError, Tampered, Unavailable, WorkspaceError
from foretaste.core.history import diff_releases, read_release_table, verify_release
from foretaste.core.keys import WorkspaceKey
from foretaste.core.release import Release, release, releases, snapshot
from foretaste.core.releasing import apply_release, commit_models, plan_release
from foretaste.core.verdict import Account
from foretaste.core.workspace import Workspace
from tests.workspaces import fingerprint, stage_night

FIRST, SECOND = "2026-01-01", "2026-01-02"


def test_a_plan_changes_nothing_and_tells_all(workspace: Workspace) -> None:
    before = fingerprint(workspace)
    plan = stage_night(workspace)
    assert fingerprint(workspace) == before
    told = "\n".join(plan.describe())
    assert "release/0001 for the night 2026-01-01" in told
    assert "12 rows in" in told
    assert "write data/accepted/night=2026-01-01/part-0.parquet (10 rows)" in told


def test_a_release_is_listed_found_and_whole(
    workspace: Workspace, two: tuple[Release, Release]
) -> None:
    first, second = two
    assert releases(workspace) == [first, second]
    for ref in (1, "1", "0001", "release/0001", FIRST):
        assert release(workspace, ref) == first
    assert release(workspace, "latest") == second
    assert (first.number, first.night, first.run_id) == (1, FIRST, f"run-{FIRST}")
    assert first.counts == Account(12, accepted=10, rejected=2)
    assert (first.ingested, first.policy) == (("ab" * 32,), workspace.policy.digest())
    for one in two:
        verify_release(workspace, one)
    assert workspace.git.changes() == {}


@pytest.mark.parametrize("ref", ["3", "0", "-1", "2026-01-03", "release/3", "", "*", "main"])
def test_a_release_that_is_not_there_is_said_so(
    workspace: Workspace, two: tuple[Release, Release], ref: str
) -> None:
    with pytest.raises(WorkspaceError, match="there is no release") as refused:
        release(workspace, ref)
    assert "2 (2026-01-02)" in refused.value.hint


def test_the_first_release_has_no_elder(workspace: Workspace) -> None:
    assert releases(workspace) == []
    with pytest.raises(WorkspaceError) as refused:
        release(workspace, "latest")
    assert "none yet" in refused.value.hint


def test_a_manifest_survives_its_bytes(two: tuple[Release, Release]) -> None:
    for one in two:
        assert Release.from_bytes(one.to_bytes()) == one


def test_a_newer_manifest_is_refused(two: tuple[Release, Release]) -> None:
    raw = json.loads(two[0].to_bytes())
    with pytest.raises(WorkspaceError, match="newer"):
        Release.from_bytes(json.dumps(raw | {"format": 99}).encode())


def test_dvc_finds_everything_up_to_date(
    workspace: Workspace, two: tuple[Release, Release]
) -> None:
    assert workspace.store.changed().keys() == {"train", "evaluate"}


def test_publishing_again_is_nothing_new(workspace: Workspace) -> None:
    plan = stage_night(workspace)
    first = apply_release(workspace, plan)
    head = workspace.git.head()
    assert apply_release(workspace, plan) == first
    assert apply_release(workspace, stage_night(workspace)) == first
    assert workspace.git.head() == head


def test_a_second_run_of_a_night_adds_to_it(workspace: Workspace) -> None:
    apply_release(workspace, stage_night(workspace, FIRST))
    again = stage_night(workspace, FIRST, run_id="late", part="part-late", ids=range(10, 13))
    second = apply_release(workspace, again)
    assert release(workspace, FIRST) == second
    assert read_release_table(workspace, second, "accepted").num_rows == 13


def test_state_is_replaced_as_a_whole(workspace: Workspace) -> None:
    first = apply_release(workspace, stage_night(workspace, FIRST, more=("data/state/old.json",)))
    second = apply_release(workspace, stage_night(workspace, SECOND))
    assert second.removed == ("data/state/old.json",)
    assert not (workspace.layout.state / "old.json").exists()
    known = releases(workspace)
    assert "data/state/old.json" in snapshot(known, first.number)
    assert "data/state/old.json" not in snapshot(known)


@pytest.mark.parametrize(
    "target",
    [
        "params.yaml",
        ".git/config",
        "/etc/passwd",
        "data/accepted/night=2026-01-09/part-0.parquet",
        "data/accepted/night=2026-01-01/../../../dvc.yaml",
        "data/golden/golden.parquet",
        "data/night/train/model",
        "models/x",
        "data/state",
    ],
)
def test_a_release_writes_where_releases_write(workspace: Workspace, target: str) -> None:
    with pytest.raises(WorkspaceError, match="outside"):
        stage_night(workspace, FIRST, more=(target,))


def test_lost_rows_are_never_planned(workspace: Workspace) -> None:
    with pytest.raises(IntegrityError):
        plan_release(
            workspace,
            night=FIRST,
            run_id="r",
            staged={},
            counts=Account(3, accepted=2),
            files=[],
            policy_digest=workspace.policy.digest(),
        )


def test_a_staged_file_that_changes_after_the_plan_is_refused(workspace: Workspace) -> None:
    plan = stage_night(workspace)
    before = fingerprint(workspace)
    for staged in plan.staged.values():
        staged.source.write_bytes(b"other")
    with pytest.raises(Tampered, match="changed after"):
        apply_release(workspace, plan)
    assert fingerprint(workspace) == before


def test_a_policy_that_changes_during_the_run_is_refused(workspace: Workspace) -> None:
    plan = stage_night(workspace)
    workspace.layout.params.write_text("seed: 8\n")
    with pytest.raises(Dirty, match=r"params\.yaml"):
        apply_release(workspace, plan)
    assert releases(workspace) == []


def test_a_plan_that_is_overtaken_is_refused(workspace: Workspace) -> None:
    slow = stage_night(workspace, SECOND)
    apply_release(workspace, stage_night(workspace, FIRST))
    with pytest.raises(Dirty, match="another release"):
        apply_release(workspace, slow)


def _vanish(remote: Path) -> None:
    shutil.rmtree(remote)


def _become_a_file(remote: Path) -> None:
    shutil.rmtree(remote)
    remote.write_text("not a folder")


def _refuse(remote: Path) -> None:
    shutil.rmtree(remote / "files", ignore_errors=True)
    (remote / "files").write_text("in the way")


@pytest.mark.parametrize("harm", [_vanish, _become_a_file, _refuse])
def test_a_remote_that_is_away_leaves_everything_as_it_was(
    workspace: Workspace, harm: Callable[[Path], None]
) -> None:
    apply_release(workspace, stage_night(workspace, FIRST))
    before, head = fingerprint(workspace), workspace.git.head()
    remote = Path(workspace.store.remote())
    kept = remote.with_name("kept")
    shutil.copytree(remote, kept)
    harm(remote)
    plan = stage_night(workspace, SECOND)
    with pytest.raises(Unavailable, match="remote") as refused:
        apply_release(workspace, plan)
    assert refused.value.exit_code == 75
    assert (workspace.git.head(), fingerprint(workspace)) == (head, before)
    remote.rename(remote.with_name("broken")) if remote.exists() else None
    kept.rename(remote)
    verify_release(workspace, apply_release(workspace, plan))


def test_an_unreachable_server_is_unavailable(workspace: Workspace) -> None:
    workspace.layout.params.write_text("seed: 7\nrelease: {remote: 'http://127.0.0.1:9/x'}\n")
    opened = Workspace.open(workspace.root)
    before = fingerprint(opened)
    with pytest.raises(Unavailable, match=r"127\.0\.0\.1"):
        apply_release(opened, stage_night(opened))
    assert fingerprint(opened) == before


def test_a_remote_moved_by_the_policy_is_used_and_committed(
    workspace: Workspace, tmp_path: Path
) -> None:
    (tmp_path / "new").mkdir()
    workspace.layout.params.write_text(f"seed: 7\nrelease: {{remote: {tmp_path / 'new'}}}\n")
    opened = Workspace.open(workspace.root)
    apply_release(opened, stage_night(opened))
    assert any((tmp_path / "new").rglob("*.dir"))
    assert opened.git.changes() == {}
    assert opened.store.remote() == str(tmp_path / "new")


@pytest.mark.parametrize("error", [KeyboardInterrupt(), OSError(28, "No space left on device")])
def test_an_interruption_undoes_at_once(workspace: Workspace, error: BaseException) -> None:
    before = fingerprint(workspace)

    def interrupt(point: str) -> None:
        if point == "pushed":
            raise error

    expected = Unavailable if isinstance(error, OSError) else KeyboardInterrupt
    with pytest.raises(expected):
        apply_release(workspace, stage_night(workspace), checkpoint=interrupt)
    assert fingerprint(workspace) == before
    assert workspace.recover() == ()


def test_a_disk_without_room_is_said_before_anything_changes(
    workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    plan = stage_night(workspace)
    before = fingerprint(workspace)
    usage = shutil.disk_usage(workspace.root)
    monkeypatch.setattr(shutil, "disk_usage", lambda _: usage._replace(free=1))
    with pytest.raises(Unavailable, match=r"MB needed, 0\.0 MB free"):
        apply_release(workspace, plan)
    assert fingerprint(workspace) == before


def test_an_old_release_is_read_without_touching_the_tree(
    workspace: Workspace, two: tuple[Release, Release]
) -> None:
    before = fingerprint(workspace)
    first, second = two
    assert read_release_table(workspace, first, "accepted").num_rows == 10
    assert read_release_table(workspace, second, "accepted").num_rows == 15
    assert read_release_table(workspace, second, "accepted", nights=[SECOND]).num_rows == 5
    slim = read_release_table(workspace, second, "contributions", columns=["row_id"])
    assert slim.column_names == ["row_id"]
    state = read_release_table(workspace, first, "state/validity.parquet")
    assert state["night"].to_pylist() == [FIRST]
    assert read_release_table(workspace, first, "night/sanitize").num_rows == 10
    assert fingerprint(workspace) == before
    with pytest.raises(WorkspaceError, match="no table 'secrets'"):
        read_release_table(workspace, first, "secrets")


def test_a_release_is_read_from_the_remote_where_the_cache_is_gone(
    workspace: Workspace, two: tuple[Release, Release]
) -> None:
    shutil.rmtree(workspace.root / ".dvc" / "cache")
    assert read_release_table(workspace, two[0], "accepted").num_rows == 10


def test_a_clone_on_another_machine_reads_and_verifies(
    workspace: Workspace, two: tuple[Release, Release], tmp_path: Path
) -> None:
    subprocess.run(["git", "clone", "-q", workspace.root, tmp_path / "clone"], check=True)
    clone = Workspace.open(tmp_path / "clone")
    with pytest.raises(Dirty) as refused:
        clone.recover()
    assert "dvc pull" in refused.value.hint
    assert diff_releases(clone, *two)["change"].tolist() == ["added"] * 5


def test_the_difference_of_releases_is_told_row_by_row(workspace: Workspace) -> None:
    first = apply_release(workspace, stage_night(workspace, FIRST))
    again = stage_night(workspace, FIRST, run_id="again", ids=range(2, 12), weight=0.5)
    second = apply_release(workspace, again)
    frame = diff_releases(workspace, first, second)
    assert frame["row_id"].tolist() == [f"r{i:04d}" for i in range(12)]
    assert frame["change"].tolist() == ["removed"] * 2 + ["changed"] * 8 + ["added"] * 2
    changed = frame[frame["change"] == "changed"]
    assert set(changed["old_weight"]) == {1.0}
    assert set(changed["new_weight"]) == {0.5}
    assert (changed["old_label"] == changed["new_label"]).all()
    back = diff_releases(workspace, second, first)
    assert back["change"].tolist() == ["added"] * 2 + ["changed"] * 8 + ["removed"] * 2
    assert diff_releases(workspace, first, first).empty
    pd.testing.assert_frame_equal(frame, diff_releases(workspace, first, second))


def _objects(workspace: Workspace) -> list[Path]:
    cache = workspace.root / ".dvc" / "cache" / "files" / "md5"
    return sorted(p for p in cache.rglob("*") if p.is_file() and p.suffix != ".dir")


def test_a_flipped_bit_in_dvcs_cache_is_found(workspace: Workspace) -> None:
    one = apply_release(workspace, stage_night(workspace))
    for path in _objects(workspace):
        data = path.read_bytes()
        was = path.stat()
        path.chmod(0o644)
        path.write_bytes(bytes([data[0] ^ 1]) + data[1:])
        os.utime(path, ns=(was.st_atime_ns, was.st_mtime_ns))
        with pytest.raises(Tampered, match="data/"):
            verify_release(workspace, one)
        path.write_bytes(data)
    verify_release(workspace, one)


def _edit_manifest(workspace: Workspace) -> str:
    path = workspace.root / "releases" / "0001.json"
    path.write_text(path.read_text().replace('"accepted": 10', '"accepted": 11'))
    return "releases/0001.json is not signed"


def _forge_signature(workspace: Workspace) -> str:
    from foretaste.core.signatures import sign

    path = workspace.root / "releases" / "0001.json"
    forged = sign(WorkspaceKey(b"f" * 32), path.read_bytes())
    (workspace.root / "releases" / "0001.sig").write_bytes(forged)
    return "releases/0001.json is not signed"


def _remove_signature(workspace: Workspace) -> str:
    (workspace.root / "releases" / "0001.sig").unlink()
    return "releases/0001.json is not signed"


def _swap(workspace: Workspace) -> str:
    for end in (".json", ".sig"):
        first, second = (workspace.root / "releases" / f"000{n}{end}" for n in (1, 2))
        first.write_bytes(second.read_bytes())
    return "another release's"


@pytest.mark.parametrize("forge", [_edit_manifest, _forge_signature, _remove_signature, _swap])
def test_a_forged_manifest_is_found_even_when_committed(
    workspace: Workspace, two: tuple[Release, Release], forge: Callable[[Workspace], str]
) -> None:
    told = forge(workspace)
    workspace.git.run("commit", "--quiet", "--all", "--message", "as if nothing had happened")
    with pytest.raises(Tampered, match=told):
        verify_release(workspace, release(workspace, 2))
    for one in two:
        with pytest.raises(Tampered):
            read_release_table(workspace, one, "accepted")


def test_a_moved_tag_is_found(workspace: Workspace, two: tuple[Release, Release]) -> None:
    workspace.git.run("tag", "--force", "--annotate", "-m", "x", "release/0001", "release/0002^{}")
    with pytest.raises(Tampered, match="release/0001 was moved"):
        verify_release(workspace, two[0])


def test_a_tag_signed_by_another_key_is_found(
    workspace: Workspace, two: tuple[Release, Release]
) -> None:
    from foretaste.core.signatures import ssh_key_file

    key = ssh_key_file("0" * 16, WorkspaceKey(b"f" * 32))
    target = workspace.git.lines("rev-parse", "release/0001^{}")[0]
    workspace.git.run(
        "tag", "--force", "--sign", "-m", "x", "release/0001", target,
        settings=(f"user.signingKey={key}",),
    )  # fmt: skip
    with pytest.raises(Tampered, match="forged"):
        verify_release(workspace, two[0])


def _stage_models(workspace: Workspace, content: str) -> dict[str, Path]:
    work = workspace.layout.runs / "models"
    work.mkdir(parents=True, exist_ok=True)
    for name in ("model", "train", "gates"):
        (work / name).write_text(content)
    return {
        f"models/{content}/model.skops": work / "model",
        f"data/night/train/{content}.csv": work / "train",
        "data/night/evaluate/gates.json": work / "gates",
    }


def test_models_are_versioned_beside_their_release(
    workspace: Workspace, two: tuple[Release, Release]
) -> None:
    workspace.layout.champion.write_text('{"seq": 1}')
    tag = commit_models(
        workspace, message="Models", tag="model/0002", staged=_stage_models(workspace, "a")
    )
    assert tag == "model/0002"
    assert workspace.store.changed() == {}
    assert workspace.git.changes() == {}
    assert workspace.git.run("show", "model/0002:champion.json") == b'{"seq": 1}'
    again = commit_models(
        workspace, message="Models", tag="model/0002", staged=_stage_models(workspace, "a")
    )
    assert again == "model/0002"
    other = commit_models(
        workspace, message="Models", tag="model/0002", staged=_stage_models(workspace, "b")
    )
    assert other == "model/0002.2"
    assert {p.name for p in (workspace.layout.night / "train").iterdir()} == {"b.csv"}
    assert {p.name for p in workspace.layout.models.iterdir()} == {"a", "b"}
    assert workspace.store.changed() == {}


FAKE_STAGE = """#!/bin/sh
# Makes a stage's outs again, as the real command would, from what the test kept.
mkdir -p "data/night/$2" && cp kept/"$2"/* "data/night/$2/"
"""


def test_dvc_repro_at_a_tag_gives_the_same_outs(
    workspace: Workspace,
    two: tuple[Release, Release],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    commit_models(workspace, message="M", tag="model/0002", staged=_stage_models(workspace, "a"))
    workspace.git.run("checkout", "--quiet", "model/0002")
    shutil.copytree(workspace.layout.night, workspace.root / "kept")
    command = tmp_path / "bin" / "foretaste"
    command.parent.mkdir()
    command.write_text(FAKE_STAGE)
    command.chmod(0o755)
    monkeypatch.setenv("PATH", f"{command.parent}:{os.environ['PATH']}")
    lock = (workspace.root / "dvc.lock").read_bytes()
    assert "up to date" in _dvc(workspace, "repro")
    _dvc(workspace, "repro", "--force")
    assert (workspace.root / "dvc.lock").read_bytes() == lock


def _dvc(workspace: Workspace, *arguments: str) -> str:
    done = subprocess.run(
        [sys.executable, "-m", "dvc", *arguments],
        cwd=workspace.root,
        capture_output=True,
        text=True,
        check=True,
    )
    return done.stdout
